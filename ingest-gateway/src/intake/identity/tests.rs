//! Who a sender is, whatever it shows and wherever it comes.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use access::ShopName;
use jiff::Timestamp;
use pipeline::{Ledgers, Runtime};
use serde_json::{Value, json};
use service::Context;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::{Shown, Unidentified};
use crate::config::Config;
use crate::intake::tests::ScriptedBus;
use crate::intake::{Clock, Foundation, Intake};
use crate::stores::Stores;
use crate::tokens::tests::Book;

/// The token of the settings.
const OWN: &str = "0123456789abcdef";
/// What looks like a shop's token, and is none.
const STRANGE: &str = "mrt_0123456789012345678901234567890123456789012";

struct Rig {
    book: Arc<Book>,
    intake: Intake,
    _watching: AbortOnDropHandle<()>,
}

/// A door with these settings, whose clock is so far ahead.
fn rig_ahead(settings: Value, ahead: Duration) -> Rig {
    let (book, context) = (Arc::new(Book::default()), Context::default());
    let runtime = Runtime {
        bus: Arc::new(ScriptedBus::default()),
        ledgers: Ledgers::new(&context.metrics),
        context: context.clone(),
    };
    let stores = Stores { documents: Some(book.clone()), cache: None };
    let (starts, begun) = (Timestamp::now() + ahead, Instant::now());
    let now_ns = move || i64::try_from((starts + begun.elapsed()).as_nanosecond()).unwrap();
    let config: Config = serde_json::from_value(settings).unwrap();
    let foundation = Foundation::new(&config, runtime, Clock(Arc::new(now_ns)), &stores);
    let watching = Arc::clone(&foundation.tokens).watch(Duration::from_secs(2), context);
    let watching = AbortOnDropHandle::new(tokio::spawn(watching));
    let intake = Intake::new("http", &foundation);
    Rig { book, intake, _watching: watching }
}

fn rig(settings: Value) -> Rig {
    rig_ahead(settings, Duration::ZERO)
}

fn shop(name: &str) -> ShopName {
    name.parse().unwrap()
}

/// Whose a door says is what comes from a sender that shows this.
async fn who(
    intake: &Intake,
    token: Option<&str>,
    certificate: Option<&ShopName>,
) -> Result<String, Unidentified> {
    let shown = Shown { token: token.map(str::as_bytes), certificate };
    intake.identify(shown).await.map(|identity| identity.shop.to_string())
}

fn is(shop: &str) -> Result<String, Unidentified> {
    Ok(shop.to_owned())
}

impl Rig {
    fn refused(&self, reason: &str) -> u64 {
        let counter = &self.intake.metrics().refused_senders;
        counter.with_label_values(&["http", reason]).get()
    }
}

#[tokio::test(start_paused = true)]
async fn a_shops_token_comes_first_then_the_certificate_and_the_door() {
    let closed = rig(json!({ "ingest_token": OWN }));
    let (_, north) = closed.book.give("north").await;
    let (south, west) = (shop("south"), shop("west"));
    let door = closed.intake.clone().of_shop(Some(&west));
    assert_eq!(who(&door, Some(&north), None).await, is("north"));
    assert_eq!(who(&door, Some(&north), Some(&shop("north"))).await, is("north"));
    assert_eq!(who(&door, Some(OWN), None).await, is("west"));
    assert_eq!(who(&door, Some(OWN), Some(&south)).await, is("south"), "that token names no shop");
    assert_eq!(who(&door, None, Some(&south)).await, is("south"), "it counts as a token");
    assert_eq!(who(&door, Some("something else"), Some(&south)).await, is("south"));
    for wrong in [None, Some("something else"), Some("0123456789abcdeF")] {
        assert_eq!(who(&door, wrong, None).await, Err(Unidentified::NoToken));
    }
    assert_eq!(closed.intake.metrics().unauthorized.with_label_values(&["http"]).get(), 3);
    assert_eq!(closed.refused("no_token"), 3);

    let open = rig(json!({})).intake;
    assert_eq!(who(&open, None, None).await, is("default"));
    assert_eq!(who(&open, None, Some(&south)).await, is("south"));
    assert_eq!(who(&open.of_shop(Some(&west)), None, None).await, is("west"));
}

#[tokio::test(start_paused = true)]
async fn an_open_door_takes_no_wrong_token_of_a_shop_and_lets_other_credentials_be() {
    let rig = rig_ahead(json!({}), Duration::from_secs(7_200));
    let in_an_hour = Timestamp::now() + Duration::from_secs(3_600);
    let (_, expired) = rig.book.give_until("north", Some(in_an_hour)).await;
    let (id, revoked) = rig.book.give("north").await;
    rig.book.revoke(&id).await;
    let door = &rig.intake;
    for other in [None, Some("changeme"), Some("mrt_"), Some(&STRANGE[1..])] {
        assert_eq!(who(door, other, None).await, is("default"));
    }
    let south = shop("south");
    for certificate in [None, Some(&south)] {
        let refused = who(door, Some(STRANGE), certificate).await;
        assert_eq!(refused, Err(Unidentified::Unknown));
        assert_eq!(who(door, Some(&expired), certificate).await, Err(Unidentified::Expired));
        assert_eq!(who(door, Some(&revoked), certificate).await, Err(Unidentified::Revoked));
    }
    for reason in ["unknown_token", "expired_token", "revoked_token"] {
        assert_eq!(rig.refused(reason), 2, "{reason}");
    }
    assert_eq!(rig.refused("no_token"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_and_a_certificate_of_two_shops_are_nobodys() {
    let rig = rig(json!({}));
    let (_, north) = rig.book.give("north").await;
    let refused = who(&rig.intake, Some(&north), Some(&shop("south"))).await;
    assert_eq!(refused, Err(Unidentified::OtherShop));
    assert_eq!(rig.refused("other_shop"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_may_be_required_without_one_in_the_settings() {
    let rig = rig(json!({ "require_token": true }));
    let (_, north) = rig.book.give("north").await;
    let south = shop("south");
    let door = &rig.intake;
    assert!(door.needs_token(None) && !door.needs_token(Some(&south)));
    assert_eq!(who(door, None, None).await, Err(Unidentified::NoToken));
    assert_eq!(who(door, Some(OWN), None).await, Err(Unidentified::NoToken));
    assert_eq!(who(door, Some(&north), None).await, is("north"));
    assert_eq!(who(door, None, Some(&south)).await, is("south"));
}

#[tokio::test(start_paused = true)]
async fn a_token_of_the_settings_may_look_like_a_shops() {
    let rig = rig(json!({ "ingest_token": STRANGE }));
    assert_eq!(who(&rig.intake, Some(STRANGE), None).await, is("default"));
    assert!(rig.intake.is_token(STRANGE.as_bytes()));
    let mut pass = rig.intake.pass(STRANGE.as_bytes()).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(rig.intake.foundation.tokens.looks() > 0, "no shop has it, as is known by now");
    assert_eq!(rig.intake.check_pass(&mut pass), Ok(()), "it never ends");
}

#[tokio::test(start_paused = true)]
async fn a_pass_is_good_until_its_token_is_revoked() {
    let rig = rig(json!({ "ingest_token": OWN }));
    let (id, north) = rig.book.give("north").await;
    assert_eq!(who(&rig.intake, Some(&north), None).await, is("north"));
    let mut pass = rig.intake.pass(north.as_bytes()).unwrap();
    assert_eq!(rig.intake.check_pass(&mut pass), Ok(()));
    rig.book.revoke(&id).await;
    assert_eq!(rig.intake.check_pass(&mut pass), Ok(()), "the store was not looked at yet");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(rig.intake.check_pass(&mut pass), Err(Unidentified::Revoked));
    assert_eq!(rig.intake.check_pass(&mut pass), Err(Unidentified::Revoked), "for good");
    assert!(rig.intake.pass(OWN.as_bytes()).is_none(), "the token of the settings never ends");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_the_end_of_a_pass_is_told_of_it_and_nobody_else_is() {
    let rig = rig(json!({ "ingest_token": STRANGE }));
    let (id, north) = rig.book.give("north").await;
    let (_, south) = rig.book.give("south").await;
    assert_eq!(who(&rig.intake, Some(&north), None).await, is("north"));
    let mut passes = [&*north, &*south, STRANGE].map(|text| rig.intake.pass(text.as_bytes()));
    let [north, south, own] = passes.each_mut().map(|pass| rig.intake.pass_ended(pass.as_mut()));
    let (mut north, mut south, mut own) = (pin!(north), pin!(south), pin!(own));
    let any = async {
        tokio::select! {
            why = &mut north => Some(why),
            _ = &mut south => None,
            _ = &mut own => None,
            _ = rig.intake.pass_ended(None) => None,
        }
    };
    let revoke = async {
        tokio::time::sleep(Duration::from_secs(90)).await;
        rig.book.revoke(&id).await;
        Instant::now()
    };
    let (why, revoked_at) = tokio::join!(any, revoke);
    assert_eq!(why, Some(Unidentified::Revoked));
    assert!(revoked_at.elapsed() < Duration::from_secs(4), "{:?}", revoked_at.elapsed());
    assert_eq!(rig.refused("revoked_token"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pass_ends_with_the_time_of_its_token_though_the_store_is_away() {
    let rig = rig(json!({}));
    let (good_for, begun) = (Duration::from_secs(600), Instant::now());
    let ends = Timestamp::now() + good_for;
    let (_, north) = rig.book.give_until("north", Some(ends)).await;
    assert_eq!(who(&rig.intake, Some(&north), None).await, is("north"));
    let mut pass = rig.intake.pass(north.as_bytes());
    rig.book.is_away.store(true, Ordering::Relaxed);
    assert_eq!(rig.intake.pass_ended(pass.as_mut()).await, Unidentified::Expired);
    let took = begun.elapsed();
    assert!(took < good_for + Duration::from_secs(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_token_of_the_settings_does_not_end_with_the_time_of_a_shops_that_was_the_same() {
    let rig = rig(json!({ "ingest_token": STRANGE }));
    let mut pass = rig.intake.pass(STRANGE.as_bytes()).unwrap();
    pass.expires_at = Some(Timestamp::now() + Duration::from_secs(5));
    let ended = rig.intake.pass_ended(Some(&mut pass));
    assert!(tokio::time::timeout(Duration::from_secs(60), ended).await.is_err(), "it waits");
}
