//! The bus at the far end: away, silent, broken, or fair again, as a test wants.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bus::{
    Bus, BusError, Consumer, ErrorKind, PartitionLag, Position, Record, TOPIC_DEAD, TOPIC_RAW,
    TopicSpec,
};
use pipeline::DeadLetter;
use tokio::sync::watch;

/// What the bus does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    /// It takes what it is given.
    Fair,
    /// It takes so many more records, and then none.
    FairFor(usize),
    /// It takes nothing.
    Away,
    /// It takes what it is given, and its answers are lost.
    Mute,
    /// It does not answer.
    Silent,
    /// It takes nothing until a person mends it.
    Broken,
}

/// A larger payload is refused.
pub(super) const PAYLOAD_BYTES_MAX: usize = 16 << 10;

/// The bus. What begins with `refuse` is too large for it too.
pub(super) struct FarBus {
    weather: watch::Sender<Weather>,
    taken: Mutex<Vec<(String, Record)>>,
}

fn error(kind: ErrorKind, message: &str) -> BusError {
    BusError::new(kind, message)
}

impl FarBus {
    pub(super) fn new(weather: Weather) -> Arc<Self> {
        let (weather, _) = watch::channel(weather);
        Arc::new(Self { weather, taken: Mutex::default() })
    }

    pub(super) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    fn of_topic(&self, topic: &str) -> Vec<Record> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|(at, _)| at == topic).map(|(_, record)| record.clone()).collect()
    }

    /// The records of a key, in order.
    pub(super) fn records(&self, key: &str) -> Vec<Record> {
        self.of_topic(TOPIC_RAW).into_iter().filter(|record| record.routing_key == key).collect()
    }

    pub(super) fn letters(&self) -> Vec<DeadLetter> {
        let records = self.of_topic(TOPIC_DEAD);
        records.iter().map(|record| DeadLetter::from_record(record).unwrap()).collect()
    }

    fn check(&self) -> Result<Weather, BusError> {
        match *self.weather.borrow() {
            Weather::Away | Weather::Silent | Weather::FairFor(0) => {
                Err(error(ErrorKind::Transient, "no broker is there"))
            }
            Weather::Broken => Err(error(ErrorKind::Fatal, "this user has no rights")),
            weather => Ok(weather),
        }
    }

    fn take(&self, topic: &str, record: Record) -> Result<Position, BusError> {
        let weather = self.check()?;
        if record.payload.starts_with(b"refuse") || record.payload.len() > PAYLOAD_BYTES_MAX {
            return Err(error(ErrorKind::Rejected, "it is too large"));
        }
        if let Weather::FairFor(left) = weather {
            self.set(Weather::FairFor(left - 1));
        }
        let mut taken = self.taken.lock().unwrap();
        taken.push((topic.to_owned(), record));
        if weather == Weather::Mute {
            return Err(error(ErrorKind::Transient, "the answer is lost"));
        }
        Ok(Position { topic: topic.into(), partition: 0, offset: taken.len() as u64, index: 0 })
    }
}

#[async_trait]
impl Bus for FarBus {
    async fn ensure_topics(&self, _: &[TopicSpec]) -> Result<(), BusError> {
        self.check().map(drop)
    }

    async fn publish(&self, topic: &str, batch: Vec<Record>) -> Vec<Result<Position, BusError>> {
        let mut weather = self.weather.subscribe();
        drop(weather.wait_for(|weather| *weather != Weather::Silent).await.unwrap());
        batch.into_iter().map(|record| self.take(topic, record)).collect()
    }

    async fn subscribe(&self, _: &str, _: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        Err(error(ErrorKind::Fatal, "nothing is consumed here"))
    }

    async fn lag(&self, _: &str, _: &[&str]) -> Result<Vec<PartitionLag>, BusError> {
        Ok(Vec::new())
    }

    async fn read(&self, _: &Position) -> Result<Option<Record>, BusError> {
        Ok(None)
    }

    fn durability_warning(&self) -> Option<String> {
        None
    }
}
