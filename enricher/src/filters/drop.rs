//! `drop`: the event ends here. With `percentage`, so do that many of a hundred, chosen by the
//! record's id, so that a replay chooses the same; each `drop` chooses anew, and for each event of a record.

use std::sync::Arc;

use event::Event;

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

#[derive(Clone, Copy, Debug)]
struct Drop {
    percentage: f64,
}

filter_options! {
    /// Ends the event.
    ///
    /// It is counted as dropped, and neither indexed nor refused.
    struct DropOptions {
        /// How many of a hundred end, also `0.5`. The record's id decides, so that a replay decides
        /// the same; what other filters `drop` decide, and of other events of the record, does not
        /// count.
        percentage: f64 = 100.0,
    }
    example r#"drop { percentage => 40 }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let DropOptions { percentage } = DropOptions::read(options);
    if (0.0..=100.0).contains(&percentage) {
        return Some(Arc::new(Drop { percentage }));
    }
    let message = format!("{percentage} is no percentage");
    options.refuse("percentage", message, "write a number from 0 to 100");
    None
}

impl FilterPlan for Drop {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(*self)
    }
}

impl Filter for Drop {
    fn apply(&mut self, _event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let ends = self.percentage >= 100.0 || lot(context) < self.percentage;
        if ends { Applied::Dropped } else { Applied::Matched }
    }
}

/// A number below a hundred, even over all events, and another one for each filter and each event of a record. Ids by
/// themselves will not do: those of a batch count its lines, which would end or stay together.
fn lot(context: &FilterContext<'_>) -> f64 {
    let role = format!("drop/{}/{}", context.place, context.number);
    let [first, second, third, fourth, ..] = context.record.id.derive(&role).0;
    f64::from(u32::from_be_bytes([first, second, third, fourth])) * 100.0 / 2_f64.powi(32)
}

#[cfg(test)]
mod tests {
    use bus::{Record, RecordId};
    use bytes::Bytes;
    use event::{Event, Limits};

    use crate::filter::Environment;
    use crate::filters::trial::Trial;
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
    fn lines_of_a_batch_do_not_end_or_stay_together() {
        let source = Source::new("test.conf", "filter { drop { percentage => 50 } }");
        let plan = parse_and_compile(&source, Syntax::default(), &Environment::default()).unwrap();
        let mut program = plan.instance();
        let mut is_left = |count: u8| {
            let mut event = Event::new();
            event.decode_json(&Bytes::from_static(b"{}"), 0, &Limits::default()).unwrap();
            let mut id = RecordId::default();
            id.0[15] = count;
            program.run(&mut event, &Record { id, ..Record::default() }, |_, _| {}) == 1
        };
        let left: Vec<bool> = (0..200).map(&mut is_left).collect();
        let changes = left.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!((70..130).contains(&changes), "{changes} changes among 200 lines");
    }

    #[test]
    fn a_percentage_may_have_a_fraction() {
        let halves = left("drop { percentage => 50.5 }");
        assert!((1_850..2_110).contains(&halves.iter().sum::<usize>()));
        assert_eq!(halves, left("drop { percentage => 50.5 }"), "a replay decides the same");
        let few = left(r#"drop { percentage => "0.5" }"#).iter().sum::<usize>();
        assert!((3_955..4_000).contains(&few), "about 20 of 4,000 end: {few} are left");
        // Who ends at a lower percentage ends at a higher one too.
        for (low, high) in left("drop { percentage => 0.5 }").iter().zip(halves) {
            assert!(*low >= high);
        }
        assert_eq!(left("drop { percentage => 100.0 }"), vec![0; 4_000]);
    }

    #[test]
    fn what_is_no_percentage_is_refused() {
        for given in ["-0.5", "100.1", "101"] {
            let refusal = Trial::refusal(&format!("drop {{ percentage => {given} }}"));
            assert!(refusal.contains(&format!("{given} is no percentage")), "{refusal}");
            assert!(refusal.contains("write a number from 0 to 100"), "{refusal}");
        }
        assert!(Trial::refusal("drop { percentage => few }").contains("must be a number"));
    }

    #[test]
    fn events_of_one_record_are_decided_each_for_itself() {
        let left = left(r#"split { field => "parts" } drop { percentage => 50 }"#);
        assert!((7_600..8_400).contains(&left.iter().sum::<usize>()));
        assert!(left.iter().filter(|left| (1..4).contains(*left)).count() > 3_000);
    }
}
