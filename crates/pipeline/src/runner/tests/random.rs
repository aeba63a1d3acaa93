//! Random verdicts, answers, faults and changes of ownership: every record ends as planned, counted
//! once, in order, and never committed before it has ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use bus::{BusError, ErrorKind, PartitionId, RecordId};
use proptest::prelude::*;

use super::*;
use crate::sink::Outcome;

/// What shall become of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Forward { outputs: u8, retries: u8 },
    Discard,
    Reject,
    Panic,
    Refused { retries: u8 },
}

/// What happens to a partition meanwhile.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Revoke(u32),
    Lose(u32),
    FailCommits(u32),
    FailDeadLetters(u32),
    Restart,
}

fn plan() -> impl Strategy<Value = Plan> {
    prop_oneof![
        6 => (0..3_u8, 0..3_u8).prop_map(|(outputs, retries)| Plan::Forward { outputs, retries }),
        2 => Just(Plan::Discard),
        2 => Just(Plan::Reject),
        1 => Just(Plan::Panic),
        2 => (0..2_u8).prop_map(|retries| Plan::Refused { retries }),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        (0..2_u32).prop_map(Fault::Revoke),
        (0..2_u32).prop_map(Fault::Lose),
        (1..4_u32).prop_map(Fault::FailCommits),
        (1..4_u32).prop_map(Fault::FailDeadLetters),
        Just(Fault::Restart),
    ]
}

/// Partitions of frames of plans.
fn log() -> impl Strategy<Value = Vec<Vec<Vec<Plan>>>> {
    let frame = prop::collection::vec(plan(), 1..6);
    prop::collection::vec(prop::collection::vec(frame, 0..8), 2..=2)
}

/// What the world has seen, shared by the scripts of sink and bus.
#[derive(Default)]
struct World {
    plans: HashMap<RecordId, Plan>,
    /// Frame of each record: partition and offset.
    places: HashMap<RecordId, (u32, u64)>,
    /// Input record of each output.
    inputs: HashMap<RecordId, RecordId>,
    attempts: HashMap<RecordId, u8>,
    /// Outputs that have their final answer.
    answered: BTreeSet<RecordId>,
    /// Input records that stand in the dead letters.
    buried: BTreeSet<RecordId>,
    commits_to_fail: u32,
    letters_to_fail: u32,
    broken: Vec<String>,
}

impl World {
    fn outputs(&self, id: RecordId) -> Vec<RecordId> {
        let count = match self.plans[&id] {
            Plan::Forward { outputs, .. } => outputs,
            Plan::Refused { .. } => 1,
            _ => 0,
        };
        (0..count).map(|output| id.derive(&output.to_string())).collect()
    }

    fn has_ended(&self, id: RecordId) -> bool {
        match self.plans[&id] {
            Plan::Discard => true,
            Plan::Reject | Plan::Panic | Plan::Refused { .. } => self.buried.contains(&id),
            Plan::Forward { .. } => {
                self.outputs(id).iter().all(|output| self.answered.contains(output))
            }
        }
    }

    /// All records of earlier frames must have their answers before a later frame is delivered.
    fn deliver(&mut self, output: RecordId) -> Outcome {
        let input = self.inputs[&output];
        let (partition, offset) = self.places[&input];
        let earlier = self.places.iter().filter(|(_, at)| at.0 == partition && at.1 < offset);
        let open: Vec<_> = earlier.filter(|(id, _)| !self.has_ended(**id)).collect();
        if !open.is_empty() {
            self.broken.push(format!("{input} is delivered before {open:?} have ended"));
        }
        let attempts = self.attempts.entry(output).or_default();
        *attempts += 1;
        let (retries, refused) = match self.plans[&input] {
            Plan::Forward { retries, .. } => (retries, false),
            Plan::Refused { retries } => (retries, true),
            _ => (0, false),
        };
        if *attempts <= retries {
            return Outcome::RetryLater { after: Duration::ZERO, reason: "planned".to_owned() };
        }
        self.answered.insert(output);
        if refused { Outcome::Rejected(rejection("mapping")) } else { Outcome::Delivered }
    }

    fn commit(&mut self, partition: &PartitionId, next_offset: u64) -> Result<(), BusError> {
        if self.commits_to_fail > 0 {
            self.commits_to_fail -= 1;
            return Err(BusError::new(ErrorKind::Transient, "planned"));
        }
        let below = self.places.iter().filter(|(_, at)| at.0 == partition.partition);
        let below = below.filter(|(_, at)| at.1 < next_offset);
        let open: Vec<_> = below.filter(|(id, _)| !self.has_ended(**id)).collect();
        if !open.is_empty() {
            self.broken.push(format!("{next_offset} is committed before {open:?} have ended"));
        }
        Ok(())
    }

    fn publish(&mut self, letter: &Record) -> Result<(), BusError> {
        if self.letters_to_fail > 0 {
            self.letters_to_fail -= 1;
            return Err(BusError::new(ErrorKind::Transient, "planned"));
        }
        self.buried.insert(DeadLetter::from_record(letter).unwrap().record_id().unwrap());
        Ok(())
    }
}

struct Planned(Arc<Mutex<World>>);

impl Stage for Planned {
    fn process(&mut self, batch: &[Positioned], _state: &mut State) -> Vec<Verdict> {
        let plans: Vec<_> = {
            let world = self.0.lock().unwrap();
            let plan = |at: &Positioned| (world.plans[&at.record.id], world.outputs(at.record.id));
            batch.iter().map(plan).collect()
        };
        let verdict = |(at, (plan, outputs)): (&Positioned, (Plan, Vec<RecordId>))| match plan {
            Plan::Discard => Verdict::Discard("planned"),
            Plan::Reject => Verdict::Reject(rejection("invalid_json")),
            Plan::Panic => panic_quietly(),
            Plan::Forward { .. } | Plan::Refused { .. } => {
                let output = |id| Record { id, ..at.record.clone() };
                Verdict::Forward(outputs.into_iter().map(output).collect())
            }
        };
        batch.iter().zip(plans).map(verdict).collect()
    }
}

/// Lays out the log and connects the world to bus and sink.
fn lay_out(line: &Line, log: &[Vec<Vec<Plan>>]) -> Arc<Mutex<World>> {
    let mut world = World::default();
    let mut number = 0;
    for (partition, frames) in (0_u32..).zip(log) {
        for (offset, frame) in (0_u64..).zip(frames) {
            let mut records = Vec::new();
            for plan in frame {
                number += 1;
                let record = record(number, "x");
                world.plans.insert(record.id, *plan);
                world.places.insert(record.id, (partition, offset));
                for output in world.outputs(record.id) {
                    world.inputs.insert(output, record.id);
                }
                records.push(record);
            }
            line.bus.append(TOPIC_RAW, partition, records);
        }
    }
    let world = Arc::new(Mutex::new(world));
    let sees = Arc::clone(&world);
    line.sink.set_script(move |item| Ok(sees.lock().unwrap().deliver(item.id)));
    let sees = Arc::clone(&world);
    line.bus.on_commit(move |partition, next| sees.lock().unwrap().commit(partition, next));
    let sees = Arc::clone(&world);
    line.bus.on_publish(move |_, letter| sees.lock().unwrap().publish(letter));
    world
}

fn planned(line: &Line, world: &Arc<Mutex<World>>) -> RunnerSpec {
    let world = Arc::clone(world);
    RunnerSpec {
        make_stage: Arc::new(move || Box::new(Planned(Arc::clone(&world)))),
        ..line.spec()
    }
}

async fn live_through(log: Vec<Vec<Vec<Plan>>>, faults: Vec<(u64, Fault)>) {
    let mut line = Line::new(2);
    let world = lay_out(&line, &log);
    let mut running = line.start(planned(&line, &world));
    for (after_ms, fault) in faults {
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        assert!(line.ledgers.is_balanced(), "{:?}", line.ledger());
        match fault {
            Fault::Revoke(partition) => line.bus.revoke(STAGE, TOPIC_RAW, partition),
            Fault::Lose(partition) => line.bus.lose(STAGE, TOPIC_RAW, partition),
            Fault::FailCommits(times) => world.lock().unwrap().commits_to_fail = times,
            Fault::FailDeadLetters(times) => world.lock().unwrap().letters_to_fail = times,
            Fault::Restart => {
                line.stop(running).await;
                line = line.restarted();
                running = line.start(planned(&line, &world));
            }
        }
    }
    let records: usize = log.iter().flatten().map(Vec::len).sum();
    until(|| {
        (0..2).for_each(|partition| line.bus.assign(STAGE, TOPIC_RAW, partition));
        let ends = log.iter().map(|frames| frames.len() as u64);
        let done = (0..).zip(ends).all(|(partition, end)| line.committed(partition) == end);
        assert!(line.ledgers.is_balanced(), "{:?}", line.ledger());
        let ledger = line.ledger();
        done && ledger.in_flight == 0 && ledger.received >= records as u64
    })
    .await;
    check_numbers(&line.ledger(), log.iter().flatten().flatten().copied());
    line.stop(running).await;
    let broken = world.lock().unwrap().broken.clone();
    assert!(broken.is_empty(), "{broken:#?}");
}

fn check_numbers(ledger: &StageLedger, plans: impl Iterator<Item = Plan>) {
    let (mut received, mut forwarded, mut outputs) = (0, 0, 0);
    let (mut discarded, mut dead) = (BTreeMap::new(), BTreeMap::new());
    for plan in plans {
        received += 1;
        let mut die = |kind: &str| *dead.entry(kind.to_owned()).or_insert(0) += 1;
        match plan {
            Plan::Forward { outputs: count, .. } => {
                forwarded += 1;
                outputs += u64::from(count);
            }
            Plan::Discard => *discarded.entry("planned".to_owned()).or_insert(0) += 1,
            Plan::Reject => die("invalid_json"),
            Plan::Panic => die("stage_panic"),
            Plan::Refused { .. } => die("mapping"),
        }
    }
    assert_eq!((ledger.received, ledger.forwarded), (received, forwarded));
    assert_eq!((&ledger.discarded, &ledger.dead), (&discarded, &dead));
    assert_eq!((ledger.outputs, ledger.balance), (outputs, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_record_ends_as_planned(
        log in log(),
        faults in prop::collection::vec((0..400_u64, fault()), 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(live_through(log, faults));
    }
}
