//! The header that signs us in. Secrets are read once, from settings or files, and are never shown.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use service::Secret;

use crate::StoreError;
use crate::elasticsearch::config::ElasticsearchConfig;

/// The value of `Authorization`; none if the engine is asked without a name.
///
/// # Errors
/// For a file that cannot be read and for settings that do not go together.
pub(super) fn header(
    config: &ElasticsearchConfig,
    user_of_address: Option<&str>,
) -> Result<Option<HeaderValue>, StoreError> {
    let user = config.user.as_deref().or(user_of_address);
    let password = secret(&config.password, config.password_file.as_deref(), "password_file")?;
    let api_key = secret(&config.api_key, config.api_key_file.as_deref(), "api_key_file")?;
    let token =
        secret(&config.bearer_token, config.bearer_token_file.as_deref(), "bearer_token_file")?;
    let text = match (user, password, api_key, token) {
        (None, None, None, None) => return Ok(None),
        (Some(user), Some(password), None, None) if !user.contains(':') => {
            format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.reveal())))
        }
        (None, None, Some(key), None) => format!("ApiKey {}", key.reveal()),
        (None, None, None, Some(token)) => format!("Bearer {}", token.reveal()),
        (Some(_), None, None, None) => {
            return Err(refused("a user needs password or password_file"));
        }
        (None, Some(_), None, None) => return Err(refused("a password needs user")),
        _ => return Err(refused("choose one of user with password, api_key and bearer_token")),
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| refused("a password, key or token holds a character that it cannot have"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn secret(
    value: &Option<Secret<String>>,
    file: Option<&Path>,
    setting: &str,
) -> Result<Option<Secret<String>>, StoreError> {
    Secret::given(value.as_ref(), file).map_err(|error| refused(&format!("{setting}: {error}")))
}

fn refused(message: &str) -> StoreError {
    StoreError::Fatal(format!("search.elasticsearch: {message}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use service::Secret;

    use super::header;
    use crate::elasticsearch::config::ElasticsearchConfig;

    fn text(config: &ElasticsearchConfig, user: Option<&str>) -> String {
        let value = header(config, user).expect("a header").expect("somebody");
        assert!(value.is_sensitive() && !format!("{value:?}").contains("hunter2"));
        value.to_str().expect("text").to_owned()
    }

    #[test]
    fn each_way_has_its_header() {
        let none = ElasticsearchConfig::default();
        assert_eq!(header(&none, None).expect("nobody"), None);
        let secret = || Some(Secret::new("hunter2".to_owned()));
        let basic = ElasticsearchConfig { password: secret(), ..none.clone() };
        assert_eq!(text(&basic, Some("elastic")), "Basic ZWxhc3RpYzpodW50ZXIy");
        let named = ElasticsearchConfig { user: Some("elastic".to_owned()), ..basic.clone() };
        assert_eq!(text(&named, Some("another")), "Basic ZWxhc3RpYzpodW50ZXIy");
        let key = ElasticsearchConfig { api_key: secret(), ..none.clone() };
        assert_eq!(text(&key, None), "ApiKey hunter2");
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"hunter2\n").expect("written");
        let path = Some(file.path().to_owned());
        let token = ElasticsearchConfig { bearer_token_file: path, ..none.clone() };
        assert_eq!(text(&token, None), "Bearer hunter2");
        for (config, user) in [(&none, Some("a")), (&basic, None), (&key, Some("a"))] {
            assert!(header(config, user).is_err());
        }
        let line = Some(Secret::new("hunter2\r\nX-Other: 1".to_owned()));
        let split = ElasticsearchConfig { api_key: line, ..none };
        let error = header(&split, None).expect_err("two lines").to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
