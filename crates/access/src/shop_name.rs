//! A shop's name: what a record carries, what a token stands for, what a scope allows. It never holds what
//! could be a path, a pattern or a line: whatever makes one has checked it.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

/// The longest name of a shop, in bytes.
pub const SHOP_NAME_BYTES_MAX: usize = 64;

/// The shop of whatever names none.
const DEFAULT: &str = "default";

/// The name of a shop: a lower-case letter or a digit, then up to 63 lower-case letters, digits, `_`, `.` or `-`.
/// Cloning shares.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ShopName(Arc<str>);

/// The text cannot be a shop's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a shop's name has 1 to {SHOP_NAME_BYTES_MAX} characters, a-z, 0-9, `_`, `.` and `-`, and begins with a \
     letter or a digit"
)]
pub struct NotAShopName;

impl ShopName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The shop `default`, whose is what names no other.
impl Default for ShopName {
    fn default() -> Self {
        Self(DEFAULT.into())
    }
}

impl FromStr for ShopName {
    type Err = NotAShopName;

    fn from_str(text: &str) -> Result<Self, NotAShopName> {
        if is_shop_name(text.as_bytes()) { Ok(Self(text.into())) } else { Err(NotAShopName) }
    }
}

impl TryFrom<String> for ShopName {
    type Error = NotAShopName;

    fn try_from(text: String) -> Result<Self, NotAShopName> {
        text.parse()
    }
}

impl Borrow<str> for ShopName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShopName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ShopName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for ShopName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

fn is_shop_name(text: &[u8]) -> bool {
    let Some((first, rest)) = text.split_first() else { return false };
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let plain = |byte: &u8| alphanumeric(byte) || matches!(byte, b'_' | b'.' | b'-');
    text.len() <= SHOP_NAME_BYTES_MAX && alphanumeric(first) && rest.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn names_are_read_and_written_as_they_are() {
        let longest = "a".repeat(SHOP_NAME_BYTES_MAX);
        for text in ["default", "north", "7", "a.b", "a..b", "shop-1_eu.de", "0-", &longest] {
            let name: ShopName = text.parse().unwrap();
            assert_eq!((name.as_str(), name.to_string().as_str()), (text, text));
            let json = serde_json::to_string(&name).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<ShopName>(&json).unwrap(), name);
        }
        assert_eq!(ShopName::default().as_str(), "default");
    }

    #[test]
    fn what_could_be_a_path_a_pattern_or_a_line_is_refused_with_the_rule() {
        let too_long = "a".repeat(SHOP_NAME_BYTES_MAX + 1);
        for text in [
            "", "North", ".", "..", ".a", "-a", "_a", "a/b", "a b", "a\n", "a*", "a,b", "süd",
            "a\0", "%2e", &too_long,
        ] {
            assert_eq!(text.parse::<ShopName>(), Err(NotAShopName), "{text:?}");
            let json = serde_json::to_string(text).unwrap();
            let refused = serde_json::from_str::<ShopName>(&json).unwrap_err().to_string();
            assert!(refused.contains("1 to 64 characters"), "{refused}");
        }
        assert!(serde_json::from_str::<ShopName>("7").is_err());
    }

    #[test]
    fn a_table_of_shops_is_asked_with_a_text() {
        let table = HashMap::from([(ShopName::default(), 1)]);
        assert_eq!((table.get("default"), table.get("other")), (Some(&1), None));
    }
}
