//! Identity of records: stable where a re-send must collapse, different where it must not.

use super::RecordId;

#[test]
fn the_same_key_and_line_collapse() {
    let first = RecordId::from_idempotency_key("default", "upload-7", 3);
    assert_eq!(first, RecordId::from_idempotency_key("default", "upload-7", 3));
    assert_ne!(first, RecordId::from_idempotency_key("default", "upload-7", 4));
    assert_ne!(first, RecordId::from_idempotency_key("other", "upload-7", 3));
    assert_ne!(first.derive("score"), first.derive("clone"));
}

#[test]
fn a_text_names_a_document_of_its_shop_alone() {
    let first = RecordId::of_document("north", "order-7");
    assert_eq!(first, RecordId::of_document("north", "order-7"));
    assert_ne!(first, RecordId::of_document("south", "order-7"));
    assert_ne!(first, RecordId::of_document("north", "order-8"));
    assert_ne!(
        RecordId::of_document("north", "order"),
        RecordId::of_document("northo", "rder"),
        "what is of the shop and what of the text is told apart"
    );
    assert_ne!(first, RecordId::from_idempotency_key("north", "order-7", 0));
}

#[test]
fn what_is_made_from_other_bytes_of_a_record_has_another_id() {
    let record = RecordId::generate();
    let first = record.derive_from("letter", b"[1]");
    assert_eq!(first, record.derive_from("letter", b"[1]"));
    assert_ne!(first, record.derive_from("letter", b"[2]"));
    assert_ne!(first, record.derive_from("score", b"[1]"));
    assert_ne!(first, RecordId::generate().derive_from("letter", b"[1]"));
    assert_ne!(record.derive_from("letter", b""), record.derive("letter"));
}

#[test]
fn an_id_reads_back_from_its_text() {
    let id = RecordId::generate();
    assert_eq!(RecordId::parse(&id.to_string()), Some(id));
    assert_eq!(RecordId::parse("../../etc"), None);
    assert_eq!(RecordId::parse(&"g".repeat(32)), None);
}
