//! An ingest token as a request shows it: `Bearer` (RFC 6750), `Basic` (RFC 7617) with the token as the
//! password of any user, or Elasticsearch's `ApiKey` with the token as the key of any id.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};

/// What a request shows, if it shows anything that can be understood.
pub(crate) fn offered(headers: &HeaderMap) -> Option<Cow<'_, [u8]>> {
    let (scheme, shown) = scheme_and_shown(headers)?;
    if scheme.eq_ignore_ascii_case(b"Bearer") {
        return Some(Cow::Borrowed(shown));
    }
    if scheme.eq_ignore_ascii_case(b"Basic") || scheme.eq_ignore_ascii_case(b"ApiKey") {
        let mut pair = STANDARD.decode(shown).ok()?;
        let colon = memchr::memchr(b':', &pair)?;
        return Some(Cow::Owned(pair.split_off(colon + 1)));
    }
    None
}

/// The user and the password that a request shows by `Basic`, with a colon between them.
pub(crate) fn user_and_password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, shown) = scheme_and_shown(headers)?;
    let is_basic = scheme.eq_ignore_ascii_case(b"Basic");
    is_basic.then(|| STANDARD.decode(shown).ok())?
}

/// The scheme of a request's credentials, and what it shows by it.
fn scheme_and_shown(headers: &HeaderMap) -> Option<(&[u8], &[u8])> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    // Two answers to the same question are no answer.
    if values.next().is_some() {
        return None;
    }
    let space = memchr::memchr(b' ', value)?;
    Some((&value[..space], value[space..].trim_ascii()))
}

#[cfg(test)]
mod tests {
    use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};

    use super::{offered, user_and_password};

    fn shown(values: &[&'static str]) -> Option<Vec<u8>> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        offered(&headers).map(std::borrow::Cow::into_owned)
    }

    #[test]
    fn a_token_is_taken_from_one_header_only() {
        assert_eq!(shown(&["bearer  abc"]).as_deref(), Some(&b"abc"[..]));
        assert_eq!(shown(&["Basic ZWxhc3RpYzphOmI="]).as_deref(), Some(&b"a:b"[..]));
        assert_eq!(shown(&["ApiKey aWQ6a2V5"]).as_deref(), Some(&b"key"[..]));
        assert_eq!(shown(&["Bearer abc", "Bearer abd"]), None);
        assert_eq!(shown(&["Basic abc:def"]), None);
        assert_eq!(shown(&["Digest abc"]), None);
        assert_eq!(shown(&["abc"]), None);
        assert_eq!(shown(&[]), None);
    }

    #[test]
    fn a_user_and_a_password_are_shown_as_a_pair() {
        let pair = |value| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            user_and_password(&headers)
        };
        assert_eq!(pair("basic dGVzdDpwd2Q=").as_deref(), Some(&b"test:pwd"[..]));
        assert_eq!(pair("Basic meh"), None);
        assert_eq!(pair("Bearer dGVzdDpwd2Q="), None);
    }
}
