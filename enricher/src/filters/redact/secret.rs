//! Names of secrets: a value under one is nobody's business, whatever it looks like.

/// Ends of names, without separators and in lower case: `user_password`, `X-Api-Key`, `accessToken`.
const ENDINGS: &[&[u8]] = &[
    b"password",
    b"passwd",
    b"passphrase",
    b"pwd",
    b"secret",
    b"token",
    b"apikey",
    b"privatekey",
    b"authorization",
    b"cookie",
    b"credential",
    b"credentials",
    b"cvv",
    b"cvv2",
    b"cvc",
    b"cvc2",
];

/// Longest part of a name that is looked at.
const TAIL_BYTES: usize = 32;

/// Whether a name is that of a secret.
#[inline]
pub(super) fn is_secret(name: &[u8]) -> bool {
    let [.., a, b, c] = name else {
        return false;
    };
    // Most names are told apart by their last three letters.
    matches!(
        &[a | 0x20, b | 0x20, c | 0x20],
        b"ord"
            | b"swd"
            | b"ase"
            | b"pwd"
            | b"ret"
            | b"ken"
            | b"key"
            | b"ion"
            | b"kie"
            | b"ial"
            | b"als"
            | b"cvv"
            | b"vv2"
            | b"cvc"
            | b"vc2"
    ) && ends_like_a_secret(name)
}

fn ends_like_a_secret(name: &[u8]) -> bool {
    // `action`, `version`, `exception`: `authorization` is the only one that ends so.
    let ends_so = matches!(name, [.., b'n' | b'N']) && !matches!(name, [.., b'e' | b'E', _]);
    if ends_so && name.len() < b"authorization".len() {
        return false;
    }
    let mut tail = [0; TAIL_BYTES];
    let mut start = TAIL_BYTES;
    for byte in name.iter().rev().filter(|byte| byte.is_ascii_alphanumeric()).take(TAIL_BYTES) {
        start -= 1;
        tail[start] = byte.to_ascii_lowercase();
    }
    ENDINGS.iter().any(|ending| tail[start..].ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "password",
            "Password",
            "user_password",
            "userPassword",
            "PASSWD",
            "api-key",
            "X-Api-Key",
            "apiKey",
            "Authorization",
            "access_token",
            "refreshToken",
            "csrf-token",
            "client.secret",
            "Set-Cookie",
            "cvv",
            "card_cvc2",
            "pwd",
            "private_key",
            "credentials",
        ] {
            assert!(is_secret(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn no_name_of_the_schema_is_that_of_a_secret() {
        let at_the_doors = redaction::secret::Secrets::default();
        for field in schema::Schema::embedded().fields() {
            let name = field.name.as_bytes();
            assert!(!is_secret(name) && !at_the_doors.is_name(name), "{}", field.name);
        }
    }

    #[test]
    fn other_names_are_not() {
        for name in [
            "",
            "n",
            "version",
            "action",
            "exception",
            "code",
            "response",
            "token_count",
            "card_last4",
            "key",
            "passwords_changed",
            "sort_key",
            "session_id",
            "description",
            "keyword",
            "et",
            "en",
        ] {
            assert!(!is_secret(name.as_bytes()), "{name}");
        }
    }
}
