//! The dead letters of the doors on their way to the log.
//!
//! What a bus with small messages has no room for goes again without the record's bytes: why a record was refused
//! must not be lost with them. Tries nothing again that may work later; that is for those who call.

use bus::{Bus, BusError, ErrorKind, Position, Record, TOPIC_DEAD};
use pipeline::DeadLetter;

/// Publishes dead letters: an outcome for each, in order. One that is refused is so with and without the record's
/// bytes.
pub(crate) async fn publish_letters(
    bus: &dyn Bus,
    letters: Vec<Record>,
) -> Vec<Result<Position, BusError>> {
    let mut outcomes = bus.publish(TOPIC_DEAD, letters.clone()).await;
    let (mut places, mut shorter) = (Vec::new(), Vec::new());
    for (place, (letter, outcome)) in letters.iter().zip(&outcomes).enumerate() {
        if let Err(error) = outcome
            && error.kind == ErrorKind::Rejected
            && let Some(letter) = without_payload(letter)
        {
            places.push(place);
            shorter.push(letter);
        }
    }
    if shorter.is_empty() {
        return outcomes;
    }
    let again = bus.publish(TOPIC_DEAD, shorter).await;
    for (place, outcome) in places.into_iter().zip(again) {
        outcomes[place] = outcome;
    }
    outcomes
}

/// A dead letter without the bytes of its record; none if it holds no such bytes.
pub(crate) fn without_payload(letter: &Record) -> Option<Record> {
    let letter = DeadLetter::from_record(letter).ok()?;
    letter.payload.is_some().then(|| letter.without_payload().into_record())
}

#[cfg(test)]
mod tests {
    use bus::{BusError, ErrorKind, TOPIC_DEAD};
    use pipeline::testing::{MemoryBus, record};
    use pipeline::{DeadLetter, Rejection};

    use super::publish_letters;
    use crate::intake::STAGE;

    const LETTER_BYTES_MAX: usize = 10_000;

    fn letter(number: u64, payload: Vec<u8>) -> DeadLetter {
        let (kind, message) = ("invalid_json".into(), "no JSON".to_owned());
        let rejection = Rejection { kind, message, position_bytes: None };
        DeadLetter::new(STAGE, &record(number, payload), None, &rejection)
    }

    #[tokio::test]
    async fn of_a_letter_that_is_too_large_for_the_bus_the_rest_stands_in_its_place() {
        let bus = MemoryBus::with_topics(&[(TOPIC_DEAD, 1)]);
        bus.on_publish(|_, letter| match letter.payload.len() > LETTER_BYTES_MAX {
            true => Err(BusError::new(ErrorKind::Rejected, "it is too large")),
            false => Ok(()),
        });
        let letters = [letter(1, b"{".to_vec()), letter(2, vec![b'{'; LETTER_BYTES_MAX])];
        let records = Vec::from(letters.clone().map(DeadLetter::into_record));
        let outcomes = publish_letters(&bus, records).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        let stored: Vec<DeadLetter> = bus
            .records(TOPIC_DEAD)
            .iter()
            .map(|record| DeadLetter::from_record(record).unwrap())
            .collect();
        let [small, large] = letters;
        assert_eq!(stored, [small, large.without_payload()]);
    }
}
