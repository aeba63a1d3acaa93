//! Keys on disk, and what a verifier must refuse (hostile input 20).

use std::collections::BTreeSet;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;
use crate::token::CLOCK_SKEW_S;

const NOW_S: u64 = 1_770_000_000;
const HOUR: Duration = Duration::from_secs(3600);

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn key_files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_token_proves_user_role_and_shops() {
    let keys = Keys::ephemeral().unwrap();
    let shops = Shops::Only(BTreeSet::from(["north".to_owned(), "süd".to_owned()]));
    let token = keys.issue("ada", Role::Analyst, &shops, NOW_S, HOUR).unwrap();
    let scope = keys.verify(&token, NOW_S + 10).unwrap();
    assert_eq!(scope.user(), "ada");
    assert_eq!(scope.role(), Role::Analyst);
    assert_eq!(scope.shops(), &shops);
    assert!(scope.allows(crate::Permission::ReadStatus));
    assert!(!scope.allows(crate::Permission::ManageUsers));
}

#[test]
fn keys_are_kept_for_us_alone_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("keys");
    let first = Keys::load_or_create(&folder).unwrap();
    let token = first.issue("ada", Role::Viewer, &Shops::All, NOW_S, HOUR).unwrap();
    let again = Keys::load_or_create(&folder).unwrap();
    assert_eq!(again.verify(&token, NOW_S).unwrap().user(), "ada");
    assert_eq!(mode(&folder), 0o700);
    let files = key_files(&folder);
    assert_eq!(files.len(), 1);
    assert_eq!(mode(&files[0]), 0o600);
    let secret = fs::read_to_string(&files[0]).unwrap();
    assert!(!format!("{again:?}").contains(&secret));
}

#[test]
fn the_newest_key_signs_and_the_older_still_verify() {
    let folder = tempfile::tempdir().unwrap();
    let old = Keys::load_or_create(folder.path()).unwrap();
    let old_token = old.issue("ada", Role::Viewer, &Shops::All, NOW_S, HOUR).unwrap();
    let old_file = key_files(folder.path()).remove(0);
    create(folder.path()).unwrap();
    let both = Keys::load_or_create(folder.path()).unwrap();
    let new_token = both.issue("ada", Role::Viewer, &Shops::All, NOW_S, HOUR).unwrap();
    assert!(both.verify(&old_token, NOW_S).is_ok());
    assert!(both.verify(&new_token, NOW_S).is_ok());
    assert_eq!(old.verify(&new_token, NOW_S).unwrap_err(), TokenRefusal::ForeignHeader);
    fs::remove_file(old_file).unwrap();
    let new = Keys::load_or_create(folder.path()).unwrap();
    assert_eq!(new.verify(&old_token, NOW_S).unwrap_err(), TokenRefusal::ForeignHeader);
    assert!(new.verify(&new_token, NOW_S).is_ok());
}

#[test]
fn a_key_that_others_can_read_or_that_is_cut_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    Keys::load_or_create(folder.path()).unwrap();
    let file = key_files(folder.path()).remove(0);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let text = Keys::load_or_create(folder.path()).unwrap_err().to_string();
    assert!(text.contains("chmod 600"), "{text}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "c2hvcnQ").unwrap();
    let text = Keys::load_or_create(folder.path()).unwrap_err().to_string();
    assert!(text.contains("not a token key"), "{text}");
}

/// A forger who knows our secret writes these; whoever does not can only do worse.
struct Forge {
    keys: Keys,
    id: Uuid,
    secret: [u8; SECRET_BYTES],
}

impl Forge {
    fn new() -> Self {
        let (id, secret) = (Uuid::now_v7(), random().unwrap());
        let keys = Keys { keys: Arc::new(vec![token_key(id, &secret).unwrap()]) };
        Self { keys, id, secret }
    }

    fn header(&self) -> Header {
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.id.simple().to_string());
        header
    }

    fn claims() -> Value {
        json!({"iss": "millrace", "aud": "millrace-api", "sub": "ada", "exp": NOW_S + 60, "iat": NOW_S,
            "jti": Uuid::now_v7(), "role": "admin", "shops": "all"})
    }

    fn verify(&self, header: &Header, claims: &Value) -> Result<Scope, TokenRefusal> {
        let token = encode(header, claims, &EncodingKey::from_secret(&self.secret)).unwrap();
        self.keys.verify(&token, NOW_S)
    }
}

#[test]
fn hostile_20_headers_other_than_ours_are_not_even_parsed() {
    let forge = Forge::new();
    assert!(forge.verify(&forge.header(), &Forge::claims()).is_ok(), "the forge works");

    let claims = URL_SAFE_NO_PAD.encode(Forge::claims().to_string());
    let signature = forge.keys.issue("ada", Role::Admin, &Shops::All, NOW_S, HOUR).unwrap();
    let signature = signature.rsplit_once('.').unwrap().1;
    let kid = forge.id.simple();
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "nOnE", "typ": "at+jwt", "kid": kid.to_string()}),
        json!({"alg": "RS256", "typ": "at+jwt", "kid": kid.to_string()}),
        json!({"typ": "at+jwt", "alg": "HS256", "kid": "../../../../dev/null"}),
        json!({"typ": "at+jwt", "alg": "HS256", "kid": "x' UNION SELECT 'secret"}),
        json!({"typ": "at+jwt", "alg": "HS256", "kid": kid.to_string(), "jku": "https://evil.example"}),
        json!({"typ": "at+jwt", "alg": "HS256", "kid": kid.to_string(), "crit": ["exp"]}),
        json!({"typ": "JWT", "alg": "HS256", "kid": kid.to_string()}),
    ] {
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        for signature in ["", signature] {
            let token = format!("{header}.{claims}.{signature}");
            let refusal = forge.keys.verify(&token, NOW_S).unwrap_err();
            assert_eq!(refusal, TokenRefusal::ForeignHeader, "{token}");
        }
    }
    for token in ["", ".", "..", "...", "a.b.c", "Bearer x", "\u{0}.\u{0}.\u{0}"] {
        let refusal = forge.keys.verify(token, NOW_S).unwrap_err();
        assert_eq!(refusal, TokenRefusal::ForeignHeader, "{token}");
    }
    let mut other = forge.header();
    other.alg = Algorithm::HS512;
    let refusal = forge.verify(&other, &Forge::claims()).unwrap_err();
    assert_eq!(refusal, TokenRefusal::ForeignHeader);
}

#[test]
fn hostile_20_a_changed_token_has_a_wrong_signature() {
    let forge = Forge::new();
    let token = forge.keys.issue("ada", Role::Viewer, &Shops::All, NOW_S, HOUR).unwrap();
    let (header, rest) = token.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let claims = URL_SAFE_NO_PAD.encode(Forge::claims().to_string());
    let raised = format!("{header}.{claims}.{signature}");
    assert_eq!(forge.keys.verify(&raised, NOW_S).unwrap_err(), TokenRefusal::WrongSignature);
    let other = Keys::ephemeral().unwrap();
    assert_eq!(other.verify(&token, NOW_S).unwrap_err(), TokenRefusal::ForeignHeader);
    let surplus = format!("{token}.{signature}");
    assert!(forge.keys.verify(&surplus, NOW_S).is_err());
}

#[test]
fn hostile_20_every_claim_must_be_there_with_its_type_and_value() {
    let forge = Forge::new();
    let wrong = [
        ("exp", json!((NOW_S + 60).to_string())),
        ("exp", json!(NOW_S as f64 + 60.5)),
        ("exp", json!(-1)),
        ("exp", json!(null)),
        ("iat", json!("0")),
        ("iat", json!({})),
        ("iss", json!("somebody")),
        ("iss", json!(["millrace", "somebody"])),
        ("aud", json!("grafana")),
        ("aud", json!(["millrace-api"])),
        ("sub", json!(7)),
        ("jti", json!("")),
        ("role", json!("root")),
        ("role", json!(2)),
        ("shops", json!("any")),
    ];
    for (name, value) in wrong {
        let mut claims = Forge::claims();
        claims[name] = value.clone();
        let refusal = forge.verify(&forge.header(), &claims).unwrap_err();
        assert_eq!(refusal, TokenRefusal::WrongClaims, "{name} = {value}");
        claims.as_object_mut().unwrap().remove(name);
        let refusal = forge.verify(&forge.header(), &claims).unwrap_err();
        assert_eq!(refusal, TokenRefusal::WrongClaims, "without {name}");
    }
}

#[test]
fn hostile_20_times_are_checked_with_little_skew() {
    let keys = Keys::ephemeral().unwrap();
    let token = keys.issue("ada", Role::Viewer, &Shops::All, NOW_S, HOUR).unwrap();
    let end = NOW_S + HOUR.as_secs();
    assert!(keys.verify(&token, end + CLOCK_SKEW_S - 1).is_ok());
    assert_eq!(keys.verify(&token, end + CLOCK_SKEW_S).unwrap_err(), TokenRefusal::Expired);
    assert_eq!(keys.verify(&token, u64::MAX).unwrap_err(), TokenRefusal::Expired);
    assert!(keys.verify(&token, NOW_S - CLOCK_SKEW_S).is_ok());
    let early = keys.verify(&token, NOW_S - CLOCK_SKEW_S - 1).unwrap_err();
    assert_eq!(early, TokenRefusal::NotYetValid);
    let forge = Forge::new();
    let mut claims = Forge::claims();
    claims["exp"] = json!(u64::MAX);
    assert!(forge.verify(&forge.header(), &claims).is_ok(), "no overflow");
}

#[test]
fn hostile_20_a_huge_token_is_not_looked_at_and_not_issued() {
    let keys = Keys::ephemeral().unwrap();
    let token = keys.issue("ada", Role::Viewer, &Shops::All, NOW_S, HOUR).unwrap();
    let huge = format!("{token}{}", "A".repeat(10_000_000));
    assert_eq!(keys.verify(&huge, NOW_S).unwrap_err(), TokenRefusal::TooLong);
    let shops = Shops::Only((0..1000).map(|n| format!("shop-{n}")).collect());
    assert!(keys.issue("ada", Role::Viewer, &shops, NOW_S, HOUR).is_err());
}

#[test]
fn a_sealed_text_comes_back_from_its_user_only() {
    let folder = tempfile::tempdir().unwrap();
    let old = Keys::load_or_create(folder.path()).unwrap();
    let sealed = old.seal("ada", "2.a.b").unwrap();
    create(folder.path()).unwrap();
    let keys = Keys::load_or_create(folder.path()).unwrap();
    assert_eq!(keys.unseal("ada", &sealed), Some("2.a.b"), "also after a new key");
    assert_eq!(keys.unseal("bob", &sealed), None);
    assert_eq!(keys.unseal("ada", &format!("{sealed}x")), None);
    assert_eq!(Keys::ephemeral().unwrap().unseal("ada", &sealed), None, "another's key");
    let token = keys.issue("ada", Role::Viewer, &Shops::All, NOW_S, HOUR).unwrap();
    let (content, signature) = token.rsplit_once('.').unwrap();
    for text in ["", ".", "2.a.b", ".2.a.b", "x.2.a.b", &format!("{signature}.{content}")] {
        assert_eq!(keys.unseal("ada", text), None, "{text}");
    }
}
