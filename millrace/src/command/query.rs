//! `millrace query`: finds events and prints them, as a table for people or as JSON lines.

use std::io::{self, Write};

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{Failure, counted, print};
use crate::cli::QueryArguments;
use crate::client::Client;
use crate::event_stream::EventStream;

/// Most events of one page.
const PAGE_SIZE_MAX: usize = 500;
/// Most events that are printed unless `--limit` says otherwise.
const LIMIT_DEFAULT: usize = 50;

#[derive(Debug, Deserialize)]
struct Page {
    total: u64,
    hits: Vec<Hit>,
    next_cursor: Option<String>,
    #[serde(default)]
    unknown_fields: Vec<UnknownField>,
}

#[derive(Debug, Deserialize)]
struct Hit {
    id: String,
    index: String,
    document: Box<RawValue>,
}

#[derive(Debug, Deserialize)]
struct Count {
    count: u64,
    #[serde(default)]
    unknown_fields: Vec<UnknownField>,
}

/// A field of the query that no event can have.
#[derive(Debug, Deserialize)]
struct UnknownField {
    name: String,
    suggestion: Option<String>,
    /// Those of the object that has this name.
    #[serde(default)]
    fields: Vec<String>,
}

pub(super) async fn run(arguments: &QueryArguments) -> Result<(), Failure> {
    let client = Client::open(&arguments.server)?;
    let found = find(arguments, &client).await;
    found.map_err(|failure| failure.under_query(&arguments.query))
}

async fn find(arguments: &QueryArguments, client: &Client) -> Result<(), Failure> {
    let range = range(arguments);
    if arguments.count {
        let count: Count = client.get("/api/search/count", &range).await?;
        warn(&count.unknown_fields);
        return print(|out| writeln!(out, "{}", count.count));
    }
    if arguments.follow {
        return follow(arguments, client).await;
    }
    let limit = arguments.limit.unwrap_or(LIMIT_DEFAULT);
    let mut pages = Pages { client, parameters: range, is_consistent: limit > PAGE_SIZE_MAX };
    let order = if arguments.oldest_first { "oldest_first" } else { "newest_first" };
    pages.parameters.push(("order", order.to_owned()));
    let mut cursor: Option<String> = None;
    let mut left = limit;
    let mut total = 0;
    while left > 0 {
        let size = left.min(PAGE_SIZE_MAX);
        let page = match cursor.take() {
            None => {
                let first = pages.first(size).await?;
                warn(&first.unknown_fields);
                first
            }
            cursor => {
                let next = pages.page(size, cursor).await;
                next.map_err(|failure| cut_off(failure, limit - left))?
            }
        };
        total = page.total;
        left -= page.hits.len().min(left);
        print(|out| page.hits.iter().try_for_each(|hit| write_hit(out, hit, arguments.json)))?;
        cursor = page.next_cursor;
        if cursor.is_none() || page.hits.is_empty() {
            break;
        }
    }
    let printed = (limit - left) as u64;
    if !arguments.json && printed < total {
        print(|out| {
            writeln!(out, "{printed} of {}; --limit {total} prints all", counted(total, "event"))
        })?;
    }
    Ok(())
}

/// What is asked for page by page.
struct Pages<'a> {
    client: &'a Client,
    /// What is the same for all pages.
    parameters: Vec<(&'static str, String)>,
    /// Whether all pages show the events of one moment.
    is_consistent: bool,
}

impl Pages<'_> {
    /// The page behind a cursor, or the first one.
    async fn page(&self, size: usize, cursor: Option<String>) -> Result<Page, Failure> {
        let mut parameters = self.parameters.clone();
        parameters.push(("size", size.to_string()));
        if self.is_consistent {
            parameters.push(("consistent", "true".to_owned()));
        }
        parameters.extend(cursor.map(|cursor| ("cursor", cursor)));
        self.client.get("/api/search/query", &parameters).await
    }

    /// The first page. Where the platform can hold no moment, or may not, the pages go on without, and that is said on
    /// standard error.
    #[expect(clippy::print_stderr, reason = "the tool's own voice on a terminal")]
    async fn first(&mut self, size: usize) -> Result<Page, Failure> {
        let refused = match self.page(size, None).await {
            Err(failure) if self.is_consistent && is_refusal(&failure) => failure,
            page => return page,
        };
        self.is_consistent = false;
        let page = self.page(size, None).await?;
        eprintln!("millrace: the pages are not of one moment: {}", refused.message);
        Ok(page)
    }
}

/// Whether the same search may be answered without a view of one moment: there is no room for one, it would not be
/// whole, or there are none at all. A query that is wrong is told when it is asked again.
fn is_refusal(failure: &Failure) -> bool {
    [StatusCode::BAD_REQUEST, StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE]
        .iter()
        .any(|status| failure.status == Some(status.as_u16()))
}

/// Says what to do where the view of one moment ends between two pages.
fn cut_off(failure: Failure, printed: usize) -> Failure {
    if failure.status != Some(StatusCode::GONE.as_u16()) {
        return failure;
    }
    let printed = counted(printed as u64, "event");
    let message = format!(
        "the view of one moment has expired after {printed}: ask again, in parts by --from and --to"
    );
    Failure { message, ..failure }
}

fn range(arguments: &QueryArguments) -> Vec<(&'static str, String)> {
    let mut parameters = vec![("q", arguments.query.clone())];
    if arguments.from.is_none() && arguments.to.is_none() {
        parameters.push(("from", format!("now-{}", arguments.last)));
    }
    parameters.extend(arguments.from.clone().map(|from| ("from", from)));
    parameters.extend(arguments.to.clone().map(|to| ("to", to)));
    parameters
}

/// Says on standard error which fields no event can have.
#[expect(clippy::print_stderr, reason = "the tool's own voice on a terminal")]
fn warn(unknown_fields: &[UnknownField]) {
    for UnknownField { name, suggestion, fields } in unknown_fields {
        let name = super::escape_control(name);
        let said = match (fields.as_slice(), suggestion) {
            ([], None) => format!("no such field: {name}"),
            ([], Some(meant)) => format!("no such field: {name}; did you mean {meant}?"),
            (fields, _) => {
                let its = fields.join(", ");
                format!("{name} is an object and has no value itself; its fields are {its}")
            }
        };
        eprintln!("millrace: {said}");
    }
}

/// Prints what arrives until there is enough, or the reader or the server goes.
async fn follow(arguments: &QueryArguments, client: &Client) -> Result<(), Failure> {
    let parameters = [("q", arguments.query.clone())];
    let now = [("q", arguments.query.clone()), ("from", "now".to_owned())];
    let count: Count = client.get("/api/search/count", &now).await?;
    warn(&count.unknown_fields);
    let mut left = arguments.limit.unwrap_or(usize::MAX);
    let mut events = EventStream::new(client.stream("/api/search/tail", &parameters).await?);
    while left > 0 {
        if let Ok(hit) = serde_json::from_slice::<Hit>(&events.next().await?) {
            print(|out| write_hit(out, &hit, arguments.json))?;
            left -= 1;
        }
    }
    Ok(())
}

fn write_hit(out: &mut dyn Write, hit: &Hit, json: bool) -> io::Result<()> {
    if json {
        return writeln!(out, "{}", with_identity(hit));
    }
    let document: Value = serde_json::from_str(hit.document.get()).unwrap_or_default();
    let at = |path: &str| document.pointer(path).map(plain).unwrap_or_default();
    writeln!(
        out,
        "{}  {:<15}  {:<8}  {}  {}",
        at("/@timestamp"),
        at("/event/dataset"),
        at("/log/level"),
        hit.id,
        summary(&document)
    )
}

/// The document with `_id` and `_index` before its own fields, which stay byte for byte.
fn with_identity(hit: &Hit) -> String {
    let own = json!({ "_id": hit.id, "_index": hit.index }).to_string();
    let document = hit.document.get().trim();
    let fields = document.strip_prefix('{').map_or("}", str::trim_start);
    let comma = if fields.starts_with('}') { "" } else { "," };
    format!("{}{comma}{fields}", own.trim_end_matches('}'))
}

/// What says most about an event in a line.
fn summary(document: &Value) -> String {
    const PARTS: [&str; 13] = [
        "/message",
        "/event/action",
        "/shop/order/id",
        "/shop/order/amount",
        "/shop/order/currency",
        "/http/request/method",
        "/url/path",
        "/url/original",
        "/url/full",
        "/http/response/status_code",
        "/event/risk_score",
        "/client/ip",
        "/client/geo/country_iso_code",
    ];
    let parts = PARTS.iter().filter_map(|path| document.pointer(path)).map(plain);
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A value on one line: control characters are written as escapes, so that no text of an event can
/// move the cursor or fake a line.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    super::escape_control(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_that_ends_between_pages_is_told_with_the_way_out() {
        let told = |status| {
            let failure = Failure { status: Some(status), ..Failure::new("refused") };
            cut_off(failure, 500).message
        };
        assert!(told(410).contains("after 500 events") && told(410).contains("--from"));
        assert_eq!(told(503), "refused");
    }

    #[test]
    fn a_document_is_printed_with_its_id_and_index() {
        let print = |document: &str| {
            let document = RawValue::from_string(document.to_owned()).expect("JSON");
            with_identity(&Hit { id: "a\"}".to_owned(), index: "i".to_owned(), document })
        };
        assert_eq!(print(r#"{"a": 1.50}"#), r#"{"_id":"a\"}","_index":"i","a": 1.50}"#);
        assert_eq!(print(" { } "), r#"{"_id":"a\"}","_index":"i"}"#);
    }
}
