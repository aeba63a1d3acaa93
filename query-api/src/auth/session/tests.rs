//! Sessions over time: rotation, overlap, reuse, expiry, number.

use document_store::{EmbeddedConfig, EmbeddedDocuments};
use jiff::SignedDuration;

use super::*;

const LIFETIME: Lifetime =
    Lifetime { idle: Duration::from_secs(3600), whole: Duration::from_secs(10_000) };

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_770_000_000 + seconds)
}

async fn store() -> (tempfile::TempDir, EmbeddedDocuments) {
    let folder = tempfile::tempdir().unwrap();
    let documents = EmbeddedDocuments::open(folder.path(), &EmbeddedConfig::default()).unwrap();
    crate::ensure_collections(&documents).await.unwrap();
    (folder, documents)
}

async fn next(documents: &dyn DocumentStore, token: &SessionToken, seconds: i64) -> SessionToken {
    let refreshed = refresh(documents, token, LIFETIME, at(seconds)).await.unwrap();
    assert_eq!(refreshed.user, "ada");
    refreshed.token.expect("a new token")
}

#[tokio::test]
async fn the_token_before_the_newest_is_answered_for_a_moment_only() {
    let (_folder, documents) = store().await;
    let first = open(&documents, "ada", LIFETIME, at(0)).await.unwrap();
    let second = next(&documents, &first, 100).await;
    let overlap = refresh(&documents, &first, LIFETIME, at(110)).await.unwrap();
    assert!(overlap.token.is_none());
    let reused = refresh(&documents, &first, LIFETIME, at(111)).await.unwrap_err();
    assert!(matches!(reused, Refused::Reused), "{reused}");
    let ended = refresh(&documents, &second, LIFETIME, at(111)).await.unwrap_err();
    assert!(matches!(ended, Refused::Unknown), "{ended}");
}

#[tokio::test]
async fn a_guessed_secret_ends_the_session_that_it_names() {
    let (_folder, documents) = store().await;
    let first = open(&documents, "ada", LIFETIME, at(0)).await.unwrap();
    let guess = SessionToken { family: first.family.clone(), secret: "guess".to_owned() };
    close(&documents, &guess).await.unwrap();
    let second = next(&documents, &first, 1).await;
    assert!(refresh(&documents, &guess, LIFETIME, at(1)).await.is_err());
    assert!(refresh(&documents, &second, LIFETIME, at(1)).await.is_err());
}

#[tokio::test]
async fn sessions_end_when_idle_and_at_the_latest_after_their_lifetime() {
    let (_folder, documents) = store().await;
    let idle = open(&documents, "ada", LIFETIME, at(0)).await.unwrap();
    assert!(refresh(&documents, &idle, LIFETIME, at(3600)).await.is_err());
    let mut token = open(&documents, "ada", LIFETIME, at(0)).await.unwrap();
    for seconds in [3000, 6000, 9000] {
        token = next(&documents, &token, seconds).await;
    }
    assert!(refresh(&documents, &token, LIFETIME, at(10_000)).await.is_err());
    remove_expired(&documents, at(9_999)).await.unwrap();
    let there = async || documents.count(SESSIONS.name, BY_EXPIRY, &[]).await.unwrap();
    assert_eq!(there().await, 1, "the idle one is gone");
    remove_expired(&documents, at(10_000)).await.unwrap();
    assert_eq!(there().await, 0);
}

#[tokio::test]
async fn refreshes_at_the_same_moment_give_one_new_token() {
    let (_folder, documents) = store().await;
    let first = open(&documents, "ada", LIFETIME, at(0)).await.unwrap();
    let refreshes = (0..8).map(|_| refresh(&documents, &first, LIFETIME, at(5)));
    let all = futures::future::join_all(refreshes).await;
    let new: Vec<_> = all.into_iter().filter_map(|one| one.unwrap().token).collect();
    assert_eq!(new.len(), 1);
    next(&documents, &new[0], 6).await;
}

#[tokio::test]
async fn a_user_has_few_sessions_and_all_of_them_can_be_ended() {
    let (_folder, documents) = store().await;
    let oldest = open(&documents, "ada", LIFETIME, at(0)).await.unwrap();
    let bob = open(&documents, "bob", LIFETIME, at(0)).await.unwrap();
    let mut newest = None;
    for seconds in 1..=i64::try_from(PER_USER_MAX).unwrap() {
        newest = Some(open(&documents, "ada", LIFETIME, at(seconds)).await.unwrap());
    }
    let newest = newest.unwrap();
    assert!(refresh(&documents, &oldest, LIFETIME, at(60)).await.is_err());
    next(&documents, &newest, 60).await;
    close_all(&documents, "ada").await.unwrap();
    assert!(refresh(&documents, &newest, LIFETIME, at(60)).await.is_err());
    assert_eq!(refresh(&documents, &bob, LIFETIME, at(60)).await.unwrap().user, "bob");
}

#[test]
fn a_cookie_is_read_strictly() {
    let family = Uuid::now_v7().simple();
    assert!(SessionToken::parse(&format!("{family}.abc-_9")).is_some());
    for text in [
        "",
        ".",
        "x.y",
        "../..",
        &format!("{family}."),
        &format!("{family}.a b"),
        &format!("{family}.{}", "x".repeat(65)),
    ] {
        assert!(SessionToken::parse(text).is_none(), "{text}");
    }
}
