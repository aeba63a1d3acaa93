//! Tokens in an embedded store: made, found at a door, ended, and never told.

use std::collections::HashSet;

use access::{SecretDigest, ShopName};
use bytes::Bytes;
use document_store::{
    Change, DocumentStore, EmbeddedConfig, EmbeddedDocuments, Expect, FIND_LIMIT_MAX, Find,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use crate::book::{Room, create_within};
use crate::{
    Holder, INGEST_TOKENS, LABEL_CHARACTERS_MAX, Lookup, NewToken, Standing, Token, TokenError,
    TokenTable, create, ensure_collections, get, is_token, list, list_of_shop, revoke,
};

async fn store() -> (EmbeddedDocuments, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let documents = EmbeddedDocuments::open(folder.path(), &EmbeddedConfig::default()).unwrap();
    ensure_collections(&documents).await.unwrap();
    (documents, folder)
}

fn new(shop: &str) -> NewToken {
    NewToken {
        shop: shop.parse().unwrap(),
        label: None,
        expires_at: None,
        created_by: "ada".to_owned(),
    }
}

fn in_an_hour() -> Timestamp {
    Timestamp::now().checked_add(SignedDuration::from_hours(1)).unwrap()
}

fn holder(token: &Token) -> Holder {
    Holder { token_id: token.id.as_str().into(), shop: token.shop.clone() }
}

/// A token as it is stored.
fn stored_body(number: usize) -> Bytes {
    let body = json!({
        "state": "live",
        "digest": SecretDigest::of(&number.to_be_bytes()),
        "id": format!("{number:032x}"),
        "shop": "many",
        "label": null,
        "created_at": Timestamp::UNIX_EPOCH,
        "created_by": "ada",
        "expires_at": null,
        "revoked_at": null,
    });
    Bytes::from(body.to_string())
}

async fn table(documents: &dyn DocumentStore) -> TokenTable {
    TokenTable::load(documents).await.unwrap()
}

#[test]
fn a_token_is_known_by_its_form() {
    let token = format!("mrt_{}", "aZ09-_".repeat(8).split_at(43).0);
    assert!(is_token(token.as_bytes()));
    for text in [
        "",
        "mrt_",
        &token[..46],
        &token[1..],
        &format!("{token}x"),
        &format!("MRT_{}", &token[4..]),
        &format!("mrt_{}=", &token[4..46]),
        &format!("mrt_{}\n", &token[4..46]),
    ] {
        assert!(!is_token(text.as_bytes()), "{text:?}");
    }
    assert!(!is_token(b"mrt_\xff"));
}

#[tokio::test]
async fn a_token_opens_the_door_of_its_shop_until_it_is_revoked() {
    let (documents, _folder) = store().await;
    let (north, north_text) = create(&documents, new("north")).await.unwrap();
    let (south, south_text) = create(&documents, new("south")).await.unwrap();
    assert!(is_token(north_text.as_bytes()), "{north_text}");
    assert_ne!(north_text, south_text);

    let (before, now) = (table(&documents).await, Timestamp::now());
    assert_eq!(before.find(north_text.as_bytes(), now), Lookup::Holder(&holder(&north)));
    assert_eq!(before.find(south_text.as_bytes(), now), Lookup::Holder(&holder(&south)));
    for other in [&b""[..], b"mrt_", &north_text.as_bytes()[1..], north.id.as_bytes()] {
        assert_eq!(before.find(other, now), Lookup::Unknown);
    }

    let revoked = revoke(&documents, &north.id, now).await.unwrap().unwrap();
    assert_eq!(revoked, Token { revoked_at: Some(now), ..north.clone() });
    assert_eq!(revoked.standing(now), Standing::Revoked);
    let after = table(&documents).await;
    assert_eq!(after.find(north_text.as_bytes(), now), Lookup::Revoked);
    assert_eq!(after.find(south_text.as_bytes(), now), Lookup::Holder(&holder(&south)));
    assert_eq!((after.len(), TokenTable::default().is_empty()), (2, true));

    let again = revoke(&documents, &north.id, in_an_hour()).await.unwrap();
    assert_eq!(again, Some(revoked), "the first time stands");
}

#[tokio::test]
async fn a_token_ends_at_its_time_and_no_past_time_is_taken() {
    let (documents, _folder) = store().await;
    let expires_at = in_an_hour();
    let wanted = NewToken { expires_at: Some(expires_at), ..new("north") };
    let (token, text) = create(&documents, wanted).await.unwrap();
    let table = table(&documents).await;
    assert_eq!(table.expires_at(text.as_bytes()), Some(expires_at));
    let just_before = expires_at.checked_sub(SignedDuration::from_nanos(1)).unwrap();
    assert_eq!(table.find(text.as_bytes(), just_before), Lookup::Holder(&holder(&token)));
    assert_eq!(table.find(text.as_bytes(), expires_at), Lookup::Expired);
    let standing = (token.standing(just_before), token.standing(expires_at));
    assert_eq!(standing, (Standing::Live, Standing::Expired));

    let past = NewToken { expires_at: Some(token.created_at), ..new("north") };
    let refused = create(&documents, past).await.unwrap_err();
    assert!(matches!(refused, TokenError::Past { .. }), "{refused}");
}

#[tokio::test]
async fn only_the_digest_is_stored_and_none_is_printed() {
    let (documents, _folder) = store().await;
    let (token, text) = create(&documents, new("north")).await.unwrap();
    let stored = documents.get(INGEST_TOKENS.name, &token.id).await.unwrap().unwrap();
    let body = String::from_utf8(stored.body.to_vec()).unwrap();
    assert!(!body.contains(&text) && !body.contains(&text[4..]), "{body}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let digest = body["digest"].as_str().unwrap();
    let table = table(&documents).await;
    assert_eq!(table.find(digest.as_bytes(), Timestamp::now()), Lookup::Unknown);
    let printed = format!("{token:?} {table:?} {}", serde_json::to_string(&token).unwrap());
    assert!(!printed.contains(digest) && !printed.contains(&text[4..]), "{printed}");
}

#[tokio::test]
async fn tokens_are_listed_by_shop_and_time_over_many_pages() {
    let (documents, _folder) = store().await;
    let (south, _) = create(&documents, new("south")).await.unwrap();
    let label = Some("till 3, €".to_owned());
    let (first, _) = create(&documents, NewToken { label, ..new("north") }).await.unwrap();
    let (second, _) = create(&documents, new("north")).await.unwrap();
    revoke(&documents, &first.id, Timestamp::now()).await.unwrap();
    let ids = |tokens: Vec<Token>| tokens.into_iter().map(|token| token.id).collect::<Vec<_>>();
    let north: ShopName = "north".parse().unwrap();
    let of_north = list_of_shop(&documents, &north).await.unwrap();
    assert_eq!(of_north[0].label.as_deref(), Some("till 3, €"));
    assert_eq!(ids(of_north), [first.id.clone(), second.id.clone()]);
    assert_eq!(ids(list(&documents).await.unwrap()), [first.id, second.id, south.id]);
    assert_eq!(list_of_shop(&documents, &ShopName::default()).await.unwrap(), []);

    let many = (0..FIND_LIMIT_MAX).map(|number| Change::Put {
        id: format!("{number:032x}"),
        body: stored_body(number),
        expect: Expect::Absent,
    });
    documents.apply(INGEST_TOKENS.name, many.collect()).await.unwrap();
    let all: HashSet<String> = ids(list(&documents).await.unwrap()).into_iter().collect();
    assert_eq!((all.len(), table(&documents).await.len()), (FIND_LIMIT_MAX + 3, all.len()));
}

#[tokio::test]
async fn labels_are_short_and_printable() {
    let (documents, _folder) = store().await;
    let longest = "é".repeat(LABEL_CHARACTERS_MAX);
    let too_long = format!("{longest}x");
    for (label, taken) in [
        ("till 3", true),
        (longest.as_str(), true),
        (too_long.as_str(), false),
        ("", false),
        ("a\nb", false),
        ("\u{1b}[2J", false),
    ] {
        let wanted = NewToken { label: Some(label.to_owned()), ..new("north") };
        let made = create(&documents, wanted).await;
        assert_eq!(made.is_ok(), taken, "{label:?}");
        assert!(matches!(made, Ok(_) | Err(TokenError::Label)), "{label:?}");
    }
}

#[tokio::test]
async fn what_is_no_id_is_not_looked_for() {
    let (documents, _folder) = store().await;
    let (token, _) = create(&documents, new("north")).await.unwrap();
    assert_eq!(get(&documents, &token.id).await.unwrap(), Some(token.clone()));
    let other = "0".repeat(32);
    let capitals = format!("{}F", "A".repeat(31));
    for id in ["", "..", "a\0", other.as_str(), &capitals, &token.id[1..]] {
        assert_eq!(get(&documents, id).await.unwrap(), None, "{id:?}");
        assert_eq!(revoke(&documents, id, Timestamp::now()).await.unwrap(), None, "{id:?}");
    }
}

#[tokio::test]
async fn there_is_room_for_so_many_and_the_oldest_revoked_go() {
    let (documents, _folder) = store().await;
    let room = Room { live_of_shop_max: 2, live_max: 2, revoked_max: 1 };
    let mut made = Vec::new();
    for _ in 0..2 {
        made.push(create_within(&documents, new("north"), room).await.unwrap().0);
    }
    let full = create_within(&documents, new("south"), room).await.unwrap_err();
    assert!(full.to_string().contains("there are 2 ingest tokens"), "{full}");
    let full = create_within(&documents, new("north"), room).await.unwrap_err();
    assert!(full.to_string().contains("the shop north has 2 ingest tokens"), "{full}");
    for token in &made {
        revoke(&documents, &token.id, Timestamp::now()).await.unwrap();
    }
    create_within(&documents, new("south"), room).await.unwrap();
    let left: Vec<String> =
        list(&documents).await.unwrap().into_iter().map(|token| token.id).collect();
    assert!(!left.contains(&made[0].id) && left.contains(&made[1].id), "{left:?}");
}

#[tokio::test]
async fn one_shop_takes_no_room_from_the_others() {
    let (documents, _folder) = store().await;
    let room = Room { live_of_shop_max: 1, live_max: 9, revoked_max: 9 };
    let (first, _) = create_within(&documents, new("north"), room).await.unwrap();
    let full = create_within(&documents, new("north"), room).await.unwrap_err();
    assert!(matches!(full, TokenError::TooManyOfShop { most: 1, .. }), "{full}");
    create_within(&documents, new("south"), room).await.unwrap();
    revoke(&documents, &first.id, Timestamp::now()).await.unwrap();
    create_within(&documents, new("north"), room).await.unwrap();
}

#[tokio::test]
async fn a_table_is_current_until_a_token_is_made_or_revoked() {
    let (documents, _folder) = store().await;
    let is_current = async |table: &TokenTable| table.is_current(&documents).await.unwrap();
    let empty = table(&documents).await;
    assert!(is_current(&empty).await);
    let (north, text) = create(&documents, new("north")).await.unwrap();
    assert!(!is_current(&empty).await, "one was made");
    let with_north = table(&documents).await;
    assert!(is_current(&with_north).await);
    assert_eq!(
        list(&documents).await.unwrap(),
        std::slice::from_ref(&north),
        "what tells it is no token"
    );
    assert!(get(&documents, "edition").await.unwrap().is_none());

    revoke(&documents, &north.id, Timestamp::now()).await.unwrap();
    assert!(!is_current(&with_north).await, "one was revoked");
    let after = table(&documents).await;
    revoke(&documents, &north.id, Timestamp::now()).await.unwrap();
    assert!(is_current(&after).await, "it was revoked before");
    assert!(after.ends_any_of(&with_north) && !with_north.ends_any_of(&empty));
    assert!(empty.ends_any_of(&with_north), "one that is gone has ended too");
    assert!(!after.ends_any_of(&after), "it had ended before");
    assert_eq!(after.expires_at(text.as_bytes()), None);
}

#[tokio::test]
async fn a_change_that_is_refused_leaves_no_trace() {
    let (documents, _folder) = store().await;
    let room = Room { live_of_shop_max: 0, live_max: 9, revoked_max: 9 };
    let before = table(&documents).await;
    create_within(&documents, new("north"), room).await.unwrap_err();
    assert!(before.is_current(&documents).await.unwrap());
}

#[tokio::test]
async fn many_who_revoke_at_once_agree() {
    let (documents, _folder) = store().await;
    let (token, _) = create(&documents, new("north")).await.unwrap();
    let now = Timestamp::now();
    let (one, other) =
        tokio::join!(revoke(&documents, &token.id, now), revoke(&documents, &token.id, now));
    assert_eq!(one.unwrap(), other.unwrap());
}

#[tokio::test]
async fn what_is_no_token_is_named() {
    let (documents, _folder) = store().await;
    let body = Bytes::from_static(br#"{"id":"x","shop":"North","state":"live"}"#);
    documents.put(INGEST_TOKENS.name, "x", body, Expect::Absent).await.unwrap();
    let error = list(&documents).await.unwrap_err().to_string();
    assert!(error.contains("ingest token x"), "{error}");
    let table = TokenTable::load(&documents).await.unwrap();
    assert!(table.is_empty() && table.unreadable().unwrap().to_string().contains("token x"));
    let find = Find { limit: 1, ..Find::default() };
    let found = documents.find(INGEST_TOKENS.name, "by_shop", &find).await.unwrap();
    assert_eq!(found.documents.len(), 1, "it stays for whoever can mend it");
}
