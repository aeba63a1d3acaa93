//! Consistent searches through the API: one view for all pages, for whoever began it, for a while.

use std::collections::BTreeSet;

use access::{Role, Shops};
use reqwest::Method;
use serde_json::{Value, json};

use super::rig::{Answer, Rig, answer};

const PATH: &str = "/api/search/query?size=2&consistent=true&from=2026-02-01&to=2026-02-02";

async fn rig_with_events() -> Rig {
    let rig = Rig::start().await;
    let event = |shop: &str| json!({"message": "first", "organization": {"id": shop}});
    rig.index(&[
        ("a", "2026-02-01T10:00:00Z", event("north")),
        ("b", "2026-02-01T10:00:30Z", event("north")),
        ("c", "2026-02-01T10:02:00Z", event("south")),
        ("d", "2026-02-01T10:03:00Z", event("north")),
        ("e", "2026-02-01T10:04:00Z", event("south")),
    ])
    .await;
    rig
}

fn next(answer: &Answer) -> String {
    let cursor = answer.body["next_cursor"].as_str().unwrap_or_else(|| panic!("{answer:?}"));
    format!("{PATH}&cursor={cursor}")
}

fn ids(answer: &Answer) -> Vec<&str> {
    let hits = answer.body["hits"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
    hits.iter().map(|hit| hit["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn pages_show_one_view_and_the_last_one_ends_it() {
    let rig = rig_with_events().await;
    let first = rig.get(PATH, Role::Viewer).await;
    assert_eq!((first.status, ids(&first)), (200, vec!["e", "d"]), "{first:?}");
    let replaced = json!({"message": "second"});
    rig.index(&[
        ("a", "2026-02-01T11:00:00Z", replaced.clone()),
        ("b", "2026-02-01T10:00:30Z", replaced.clone()),
        ("new", "2026-02-01T09:00:00Z", replaced),
    ])
    .await;
    let second = rig.get(&next(&first), Role::Viewer).await;
    assert_eq!((ids(&second), &second.body["total"]), (vec!["c", "b"], &json!(5)));
    assert_eq!(second.body["hits"][1]["document"]["message"], "first");
    let third = rig.get(&next(&second), Role::Viewer).await;
    assert_eq!((ids(&third), &third.body["next_cursor"]), (vec!["a"], &Value::Null));
    let again = rig.get(&next(&second), Role::Viewer).await;
    assert_eq!(again.status, 410, "{again:?}");
    assert_eq!(again.body["type"], "urn:millrace:problem:expired");
    assert_eq!(again.headers["content-type"], "application/problem+json");
    let detail = again.body["detail"].as_str().unwrap();
    assert!(detail.contains("this view has expired: begin with the first page"), "{detail}");
    rig.stop().await;
}

#[tokio::test]
async fn a_cursor_is_of_no_use_to_others_nor_where_it_was_changed() {
    let rig = rig_with_events().await;
    let first = rig.get(PATH, Role::Viewer).await;
    let cursor = first.body["next_cursor"].as_str().unwrap().to_owned();
    let south = Shops::Only(BTreeSet::from(["south".to_owned()]));
    let token = rig.token_for(Role::Viewer, &south);
    let of_south = rig.request(Method::GET, &next(&first)).bearer_auth(token);
    let unsigned = cursor.split_once('.').unwrap().1;
    let changed = cursor.replace(".1n.", ".1n.9");
    let wrong = [
        answer(of_south).await,
        rig.get(&format!("{PATH}&cursor={unsigned}"), Role::Viewer).await,
        rig.get(&format!("{PATH}&cursor={changed}"), Role::Viewer).await,
        rig.get(&next(&first).replace("consistent=true", "consistent=false"), Role::Viewer).await,
        rig.get(&format!("{}&q=message:first", next(&first)), Role::Viewer).await,
        rig.get(
            &format!("{PATH}&consistent=maybe").replacen("consistent=true&", "", 1),
            Role::Viewer,
        )
        .await,
    ];
    for answer in wrong {
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.get("hits").is_none(), "{answer:?}");
    }
    assert_eq!(ids(&rig.get(&next(&first), Role::Viewer).await), ["c", "b"], "it is still good");
    rig.stop().await;
}

#[tokio::test]
async fn a_cursor_of_the_other_kind_is_told_as_such() {
    let rig = rig_with_events().await;
    let consistent = rig.get(PATH, Role::Viewer).await;
    let plain_path = PATH.replace("consistent=true&", "");
    let plain = rig.get(&plain_path, Role::Viewer).await;
    let cursor = |answer: &Answer| answer.body["next_cursor"].as_str().unwrap().to_owned();
    let (signed, plain) = (cursor(&consistent), cursor(&plain));
    let unsigned = signed.split_once('.').unwrap().1;
    let foreign = "this cursor is not one of this search: begin with the first page";
    let told = [
        (format!("{plain_path}&cursor={signed}"), "send `consistent` with every page"),
        (format!("{PATH}&cursor={plain}"), "of a search without `consistent`: go on without it"),
        (format!("{plain_path}&cursor={unsigned}"), foreign),
        (format!("{PATH}&cursor={unsigned}"), foreign),
        (format!("{plain_path}&cursor=nothing"), foreign),
        (format!("{PATH}&cursor=nothing"), foreign),
    ];
    for (path, expected) in told {
        let answer = rig.get(&path, Role::Viewer).await;
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(expected), "{path}: {detail}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn one_user_has_so_many_views_and_is_told_the_way_out() {
    let rig = rig_with_events().await;
    for _ in 0..4 {
        assert_eq!(rig.get(PATH, Role::Viewer).await.status, 200);
    }
    let refused = rig.get(PATH, Role::Viewer).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.body["type"], "urn:millrace:problem:too-many-requests");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=120).contains(&wait), "{wait}");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("search without `consistent`"), "{detail}");
    assert_eq!(rig.get("/api/search/query?size=2", Role::Viewer).await.status, 200);
    rig.stop().await;
}
