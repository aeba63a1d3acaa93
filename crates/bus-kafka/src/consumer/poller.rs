//! The thread of a member: serves the client library and answers its rebalances.
//!
//! It never waits for the stage or the brokers: while a revoked partition is drained, and while the
//! brokers are asked where the group goes on, it goes on serving, so the member keeps its place in the
//! group. Only when it leaves does it wait, for a bounded time, for commits on their way.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use bus::{BusError, ErrorKind, PartitionId, PartitionStart};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};

use super::context::{Change, assign, unassign};
use super::departures::DEPARTURE_TIMEOUT;
use super::lane::Lane;
use super::shared::{Event, Gap, Shared};
use super::starts::{passed, starts};
use super::{Client, Surroundings, broken};
use crate::counters::count;
use crate::error::{coded, failure, reading, sort, transient};
use crate::message::Decoder;

/// How long the library is waited for while nothing is to be done.
const IDLE_TICK: Duration = Duration::from_millis(100);
/// The same while a rebalance is to be answered.
const BUSY_TICK: Duration = Duration::from_millis(5);
/// Pause after a question that the brokers did not answer.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// How long a revoked partition is kept for a stage that does not say it has drained. The runner's own
/// deadline is 8 s, so this is only met where a stage hangs.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// An answer that the library waits for.
#[derive(Debug)]
enum Work {
    /// Partitions to begin with, once it is known where.
    Assign { list: TopicPartitionList, asked: Option<Asked> },
    /// Partitions that went while it was still asked where to begin with them.
    Refuse,
    /// Partitions that the stage is told to drain, or to drop where they are lost.
    Tell { list: TopicPartitionList, partitions: Vec<PartitionId>, lost: bool },
    /// Partitions that the stage drains or drops.
    Drain { list: TopicPartitionList, partitions: Vec<PartitionId>, ticket: u64, deadline: Instant },
    /// Partitions that go as soon as no commit is on its way.
    Release { list: TopicPartitionList, partitions: Vec<PartitionId> },
}

/// How far a change is answered.
#[derive(Debug)]
enum Progress {
    Done,
    /// What is to be done next.
    Next(Work),
    /// What is looked at again later.
    Waits(Work),
}

/// Where the answer to a question comes.
type Asked = Receiver<Result<Vec<PartitionStart>, BusError>>;

/// The thread's state.
pub(super) struct Poller {
    client: Arc<Client>,
    group: String,
    /// The callers' names by those in the cluster.
    names: HashMap<String, Arc<str>>,
    shared: Arc<Shared>,
    around: Surroundings,
    work: VecDeque<Work>,
    gaps: Vec<Gap>,
    /// Nothing is asked before: the brokers did not answer.
    quiet_until: Instant,
}

impl Poller {
    pub(super) fn new(
        client: Arc<Client>,
        group: String,
        names: HashMap<String, Arc<str>>,
        shared: Arc<Shared>,
        around: Surroundings,
    ) -> Self {
        Self {
            client,
            group,
            names,
            shared,
            around,
            work: VecDeque::new(),
            gaps: Vec::new(),
            quiet_until: Instant::now(),
        }
    }

    /// Begins; the receiver is closed when the member has left.
    pub(super) fn spawn(self) -> Result<Receiver<()>, BusError> {
        let (left, receiver) = channel();
        let run = move || {
            let (group, shared) = (self.group.clone(), Arc::clone(&self.shared));
            if catch_unwind(AssertUnwindSafe(|| self.run())).is_err() {
                shared.tell(Event::Failed(broken(&group, "its thread panicked, see the log")));
            }
            drop(left);
        };
        std::thread::Builder::new()
            .name("kafka-member".to_owned())
            .spawn(run)
            .map_err(|error| transient(format!("cannot start the thread of a member: {error}")))?;
        Ok(receiver)
    }

    fn run(mut self) {
        while !self.shared.is_closing() {
            self.serve(if !self.work.is_empty() { BUSY_TICK } else { IDLE_TICK });
            while let Some((change, list)) = self.client.context().change() {
                self.take(change, list);
            }
            self.answer();
            self.look_into_gaps();
        }
        self.leave();
    }

    /// Lets the library call back, and hears its errors.
    fn serve(&mut self, tick: Duration) {
        match self.client.poll(tick) {
            None => {}
            Some(Ok(message)) => {
                // Every partition has a queue of its own before it is read.
                let place = format!("{}/{}", message.topic(), message.partition());
                let reason = format!("a message of {place} came outside of its queue");
                self.shared.tell(Event::Failed(broken(&self.group, &reason)));
            }
            Some(Err(error)) => self.heard(&error),
        }
    }

    fn heard(&self, error: &KafkaError) {
        let Some(code) = error.rdkafka_error_code() else { return };
        let condition = &self.client.context().common.condition;
        let ended = matches!(error, KafkaError::MessageConsumptionFatal(_));
        let operation = format!("consume as the group {}", self.group);
        match (sort(code).0, code) {
            (_, Code::UnknownTopicOrPartition | Code::UnknownTopic) => {
                self.shared.tell(Event::Failed(reading(&operation, error)));
            }
            (ErrorKind::Transient, _) if !ended => {
                tracing::debug!(group = self.group, %error, "the member waits");
            }
            _ => {
                let mut error = condition.explain(transient(format!("cannot {operation}: {code}")));
                if condition.passes(code) && !ended {
                    return tracing::warn!(group = self.group, %error, "the member waits");
                }
                if error.kind == ErrorKind::Transient {
                    error = broken(&self.group, &coded(&operation, code).message);
                }
                self.shared.tell(Event::Failed(error));
            }
        }
    }

    fn id(&self, topic: &str, partition: i32) -> PartitionId {
        let topic = self.names.get(topic).cloned().unwrap_or_else(|| topic.into());
        PartitionId { topic, partition: u32::try_from(partition).unwrap_or_default() }
    }

    fn ids(&self, list: &TopicPartitionList) -> Vec<PartitionId> {
        let elements = list.elements();
        elements.iter().map(|element| self.id(element.topic(), element.partition())).collect()
    }

    /// Notes a change. The stage is told in the order of the changes.
    fn take(&mut self, change: Change, list: TopicPartitionList) {
        let partitions = self.ids(&list);
        tracing::debug!(group = self.group, ?change, ?partitions, "rebalance");
        let lost = change == Change::Lose;
        if lost {
            count(&self.around.counters.lost_partitions, partitions.len() as u64);
            self.shared.disown(&partitions);
            // With the assignment all is lost, also what it is still asked about.
            for work in self.work.iter_mut().filter(|work| matches!(work, Work::Assign { .. })) {
                *work = Work::Refuse;
            }
        }
        self.work.push_back(match change {
            Change::Assign => Work::Assign { list, asked: None },
            _ if partitions.is_empty() => Work::Release { list, partitions },
            _ => Work::Tell { list, partitions, lost },
        });
    }

    /// Answers the changes, the oldest first, as far as can be.
    fn answer(&mut self) {
        while let Some(work) = self.work.pop_front() {
            match self.go_on(work) {
                Progress::Waits(work) => {
                    self.work.push_front(work);
                    return;
                }
                Progress::Next(work) => self.work.push_front(work),
                Progress::Done => {}
            }
        }
    }

    fn go_on(&mut self, work: Work) -> Progress {
        match work {
            Work::Assign { list, asked } => self.assign(list, asked),
            Work::Refuse => {
                self.refuse();
                Progress::Done
            }
            Work::Tell { list, partitions, lost } => {
                let ticket = self.shared.tell_gone(partitions.clone(), lost);
                let deadline = Instant::now() + DRAIN_TIMEOUT;
                Progress::Next(Work::Drain { list, partitions, ticket, deadline })
            }
            Work::Drain { list, partitions, ticket, deadline } => {
                let late = Instant::now() >= deadline;
                if !late && !self.shared.is_drained(ticket) {
                    return Progress::Waits(Work::Drain { list, partitions, ticket, deadline });
                }
                if late {
                    tracing::error!(
                        group = self.group,
                        ?partitions,
                        "given away without being drained"
                    );
                }
                self.shared.disown(&partitions);
                Progress::Next(Work::Release { list, partitions })
            }
            Work::Release { list, partitions } => {
                if !self.shared.is_quiet(&partitions) {
                    return Progress::Waits(Work::Release { list, partitions });
                }
                self.release(&list);
                Progress::Done
            }
        }
    }

    fn release(&self, list: &TopicPartitionList) {
        // Of what was refused the library knows nothing, and lets all go at once.
        if let Err(error) = unassign(&self.client, list).or_else(|_| self.client.unassign()) {
            // It has dropped them itself, as after a fatal error.
            tracing::warn!(group = self.group, %error, "partitions could not be given away");
        }
    }

    /// Begins to read partitions when the brokers have said where.
    fn assign(&mut self, list: TopicPartitionList, asked: Option<Asked>) -> Progress {
        if list.count() == 0 {
            return Progress::Next(Work::Refuse);
        }
        let Some(asked) = asked else {
            let asked = if Instant::now() < self.quiet_until { None } else { self.ask(&list) };
            return Progress::Waits(Work::Assign { list, asked });
        };
        match asked.try_recv() {
            Err(TryRecvError::Empty) => Progress::Waits(Work::Assign { list, asked: Some(asked) }),
            Ok(Ok(starts)) => {
                self.begin(&list, starts);
                Progress::Done
            }
            Ok(Err(error)) if error.kind != ErrorKind::Transient => {
                self.shared.tell(Event::Failed(error));
                Progress::Next(Work::Refuse)
            }
            answer => {
                if let Ok(Err(error)) = answer {
                    tracing::warn!(group = self.group, %error, "cannot begin to read partitions yet");
                    self.shared.tell(Event::Failed(error));
                }
                self.quiet_until = Instant::now() + RETRY_PAUSE;
                Progress::Waits(Work::Assign { list, asked: None })
            }
        }
    }

    /// Asks the brokers where the group goes on; `None` if no thread can do so now.
    fn ask(&self, list: &TopicPartitionList) -> Option<Asked> {
        let (answer, asked) = channel();
        let elements = list.elements();
        let place = |element: &TopicPartitionListElem<'_>| {
            (element.topic().into(), element.partition() as u32)
        };
        let places: Vec<(Arc<str>, u32)> = elements.iter().map(place).collect();
        let (group, around, partitions) = (self.group.clone(), self.around.clone(), self.ids(list));
        let ask = move || {
            // Nobody hears it where the partitions went meanwhile.
            drop(answer.send(starts(&group, partitions, &places, &around)));
        };
        let thread = std::thread::Builder::new().name("kafka-starts".to_owned()).spawn(ask);
        thread.inspect_err(|error| tracing::warn!(%error, "cannot ask where to begin")).ok()?;
        Some(asked)
    }

    /// Begins to read partitions.
    fn begin(&self, list: &TopicPartitionList, starts: Vec<PartitionStart>) {
        let mut lanes = Vec::with_capacity(starts.len());
        for start in &starts {
            lanes.extend(self.lane(start));
        }
        for (element, start) in list.elements().iter_mut().zip(&starts) {
            let offset = Offset::Offset(i64::try_from(start.offset).unwrap_or_default());
            if let Err(error) = element.set_offset(offset) {
                self.shared.tell(Event::Failed(failure("begin to read a partition", &error)));
            }
        }
        let partitions = self.ids(list);
        self.shared.tell(Event::Assigned(starts, lanes));
        if let Err(error) = assign(&self.client, list) {
            tracing::warn!(group = self.group, %error, "partitions were taken back before they were read");
            self.shared.disown(&partitions);
            self.shared.tell_gone(partitions, true);
        }
    }

    /// Answers an assignment by taking nothing: without an answer the member could not even leave.
    fn refuse(&self) {
        if let Err(error) = assign(&self.client, &TopicPartitionList::new()) {
            tracing::debug!(group = self.group, %error, "an assignment could not be refused");
        }
    }

    /// The queue of a partition, apart from the others' before anything can be in it.
    fn lane(&self, start: &PartitionStart) -> Option<Lane> {
        let PartitionId { topic, partition } = &start.partition;
        let full_name = self.around.clients.full_name(topic);
        let queue = self.client.split_partition_queue(&full_name, *partition as i32)?;
        let decoder = Decoder {
            topic: full_name.into(),
            partition: *partition,
            codec: self.around.clients.config.topics.codec(topic),
            counters: Arc::clone(&self.around.counters),
        };
        Some(Lane::new(start, queue, decoder, Arc::clone(&self.shared)))
    }

    /// Finds out why offsets did not come, and tells where retention took them.
    fn look_into_gaps(&mut self) {
        self.gaps.extend(self.shared.take_gaps());
        if self.gaps.is_empty() || Instant::now() < self.quiet_until {
            return;
        }
        let place = |gap: &Gap| -> (Arc<str>, u32) {
            let full_name = self.around.clients.full_name(&gap.partition.topic);
            (full_name.into(), gap.partition.partition)
        };
        let places: Vec<_> = self.gaps.iter().map(place).collect();
        match self.around.topics.spans(&places) {
            Ok(spans) => {
                for (gap, span) in std::mem::take(&mut self.gaps).into_iter().zip(spans) {
                    passed(
                        &self.group,
                        &gap.partition,
                        gap.from..gap.to,
                        span,
                        &self.around.counters,
                    );
                }
            }
            Err(error) => {
                tracing::debug!(group = self.group, %error, "gaps are looked into later");
                self.quiet_until = Instant::now() + RETRY_PAUSE;
            }
        }
    }

    /// Leaves the group once no commit is on its way.
    fn leave(mut self) {
        let owned = self.shared.owned();
        self.shared.disown(&owned);
        let deadline = Instant::now() + DEPARTURE_TIMEOUT / 2;
        while self.shared.has_commits_on_their_way() && Instant::now() < deadline {
            self.serve(BUSY_TICK);
        }
        self.client.context().close();
        for work in std::mem::take(&mut self.work) {
            match work {
                Work::Assign { .. } | Work::Refuse => self.refuse(),
                Work::Tell { list, .. } | Work::Drain { list, .. } | Work::Release { list, .. } => {
                    self.release(&list);
                }
            }
        }
        while let Some((change, list)) = self.client.context().change() {
            match change {
                Change::Assign => self.refuse(),
                Change::Revoke | Change::Lose => self.release(&list),
            }
        }
        drop(self.client);
    }
}
