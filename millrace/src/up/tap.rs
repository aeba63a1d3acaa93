//! The pipeline of this process for those who look on at its filters.

use enricher::{Applied, CurrentPlan, TapReader, Tapped};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use query_api::{PipelineTap, TapFilter, TapMessage};
use serde_json::Value;

/// See the module.
pub(super) struct CurrentTap(pub(super) CurrentPlan);

impl PipelineTap for CurrentTap {
    fn filters(&self) -> Vec<TapFilter> {
        let plan = self.0.get();
        let filters = plan.filters().iter().zip(1..);
        filters
            .map(|(used, filter)| TapFilter {
                filter,
                name: used.name.to_owned(),
                file: used.file.clone(),
                line: used.line,
            })
            .collect()
    }

    fn open(
        &self,
        filter: usize,
        only_changed: bool,
    ) -> Result<BoxStream<'static, TapMessage>, String> {
        let place = filter.checked_sub(1).ok_or("filters are numbered from 1")?;
        let reader = self.0.taps().open(place, only_changed).map_err(|error| error.to_string())?;
        let messages = stream::unfold(reader, async |mut reader: TapReader| {
            let tapped = reader.next().await?;
            Some((message(&tapped, reader.take_lost()), reader))
        });
        Ok(messages.boxed())
    }
}

fn message(tapped: &Tapped, lost: u64) -> TapMessage {
    let read = |json: &[u8]| {
        // Events are written as JSON; the text is shown where that should ever fail.
        serde_json::from_slice(json)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(json).into_owned()))
    };
    let (result, is_left) = match tapped.applied {
        Applied::Matched => ("matched", true),
        Applied::NotMatched => ("not_matched", true),
        Applied::Dropped => ("dropped", false),
    };
    TapMessage {
        pipeline: tapped.pipeline.clone(),
        at: TapFilter {
            filter: tapped.filter + 1,
            name: tapped.name.to_owned(),
            file: tapped.file.clone(),
            line: tapped.line,
        },
        record_id: tapped.record_id.to_string(),
        shop: tapped.shop.to_string(),
        number: tapped.number,
        result: result.to_owned(),
        made: tapped.made,
        lost,
        before: read(&tapped.before),
        after: is_left.then(|| read(&tapped.after)),
    }
}
