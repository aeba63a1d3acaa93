//! Publishes: records become messages, messages are sent, and every record gets one outcome.
//!
//! What waits to be acknowledged is bounded; publishers beyond the bound wait their turn. A client that
//! the library has given up on is replaced by a new one.

mod plan;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bus::{BusError, Position, Record};
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use self::plan::{Place, plan};
use crate::client::{Clients, Context};
use crate::counters::{Counters, count};
use crate::error::{coded, ends_client, failure, rejected, transient};
use crate::message::{Outgoing, message_bytes};
use crate::topics::Topic;

/// Bytes of the queue for one permit.
const PERMIT_BYTES: usize = 1_024;
/// How long a full queue of the library is waited for before it is tried again.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(10);
/// By how much the library may be late to tell that a message was not delivered.
const DELIVERY_SLACK: Duration = Duration::from_secs(10);

/// Outcomes of the messages of one call.
#[derive(Debug)]
struct Outcomes {
    slots: Vec<OnceLock<Result<u64, Code>>>,
    left: AtomicUsize,
    done: Notify,
}

impl Outcomes {
    fn new(messages: usize) -> Arc<Self> {
        let slots = (0..messages).map(|_| OnceLock::new()).collect();
        Arc::new(Self { slots, left: AtomicUsize::new(messages), done: Notify::new() })
    }

    fn settle(&self, slot: usize, outcome: Result<u64, Code>) {
        if self.slots[slot].set(outcome).is_ok() && self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }

    /// Waits until all are settled or the deadline has passed.
    async fn wait(&self, deadline: Instant) {
        while self.left.load(Ordering::Acquire) > 0 {
            if tokio::time::timeout_at(deadline, self.done.notified()).await.is_err() {
                return;
            }
        }
    }
}

/// Where the outcome of one message goes.
#[derive(Debug)]
pub(crate) struct Ticket {
    outcomes: Arc<Outcomes>,
    slot: usize,
}

/// Takes the library's reports.
#[derive(Debug, Clone)]
pub(crate) struct Reports(Context);

impl ClientContext for Reports {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }

    fn generate_oauth_token(
        &self,
        settings: Option<&str>,
    ) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.0.generate_oauth_token(settings)
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let outcome = match result {
            // Stored by an earlier attempt whose answer was lost: nobody says where.
            Ok(message) => {
                u64::try_from(message.offset()).map_err(|_| Code::DuplicateSequenceNumber)
            }
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(Code::Fail)),
        };
        ticket.outcomes.settle(ticket.slot, outcome);
    }
}

type Client = ThreadedProducer<Reports>;

/// The one that publishes for a bus.
pub(crate) struct Producer {
    clients: Clients,
    counters: Arc<Counters>,
    current: Mutex<Option<Arc<Client>>>,
    room: Semaphore,
    permits: u32,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer").field("room", &self.room).finish_non_exhaustive()
    }
}

impl Producer {
    pub(crate) fn new(clients: Clients, counters: Arc<Counters>) -> Self {
        let bytes = usize::try_from(clients.config.queue_bytes.0).unwrap_or(usize::MAX);
        let permits = (bytes / PERMIT_BYTES).clamp(1, Semaphore::MAX_PERMITS.min(1 << 30)) as u32;
        let room = Semaphore::new(permits as usize);
        Self { clients, counters, current: Mutex::default(), room, permits }
    }

    /// The client, made when first needed.
    fn client(&self) -> Result<Arc<Client>, BusError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = current.as_ref() {
            return Ok(Arc::clone(client));
        }
        let context = Reports(Context::new(&self.clients.config));
        let client: Client = self
            .clients
            .producer()
            .create_with_context(context)
            .map_err(|error| failure("use these settings of Kafka", &error))?;
        let client = Arc::new(client);
        *current = Some(Arc::clone(&client));
        Ok(client)
    }

    /// Drops a client that the library has given up on; the next publisher makes a new one.
    fn renew(&self, broken: &Arc<Client>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.take_if(|current| Arc::ptr_eq(current, broken)).is_some() {
            count(&self.counters.renewed_producers, 1);
            let reason = broken.client().fatal_error().map(|(_, reason)| reason);
            tracing::error!(?reason, "the producer is made anew: the client library gave up on it");
        }
    }

    /// Publishes records and waits for their outcomes.
    pub(crate) async fn publish(
        &self,
        topic: &Topic,
        batch: &[Record],
    ) -> Vec<Result<Position, BusError>> {
        let deadline = Instant::now() + self.clients.config.delivery_timeout.0 + DELIVERY_SLACK;
        // Before frames are made of them, which are as large.
        let bytes = batch.iter().map(|record| message_bytes(record).unwrap_or_default()).sum();
        let Some(_room) = self.room(bytes, deadline).await else {
            return batch.iter().map(|_| Err(unsent())).collect();
        };
        let plan = plan(topic, batch, &self.clients.config);
        let oversize = plan.places.iter().filter(|place| place.is_err()).count();
        count(&self.counters.oversize_records, oversize as u64);
        let sent = match self.send(topic, plan.messages, deadline).await {
            Ok(sent) => sent,
            Err(error) => return batch.iter().map(|_| Err(error.clone())).collect(),
        };
        let outcome = |Place { partition, message, index }: Place| {
            let offset = sent.get(message).cloned().unwrap_or_else(|| Err(unsent()))?;
            Ok(Position { topic: Arc::clone(&topic.name), partition, offset, index })
        };
        plan.places.into_iter().map(|place| place.and_then(outcome)).collect()
    }

    /// Room in the queue for this many bytes; it is full for as long as the brokers are away.
    async fn room(&self, bytes: usize, deadline: Instant) -> Option<SemaphorePermit<'_>> {
        let wanted = bytes.div_ceil(PERMIT_BYTES).min(self.permits as usize) as u32;
        tokio::time::timeout_at(deadline, self.room.acquire_many(wanted)).await.ok()?.ok()
    }

    /// Sends messages and waits for their offsets.
    async fn send(
        &self,
        topic: &Topic,
        messages: Vec<Outgoing<'_>>,
        deadline: Instant,
    ) -> Result<Vec<Result<u64, BusError>>, BusError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let client = self.client()?;
        let outcomes = Outcomes::new(messages.len());
        let sizes: Vec<_> = messages.iter().map(|message| message.bytes).collect();
        for (slot, message) in messages.into_iter().enumerate() {
            let ticket = Box::new(Ticket { outcomes: Arc::clone(&outcomes), slot });
            if let Err(code) = enqueue(&client, topic, message, ticket, deadline).await {
                // The later ones must not overtake it.
                (slot..outcomes.slots.len()).for_each(|slot| outcomes.settle(slot, Err(code)));
                break;
            }
        }
        outcomes.wait(deadline).await;
        let condition = &client.client().context().0.condition;
        let mut sent = Vec::with_capacity(sizes.len());
        let mut broken = client.client().fatal_error().is_some();
        for (slot, bytes) in outcomes.slots.iter().zip(sizes) {
            sent.push(match slot.get() {
                Some(Ok(offset)) => Ok(*offset),
                Some(Err(code)) => {
                    broken |= ends_client(*code);
                    Err(condition.describe(undelivered(topic, *code, bytes)))
                }
                None => Err(condition.describe(unsent())),
            });
        }
        if broken {
            self.renew(&client);
        }
        if sent.iter().all(Result::is_ok) {
            condition.works();
        }
        Ok(sent)
    }

    /// Waits for what is on its way, and lets the client go.
    pub(crate) fn close(&self, patience: Duration) {
        let client = self.current.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(client) = client
            && let Err(error) = client.flush(patience)
        {
            tracing::warn!(%error, "messages were still on their way to Kafka; they are not acknowledged");
        }
    }
}

/// Hands a message to the library, which copies it.
async fn enqueue(
    client: &Client,
    topic: &Topic,
    message: Outgoing<'_>,
    ticket: Box<Ticket>,
    deadline: Instant,
) -> Result<(), Code> {
    let mut record = BaseRecord::with_opaque_to(&topic.full_name, ticket)
        .partition(message.partition as i32)
        .payload(&*message.value)
        .headers(message.headers);
    if let Some(key) = &message.key {
        record = record.key(key.as_slice());
    }
    loop {
        match client.send(record) {
            Ok(()) => return Ok(()),
            Err((error, back)) => {
                let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
                if code != Code::QueueFull || Instant::now() >= deadline {
                    return Err(code);
                }
                record = back;
                tokio::time::sleep(FULL_QUEUE_PAUSE).await;
            }
        }
    }
}

fn unsent() -> BusError {
    transient("Kafka has not acknowledged the record in time: it is to be sent again")
}

fn undelivered(topic: &Topic, code: Code, bytes: usize) -> BusError {
    let name = &topic.full_name;
    match code {
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => {
            rejected(format!(
                "the topic {name} refuses a message of {bytes} bytes: its max.message.bytes is smaller"
            ))
        }
        code if ends_client(code) => {
            transient(format!("cannot publish to {name}: {code}; it is to be sent again"))
        }
        code => coded(&format!("publish to {name}"), code),
    }
}
