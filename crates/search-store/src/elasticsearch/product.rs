//! Finds out which engine answers, and in which version: only those are used that this store was written for.

use std::time::Duration;

use reqwest::Method;
use schema::Product;
use serde::Deserialize;

use super::client::{Answer, Body, Client};
use super::failure::{refused, unanswered};
use crate::StoreError;

/// How long the question may take.
const TIME: Duration = Duration::from_secs(10);

#[derive(Debug, Deserialize)]
struct Greeting {
    version: Version,
}

#[derive(Debug, Deserialize)]
struct Version {
    number: String,
    distribution: Option<String>,
}

/// Asks an engine what it is.
///
/// # Errors
/// No answer, or one of something else.
pub(crate) async fn find(client: &Client) -> Result<Product, StoreError> {
    let hosts = client.shown();
    let answer = client
        .ask(Method::GET, "", Body::None, TIME)
        .await
        .map_err(|failure| unanswered(&failure, &hosts))?;
    if !answer.status.is_success() {
        return Err(refused(&answer, &hosts));
    }
    let (product, number) = read(&answer, &hosts)?;
    tracing::info!(?product, version = number, %hosts, "search engine found");
    Ok(product)
}

fn read(answer: &Answer, hosts: &str) -> Result<(Product, String), StoreError> {
    let unknown = |what: &str| {
        StoreError::Fatal(format!(
            "{what} answers at {hosts}: Millrace needs Elasticsearch 8 or OpenSearch 2.7, or later"
        ))
    };
    let greeting: Greeting = serde_json::from_slice(&answer.body)
        .map_err(|_| unknown("something that is no search engine"))?;
    let Version { number, distribution } = greeting.version;
    let shown: String = number.chars().filter(|c| !c.is_control()).take(40).collect();
    let mut parts = number.split('.').map(|part| part.parse::<u32>().ok());
    let major = parts.next().flatten();
    let version = major.map(|major| (major, parts.next().flatten().unwrap_or(0)));
    let (product, name, least) = match distribution.as_deref() {
        Some("opensearch") => (Product::OpenSearch, "OpenSearch", (2, 7)),
        None if answer.is_elasticsearch => (Product::Elasticsearch, "Elasticsearch", (8, 0)),
        // Before it had a header to tell itself by.
        None => return Err(unknown(&format!("version {shown} of something"))),
        Some(_) => return Err(unknown("an unknown distribution")),
    };
    match version {
        Some(version) if version >= least => Ok((product, shown)),
        _ => Err(unknown(&format!("{name} {shown}"))),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::StatusCode;
    use schema::Product;

    use super::{Answer, read};

    fn product(body: &str, is_elasticsearch: bool) -> Result<Product, String> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let answer = Answer { status: StatusCode::OK, retry_after: None, is_elasticsearch, body };
        read(&answer, "http://a:9200/").map(|found| found.0).map_err(|error| error.to_string())
    }

    #[test]
    fn both_products_are_known_by_themselves() {
        let elastic = product(r#"{"version":{"number":"8.19.21","build_flavor":"default"}}"#, true);
        assert_eq!(elastic, Ok(Product::Elasticsearch));
        let open = product(r#"{"version":{"distribution":"opensearch","number":"2.19.6"}}"#, false);
        assert_eq!(open, Ok(Product::OpenSearch));
    }

    #[test]
    fn others_are_refused_by_name() {
        let cases = [
            (r#"{"version":{"number":"7.17.0"}}"#, true, "Elasticsearch 7.17.0"),
            (r#"{"version":{"number":"6.8.23"}}"#, false, "version 6.8.23"),
            (
                r#"{"version":{"distribution":"opensearch","number":"1.3.0"}}"#,
                false,
                "OpenSearch 1.3.0",
            ),
            (
                r#"{"version":{"distribution":"other","number":"9.0.0"}}"#,
                false,
                "unknown distribution",
            ),
            (r#"{"version":{"number":"x"}}"#, true, "Elasticsearch x"),
            (
                r#"{"version":{"distribution":"opensearch","number":"2.6.9"}}"#,
                false,
                "OpenSearch 2.6.9",
            ),
            ("<html>", false, "no search engine"),
            ("{}", true, "no search engine"),
        ];
        for (body, header, expected) in cases {
            let error = product(body, header).expect_err(body);
            assert!(error.contains(expected) && error.contains("http://a:9200/"), "{error}");
        }
    }
}
