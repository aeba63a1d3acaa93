//! Groups whose members come, go and die while records flow.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;

use bus::{Bus, Delivery, ErrorKind, PartitionId};
use bus_kafka::{GroupProtocol, KafkaBus, KafkaConfig};
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::support::{self, PATIENCE, assigned, commit, next, numbers, publish, take, with_topic};

const TOPIC: &str = "flow";
const PARTITIONS: u32 = 6;

/// What all members of a group have settled and committed together.
#[derive(Debug, Default)]
struct Settled {
    records: BTreeMap<String, usize>,
    committed: BTreeMap<PartitionId, u64>,
    by_member: BTreeMap<&'static str, usize>,
}

impl Settled {
    fn by(&self, member: &str) -> usize {
        self.by_member.get(member).copied().unwrap_or_default()
    }
}

/// A member that settles each batch before it takes the next, as the runner does.
fn member(
    name: &'static str,
    bus: Arc<KafkaBus>,
    settled: Arc<watch::Sender<Settled>>,
    mut stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut consumer = bus.subscribe("flow", &[TOPIC]).await.unwrap();
        loop {
            let delivery = tokio::select! {
                delivery = consumer.next() => delivery.unwrap(),
                _ = stop.wait_for(|stop| *stop) => return,
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
                        tokio::task::yield_now().await;
                    }
                    settled.send_modify(|settled| {
                        for text in support::texts(std::slice::from_ref(&batch)) {
                            *settled.records.entry(text).or_default() += 1;
                            *settled.by_member.entry(name).or_default() += 1;
                        }
                        let before = settled.committed.insert(batch.partition.clone(), offset);
                        assert!(before.unwrap_or_default() < offset, "commits never go back");
                    });
                }
                Delivery::Assigned(starts) => {
                    let settled = settled.borrow();
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
    const KEYS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let bus = with_topic(&config, TOPIC, PARTITIONS).await;
    let settled = Arc::new(watch::Sender::<Settled>::default());
    let (stop, stopped) = watch::channel(false);
    let (stop_first, first_stopped) = watch::channel(false);
    // Records flow until every member has had its work.
    let (end, ended) = watch::channel(false);
    let flow = tokio::spawn({
        let bus = Arc::clone(&bus);
        async move {
            let mut rounds = 0;
            while !*ended.borrow() {
                publish(&*bus, TOPIC, &KEYS, rounds..rounds + 1).await;
                rounds += 1;
            }
            rounds
        }
    });
    let until = async |what: &str, is_so: &(dyn Fn(&Settled) -> bool + Sync)| {
        let mut seen = settled.subscribe();
        let waited = tokio::time::timeout(PATIENCE, seen.wait_for(is_so)).await;
        drop(waited.unwrap_or_else(|_| panic!("never: {what}")).unwrap());
    };
    let join = |name, stop: &watch::Receiver<bool>| {
        member(name, support::connect(&config), Arc::clone(&settled), stop.clone())
    };
    let first = join("first", &first_stopped);
    until("the first works", &|settled| settled.by("first") > 0).await;
    let others = [join("second", &stopped), join("third", &stopped)];
    let all_work = |settled: &Settled| settled.by("second") > 0 && settled.by("third") > 0;
    until("from one to three", &all_work).await;
    stop_first.send(true).unwrap();
    first.await.unwrap();
    let then = settled.borrow().records.len();
    until("from three to two", &|settled| settled.records.len() > then + 500).await;
    end.send(true).unwrap();
    let published = flow.await.unwrap() as usize * KEYS.len();
    until("the rest is settled", &|settled| settled.records.len() >= published).await;
    stop.send(true).unwrap();
    for other in others {
        other.await.unwrap();
    }
    let settled = settled.borrow();
    assert_eq!(settled.records.len(), published, "none is lost");
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
    println!("committed: {}", batches[0].records.len());
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_member_had_not_committed_goes_to_another() {
    let config = support::config();
    let bus = with_topic(&config, TOPIC, 2).await;
    publish(&*bus, TOPIC, &["a", "b", "c", "d"], 0..10).await;
    let mut victim = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "groups::a_member_that_another_test_kills", "--nocapture"])
        .env(VICTIM, &config.topic_prefix)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let said = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, number)) = line.split_once("committed: ") {
                return number.parse::<usize>().unwrap();
            }
        }
        panic!("the victim ended before it was killed");
    };
    let committed = tokio::time::timeout(PATIENCE, said).await.expect("the victim has committed");
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
