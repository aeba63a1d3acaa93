//! Signing in, refreshing, throttling, passwords; hostile inputs 19 and 20 at the door.

use access::Role;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, COOKIE, ORIGIN, SET_COOKIE};
use serde_json::{Value, json};

use super::rig::{Answer, PASSWORD, Rig, answer};
use crate::ensure_admin;

async fn login(rig: &Rig, name: &str, password: &str) -> Answer {
    let body = json!({"name": name, "password": password});
    answer(rig.request(Method::POST, "/api/auth/login").json(&body)).await
}

async fn refresh(rig: &Rig, cookie: &str) -> Answer {
    answer(rig.request(Method::POST, "/api/auth/refresh").header(COOKIE, cookie)).await
}

/// The cookie as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    let set = answer.headers[SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

async fn me(rig: &Rig, token: &Value) -> Answer {
    let request = rig.request(Method::GET, "/api/auth/me");
    answer(request.bearer_auth(token.as_str().unwrap())).await
}

#[tokio::test]
async fn a_password_buys_a_session_and_signing_out_ends_it() {
    let rig = Rig::start().await;
    let password = ensure_admin(rig.documents(), None).await.unwrap().expect("shown once");
    assert_eq!(ensure_admin(rig.documents(), None).await.unwrap(), None, "and never again");

    let wrong = login(&rig, "admin", "not the password").await;
    assert_eq!(wrong.status, 401, "{wrong:?}");
    assert_eq!(wrong.headers["content-type"], "application/problem+json");
    let unknown = login(&rig, "nobody", "not the password").await;
    assert_eq!(unknown.body, wrong.body, "nobody learns which names there are");

    let signed_in = login(&rig, "admin", &password).await;
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    assert_eq!(signed_in.body["expires_in_s"], 600);
    let set = signed_in.headers[SET_COOKIE].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/api/auth", "Max-Age=604800"] {
        assert!(set.contains(part), "{set}");
    }
    assert_eq!(signed_in.headers["cache-control"], "no-store");
    let mine = me(&rig, &signed_in.body["access_token"]).await;
    assert_eq!(mine.body, json!({"name": "admin", "role": "admin", "shops": "all"}));

    let cookie = cookie(&signed_in);
    let left = answer(rig.request(Method::POST, "/api/auth/logout").header(COOKIE, &cookie)).await;
    assert_eq!(left.status, 204);
    assert!(left.headers[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(refresh(&rig, &cookie).await.status, 401);
    rig.stop().await;
}

#[tokio::test]
async fn an_admin_can_be_made_with_a_given_password() {
    let rig = Rig::start().await;
    assert!(ensure_admin(rig.documents(), Some("short")).await.is_err());
    assert_eq!(ensure_admin(rig.documents(), Some(PASSWORD)).await.unwrap(), None);
    assert_eq!(login(&rig, "admin", PASSWORD).await.status, 200);
    rig.stop().await;
}

#[tokio::test]
async fn a_refresh_replaces_the_cookie_and_a_stolen_one_ends_the_session() {
    let rig = Rig::start().await;
    rig.add_user("ada", Role::Viewer).await;
    let first = cookie(&login(&rig, "ada", PASSWORD).await);
    let refreshed = refresh(&rig, &first).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    assert_eq!(me(&rig, &refreshed.body["access_token"]).await.body["name"], "ada");
    let second = cookie(&refreshed);
    assert_ne!(first, second);

    let other_tab = refresh(&rig, &first).await;
    assert_eq!(other_tab.status, 200, "a moment later the one before is answered");
    assert!(other_tab.headers.get(SET_COOKIE).is_none(), "and stays replaced");

    let third = cookie(&refresh(&rig, &second).await);
    assert_eq!(refresh(&rig, &first).await.status, 401, "used long before: stolen");
    assert_eq!(refresh(&rig, &third).await.status, 401, "the whole session has ended");
    rig.stop().await;
}

#[tokio::test]
async fn cookies_that_are_none_and_pages_of_other_sites_are_refused() {
    let rig = Rig::start().await;
    rig.add_user("ada", Role::Viewer).await;
    let good = cookie(&login(&rig, "ada", PASSWORD).await);
    for bad in ["millrace_session=", "millrace_session=x.y", "millrace_session=../../x", "a=b"] {
        assert_eq!(refresh(&rig, bad).await.status, 401, "{bad}");
    }
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        for path in ["/api/auth/refresh", "/api/auth/logout", "/api/auth/login"] {
            let request = rig.request(Method::POST, path).header(COOKIE, &good);
            let answer = answer(request.header(name, value).json(&json!({}))).await;
            assert!([400, 403].contains(&answer.status), "{path}: {answer:?}");
        }
    }
    let own = rig.request(Method::POST, "/api/auth/refresh").header(COOKIE, &good);
    assert_eq!(answer(own.header(ORIGIN, &rig.base)).await.status, 200, "nothing has ended it");
    rig.stop().await;
}

#[tokio::test]
async fn sign_ins_are_throttled_by_user_and_by_address() {
    let rig = Rig::start_with(|config| {
        config.login_attempts_per_user_max = 3;
        config.login_attempts_per_address_max = 6;
    })
    .await;
    rig.add_user("ada", Role::Viewer).await;
    for _ in 0..2 {
        assert_eq!(login(&rig, "ada", "not the password").await.status, 401);
    }
    assert_eq!(login(&rig, "ada", PASSWORD).await.status, 200, "the right one begins anew");
    for _ in 0..7 {
        assert_eq!(login(&rig, "ada", PASSWORD).await.status, 200, "nor does it count");
    }
    for _ in 0..3 {
        assert_eq!(login(&rig, "ada", "not the password").await.status, 401);
    }
    let refused = login(&rig, "ada", "not the password").await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.headers["retry-after"], "900");
    assert_eq!(login(&rig, "ada", PASSWORD).await.status, 429, "also with the right one");
    assert_eq!(login(&rig, "bob", "not the password").await.status, 401, "others go on");
    assert_eq!(login(&rig, "eve", "not the password").await.status, 429, "until the address is");
    rig.stop().await;
}

#[tokio::test]
async fn a_changed_password_ends_all_sessions() {
    let rig = Rig::start().await;
    rig.add_user("ada", Role::Viewer).await;
    let signed_in = login(&rig, "ada", PASSWORD).await;
    let token = signed_in.body["access_token"].as_str().unwrap().to_owned();
    let change = async |current: &str, new: &str| {
        let body = json!({"current": current, "new": new});
        let request = rig.request(Method::POST, "/api/auth/password").bearer_auth(&token);
        answer(request.json(&body)).await
    };
    assert_eq!(change("not the password", "another horse battery").await.status, 401);
    let short = change(PASSWORD, "short").await;
    assert_eq!((short.status, short.body["detail"].as_str().unwrap().contains("12")), (400, true));
    assert_eq!(change(PASSWORD, "another horse battery").await.status, 204);
    assert_eq!(refresh(&rig, &cookie(&signed_in)).await.status, 401);
    assert_eq!(login(&rig, "ada", PASSWORD).await.status, 401);
    assert_eq!(login(&rig, "ada", "another horse battery").await.status, 200);
    rig.stop().await;
}

#[tokio::test]
async fn an_admin_resets_a_password_which_is_shown_once() {
    let rig = Rig::start().await;
    rig.add_user("ada", Role::Viewer).await;
    let signed_in = login(&rig, "ada", PASSWORD).await;
    let reset = rig.post("/api/users/ada/reset-password", &json!({}), Role::Admin).await;
    assert_eq!(reset.status, 200, "{reset:?}");
    let password = reset.body["password"].as_str().unwrap();
    assert_eq!(refresh(&rig, &cookie(&signed_in)).await.status, 401);
    assert_eq!(login(&rig, "ada", password).await.status, 200);
    for name in ["nobody", "..%2F..%2Fetc", "%00", "a%22b"] {
        let path = format!("/api/users/{name}/reset-password");
        assert_eq!(rig.post(&path, &json!({}), Role::Admin).await.status, 404, "{name}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn hostile_19_an_object_where_a_string_belongs_is_a_400() {
    let rig = Rig::start().await;
    rig.add_user("admin", Role::Admin).await;
    for body in [
        json!({"name": {"$gt": ""}, "password": {"$gt": ""}}),
        json!({"name": "admin", "password": {"$ne": null}}),
        json!({"name": ["admin"], "password": PASSWORD}),
        json!({"name": "admin", "password": PASSWORD, "role": "admin"}),
        json!({"name": "admin"}),
        json!([]),
        json!(null),
    ] {
        let answer = answer(rig.request(Method::POST, "/api/auth/login").json(&body)).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let form = rig.request(Method::POST, "/api/auth/login").header("content-type", "text/plain");
    let form = answer(form.body(json!({"name": "admin", "password": PASSWORD}).to_string())).await;
    assert_eq!(form.status, 415, "what a form of another site can send");
    for name in ["admin' OR '1'='1", "admin\0", "ADMIN", &"a".repeat(10_000)] {
        assert_eq!(login(&rig, name, PASSWORD).await.status, 401, "{name}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn hostile_20_no_token_but_a_good_one_opens_a_door() {
    let rig = Rig::start().await;
    let good = rig.token(Role::Admin);
    let header =
        |text: String| rig.request(Method::GET, "/api/auth/me").header(AUTHORIZATION, text);
    assert_eq!(answer(header(format!("Bearer {good}"))).await.status, 200);
    assert_eq!(answer(header(format!("bearer {good}"))).await.status, 200);
    let (head, _) = good.rsplit_once('.').unwrap();
    for text in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        good.clone(),
        format!("Basic {good}"),
        format!("Bearer {head}."),
        format!("Bearer {good}x"),
        format!("Bearer {}", "x".repeat(8000)),
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.".to_owned(),
    ] {
        let answer = answer(header(text.clone())).await;
        assert_eq!(answer.status, 401, "{text}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    let twice = header(format!("Bearer {good}")).header(AUTHORIZATION, format!("Bearer {good}"));
    assert_eq!(answer(twice).await.status, 401, "a second header");
    rig.stop().await;
}
