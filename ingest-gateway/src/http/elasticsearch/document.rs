//! One document, which is the whole body: `_doc` and `_create`.
//!
//! Source: the Index API of Elasticsearch 8. A document goes the way of an item of a bulk body, with the same meaning
//! of index and id, and what is answered with 201 is durable. Never looks whether an id came before: sent again it is
//! the same event.

use std::sync::Arc;

use bus::Codec;
use bytes::BytesMut;
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use serde_json::json;

use super::Reply;
use super::action::check_names;
use super::bulk::{names_pipeline, record_id};
use super::error::Error;
use crate::http::answer::no_room;
use crate::http::body::BodyReader;
use crate::http::publisher::Publisher;
use crate::http::request::{Plan, open};
use crate::http::route::{Door, Sender};
use crate::http::shape::judge;
use crate::intake::{Answer, Line, Origin};
use crate::lines::{Oversize, within};

/// What may stand behind the longest document without being a part of it.
const LINE_END: &[u8] = b"\r\n";

/// Answers a request that brings one document.
pub(super) async fn answer(
    door: &Door,
    sender: Sender,
    index: &str,
    id: Option<&str>,
    request: Request<Incoming>,
) -> Reply {
    let is_pipeline_named = names_pipeline(request.uri().query().unwrap_or_default());
    let (plan, mut body) = match open(door, &sender, request).await {
        Ok(opened) => opened,
        Err(problem) => return Error::from(&problem).reply(),
    };
    match take(door, plan, index, id, &mut body).await {
        Ok(id) => {
            let mut reply = created(index, &id);
            super::warn(&mut reply, is_pipeline_named, door.intake.durability_warning());
            reply
        }
        Err(error) => turn_away(door, &error, &mut body).await,
    }
}

/// The answer to a body that is not taken, once what is left of it was read.
pub(super) async fn turn_away(door: &Door, error: &Error, body: &mut BodyReader<'_>) -> Reply {
    if error.retry_after.is_some() {
        door.intake.count_busy();
    }
    body.drain().await;
    error.reply()
}

/// Makes the document durable, and gives its id.
async fn take(
    door: &Door,
    plan: Plan,
    index: &str,
    id: Option<&str>,
    body: &mut BodyReader<'_>,
) -> Result<String, Error> {
    check_names(Some(index), id).map_err(Error::malformed)?;
    let mut line = read_whole(door, body).await?;
    if line.fault.is_none() {
        if line.payload.is_empty() {
            return Err(Error::malformed("the body holds no document"));
        }
        if let Some(rejection) = judge(&line.payload, door.intake.limits()) {
            line.refuse(rejection);
        }
    }
    line.id = id.map(|id| record_id(&plan.origin.shop, index, id));
    // A document is JSON whatever the content type says.
    let origin = Arc::new(Origin { codec: Codec::Json, ..Origin::clone(&plan.origin) });
    let mut publisher = Publisher::new(&door.intake, origin, plan.idempotency_key, plan.room);
    publisher.push(line);
    publisher.send();
    let receipt = publisher.arrival().await.expect("a batch was sent just now");
    match &receipt.answers[0] {
        Answer::Accepted => {
            let made = || receipt.batch.id(&receipt.batch.lines[0]).to_string();
            Ok(id.map_or_else(made, str::to_owned))
        }
        Answer::Refused(rejection) => Err(Error::refused(rejection)),
        Answer::Busy { retry_after } => Err(Error::busy(no_room(&door.intake), *retry_after)),
    }
}

/// The whole body as one line, without the blanks around it. One that is longer than a line may be is refused, and no
/// more of it is held than its beginning.
pub(super) async fn read_whole(door: &Door, body: &mut BodyReader<'_>) -> Result<Line, Error> {
    let bytes_max = door.intake.line_bytes_max();
    let mut whole = BytesMut::new();
    let mut oversize: Option<Oversize> = None;
    while let Some(block) = body.next().await.map_err(|problem| Error::from(&problem))? {
        if let Some(oversize) = &mut oversize {
            oversize.skip(&block);
            continue;
        }
        whole.extend_from_slice(&block);
        if whole.len() > bytes_max + LINE_END.len() {
            oversize = Some(Oversize::new(&std::mem::take(&mut whole), bytes_max));
        }
    }
    if let Some(oversize) = oversize {
        return Ok(oversize.into_line(1, bytes_max));
    }
    let whole = whole.freeze();
    Ok(within(whole.slice_ref(whole.trim_ascii()), 1, bytes_max))
}

fn created(index: &str, id: &str) -> Reply {
    let body = json!({
        "_index": index,
        "_id": id,
        "_version": 1,
        "result": "created",
        "_shards": super::shards(),
        "_seq_no": 0,
        "_primary_term": 1,
    });
    super::json(StatusCode::CREATED, &body)
}
