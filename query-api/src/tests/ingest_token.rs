//! Ingest tokens over the API: told once, seen by admins of the shop only, revoked for good.

use std::collections::BTreeSet;

use access::{Role, Shops};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use shops::{Lookup, TokenTable};

use super::rig::{Answer, Rig, answer};

async fn create(rig: &Rig, wanted: Value) -> Answer {
    rig.post("/api/tokens", &wanted, Role::Admin).await
}

async fn revoke(rig: &Rig, id: &str) -> Answer {
    rig.post(&format!("/api/tokens/{id}/revoke"), &json!({}), Role::Admin).await
}

/// The tokens of an answer, each as shop and state.
fn shops_and_states(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let tokens = answer.body["tokens"].as_array().unwrap();
    tokens.iter().map(|token| (text(&token["shop"]), text(&token["state"]))).collect()
}

fn pair(shop: &str, state: &str) -> (String, String) {
    (shop.to_owned(), state.to_owned())
}

#[tokio::test]
async fn a_token_is_told_once_listed_and_revoked() {
    let rig = Rig::start().await;
    let made = create(&rig, json!({"shop": "north", "label": "till 3", "expires_in": "90d"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.headers["cache-control"], "no-store");
    let text = made.body["token"].as_str().unwrap().to_owned();
    assert!(shops::is_token(text.as_bytes()), "{text}");
    let moment = |field: &str| made.body[field].as_str().unwrap().parse::<Timestamp>().unwrap();
    let good_for = moment("expires_at").duration_since(moment("created_at"));
    assert!((89 * 86_400..=90 * 86_400).contains(&good_for.as_secs()), "{made:?}");
    assert_eq!(create(&rig, json!({"shop": "south"})).await.body["expires_at"], Value::Null);

    let listed = rig.get("/api/tokens", Role::Admin).await;
    assert_eq!(shops_and_states(&listed), [pair("north", "live"), pair("south", "live")]);
    let north = rig.get("/api/tokens?shop=north", Role::Admin).await;
    let mut expected = made.body.clone();
    expected.as_object_mut().unwrap().remove("token");
    assert_eq!(north.body, json!({"tokens": [expected]}), "all but its text");
    assert_eq!(north.body["tokens"][0]["created_by"], "ada");
    let all = listed.body.to_string();
    assert!(!all.contains(&text[4..]) && !all.contains("digest"), "{all}");

    let id = made.body["id"].as_str().unwrap();
    let revoked = revoke(&rig, id).await;
    assert_eq!((revoked.status, &revoked.body["state"]), (200, &json!("revoked")));
    assert_eq!(revoke(&rig, id).await.body, revoked.body, "the first time stands");
    let listed = rig.get("/api/tokens", Role::Admin).await;
    assert_eq!(shops_and_states(&listed), [pair("north", "revoked"), pair("south", "live")]);
    let table = TokenTable::load(rig.documents()).await.unwrap();
    assert_eq!(table.find(text.as_bytes(), Timestamp::now()), Lookup::Revoked);
    rig.stop().await;
}

#[tokio::test]
async fn who_may_see_some_shops_has_no_part_in_the_tokens_of_others() {
    let rig = Rig::start().await;
    let south = create(&rig, json!({"shop": "south"})).await;
    let token = rig.token_for(Role::Admin, &Shops::Only(BTreeSet::from(["north".to_owned()])));
    let get = |path: &str| answer(rig.request(Method::GET, path).bearer_auth(&token));
    let post = |path: &str, body: &Value| {
        answer(rig.request(Method::POST, path).bearer_auth(&token).json(body))
    };
    let own = post("/api/tokens", &json!({"shop": "north"})).await;
    assert_eq!(own.status, 201, "{own:?}");
    assert_eq!(shops_and_states(&get("/api/tokens").await), [pair("north", "live")]);
    assert_eq!(get("/api/tokens?shop=south").await.status, 404);
    assert_eq!(post("/api/tokens", &json!({"shop": "south"})).await.status, 404);

    let path = |made: &Answer| format!("/api/tokens/{}/revoke", made.body["id"].as_str().unwrap());
    let other = post(&path(&south), &json!({})).await;
    let unknown = post(&format!("/api/tokens/{}/revoke", "0".repeat(32)), &json!({})).await;
    assert_eq!((other.status, other.body), (404, unknown.body), "as if there were none");
    assert_eq!(post(&path(&own), &json!({})).await.status, 200);
    let all = rig.get("/api/tokens", Role::Admin).await;
    assert_eq!(shops_and_states(&all), [pair("north", "revoked"), pair("south", "live")]);
    rig.stop().await;
}

#[tokio::test]
async fn what_cannot_be_a_token_is_refused_with_the_reason() {
    let rig = Rig::start().await;
    for (wanted, reason) in [
        (json!({}), "shop"),
        (json!({"shop": "North"}), "1 to 64 characters"),
        (json!({"shop": {"$ne": ""}}), "string"),
        (json!({"shop": "north", "label": ""}), "1 to 100 printable"),
        (json!({"shop": "north", "label": "a\nb"}), "1 to 100 printable"),
        (json!({"shop": "north", "label": "x".repeat(101)}), "1 to 100 printable"),
        (json!({"shop": "north", "expires_in": "90"}), "whole number with a unit"),
        (json!({"shop": "north", "expires_in": 90}), "length of time with its unit"),
        (json!({"shop": "north", "expires_in": "0s"}), "time to come"),
        (json!({"shop": "north", "expires_at": "2020-01-01T00:00:00Z"}), "time to come"),
        (
            json!({"shop": "north", "expires_in": "1d", "expires_at": "2999-01-01T00:00:00Z"}),
            "only one",
        ),
        (json!({"shop": "north", "digest": "x"}), "digest"),
    ] {
        let refused = create(&rig, wanted.clone()).await;
        assert_eq!(refused.status, 400, "{wanted}: {refused:?}");
        assert_eq!(refused.headers["content-type"], "application/problem+json");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(reason), "{wanted}: {detail}");
    }
    for parameters in ["shop=North", "shop=", "shops=north", "shop=a&shop=b"] {
        let refused = rig.get(&format!("/api/tokens?{parameters}"), Role::Admin).await;
        assert_eq!(refused.status, 400, "{parameters}: {refused:?}");
    }
    for id in ["none", "..%2Fusers", "%00", &"F".repeat(32), &"0".repeat(32)] {
        assert_eq!(revoke(&rig, id).await.status, 404, "{id}");
    }
    assert_eq!(rig.get("/api/tokens", Role::Admin).await.body, json!({"tokens": []}));
    rig.stop().await;
}
