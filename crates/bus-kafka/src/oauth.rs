//! The token of OAUTHBEARER: a JWT in a file that somebody else renews.
//!
//! Its signature is the brokers' business; only the claims `exp` and `sub` are looked at.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rdkafka::client::OAuthToken;

/// Longest token that is read, bytes.
const TOKEN_BYTES_MAX: u64 = 64 << 10;

/// Where the token is read from.
#[derive(Debug)]
pub(crate) struct TokenFile {
    path: PathBuf,
}

#[derive(serde::Deserialize)]
struct Claims {
    exp: serde_json::Number,
    #[serde(default)]
    sub: String,
}

impl TokenFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Reads the token as it is now. The error never holds any of it.
    pub(crate) fn read(&self) -> Result<OAuthToken, String> {
        let path = self.path.display();
        let size = std::fs::metadata(&self.path).map_err(|error| format!("{path}: {error}"))?.len();
        if size > TOKEN_BYTES_MAX {
            return Err(format!("{path} has {size} bytes: a token has at most {TOKEN_BYTES_MAX}"));
        }
        let text =
            std::fs::read_to_string(&self.path).map_err(|error| format!("{path}: {error}"))?;
        parse(text.trim()).map_err(|wrong| format!("{path} {wrong}"))
    }
}

fn parse(token: &str) -> Result<OAuthToken, &'static str> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("holds no JWT: header, claims and signature joined by dots");
    };
    let claims = URL_SAFE_NO_PAD
        .decode(claims.trim_end_matches('='))
        .map_err(|_| "holds a JWT whose claims are not base64")?;
    let claims: Claims = serde_json::from_slice(&claims)
        .map_err(|_| "holds a JWT without the claim `exp`, a number of seconds")?;
    let seconds = claims.exp.as_f64().filter(|seconds| (0.0..=4e12).contains(seconds));
    let seconds = seconds.ok_or("holds a JWT whose claim `exp` is no time")?;
    Ok(OAuthToken {
        token: token.to_owned(),
        principal_name: claims.sub.replace('\0', ""),
        lifetime_ms: (seconds * 1_000.0) as i64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_lives_as_long_as_its_claim_says_and_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        let file = TokenFile::new(path.clone());
        for expires in [1_900_000_000_i64, 1_900_000_600] {
            let text = token(&format!(r#"{{"exp": {expires}, "sub": "millrace"}}"#));
            std::fs::write(&path, format!("{text}\n")).expect("it is written");
            let read = file.read().expect("it is a token");
            assert_eq!(read.token, text);
            assert_eq!(read.principal_name, "millrace");
            assert_eq!(read.lifetime_ms, expires * 1_000);
        }
    }

    #[test]
    fn what_is_no_token_is_refused_without_showing_it() {
        for text in ["hunter2", "a.b", "a.!.c", "a.b.c.d"] {
            let refused = parse(text).err().expect(text);
            assert!(!refused.contains("hunter2"));
        }
        for claims in ["{}", r#"{"exp": "1900000000"}"#, r#"{"exp": -1}"#, r#"{"exp": 1e300}"#] {
            assert!(parse(&token(claims)).is_err(), "{claims}");
        }
    }
}
