//! Reads the answer to a bulk request without a tree of it: one small record an operation, each checked against
//! what was asked.

use serde::Deserialize;

use super::verdict::ItemAnswer;

/// The parts of an answer that are asked for.
pub(crate) const FILTER: &str =
    "filter_path=items.*._id,items.*.status,items.*.result,items.*.error,items.*.failure_store";

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow)]
    items: Vec<Named<'a>>,
}

/// An item under the name of its operation, which is always `index`.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    index: ItemAnswer<'a>,
}

/// The answers to operations with these ids, in their order.
///
/// # Errors
/// An answer that is cut off, is none, or is one to something else.
pub(crate) fn parse<'a, 'b>(
    body: &'a [u8],
    ids: impl ExactSizeIterator<Item = &'b str>,
) -> Result<Vec<ItemAnswer<'a>>, String> {
    let whole: Whole<'a> = serde_json::from_slice(body)
        .map_err(|error| format!("the engine's answer cannot be read: {error}"))?;
    if whole.items.len() != ids.len() {
        let (answered, asked) = (whole.items.len(), ids.len());
        return Err(format!("the engine answers {answered} of {asked} operations"));
    }
    let mut answers = Vec::with_capacity(whole.items.len());
    for (named, id) in whole.items.into_iter().zip(ids) {
        if named.index.id.as_deref().is_some_and(|answered| answered != id) {
            return Err("the engine answers other operations than were asked".to_owned());
        }
        answers.push(named.index);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn statuses(body: &str, ids: &[&str]) -> Result<Vec<u16>, String> {
        let answers = parse(body.as_bytes(), ids.iter().copied())?;
        Ok(answers.into_iter().map(|one| one.status).collect())
    }

    #[test]
    fn answers_fit_to_what_was_asked() {
        let body = r#"{"took":3,"errors":true,"items":[{"index":{"_id":"a\"","status":201}},
            {"index":{"status":400,"error":{"type":"x","reason":null,"other":[1,{}]}}}]}"#;
        assert_eq!(statuses(body, &["a\"", "b"]), Ok(vec![201, 400]));
        assert!(statuses(body, &["a\""]).is_err());
        assert!(statuses(body, &["a\"", "b", "c"]).is_err());
        assert!(statuses(body, &["b", "a\""]).is_err());
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let whole = r#"{"errors":false,"items":[{"index":{"_id":"a","status":201}}]}"#;
        for cut in 0..whole.len() {
            assert!(statuses(&whole[..cut], &["a"]).is_err(), "{cut}");
        }
        for body in [
            "<html>",
            "{}",
            r#"{"items":{}}"#,
            r#"{"items":[{"create":{"status":201}}]}"#,
            r#"{"items":[{"index":{"status":"201"}}]}"#,
            r#"{"items":[{"index":{"status":-1}}]}"#,
            r#"{"items":[null]}"#,
        ] {
            assert!(statuses(body, &["a"]).is_err(), "{body}");
        }
    }
}
