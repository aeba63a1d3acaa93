//! 12 (and 11): text that looks like a path, a tenant, an index or a template.

use std::path::Path;

use crate::Attack;
use crate::senders::post;
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "names that look like paths",
    run: names,
    counted_by: &[
        "millrace_gateway_refused_requests_total{code=\"400\",door=\"http\"}",
        "millrace_door_accepted_records_total{door=\"http\"}",
    ],
}];

fn names(target: &Target) {
    for name in ["../../etc/passwd", "*,-x", "line\\nfeed", "nul\\u0000", "${jndi:ldap://a/b}"] {
        let body = format!(
            "{{\"index\":{{\"_index\":\"{name}\",\"_id\":\"{name}\"}}}}\n\
             {{\"shop\":\"{name}\",\"organization\":{{\"id\":\"{name}\"}},\"type\":\"{name}\"}}\n"
        );
        // A credential that is no shop's is nothing to an open door.
        let token = format!("authorization: Bearer {name}\r\nx-shop: {name}\r\n");
        let answer = post(target, "/_bulk", &token, body.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
        assert!(answer.contains("\"status\":201"), "{name}: {answer}");
    }
    let long = format!("{{\"index\":{{\"_index\":\"{}\"}}}}\n{{}}\n", "A".repeat(300));
    let answer = post(target, "/_bulk", "", long.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");

    let metrics = target.platform.metrics();
    let mut files = Vec::new();
    names_below(&target.platform.data(), &mut files);
    assert!(!files.is_empty(), "the platform has a folder");
    for part in ["passwd", "jndi", "AAAAAAAA"] {
        assert!(!metrics.contains(part), "{part} names a metric");
        assert!(!files.iter().any(|name| name.contains(part)), "{part} names a file: {files:?}");
    }
}

/// The names of everything in a folder and in those within it. What goes away meanwhile is passed over.
fn names_below(folder: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        names.push(entry.file_name().to_string_lossy().into_owned());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names_below(&entry.path(), names);
        }
    }
}
