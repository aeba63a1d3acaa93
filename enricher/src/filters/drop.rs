//! `drop`: the event ends here. With `percentage`, so do that many of a hundred, chosen by the
//! record's id, so that a replay chooses the same.

use std::sync::Arc;

use event::Event;

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::Options;

#[derive(Clone, Copy, Debug)]
struct Drop {
    percentage: u8,
}

pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let percentage = options.integer("percentage").unwrap_or(100);
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
