//! A server that is away, and one that comes back.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::*;

fn impatient() -> MongoConfig {
    MongoConfig {
        server_timeout: service::Span::from_secs(1),
        connect_timeout: service::Span::from_secs(1),
        ..Databases::settings()
    }
}

/// Passes connections on to the server, until it is dropped.
struct Way {
    connections: tokio::task::JoinHandle<()>,
}

impl Way {
    async fn open(listen: SocketAddr, server: String) -> (SocketAddr, Self) {
        let listener = TcpListener::bind(listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let server = server.clone();
                open.spawn(async move {
                    let mut far = TcpStream::connect(server).await.unwrap();
                    drop(copy_bidirectional(&mut near, &mut far).await);
                });
            }
        });
        (address, Self { connections })
    }

    async fn close(self) {
        self.connections.abort();
        drop(self.connections.await);
    }
}

#[tokio::test]
async fn a_store_opens_while_its_server_is_away() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("mongodb://ada:hunter2@{nobody}/?directConnection=true");
    let store = MongoDocuments::connect(&url, &impatient()).unwrap();
    assert!(!format!("{store:?}").contains("hunter2"));
    for error in [
        store.ensure_collections(&[STATE]).await.unwrap_err(),
        store.get("state", "a").await.unwrap_err(),
        store.put("state", "a", Bytes::new(), Expect::Any).await.unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Transient, "{error}");
        assert!(error.message.contains(&nobody.to_string()), "{error}");
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_name_that_is_not_known_is_transient() {
    let url = "mongodb+srv://ada:hunter2@nobody.invalid/";
    let store = MongoDocuments::connect(url, &impatient()).unwrap();
    let error = store.get("state", "a").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient, "{error}");
    assert!(!error.message.contains("hunter2"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_is_used_again() {
    let databases = Databases::default();
    let server = url();
    let host = server.strip_prefix("mongodb://").unwrap().split('/').next().unwrap().to_owned();
    let (address, way) = Way::open("127.0.0.1:0".parse().unwrap(), host.clone()).await;
    let settings = impatient();
    // Known to be dropped in the end, on the way that stays open.
    databases.open(&settings);
    let url = format!("mongodb://{address}/?directConnection=true");
    let store = MongoDocuments::connect(&url, &settings).unwrap();
    store.ensure_collections(&[STATE]).await.unwrap();
    store.put("state", "a", Bytes::from_static(b"1"), Expect::Absent).await.unwrap();

    way.close().await;
    let changes = vec![put("a", "2"), put("b", "2")];
    for error in [
        store.get("state", "a").await.unwrap_err(),
        store.apply("state", changes.clone()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Transient, "{error}");
        assert!(!error.message.contains("has not answered"), "it is told before a call is over");
    }

    let (_, way) = Way::open(address, host).await;
    until(|| async { store.get("state", "a").await.is_ok() }).await;
    assert_eq!(store.get("state", "b").await.unwrap(), None, "nothing was half done");
    store.apply("state", changes).await.unwrap();
    assert_eq!(store.get("state", "a").await.unwrap().unwrap().version, 2);
    databases.drop().await;
    way.close().await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_holds_nobody_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("mongodb://{address}/?directConnection=true");
    let settings = MongoConfig { call_timeout: service::Span::from_millis(200), ..impatient() };
    let settings = MongoConfig { server_timeout: service::Span::from_secs(60), ..settings };
    let store = MongoDocuments::connect(&url, &settings).unwrap();
    let error = store.get("state", "a").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient, "{error}");
    assert!(error.message.contains("within 200ms"), "{error}");
}

#[tokio::test]
async fn what_a_call_has_not_begun_before_it_was_over_does_not_happen() {
    let databases = Databases::default();
    let store = databases.make();
    store.ensure_collections(&[STATE]).await.unwrap();
    let over = Deadline::after(Duration::ZERO);
    for changes in [vec![put("a", "1")], vec![put("a", "1"), put("b", "1")]] {
        let late = Arc::clone(&store.shared).apply("state".to_owned(), changes, over);
        let error = late.await.unwrap_err().explain("here");
        assert_eq!(error.kind, ErrorKind::Transient, "{error}");
    }
    assert_eq!(store.get_many("state", &["a", "b"]).await.unwrap(), [None, None]);
    databases.drop().await;
}
