//! The ingest token as a request shows it: `Bearer` (RFC 6750), `Basic` (RFC 7617) with the token as the
//! password of any user, or Elasticsearch's `ApiKey` with the token as the key of any id.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};

/// What a request shows, if it shows anything that can be understood.
pub(crate) fn offered(headers: &HeaderMap) -> Option<Cow<'_, [u8]>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    // Two answers to the same question are no answer.
    if values.next().is_some() {
        return None;
    }
    let space = memchr::memchr(b' ', value)?;
    let (scheme, shown) = (&value[..space], value[space..].trim_ascii());
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

#[cfg(test)]
mod tests {
    use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};

    use super::offered;

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
}
