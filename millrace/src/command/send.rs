//! `millrace send`: lines from files or standard input to the HTTP door.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use super::{Failure, counted, escape_control, print};
use crate::cli::SendArguments;
use crate::send::{self, Options, Progress, Report};

/// Most bytes in a request; one longer line travels alone.
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// How long a line of a slow input waits for others.
const FLUSH_AFTER: Duration = Duration::from_millis(500);
/// What is read from the input at once.
const READ_BYTES: usize = 256 << 10;

pub(super) async fn run(arguments: &SendArguments) -> Result<(), Failure> {
    let key = arguments.key.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let client = client(arguments.ca_file.as_deref())?;
    let mut refused = 0;
    if arguments.files.is_empty() {
        // Waits for the first line, in which time the command may be ended.
        let input = tokio::task::spawn_blocking(standard_input);
        let input = input.await.map_err(|error| Failure::new(error.to_string()))??;
        let options = options(arguments, client, key);
        let report = send::send(input, options, Progress::new(None)).await;
        refused += say(None, report)?;
    } else {
        for (number, path) in arguments.files.iter().enumerate() {
            let (input, bytes) = open(path)?;
            let options = options(arguments, client.clone(), format!("{key}-{number}"));
            let report = send::send(input, options, Progress::new(bytes)).await;
            refused += say(Some(path), report)?;
        }
    }
    if refused > 0 {
        let lines = counted(refused, "line");
        let (were, them) = if refused == 1 { ("was", "it") } else { ("were", "them") };
        return Err(Failure::new(format!(
            "{lines} {were} refused; `millrace dead list` shows {them}"
        )));
    }
    Ok(())
}

fn client(ca_file: Option<&Path>) -> Result<reqwest::Client, Failure> {
    let mut authorities = Vec::new();
    if let Some(file) = ca_file {
        let cannot = |error: &dyn std::fmt::Display| {
            let file = file.display();
            Failure::new(format!("cannot take authorities from --ca-file {file}: {error}"))
        };
        let pem = std::fs::read(file).map_err(|error| cannot(&error))?;
        authorities =
            reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| cannot(&error))?;
        if authorities.is_empty() {
            return Err(cannot(&"it holds no certificate in PEM"));
        }
    }
    let built = service::http_client::builder().tls_certs_merge(authorities).build();
    built.map_err(|error| Failure::new(format!("cannot make a client: {error}")))
}

fn options(arguments: &SendArguments, client: reqwest::Client, key_prefix: String) -> Options {
    Options {
        client,
        url: arguments.url.trim_end_matches('/').to_owned(),
        token: arguments.token.clone(),
        key_prefix,
        content_type: if arguments.plain { "text/plain" } else { "application/x-ndjson" },
        request_lines_max: arguments.lines_per_request as usize,
        request_bytes_max: REQUEST_BYTES_MAX,
        requests_in_flight_max: arguments.requests_in_flight as usize,
        // A key asks for the same requests each time, so only lines may cut them.
        flush_after: arguments.key.is_none().then_some(FLUSH_AFTER),
        give_up_after: arguments.give_up_after.map(Duration::from_secs),
    }
}

fn standard_input() -> Result<BufReader<io::Stdin>, Failure> {
    let mut input = BufReader::with_capacity(READ_BYTES, io::stdin());
    lines_only(&mut input, None)?;
    Ok(input)
}

fn open(path: &Path) -> Result<(BufReader<File>, Option<u64>), Failure> {
    let cannot = |error| Failure::new(format!("cannot read {}: {error}", path.display()));
    let file = File::open(path).map_err(cannot)?;
    let bytes = file.metadata().map_err(cannot)?.len();
    let mut input = BufReader::with_capacity(READ_BYTES, file);
    lines_only(&mut input, Some(path))?;
    Ok((input, Some(bytes)))
}

/// Refuses an input that is compressed; no path is standard input.
fn lines_only(input: &mut impl BufRead, path: Option<&Path>) -> Result<(), Failure> {
    let shown = path.map_or("standard input".to_owned(), |path| path.display().to_string());
    let begin = input.fill_buf();
    let begin = begin.map_err(|error| Failure::new(format!("cannot read {shown}: {error}")))?;
    let Some((format, program)) = compression(begin) else { return Ok(()) };
    let file = path.map_or("<file".to_owned(), |_| shown.clone());
    Err(Failure::usage(format!(
        "{shown} is compressed ({format}), and `send` reads lines: {program} {file} | millrace send"
    )))
}

/// The compression that an input begins like, and the program that undoes it.
fn compression(begin: &[u8]) -> Option<(&'static str, &'static str)> {
    const BEGINS: [(&[u8], &str, &str); 3] = [
        (b"\x1f\x8b", "gzip", "zcat"),
        (b"\x28\xb5\x2f\xfd", "zstd", "zstdcat"),
        (b"\xfd7zXZ\0", "xz", "xzcat"),
    ];
    let known = BEGINS.iter().find(|(magic, ..)| begin.starts_with(magic));
    known.map(|(_, format, program)| (*format, *program))
}

/// Prints what became of the lines, and gives the number of refused ones.
fn say(path: Option<&Path>, report: Result<Report, send::SendError>) -> Result<u64, Failure> {
    let report = report.map_err(|error| Failure::new(error.to_string()))?;
    print(|out| {
        if let Some(path) = path {
            write!(out, "{}: ", path.display())?;
        }
        writeln!(out, "{report}")?;
        for (line, reason) in &report.refused_lines {
            writeln!(out, "  line {line}: {}", escape_control(reason))?;
        }
        let named = report.refused_lines.len() as u64;
        if report.refused > named {
            writeln!(out, "  ... and {} more", report.refused - named)?;
        }
        Ok(())
    })?;
    Ok(report.refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compressed_input_is_refused_wherever_it_comes_from() {
        let said = |mut input: &[u8], path: Option<&str>| {
            lines_only(&mut input, path.map(Path::new)).map_err(|failure| failure.to_string())
        };
        assert!(said(b"{\"a\":1}\n", None).is_ok() && said(b"", None).is_ok());
        for (begin, program) in [(&b"\x1f\x8b\x08"[..], "zcat"), (b"\x28\xb5\x2f\xfd\0", "zstdcat")]
        {
            let refused = said(begin, None).unwrap_err();
            assert!(refused.contains("standard input is compressed"), "{refused}");
            assert!(refused.contains(&format!("{program} <file | millrace send")), "{refused}");
            let refused = said(begin, Some("a.gz")).unwrap_err();
            assert!(refused.contains(&format!("{program} a.gz | millrace send")), "{refused}");
        }
    }
}
