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
    let [.., before, last] = name else {
        return false;
    };
    // Most names are told apart by their last two letters.
    let end = [before | 0x20, last | 0x20];
    matches!(
        &end,
        b"rd"
            | b"wd"
            | b"se"
            | b"et"
            | b"en"
            | b"ey"
            | b"on"
            | b"ie"
            | b"al"
            | b"ls"
            | b"vv"
            | b"v2"
            | b"vc"
            | b"c2"
    ) && ends_like_a_secret(name)
}

fn ends_like_a_secret(name: &[u8]) -> bool {
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
