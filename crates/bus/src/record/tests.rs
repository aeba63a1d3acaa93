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
fn an_id_reads_back_from_its_text() {
    let id = RecordId::generate();
    assert_eq!(RecordId::parse(&id.to_string()), Some(id));
    assert_eq!(RecordId::parse("../../etc"), None);
    assert_eq!(RecordId::parse(&"g".repeat(32)), None);
}
