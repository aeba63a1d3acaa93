//! Over a server of our own: what a user of `dns` sees of records in a batch.

use std::net::SocketAddr;

use bus::{Positioned, RecordId};
use bytes::Bytes;
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, PTR};
use hickory_resolver::proto::rr::{Name, RData, Record as Answered, RecordType};
use pipeline::{Resolver, Stage, State, Verdict};
use serde_json::{Value, json};
use tokio::net::UdpSocket;

use super::*;
use crate::filter::Environment;
use crate::language::{Source, Syntax};
use crate::plan::{Plan, parse_and_compile};
use crate::stage::EnricherStage;

/// A server that knows one shop, and says nothing at all to a name that begins with `silent`.
async fn server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1_024];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let question = Message::from_vec(&buffer[..length]).unwrap();
            let query = question.queries[0].clone();
            let name = query.name().to_utf8().to_lowercase();
            if name.starts_with("silent") {
                continue;
            }
            let mut answer = question.clone().into_response();
            let found = match (name.as_str(), query.query_type()) {
                ("shop.example.", RecordType::A) => Some(RData::A(A::new(192, 0, 2, 7))),
                ("7.2.0.192.in-addr.arpa.", RecordType::PTR) => {
                    Some(RData::PTR(PTR(Name::from_utf8("web-1.shop.example.").unwrap())))
                }
                _ => None,
            };
            match found {
                Some(data) => {
                    answer.add_answer(Answered::from_rdata(query.name().clone(), 60, data));
                }
                None => answer.metadata.response_code = ResponseCode::NXDomain,
            }
            socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    });
    address
}

fn plan(filters: &str) -> Plan {
    let source = Source::new("test.conf", format!("filter {{ {filters} }}"));
    let environment = Environment { dns: true, ..Environment::default() };
    parse_and_compile(&source, Syntax::default(), &environment)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]))
}

/// What becomes of events of one batch.
async fn enriched(resolver: &DnsResolver, events: &[Value]) -> Vec<Value> {
    let positioned = |(number, event): (u8, &Value)| Positioned {
        offset: 0,
        index: u32::from(number),
        record: Record {
            id: RecordId([number; 16]),
            payload: Bytes::from(event.to_string()),
            ..Record::default()
        },
    };
    let batch: Vec<_> = (0..).zip(events).map(positioned).collect();
    resolver.resolve(&batch).await;
    let mut stage = EnricherStage::following(resolver.pipelines.clone(), Limits::default());
    let document = |verdict| match verdict {
        Verdict::Forward(records) => serde_json::from_slice(&records[0].payload).unwrap(),
        other => panic!("{other:?}"),
    };
    stage.process(&batch, &mut State::default()).into_iter().map(document).collect()
}

#[tokio::test]
async fn names_and_addresses_are_found_before_a_batch_is_processed() {
    let server = server().await;
    let settings =
        format!(r#"nameserver => "{server}" action => "replace" timeout => 0.2 max_retries => 0"#);
    let filters = format!(
        r#"dns {{ resolve => "a" {settings} }}
           mutate {{ copy => {{ "a" => "b" }} }}
           dns {{ reverse => "b" {settings} }}"#
    );
    let events = [
        json!({"a": "shop.example"}),
        json!({"a": "none.example"}),
        json!({"a": "silent.example"}),
        json!({"a": 5}),
    ];
    let resolver = DnsResolver::new(plan(&filters).into(), Limits::default());
    let out = enriched(&resolver, &events).await;
    assert_eq!((&out[0]["a"], &out[0]["b"]), (&json!("192.0.2.7"), &json!("web-1.shop.example")));
    assert_eq!((&out[1]["a"], out[1].get("tags")), (&json!("none.example"), None));
    assert_eq!(
        (&out[2]["a"], &out[2]["tags"]),
        (&json!("silent.example"), &json!(["_dnstimeout"]))
    );
    assert_eq!(out[3]["a"], json!(5));
}

#[tokio::test]
async fn each_partition_waits_for_its_own_answers() {
    const PARTITIONS: usize = 16;
    let server = server().await;
    let filters =
        format!(r#"dns {{ resolve => "a" nameserver => "{server}" action => "replace" }}"#);
    let resolver = DnsResolver::new(plan(&filters).into(), Limits::default());
    let batches = (0..PARTITIONS).map(|number| {
        let events = [json!({"a": format!("shop-{number}.example")}), json!({"a": "shop.example"})];
        let resolver = &resolver;
        async move { enriched(resolver, &events).await }
    });
    for out in futures::future::join_all(batches).await {
        assert_eq!((&out[1]["a"], out[1].get("tags")), (&json!("192.0.2.7"), None));
        assert_eq!(out[0].get("tags"), None, "it was answered that there is none");
    }
}

#[tokio::test]
async fn each_pipeline_asks_about_the_events_of_its_own_doors() {
    let server = server().await;
    let asks = format!(r#"dns {{ resolve => "a" nameserver => "{server}" action => "replace" }}"#);
    let pipelines = Pipelines::from(plan("")).with("asks", &["tcp"], plan(&asks));
    let resolver = DnsResolver::new(pipelines, Limits::default());
    let at = |number: u8, listener: &'static str| Positioned {
        offset: 0,
        index: u32::from(number),
        record: Record {
            id: RecordId([number; 16]),
            listener: listener.into(),
            payload: Bytes::from_static(br#"{"a":"shop.example"}"#),
            ..Record::default()
        },
    };
    let batch = [at(1, "tcp"), at(2, "udp")];
    resolver.resolve(&batch).await;
    let mut stage = EnricherStage::following(resolver.pipelines.clone(), Limits::default());
    let documents = stage.process(&batch, &mut State::default()).into_iter().map(|verdict| {
        let Verdict::Forward(records) = verdict else { panic!("{verdict:?}") };
        serde_json::from_slice::<Value>(&records[0].payload).unwrap()["a"].clone()
    });
    assert_eq!(documents.collect::<Vec<_>>(), ["192.0.2.7", "shop.example"]);
}
