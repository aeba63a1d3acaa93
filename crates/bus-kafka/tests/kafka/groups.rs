//! Groups whose members come, go and die while records flow.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use bus::{Bus, Delivery, ErrorKind, PartitionId};
use bus_kafka::{GroupProtocol, KafkaBus, KafkaConfig};
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::support::{
    self, PATIENCE, assigned, commit, eventually, next, numbers, publish, take, with_topic,
};

const TOPIC: &str = "flow";
const PARTITIONS: u32 = 6;

/// What all members of a group have settled and committed together.
#[derive(Debug, Default)]
struct Settled {
    records: BTreeMap<String, usize>,
    committed: BTreeMap<PartitionId, u64>,
}

/// A member that settles each batch before it takes the next, as the runner does.
fn member(
    bus: Arc<KafkaBus>,
    settled: Arc<Mutex<Settled>>,
    mut stop: watch::Receiver<bool>,
) -> JoinHandle<usize> {
    tokio::spawn(async move {
        let mut consumer = bus.subscribe("flow", &[TOPIC]).await.unwrap();
        let mut taken = 0;
        loop {
            let delivery = tokio::select! {
                delivery = consumer.next() => delivery.unwrap(),
                _ = stop.wait_for(|stop| *stop) => return taken,
            };
            match delivery {
                Delivery::Batch(batch) => {
                    let committer = consumer.committer();
                    let offset = batch.next_offset;
                    // As the runner does: a commit may meet a rebalance of the partitions that stay.
                    while let Err(error) =
                        committer.commit(&batch.partition, offset, Bytes::new()).await
                    {
                        assert_eq!(error.kind, ErrorKind::Transient, "{error}");
                        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    }
                    taken += batch.records.len();
                    let mut settled = settled.lock().unwrap();
                    for text in support::texts(std::slice::from_ref(&batch)) {
                        *settled.records.entry(text).or_default() += 1;
                    }
                    let before = settled.committed.insert(batch.partition.clone(), offset);
                    assert!(before.unwrap_or_default() < offset, "commits never go back");
                }
                Delivery::Assigned(starts) => {
                    let settled = settled.lock().unwrap();
                    for start in starts {
                        let committed = settled.committed.get(&start.partition).copied();
                        assert_eq!(start.offset, committed.unwrap_or_default(), "it goes on there");
                    }
                }
                Delivery::Revoked(_) => {}
                Delivery::Lost(partitions) => panic!("nobody was away: {partitions:?}"),
            }
        }
    })
}

async fn flows_through_rebalances(config: KafkaConfig) {
    let bus = with_topic(&config, TOPIC, PARTITIONS).await;
    let settled: Arc<Mutex<Settled>> = Arc::default();
    let (stop, stopped) = watch::channel(false);
    let (stop_first, first_stopped) = watch::channel(false);
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let rounds = 200_u64;
    let flow = tokio::spawn({
        let bus = Arc::clone(&bus);
        async move {
            for round in 0..rounds {
                publish(&*bus, TOPIC, &keys, round..round + 1).await;
            }
        }
    });
    let reach = async |share: u64| {
        let wanted = (rounds * keys.len() as u64 * share / 10) as usize;
        eventually("records are settled", async || {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            (settled.lock().unwrap().records.len() >= wanted).then_some(())
        })
        .await;
    };
    let join = |stop: &watch::Receiver<bool>| {
        member(support::connect(&config), Arc::clone(&settled), stop.clone())
    };
    let first = join(&first_stopped);
    reach(2).await;
    let others = [join(&stopped), join(&stopped)];
    reach(5).await;
    stop_first.send(true).unwrap();
    first.await.unwrap();
    reach(10).await;
    flow.await.unwrap();
    stop.send(true).unwrap();
    for other in others {
        assert!(other.await.unwrap() > 0, "every member had work");
    }
    let settled = settled.lock().unwrap();
    assert_eq!(settled.records.len() as u64, rounds * keys.len() as u64, "none is lost");
    assert!(settled.records.values().all(|times| *times == 1), "who drains repeats nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go_and_every_record_is_settled_once() {
    flows_through_rebalances(support::config()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_and_go_where_the_broker_shares_the_partitions() {
    let protocol = GroupProtocol::Consumer;
    flows_through_rebalances(KafkaConfig { group_protocol: protocol, ..support::config() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_is_given_away_only_when_it_is_drained() {
    let config = support::config();
    let bus = with_topic(&config, TOPIC, 2).await;
    publish(&*bus, TOPIC, &["a", "b", "c", "d"], 0..10).await;
    let mut first = bus.subscribe("drain", &[TOPIC]).await.unwrap();
    assigned(&mut first, 2).await;
    let batches = take(&mut first, 40).await;

    let other = support::connect(&config);
    let mut second = other.subscribe("drain", &[TOPIC]).await.unwrap();
    let Delivery::Revoked(revoked) = next(&mut first).await else { panic!("one is taken away") };
    assert_eq!(revoked.len(), 1, "cooperatively, only what moves is taken");
    // The first member is busy settling: nobody else may get the partition.
    let early = tokio::time::timeout(std::time::Duration::from_millis(1_500), second.next()).await;
    assert!(early.is_err(), "it was given away before it was drained: {early:?}");
    let in_hand = batches.iter().rfind(|batch| batch.partition == revoked[0]).unwrap();
    let metadata = Bytes::from_static(b"{\"received\":1}\xff\x00");
    let committer = first.committer();
    committer.commit(&in_hand.partition, in_hand.next_offset, metadata.clone()).await.unwrap();
    let draining = tokio::spawn(async move {
        let delivery = first.next().await;
        (first, delivery)
    });
    let starts = assigned(&mut second, 1).await;
    assert_eq!(starts[0].partition, revoked[0]);
    assert_eq!((starts[0].offset, &starts[0].metadata), (in_hand.next_offset, &metadata));
    let refused = committer.commit(&revoked[0], in_hand.next_offset, Bytes::new()).await;
    assert!(refused.is_err(), "who gave a partition away cannot commit it");
    draining.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_with_a_name_comes_back_without_a_rebalance() {
    let named = |name: &str, prefix: &str| KafkaConfig {
        instance_id: name.to_owned(),
        topic_prefix: prefix.to_owned(),
        session_timeout: service::Span::from_secs(30),
        ..support::config()
    };
    let prefix = support::config().topic_prefix;
    let bus = with_topic(&named("one", &prefix), TOPIC, 4).await;
    let mut first = bus.subscribe("static", &[TOPIC]).await.unwrap();
    assigned(&mut first, 4).await;
    let other = support::connect(&named("two", &prefix));
    let mut second = other.subscribe("static", &[TOPIC]).await.unwrap();
    let Delivery::Revoked(revoked) = next(&mut first).await else { panic!("half is taken away") };
    assert_eq!(revoked.len(), 2);
    let staying = tokio::spawn(async move {
        let told = first.next().await;
        panic!("the one that stays is told nothing, but {told:?}");
    });
    assert_eq!(assigned(&mut second, 2).await.len(), 2);
    drop(second);
    let mut again = other.subscribe("static", &[TOPIC]).await.unwrap();
    let starts = assigned(&mut again, 2).await;
    let same = starts.iter().all(|start| revoked.contains(&start.partition));
    assert!(same && starts.len() == 2, "it has the partitions it had: {starts:?}");
    assert!(!staying.is_finished(), "the one that stays kept its partitions");
    staying.abort();
}

/// Which topics a member in another process reads; that process is this test binary.
const VICTIM: &str = "MILLRACE_TEST_VICTIM_PREFIX";

/// Runs in a process of its own, which is killed: takes records, commits one batch, and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_another_test_kills() {
    let Ok(topic_prefix) = std::env::var(VICTIM) else { return };
    let bus = support::connect(&KafkaConfig { topic_prefix, ..support::config() });
    let mut consumer = bus.subscribe("killed", &[TOPIC]).await.unwrap();
    assigned(&mut consumer, 2).await;
    let batches = take(&mut consumer, 40).await;
    commit(&*consumer, &batches[0]).await;
    let line = format!("committed {}", batches[0].records.len());
    std::fs::write(std::env::var("MILLRACE_TEST_VICTIM_FILE").unwrap(), line).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_member_had_not_committed_goes_to_another() {
    let config = support::config();
    let bus = with_topic(&config, TOPIC, 2).await;
    publish(&*bus, TOPIC, &["a", "b", "c", "d"], 0..10).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("said");
    let mut victim = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "groups::a_member_that_another_test_kills", "--nocapture"])
        .env(VICTIM, &config.topic_prefix)
        .env("MILLRACE_TEST_VICTIM_FILE", &file)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let said = eventually("the victim has committed", async || {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        std::fs::read_to_string(&file).ok().filter(|text| !text.is_empty())
    })
    .await;
    let committed: usize = said.trim_start_matches("committed ").parse().unwrap();
    victim.kill().await.unwrap();
    let mut consumer = bus.subscribe("killed", &[TOPIC]).await.unwrap();
    assigned(&mut consumer, 2).await;
    let batches = take(&mut consumer, 40 - committed).await;
    let firsts: Vec<u64> = numbers(&batches).values().map(|numbers| numbers[0]).collect();
    assert!(firsts.iter().all(|first| *first == 0), "whole keys come again, from their beginning");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_stays_a_member_while_nobody_asks_it() {
    let config = support::config();
    let bus = with_topic(&config, TOPIC, 2).await;
    let mut consumer = bus.subscribe("silent", &[TOPIC]).await.unwrap();
    assigned(&mut consumer, 2).await;
    publish(&*bus, TOPIC, &["a"], 0..3).await;
    let batches = take(&mut consumer, 3).await;
    // Longer than the session: the thread keeps the member alive, not the stage.
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    commit(&*consumer, &batches[0]).await;
    publish(&*bus, TOPIC, &["a"], 3..4).await;
    assert_eq!(numbers(&take(&mut consumer, 1).await)["a"], [3]);
    assert!(tokio::time::timeout(PATIENCE, bus.close()).await.unwrap().is_ok());
}
