//! Connections that are encrypted, and clients that say who they are.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bus::{Bus, BusError, ErrorKind};
use bus_kafka::{KafkaBus, KafkaConfig, SaslConfig, SaslMechanism};
use service::{Secret, Span};
use tokio::net::{TcpListener, TcpStream};

use super::support::{self, assigned, numbers, publish, take, variable};

/// The user that `scripts/engines` makes.
const USER: &str = "millrace";
const PASSWORD: &str = "millrace-secret";

/// A topic is made, written and read over this address.
async fn works(url: &str, config: KafkaConfig) {
    let bus = KafkaBus::connect(url, config.clone()).unwrap();
    if config.sasl.mechanism == Some(SaslMechanism::OauthBearer) {
        let error = bus.ensure_topics(&[support::topic("t", 2)]).await.unwrap_err();
        assert!(error.message.contains("kafka-topics.sh"), "{error}");
        let plain = KafkaConfig { sasl: SaslConfig::default(), ..config };
        support::with_topic(&plain, "t", 2).await;
    }
    bus.ensure_topics(&[support::topic("t", 2)]).await.unwrap();
    publish(&bus, "t", &["a"], 0..3).await;
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    assigned(&mut consumer, 2).await;
    let batches = take(&mut consumer, 3).await;
    assert_eq!(numbers(&batches)["a"], [0, 1, 2]);
    support::commit(&*consumer, &batches[0]).await;
    drop(consumer);
    assert!(bus.lag("g", &["t"]).await.is_ok());
}

async fn refused(url: &str, config: KafkaConfig) -> BusError {
    let config = KafkaConfig { request_timeout: Span::from_secs(3), ..config };
    let bus = KafkaBus::connect(url, config).unwrap();
    bus.ensure_topics(&[support::topic("t", 1)]).await.unwrap_err()
}

fn authority() -> Option<PathBuf> {
    Some(variable("MILLRACE_TEST_KAFKA_CA").into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_works_with_the_authority_and_is_refused_without() {
    let url = format!("kafkas://{}", variable("MILLRACE_TEST_KAFKA_TLS"));
    works(&url, KafkaConfig { ca_file: authority(), ..support::config() }).await;
    let error = refused(&url, support::config()).await;
    assert_eq!(error.kind, ErrorKind::Fatal, "{error}");
    assert!(error.message.contains("certificate") && error.message.contains("ca_file"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_refuses_a_certificate_of_another_name() {
    let broker = variable("MILLRACE_TEST_KAFKA_TLS");
    // The same broker under an address that its certificate does not name.
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let url = format!("kafkas://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let broker = broker.clone();
            tokio::spawn(async move {
                let mut broker = TcpStream::connect(broker).await.unwrap();
                tokio::io::copy_bidirectional(&mut client, &mut broker).await
            });
        }
    });
    let error = refused(&url, KafkaConfig { ca_file: authority(), ..support::config() }).await;
    assert_eq!(error.kind, ErrorKind::Fatal, "{error}");
    assert!(error.message.contains("certificate"), "{error}");
}

fn password(mechanism: SaslMechanism, password: &str) -> KafkaConfig {
    let sasl = SaslConfig {
        mechanism: Some(mechanism),
        user: USER.to_owned(),
        password: Some(Secret::new(password.to_owned())),
        ..SaslConfig::default()
    };
    KafkaConfig { sasl, ..support::config() }
}

fn sasl_url() -> String {
    format!("kafka://{}", variable("MILLRACE_TEST_KAFKA_SASL"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_work_and_a_wrong_one_is_refused_without_showing_it() {
    use SaslMechanism::{Plain, ScramSha256, ScramSha512};
    for mechanism in [Plain, ScramSha256, ScramSha512] {
        works(&sasl_url(), password(mechanism, PASSWORD)).await;
        let error = refused(&sasl_url(), password(mechanism, "hunter2")).await;
        assert_eq!(error.kind, ErrorKind::Fatal, "{error}");
        assert!(error.message.contains("sasl.user"), "{error}");
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let mut config = password(SaslMechanism::ScramSha512, "");
    config.sasl.password = None;
    config.sasl.password_file = Some(file);
    works(&sasl_url(), config).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_read_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = format!(r#"{{"sub":"millrace","iat":{now},"exp":{}}}"#, now + 600);
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    std::fs::write(&file, format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&claims))).unwrap();
    let sasl = SaslConfig {
        mechanism: Some(SaslMechanism::OauthBearer),
        token_file: Some(file),
        ..SaslConfig::default()
    };
    works(&sasl_url(), KafkaConfig { sasl, ..support::config() }).await;
}
