//! `drop`: the event ends here. With `percentage`, so do that many of a hundred, chosen by the
//! record's id, so that a replay chooses the same; each `drop` chooses anew, and for each event of a record.

use std::sync::Arc;

use event::Event;

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

#[derive(Clone, Copy, Debug)]
struct Drop {
    percentage: u8,
}

filter_options! {
    /// Ends the event.
    ///
    /// It is counted as dropped, and neither indexed nor refused.
    struct DropOptions {
        /// How many of a hundred end. The record's id decides, so that a replay decides the same;
        /// what other filters `drop` decide, and of other events of the record, does not count.
        percentage: i64 = 100,
    }
    example r#"drop { percentage => 40 }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let DropOptions { percentage } = DropOptions::read(options);
    match u8::try_from(percentage) {
        Ok(percentage) if percentage <= 100 => Some(Arc::new(Drop { percentage })),
        _ => {
            let message = format!("{percentage} is no percentage");
            options.refuse("percentage", message, "write a whole number from 0 to 100");
            None
        }
    }
}

impl FilterPlan for Drop {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(*self)
    }
}

impl Filter for Drop {
    fn apply(&mut self, _event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let ends = self.percentage == 100 || lot(context) < u32::from(self.percentage);
        if ends { Applied::Dropped } else { Applied::Matched }
    }
}

/// A number below a hundred, even over all events, and another one for each filter and each event of a record.
fn lot(context: &FilterContext<'_>) -> u32 {
    let id = match (context.place, context.number) {
        (0, 0) => context.record.id,
        (place, number) => context.record.id.derive(&format!("drop/{place}/{number}")),
    };
    // The last bytes of an id are random or a hash.
    let [.., high, low] = id.0;
    (u32::from(u16::from_be_bytes([high, low])) * 100) >> 16
}

#[cfg(test)]
mod tests {
    use bus::{Record, RecordId};
    use bytes::Bytes;
    use event::{Event, Limits};

    use crate::filter::Environment;
    use crate::language::{Source, Syntax};
    use crate::plan::parse_and_compile;

    /// How many events are left of each of 4,000 records.
    fn left(filters: &str) -> Vec<usize> {
        let source = Source::new("test.conf", format!("filter {{ {filters} }}"));
        let plan = parse_and_compile(&source, Syntax::default(), &Environment::default()).unwrap();
        let mut program = plan.instance();
        let payload = Bytes::from_static(br#"{"parts":["a","b","c","d"]}"#);
        let of_one = |number: u32| {
            let mut event = Event::new();
            event.decode_json(&payload, 0, &Limits::default()).unwrap();
            let id = RecordId::default().derive(&number.to_string());
            program.run(&mut event, &Record { id, ..Record::default() }, |_, _| {})
        };
        (0..4_000).map(of_one).collect()
    }

    #[test]
    fn each_filter_decides_for_itself() {
        let twice = left("drop { percentage => 50 } drop { percentage => 50 }");
        assert!((850..1_150).contains(&twice.iter().sum::<usize>()), "a half of a half");
        assert_eq!(left("drop { percentage => 0 }"), vec![1; 4_000]);
        assert_eq!(left("drop { } drop { }"), vec![0; 4_000]);
    }

    #[test]
    fn events_of_one_record_are_decided_each_for_itself() {
        let left = left(r#"split { field => "parts" } drop { percentage => 50 }"#);
        assert!((7_600..8_400).contains(&left.iter().sum::<usize>()));
        assert!(left.iter().filter(|left| (1..4).contains(*left)).count() > 3_000);
    }
}
