//! `drop`: the event ends here. With `percentage`, so do that many of a hundred, chosen by the
//! record's id, so that a replay chooses the same.

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
        /// How many of a hundred end. The record's id decides, so that a replay decides the same.
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
        // The last bytes of an id are random or a hash: even over all records.
        let [.., high, low] = context.record.id.0;
        let place = (u32::from(u16::from_be_bytes([high, low])) * 100) >> 16;
        if place < u32::from(self.percentage) { Applied::Dropped } else { Applied::Matched }
    }
}
