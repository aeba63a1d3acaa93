//! Talks to a running platform's API: over the local socket of its data folder, or to an address with a
//! token. Never opens a store.

use std::env;
use std::io;
use std::path::Path;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cli::{Place, ServerArguments};
use crate::command::Failure;

/// Where the local socket stands in a data folder.
pub const SOCKET: &str = "run/api.sock";

/// A way to the API.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    /// Where it leads, for messages.
    place: String,
}

/// What the API says when it refuses (RFC 9457).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: Option<String>,
    /// Character of the query, from 1.
    position: Option<usize>,
}

impl Client {
    /// A client for the platform that the arguments name.
    ///
    /// # Errors
    /// No platform runs there.
    pub fn open(server: &ServerArguments) -> Result<Self, Failure> {
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| Failure::new(format!("cannot make a client: {error}")))
        };
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        match server.place(variable) {
            Place::Address(url) => {
                check_address(&url)?;
                Ok(Self {
                    http: build(service::http_client::builder())?,
                    base: url.trim_end_matches('/').to_owned(),
                    token: server.token.clone(),
                    place: url,
                })
            }
            Place::Folder(folder) => {
                let socket = folder.join(SOCKET);
                match socket.try_exists() {
                    Ok(true) => {}
                    Ok(false) => return Err(not_running(&folder)),
                    Err(error) => return Err(not_allowed(&folder, &error)),
                }
                Ok(Self {
                    http: build(service::http_client::builder().unix_socket(socket))?,
                    base: "http://localhost".to_owned(),
                    token: None,
                    place: folder.display().to_string(),
                })
            }
        }
    }

    /// Asks for a value.
    ///
    /// # Errors
    /// The platform does not answer, or refuses.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<T, Failure> {
        self.value(self.request(Method::GET, path).query(parameters)).await
    }

    /// Asks for something to be done.
    ///
    /// # Errors
    /// The platform does not answer, or refuses.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, Failure> {
        self.value(self.request(Method::POST, path).json(body)).await
    }

    /// Asks for an answer that does not end.
    ///
    /// # Errors
    /// The platform does not answer, or refuses.
    pub async fn stream(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<Response, Failure> {
        self.answer(self.request(Method::GET, path).query(parameters)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn value<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let answer = self.answer(request).await?;
        answer.json().await.map_err(|error| {
            Failure::new(format!("{} gave an answer of another kind: {error}", self.place))
        })
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let answer = request.send().await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let reason = cause.unwrap_or_else(|| error.to_string());
            Failure::new(format!(
                "the platform at {} does not answer ({reason}): start it with `millrace up`",
                self.place
            ))
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let problem: Problem = answer.json().await.unwrap_or_default();
        let text = problem.detail.unwrap_or(problem.title);
        let text = if text.is_empty() { format!("the server answered {status}") } else { text };
        let failure = match status {
            StatusCode::BAD_REQUEST => Failure::usage(text),
            _ => Failure::new(text),
        };
        let (position, status) = (problem.position, Some(status.as_u16()));
        Err(Failure { position, status, ..failure })
    }
}

/// Refuses an address that no request could go to.
fn check_address(url: &str) -> Result<(), Failure> {
    let is_web = |url: &reqwest::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    match reqwest::Url::parse(url) {
        Ok(parsed) if is_web(&parsed) => Ok(()),
        _ => Err(Failure::usage(format!(
            "`{}` is not the address of a platform: write it as http://127.0.0.1:8000 (--url, \
             MILLRACE_URL)",
            url.escape_debug()
        ))),
    }
}

/// Whether a platform runs in a folder cannot be seen.
fn not_allowed(data: &Path, error: &io::Error) -> Failure {
    let folder = data.display();
    Failure::new(match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "permission denied: the data folder {folder} belongs to another user; be that user, or \
             go over the API with --url and MILLRACE_TOKEN"
        ),
        _ => format!("cannot look into the data folder {folder}: {error}"),
    })
}

fn not_running(data: &Path) -> Failure {
    Failure::new(format!(
        "no platform runs on the data folder {}: start it with `millrace up --data {0}`, or name one \
         elsewhere with --url and MILLRACE_TOKEN",
        data.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_said_to_be_none() {
        for url in ["foo", "", "localhost:8000", "ftp://x", "http://", "127.0.0.1:8000", "/data"] {
            let failure = check_address(url).expect_err(url);
            assert_eq!(failure.exit_code, 64, "{url}");
            assert!(failure.message.contains("http://127.0.0.1:8000"), "{failure}");
        }
        for url in ["http://127.0.0.1:8000", "https://logs.shop.example/", "http://[::1]:8000"] {
            check_address(url).expect(url);
        }
    }

    #[test]
    fn another_users_folder_is_not_said_to_be_empty() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let failure = not_allowed(Path::new("/data"), &denied);
        assert!(failure.message.starts_with("permission denied"), "{failure}");
        let other = not_allowed(Path::new("/data"), &io::Error::other("broken"));
        assert!(other.message.contains("broken"), "{other}");
    }
}
