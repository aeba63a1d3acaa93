//! Passwords, TLS, sentinels and clusters, each with servers of its own.

use super::servers::{Server, free_port};
use super::*;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn users_and_passwords_are_told_and_not_shown() {
    let user = ["--user", "ada", "on", ">hunter2", "~*", "+@all"];
    let server = Server::start(&[&["--requirepass", "pass:word"], user.as_slice()].concat());
    let at = |credentials: &str| format!("redis://{credentials}127.0.0.1:{}", server.port);
    let right = RedisCache::connect(&at(":pass%3Aword@"), &settings()).unwrap();
    until(|| async { right.get("a").await.is_ok() }).await;
    let user = RedisCache::connect(&at("ada:hunter2@"), &settings()).unwrap();
    user.set("a", Bytes::new(), MINUTE).await.unwrap();
    let file = server.folder.path().join("password");
    std::fs::write(&file, "hunter2\n").unwrap();
    let from_file =
        RedisConfig { user: Some("ada".to_owned()), password_file: Some(file), ..settings() };
    let from_file = RedisCache::connect(&at(""), &from_file).unwrap();
    from_file.set("a", Bytes::new(), MINUTE).await.unwrap();
    for wrong in ["", ":hunter3@", "ada:hunter3@"] {
        let cache = RedisCache::connect(&at(wrong), &settings()).unwrap();
        let error = cache.get("a").await.unwrap_err().to_string();
        assert!(!error.contains("hunter3"), "{error}");
    }
}

#[tokio::test]
async fn tls_is_checked_against_the_certificates_given() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    write("own.pem", &own.cert.pem());
    write("own.key", &own.signing_key.serialize_pem());
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    write("other.pem", &other.cert.pem());
    let (own, other) = (folder.path().join("own.pem"), folder.path().join("other.pem"));
    let tls_port = free_port();
    let port = tls_port.to_string();
    let server = Server::start_in(
        folder,
        free_port(),
        &[
            "--tls-port",
            &port,
            "--tls-cert-file",
            "own.pem",
            "--tls-key-file",
            "own.key",
            "--tls-ca-cert-file",
            "own.pem",
            "--tls-auth-clients",
            "no",
        ],
    );
    until(|| server.is_up()).await;
    let url = format!("rediss://localhost:{tls_port}");
    let with = |ca_file| RedisConfig { ca_file, ..settings() };
    let cache = RedisCache::connect(&url, &with(Some(own))).unwrap();
    cache.set("a", Bytes::from_static(b"x"), MINUTE).await.unwrap();
    assert_eq!(cache.get("a").await.unwrap(), Some(Bytes::from_static(b"x")));
    for ca_file in [None, Some(other)] {
        let cache = RedisCache::connect(&url, &with(ca_file)).unwrap();
        let error = cache.get("a").await.unwrap_err().to_string();
        assert!(error.contains("certificate"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_lead_to_the_master_and_to_the_one_after_it() {
    let mut master = Server::start(&[]);
    let of = format!("127.0.0.1 {}", master.port);
    let replica = Server::start(&["--replicaof", "127.0.0.1", &master.port.to_string()]);
    until(|| master.is_up()).await;
    let folder = tempfile::tempdir().unwrap();
    let watch = format!(
        "sentinel monitor main {of} 1\nsentinel down-after-milliseconds main 300\n\
         sentinel failover-timeout main 3000\n"
    );
    std::fs::write(folder.path().join("sentinel.conf"), watch).unwrap();
    let sentinel = Server::start_in(folder, free_port(), &["sentinel.conf", "--sentinel"]);
    let nobody = free_port();
    let url = format!("redis+sentinel://127.0.0.1:{nobody},127.0.0.1:{}/main/2", sentinel.port);
    until(|| sentinel.is_up()).await;
    let in_database = |server: &Server| format!("{}/2", server.url());
    keeps_the_contract(&url, &[in_database(&master)]).await;

    let cache = RedisCache::connect(&url, &settings()).unwrap();
    cache.set("a", Bytes::from_static(b"x"), MINUTE).await.unwrap();
    until(|| async {
        let words = ["SENTINEL", "CKQUORUM", "main"];
        let lists = ["SENTINEL", "REPLICAS", "main"];
        let replicas: Option<Vec<redis::Value>> = sentinel.ask(&lists).await;
        sentinel.ask::<String>(&words).await.is_some() && replicas.is_some_and(|r| r.len() == 1)
    })
    .await;
    until(|| async {
        let info: Option<String> = replica.ask(&["INFO", "replication"]).await;
        info.is_some_and(|info| info.contains("master_link_status:up"))
    })
    .await;
    master.kill();
    until(|| async { cache.set("b", Bytes::from_static(b"y"), MINUTE).await.is_ok() }).await;
    assert_eq!(cache.get("b").await.unwrap(), Some(Bytes::from_static(b"y")));
    let role: Vec<redis::Value> = replica.ask(&["ROLE"]).await.unwrap();
    assert_eq!(role[0], redis::Value::BulkString(b"master".to_vec()));

    let unknown = url.replace("/main/", "/other/");
    let unknown = RedisCache::connect(&unknown, &settings()).unwrap();
    assert!(unknown.get("a").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_asked_where_each_key_is() {
    let node = || Server::start(&["--cluster-enabled", "yes"]);
    let nodes = [node(), node()];
    for (node, slots) in nodes.iter().zip([["0", "8191"], ["8192", "16383"]]) {
        until(|| node.is_up()).await;
        let words = ["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]];
        node.ask::<String>(&words).await.unwrap();
    }
    let port = nodes[1].port.to_string();
    nodes[0].ask::<String>(&["CLUSTER", "MEET", "127.0.0.1", &port]).await.unwrap();
    for node in &nodes {
        until(|| async {
            let info: Option<String> = node.ask(&["CLUSTER", "INFO"]).await;
            info.is_some_and(|info| {
                info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
            })
        })
        .await;
    }
    let url = format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", free_port(), nodes[0].port);
    let urls = [nodes[0].url(), nodes[1].url()];
    keeps_the_contract(&url, &urls).await;

    let cache = RedisCache::connect(&url, &settings()).unwrap();
    for n in 0..100 {
        cache.set(&n.to_string(), Bytes::new(), MINUTE).await.unwrap();
        assert_eq!(cache.add(&format!("{n}-counted"), 1, MINUTE).await.unwrap(), 1);
    }
    for node in &nodes {
        let keys: i64 = node.ask(&["DBSIZE"]).await.unwrap();
        assert!(keys > 50, "{keys} of 200 keys");
    }
}
