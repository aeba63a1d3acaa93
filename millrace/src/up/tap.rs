//! The pipelines of this process for those who look on at their filters.

use enricher::{Applied, Pipeline, Pipelines, TapReader, Tapped};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use query_api::{PipelineTap, TapFilter, TapMessage};
use serde_json::Value;

/// See the module.
pub(super) struct CurrentTap(pub(super) Pipelines);

impl PipelineTap for CurrentTap {
    fn filters(&self) -> Vec<TapFilter> {
        self.0.all().iter().flat_map(filters).collect()
    }

    fn open(
        &self,
        pipeline_id: Option<&str>,
        filter: usize,
        only_changed: bool,
    ) -> Result<BoxStream<'static, TapMessage>, String> {
        let place = filter.checked_sub(1).ok_or("filters are numbered from 1")?;
        let mut pipelines = self.0.all().iter();
        let pipeline = pipelines.find(|pipeline| pipeline.id() == pipeline_id);
        let taps = pipeline.ok_or("there is no such pipeline")?.current().taps();
        let reader = taps.open(place, only_changed).map_err(|error| error.to_string())?;
        let id = pipeline_id.map(str::to_owned);
        let messages = stream::unfold((reader, id), async |(mut reader, id): Reader| {
            let tapped = reader.next().await?;
            Some((message(&tapped, reader.take_lost(), id.clone()), (reader, id)))
        });
        Ok(messages.boxed())
    }
}

/// A tap, and the id of its pipeline.
type Reader = (TapReader, Option<String>);

fn filters(pipeline: &Pipeline) -> Vec<TapFilter> {
    let plan = pipeline.current().get();
    let filters = plan.filters().iter().zip(1..);
    filters
        .map(|(used, filter)| TapFilter {
            pipeline_id: pipeline.id().map(str::to_owned),
            filter,
            name: used.name.to_owned(),
            file: used.file.clone(),
            line: used.line,
        })
        .collect()
}

fn message(tapped: &Tapped, lost: u64, pipeline_id: Option<String>) -> TapMessage {
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
            pipeline_id,
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
