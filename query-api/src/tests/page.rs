//! The pages' files: from the build only, with their types and caching.

use reqwest::Method;
use reqwest::header::IF_NONE_MATCH;

use super::rig::{Rig, answer};

#[tokio::test]
async fn the_page_is_served_and_known_again() {
    let rig = Rig::start().await;
    let page = answer(rig.request(Method::GET, "/")).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["cache-control"], "no-cache");
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("'none'"));
    assert!(page.body.as_str().unwrap().contains("Millrace"));
    let tag = page.headers["etag"].clone();
    let again = answer(rig.request(Method::GET, "/").header(IF_NONE_MATCH, tag)).await;
    assert_eq!(again.status, 304);
    rig.stop().await;
}

#[tokio::test]
async fn other_addresses_are_problems_and_never_files_of_the_machine() {
    let rig = Rig::start().await;
    for path in [
        "/nothing",
        "/api/nothing",
        "/..%2f..%2fCargo.toml",
        "/%2e%2e/Cargo.toml",
        "/assets/",
        "//etc/passwd",
        "/index.html%00",
        "/.gitignore",
    ] {
        let answer = answer(rig.request(Method::GET, path)).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    assert_eq!(answer(rig.request(Method::POST, "/")).await.status, 405);
    let wrong = answer(rig.request(Method::DELETE, "/api/dead")).await;
    assert_eq!(wrong.status, 405);
    assert_eq!(wrong.headers["content-type"], "application/problem+json");
    rig.stop().await;
}
