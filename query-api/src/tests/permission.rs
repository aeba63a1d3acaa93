//! Walks the table of routes: nothing opens without a token, and nothing to a role that is too low.

use access::{Permission, Role};
use reqwest::Method;
use serde_json::json;

use super::rig::{Rig, answer};
use crate::identity::Access;
use crate::openapi;
use crate::routes::{Route, routes};

const ROLES: [Role; 3] = [Role::Viewer, Role::Analyst, Role::Admin];

fn least(access: Access) -> Option<Role> {
    match access {
        Access::Public => None,
        Access::SignedIn => Some(Role::Viewer),
        Access::Needs(permission) => Some(permission.least_role()),
    }
}

fn asked(route: &Route) -> (Method, String) {
    let path = route.path.replace("{id}", "none").replace("{name}", "none");
    (route.method.parse().unwrap(), path)
}

#[tokio::test]
async fn every_route_asks_for_a_token_and_for_the_role_of_its_permission() {
    let rig = Rig::start().await;
    for route in routes() {
        let (method, path) = asked(&route);
        let request = || rig.request(method.clone(), &path).json(&json!({}));
        let Some(least) = least(route.access) else { continue };
        let without = answer(request()).await;
        assert_eq!(without.status, 401, "{path} without a token: {without:?}");
        let below = ROLES.iter().filter(|role| **role < least);
        for role in below {
            let refused = answer(request().bearer_auth(rig.token(*role))).await;
            assert_eq!(refused.status, 403, "{path} as {role:?}: {refused:?}");
        }
        // A stream does not end: only its head is read.
        let allowed = request().bearer_auth(rig.token(least)).send().await.unwrap();
        assert!(![401, 403].contains(&allowed.status().as_u16()), "{path} as {least:?}");
    }
    rig.stop().await;
}

#[test]
fn only_these_routes_are_public() {
    let public = routes().into_iter().filter(|route| route.access == Access::Public);
    let paths: Vec<_> = public.map(|route| route.path).collect();
    assert_eq!(
        paths,
        [
            "/api/auth/login",
            "/api/auth/refresh",
            "/api/auth/logout",
            "/api/health",
            "/api/openapi.json"
        ]
    );
}

#[test]
fn every_permission_stands_before_a_route() {
    use Permission::{
        ChangeDeadLetters, ManageIngestTokens, ManageUsers, ReadDeadLetters, ReadEvents,
        ReadStatus, TapPipeline,
    };
    let all = [
        ReadEvents,
        ReadStatus,
        ReadDeadLetters,
        ChangeDeadLetters,
        ManageUsers,
        ManageIngestTokens,
        TapPipeline,
    ];
    for permission in all {
        let used = routes().iter().any(|route| route.access == Access::Needs(permission));
        assert!(used, "{permission:?}");
    }
}

#[test]
fn the_description_has_every_route() {
    let description = serde_json::to_value(openapi::description()).unwrap();
    let described = description["paths"].as_object().unwrap();
    let mut methods: Vec<String> = Vec::new();
    for (path, item) in described {
        methods.extend(item.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
    }
    let mut table: Vec<String> = routes()
        .iter()
        .filter(|route| route.path != "/api/openapi.json")
        .map(|route| format!("{} {}", route.method.to_lowercase(), route.path))
        .collect();
    methods.sort();
    table.sort();
    assert_eq!(methods, table);
}

#[tokio::test]
async fn the_socket_file_is_for_our_own_user_who_is_the_admin() {
    use std::os::unix::fs::PermissionsExt;
    let rig = Rig::start().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&rig.socket) & 0o777, 0o600);
    assert_eq!(mode(rig.socket.parent().unwrap()) & 0o777, 0o700);
    let local = service::http_client::builder().unix_socket(rig.socket.clone()).build().unwrap();
    let mine = answer(local.get("http://localhost/api/auth/me")).await;
    assert_eq!(mine.body, json!({"name": "local", "role": "admin", "shops": "all"}));
    let with_token = local.get("http://localhost/api/auth/me").bearer_auth("x");
    assert_eq!(answer(with_token).await.status, 401, "a token that is sent must be good");
    let socket = rig.socket.clone();
    rig.stop().await;
    assert!(!socket.exists(), "the file goes with the server");
}
