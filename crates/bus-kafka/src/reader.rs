//! Reads one record again, by its position, with a client that lives as long as the question.

use std::time::Instant;

use bus::{BusError, Position, Record};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::client::{Clients, Context};
use crate::error::{failure, transient};
use crate::message::{Decoder, Raw};
use crate::topics::{Span, Topic};

/// The record at a position, `None` where the partition does not hold it. Blocks.
pub(crate) fn read(
    clients: &Clients,
    topic: &Topic,
    span: Span,
    position: &Position,
    decoder: &Decoder,
) -> Result<Option<Record>, BusError> {
    if position.offset < span.oldest || position.offset >= span.end {
        return Ok(None);
    }
    let operation = format!("read the record at {position}");
    let failed = |error| failure(&operation, &error);
    let client: BaseConsumer<Context> =
        clients.reading().create_with_context(Context::new(&clients.config)).map_err(failed)?;
    let mut list = TopicPartitionList::with_capacity(1);
    let offset = Offset::Offset(i64::try_from(position.offset).unwrap_or(i64::MAX));
    list.add_partition(&topic.full_name, position.partition as i32)
        .set_offset(offset)
        .map_err(failed)?;
    client.assign(&list).map_err(failed)?;
    let deadline = Instant::now() + clients.config.request_timeout.0;
    loop {
        let patience = deadline.saturating_duration_since(Instant::now());
        if patience.is_zero() {
            let condition = &client.context().condition;
            return Err(
                condition.explain(transient(format!("cannot {operation}: no answer in time")))
            );
        }
        let message = match client.poll(patience) {
            None => continue,
            Some(Err(error)) => {
                let error = client.context().condition.explain(failed(error));
                if error.kind == bus::ErrorKind::Transient && Instant::now() < deadline {
                    continue;
                }
                return Err(error);
            }
            Some(Ok(message)) => message,
        };
        let raw = Raw::copy(&message);
        drop(message);
        if raw.offset < position.offset {
            continue;
        }
        // A later one: this one was compacted away.
        let found = raw.offset == position.offset;
        let incoming = decoder.decode(raw)?;
        let mut records = incoming.records.into_iter();
        return Ok(records.nth(position.index as usize).filter(|_| found));
    }
}
