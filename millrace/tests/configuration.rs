//! The reference of settings in the documents is whole, a configuration may come out of a pipe, and what is wrong with
//! it is a mistake also where it is found only when the doors are to open.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use millrace::config::PlatformConfig;
use millrace::settings;

use support::{NO_DEFAULT_DOORS, binary, text, tool_with_input};

/// The gateway alone, which comes to its doors before its bus.
const GATEWAY: &str = env!("CARGO_BIN_EXE_ingest-gateway");
const GATEWAY_ARGUMENTS: [&str; 5] =
    ["--bus", "kafka://127.0.0.1:9", "--metrics-listen", "127.0.0.1:0", NO_DEFAULT_DOORS];
/// A platform without doors.
const UP_ARGUMENTS: [&str; 6] =
    ["up", "--api-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", NO_DEFAULT_DOORS];
/// Pretends that this file is what the system says of the machine's memory.
const PRETEND: &str = "mount --bind \"$0\" /proc/meminfo";

/// Runs a program as on a machine with this much memory; none where this system lets nobody pretend that.
fn on_a_machine_of(mebibytes: u64, program: &Path, arguments: &[&str]) -> Option<Output> {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("meminfo");
    std::fs::write(&file, format!("MemTotal: {} kB\n", mebibytes << 10)).expect("a file");
    let run = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(&file);
        command.arg(program).args(arguments).output().ok()
    };
    run(PRETEND).filter(|output| output.status.success())?;
    run(&format!("{PRETEND} && exec \"$@\""))
}

/// Settings that no configuration shows, since they are secrets.
const HIDDEN: [&str; 1] = ["ingest_gateway.ingest_token"];

#[test]
fn every_setting_is_named_in_the_documents() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let document = std::fs::read_to_string(path).expect("the document");
    let names = settings::names(&PlatformConfig::default());
    assert!(names.len() > 80, "settings are found: {names:?}");
    let missing: Vec<_> = names
        .iter()
        .map(String::as_str)
        .chain(HIDDEN)
        // Caps have the names of currencies.
        .filter(|name| !name.starts_with("fraud_worker.scoring.rules.amount_caps."))
        .filter(|name| !document.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "docs/configuration.md does not name: {}", missing.join(", "));
}

#[test]
fn a_configuration_out_of_a_pipe_counts_beside_what_its_pipeline_says() {
    let config = "[enricher]\npipeline = \"tests/logstash/shop.conf\"\n\
                  [ingest_gateway.tcp]\nlisten = \"127.0.0.1:5999\"\n";
    let up = ["up", "--check-config", "--config", "/dev/stdin"];
    let output = tool_with_input(&up, config.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("the configuration says otherwise: ingest_gateway.tcp.listen"), "{said}");
    assert!(!said.contains("ingest_gateway.tcp.listen ="), "{said}");
}

#[test]
fn too_little_memory_ends_as_a_mistake_in_the_configuration() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    let data_argument = format!("--data={}", data.display());
    let up = [&UP_ARGUMENTS[..], &[data_argument.as_str()]].concat();
    let long_lines =
        ["--set=ingest_gateway.line_bytes_max=4MiB", "--set=enricher.limits.event_bytes_max=4MiB"];
    let with_long_lines = [&up[..], &long_lines].concat();
    for (mebibytes, program, arguments, said) in [
        (100, binary(), &up[..], "let it use 128MiB or more"),
        (128, binary(), &with_long_lines[..], "32MiB cannot hold 16 lines of 4MiB"),
        (50, Path::new(GATEWAY), &GATEWAY_ARGUMENTS[..], "let it use 64MiB or more"),
    ] {
        let Some(output) = on_a_machine_of(mebibytes, program, arguments) else {
            println!("not run: this system lets nobody pretend to have less memory");
            return;
        };
        let told = text(&output.stderr);
        let setting = "ingest_gateway.memory_bytes_max: ";
        assert!(told.contains(setting) && told.contains(said), "{told}");
        assert_eq!(output.status.code(), Some(64), "{told}");
    }
    assert!(!data.exists(), "a start that was refused leaves no folder behind");
}

#[test]
fn a_file_that_a_door_does_not_find_is_a_mistake_in_the_configuration() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let data_argument = format!("--data={}", folder.path().join("data").display());
    let settings = [
        "--set=ingest_gateway.http.sign_in.user=shop",
        "--set=ingest_gateway.http.sign_in.password_file=/nowhere/password",
    ];
    let up = [&UP_ARGUMENTS[..], &[data_argument.as_str()]].concat();
    let programs = [(binary(), &up[..]), (Path::new(GATEWAY), &GATEWAY_ARGUMENTS[..])];
    for (program, arguments) in programs {
        let output = Command::new(program).args(arguments).args(settings).output();
        let output = output.expect("it runs");
        let told = text(&output.stderr);
        assert!(told.contains("ingest_gateway.http.sign_in.password_file: "), "{told}");
        assert_eq!(output.status.code(), Some(64), "{told}");
    }
}

#[test]
fn a_further_door_is_checked_before_the_start_and_set_by_variables_too() {
    let check = |listen: Option<&str>| {
        let variable = "MILLRACE_INGEST_GATEWAY__TCP__INPUTS__TCP-2__LISTEN";
        let output = Command::new(binary())
            .args(["up", "--check-config", "--set=ingest_gateway.tcp.inputs.tcp-2.codec=plain"])
            .envs(listen.map(|listen| (variable, listen)))
            .output()
            .expect("it runs");
        (output.status.code(), text(&output.stderr))
    };
    let setting = "ingest_gateway.tcp.inputs.tcp-2.listen: ";
    for (listen, wrong) in [
        (None, "a further door has no usual place"),
        (Some("0.0.0.0:5001"), "other machines reach 0.0.0.0:5001"),
        (Some("127.0.0.1:5000"), "is the address of ingest_gateway.tcp.listen too"),
    ] {
        let (code, said) = check(listen);
        assert_eq!(code, Some(64), "{said}");
        assert!(said.contains(setting) && said.contains(wrong), "{said}");
    }
    let (code, said) = check(Some("127.0.0.1:5001"));
    assert_eq!(code, Some(0), "{said}");
}
