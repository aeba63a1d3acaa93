//! The stage: records of `logs.raw` to documents of `logs.enriched`, by the program of the pipeline of their door.
//!
//! Pure: records decide everything about their documents, so a replay makes the same bytes again. Time is their time of
//! receipt; what it makes, such as counts told at intervals, is handed on after the batch.
//! Whose event it is, the record says; no text of the event can change that.

mod lane;
mod payloads;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use bus::described_request::content_type_of_body;
use bus::{Codec, Positioned, Record, inputs};
use bytes::Bytes;
use bytestring::ByteString;
use event::{Event, FieldPath, Fragment, Kind, Limits, NodeId, Refusal};
use pipeline::{Stage, State, Verdict};

use crate::document_id::DocumentId;
use crate::index_text::ContentTypes;
use crate::input::{self, Inputs, LastRequest};
use crate::lookup::{Lookups, Question, Wanted};
use crate::pipelines::{Pipeline, Pipelines};
use crate::plan::{Plan, Program};
use crate::tap::Point;
use crate::timer::Moment;
use lane::Lane;
use payloads::Payloads;

/// Most bytes of a routing key: it only has to choose a partition.
const ROUTING_KEY_BYTES_MAX: usize = 256;
/// The log type that is scored.
const TRANSACTION: &str = "transaction";

/// Decodes records and runs a pipeline over them. What becomes of the events is the caller's affair.
#[derive(Debug)]
pub struct Processor {
    program: Program,
    limits: Limits,
    /// Only a pipeline that looks at `[@metadata]` is given any.
    writes_metadata: bool,
    /// Where a file's lines are told its path, unless they say one themselves.
    file_path: FieldPath,
    /// What is done to the events of each door before the first filter.
    inputs: Arc<Inputs>,
    /// What the record before was told of its request.
    last_request: LastRequest,
    /// Used again for every record.
    event: Event,
    /// The latest time of receipt.
    now_ns: i64,
}

impl Processor {
    /// Runs this plan over payloads within these limits.
    #[must_use]
    pub fn new(plan: &Plan, limits: Limits) -> Self {
        Self::with(plan.instance(), plan, limits)
    }

    /// Only finds out what the plan's filters will ask of the network.
    pub(crate) fn rehearsing(plan: &Plan, limits: Limits) -> Self {
        Self::with(plan.rehearsal(), plan, limits)
    }

    /// What a rehearsal has asked in vain since this was called last.
    pub(crate) fn take_wanted(&mut self) -> Vec<(Arc<Lookups>, HashSet<Question>)> {
        self.program.wanted().map(Wanted::take).unwrap_or_default()
    }

    /// Who looks on at the filters from now on.
    fn set_taps(&mut self, points: Vec<Point>) {
        self.program.set_taps(points);
    }

    fn with(program: Program, plan: &Plan, limits: Limits) -> Self {
        let (writes_metadata, file_path) = (plan.reads_metadata(), plan.file_path().clone());
        Self {
            program,
            limits,
            writes_metadata,
            file_path,
            inputs: Arc::clone(plan.inputs()),
            last_request: LastRequest::default(),
            event: Event::new(),
            now_ns: i64::MIN,
        }
    }

    /// Runs the pipeline over a record. `emit` is given each event that reaches the end, with its
    /// number: 0 is the one that was decoded, the others were made of it. Says how many there were.
    ///
    /// # Errors
    /// Why the payload is no event.
    pub fn run(
        &mut self,
        record: &Record,
        emit: impl FnMut(&mut Event, usize),
    ) -> Result<usize, Refusal> {
        let Self {
            program, limits, writes_metadata, file_path, inputs, last_request, event, ..
        } = self;
        let input = inputs.of(&record.listener);
        input::decode(event, record, input, limits)?;
        let is_of_files = inputs::door_of(&record.listener) == inputs::FILE;
        if is_of_files && event.get(file_path).is_none() {
            event.set_text(file_path, &record.source);
        }
        if *writes_metadata {
            write_metadata(event, record);
        }
        input::mark(event, record, input, last_request);
        Ok(program.run(event, record, emit))
    }

    /// Tells the pipeline that time has come to `now_ns`, which the next record's time of receipt is; earlier times
    /// than were told before say nothing. `emit` is given each event that time makes and that reaches the end, what
    /// stands in the place of its record, and its number as of [`Processor::run`].
    pub fn advance(&mut self, now_ns: i64, emit: impl FnMut(&mut Event, &Record, usize)) {
        if now_ns > self.now_ns {
            self.now_ns = now_ns;
            self.make_timed(false, emit);
        }
    }

    /// As [`Processor::advance`], where no record comes any more: what filters remember comes out.
    pub fn finish(&mut self, emit: impl FnMut(&mut Event, &Record, usize)) {
        if self.now_ns > i64::MIN {
            self.make_timed(true, emit);
        }
    }

    fn make_timed(&mut self, is_end: bool, emit: impl FnMut(&mut Event, &Record, usize)) {
        if !self.program.is_timed() {
            return;
        }
        let writes_metadata = self.writes_metadata;
        let prepare = |event: &mut Event, origin: &Record| {
            if writes_metadata {
                write_metadata(event, origin);
            }
        };
        self.program.advance(Moment { now_ns: self.now_ns, is_end }, prepare, emit);
    }

    /// Lets go of the last record's payload.
    pub fn release(&mut self) {
        self.event.clear();
    }
}

/// Decodes, runs the pipeline of the record's door, writes documents.
#[derive(Debug)]
pub struct EnricherStage {
    pipelines: Pipelines,
    limits: Limits,
    /// Each pipeline at work, in their order.
    lanes: Vec<Lane>,
    /// The door of the last record, and where the lane of its pipeline stands.
    last: (String, usize),
    /// The documents that the records of a batch have become, until it ends.
    payloads: Payloads,
    /// Documents that no record brought, until they are asked for.
    made: Vec<Record>,
}

impl EnricherStage {
    /// A stage that runs this plan over payloads within these limits.
    #[must_use]
    pub fn new(plan: &Plan, limits: Limits) -> Self {
        Self::following(plan.clone(), limits)
    }

    /// A stage that runs the current plans, and after a change the new one from its next batch on.
    #[must_use]
    pub fn following(pipelines: impl Into<Pipelines>, limits: Limits) -> Self {
        let pipelines = pipelines.into();
        let lane = |pipeline: &Pipeline| Lane::new(pipeline.current().clone(), &limits);
        let lanes = pipelines.all().iter().map(lane).collect();
        let last = (String::new(), pipelines.place_of(""));
        let payloads = Payloads::default();
        Self { pipelines, limits, lanes, last, payloads, made: Vec::new() }
    }

    fn follow(&mut self) {
        let Self { lanes, limits, made, .. } = self;
        lanes.iter_mut().for_each(|lane| lane.follow(limits, made));
    }

    /// Time is the same for all pipelines, whichever of them has records.
    fn advance_to(&mut self, now_ns: i64) {
        let Self { lanes, made, .. } = self;
        lanes.iter_mut().for_each(|lane| lane.advance_to(now_ns, made));
    }

    /// The lane of the pipeline that the events of a door go through.
    fn lane_of(&mut self, listener: &str) -> &mut Lane {
        let (last, place) = &mut self.last;
        // Records of one door mostly follow each other; and most processes have one pipeline.
        if self.lanes.len() > 1 && last.as_str() != listener {
            last.clear();
            last.push_str(listener);
            *place = self.pipelines.place_of(listener);
        }
        &mut self.lanes[*place]
    }
}

impl Stage for EnricherStage {
    fn process(&mut self, batch: &[Positioned], _state: &mut State) -> Vec<Verdict> {
        self.follow();
        let mut payloads = std::mem::take(&mut self.payloads);
        let verdict = |item: &Positioned| {
            // By each record, so that it does not matter where batches are cut.
            self.advance_to(item.record.received_at_ns);
            self.lane_of(&item.record.listener).enrich(&item.record, &mut payloads)
        };
        let mut verdicts: Vec<_> = batch.iter().map(verdict).collect();
        let documents = verdicts.iter_mut().filter_map(|verdict| match verdict {
            Verdict::Forward(documents) => Some(documents),
            _ => None,
        });
        payloads.hand_out(documents.flatten());
        self.payloads = payloads;
        verdicts
    }

    fn advance(&mut self, watermark_ns: i64) -> Vec<Record> {
        self.advance_to(watermark_ns);
        std::mem::take(&mut self.made)
    }

    fn finish(&mut self) -> Vec<Record> {
        let Self { lanes, made, .. } = self;
        lanes.iter_mut().for_each(|lane| lane.end(made));
        std::mem::take(&mut self.made)
    }
}

/// What a pipeline may ask about the record: it is never part of a document.
fn write_metadata(event: &mut Event, record: &Record) {
    let mut received_at = Vec::with_capacity(30);
    event::format_timestamp(record.received_at_ns, &mut received_at);
    // Of a Beat's there are words that pipelines ask for: `beat`, `version`, `pipeline`.
    let kept = event
        .child(event.root(), "@metadata")
        .filter(|own| input::is_of_beats(record) && event.kind(*own) == Kind::Object);
    let metadata = kept.unwrap_or_else(|| event.new_object());
    for (name, text) in [
        ("received_at", String::from_utf8_lossy(&received_at)),
        ("record_id", Cow::Owned(record.id.to_string())),
        ("listener", Cow::Borrowed(&*record.listener)),
        ("source", Cow::Borrowed(&*record.source)),
        ("shop", Cow::Borrowed(&*record.shop)),
        ("content_type", Cow::Borrowed(content_type_of_body(&record.content_type))),
    ] {
        let text = event.new_text(&text);
        match kept.and_then(|kept| event.child(kept, name)) {
            Some(forged) => event.replace(forged, text),
            None => event.attach(metadata, name, text),
        }
    }
    // Any other sender's own `@metadata` gives way: these are the platform's words.
    if kept.is_none() {
        event.put_field("@metadata", metadata);
    }
}

/// Writes events as records of `logs.enriched`.
#[derive(Debug)]
struct DocumentWriter {
    /// Which events are one document; without it each is one.
    document_id: Option<Arc<DocumentId>>,
    /// Which indices they are for.
    content_types: ContentTypes,
    /// The place of the log type that is scored.
    transaction: Option<u8>,
    dataset: FieldPath,
    user_id: FieldPath,
    session_id: FieldPath,
    /// The last shop that a document was of, and its `organization`.
    tenant: (ByteString, Option<Fragment>),
}

impl DocumentWriter {
    fn new(plan: &Plan) -> Self {
        Self {
            document_id: plan.document_id(),
            content_types: ContentTypes::new(plan.index()),
            transaction: schema::log_type_place(TRANSACTION),
            dataset: FieldPath::dotted("event.dataset"),
            user_id: FieldPath::dotted("user.id"),
            session_id: FieldPath::dotted("shop.session.id"),
            tenant: (ByteString::new(), None),
        }
    }

    /// The record of an event; `number` is 0 for the one that was decoded, and counts those that
    /// were made of it.
    fn write(&mut self, event: &mut Event, record: &Record, number: usize) -> Record {
        let mut json = Vec::new();
        let document = self.write_into(event, record, number, &mut json);
        Record { payload: Bytes::from(json), ..document }
    }

    /// The same with the document behind what stands in `json`, and without a payload.
    fn write_into(
        &mut self,
        event: &mut Event,
        record: &Record,
        number: usize,
        json: &mut Vec<u8>,
    ) -> Record {
        // As the filters left the event.
        let named = self.document_id.as_ref().and_then(|document| document.of(event, record));
        let content_type = self.content_types.of(event, record);
        self.set_tenant(event, &record.shop);
        event.write_json(json);
        let log_type = self.log_type(event);
        let id = named.unwrap_or_else(|| match number {
            0 => record.id,
            _ => record.id.derive(&format!("enricher/{number}")),
        });
        let routing_key = match named {
            // Without a key the id chooses the partition, so that the later event of a document comes behind
            // the earlier. Transactions keep their customer's: scores need these in their order.
            Some(_) if log_type != self.transaction => ByteString::new(),
            _ => self.routing_key(event),
        };
        Record {
            id,
            received_at_ns: record.received_at_ns,
            shop: record.shop.clone(),
            source: record.source.clone(),
            listener: record.listener.clone(),
            codec: Codec::Json,
            content_type,
            trace_context: record.trace_context.clone(),
            attempt: record.attempt,
            routing_key,
            log_type,
            payload: Bytes::new(),
        }
    }

    /// The log type that the event has, if it is one of ours.
    fn log_type(&self, event: &Event) -> Option<u8> {
        let dataset = event.text(event.get(&self.dataset)?)?;
        schema::log_type_place(&dataset)
    }

    /// The customer, else the session, so that a customer's events stay in order.
    fn routing_key(&self, event: &Event) -> ByteString {
        let text = |path: &FieldPath| {
            let id = event.get(path)?;
            event.scalar_text(id).filter(|text| !text.is_empty())
        };
        let Some(key) = text(&self.user_id).or_else(|| text(&self.session_id)) else {
            return ByteString::new();
        };
        let end = (0..=key.len().min(ROUTING_KEY_BYTES_MAX)).rfind(|at| key.is_char_boundary(*at));
        ByteString::from(&key[..end.unwrap_or_default()])
    }

    /// Says whose the document is: `organization.id` is the record's shop, and nothing else in the
    /// document can be read as that field.
    fn set_tenant(&mut self, event: &mut Event, shop: &ByteString) {
        let root = event.root();
        if let Some(dotted) = event.child(root, "organization.id") {
            event.detach(dotted);
        }
        match event.child(root, "organization") {
            Some(organization) if event.kind(organization) == Kind::Object => {
                let id = event.new_text(shop);
                match event.child(organization, "id") {
                    Some(old) => event.replace(old, id),
                    None => event.attach(organization, "id", id),
                }
            }
            found => {
                let organization = self.organization(event, shop);
                match found {
                    Some(other) => event.replace(other, organization),
                    None => event.attach(root, "organization", organization),
                }
            }
        }
    }

    fn organization(&mut self, event: &mut Event, shop: &ByteString) -> NodeId {
        let (known, fragment) = &mut self.tenant;
        if fragment.is_none() || known != shop {
            let mut json = b"{\"id\":\"".to_vec();
            event::escape(shop, &mut json);
            json.extend_from_slice(b"\"}");
            *known = shop.clone();
            *fragment = Fragment::constant(&json);
        }
        match fragment {
            Some(fragment) => event.new_fragment(fragment),
            None => event.new_object(),
        }
    }
}
