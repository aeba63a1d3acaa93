//! The pipelines of a list together.

use std::path::PathBuf;

use service::config::load_over;

use super::*;

fn listed(pipelines: &[(&str, &str)]) -> Vec<Listed> {
    let listed = |(id, text): &(&str, &str)| Listed {
        id: (*id).to_owned(),
        path: PathBuf::from(format!("p.yml#{id}")),
        text: PipelineText {
            source: Source::new(format!("{id}.conf"), *text),
            not_read: Vec::new(),
            listed: None,
        },
    };
    pipelines.iter().map(listed).collect()
}

pub(super) fn carried_of(pipelines: &[(&str, &str)]) -> Carried {
    let config = enricher::Config::default();
    let (carried, mistakes) = carry_over_all(&listed(pipelines), &config, OPEN);
    assert!(mistakes.iter().all(Vec::is_empty), "{mistakes:?}");
    carried
}

const THREE: [(&str, &str); 3] = [
    (
        "web",
        "input { tcp { port => 5001 host => '127.0.0.1' } }\n\
         output { elasticsearch { document_id => '%{id}' } elasticsearch { document_id => '%{n}' } }",
    ),
    (
        "audit.log",
        "input { tcp { port => 5002 host => '127.0.0.1' type => audit } file { path => '/a' } }\n\
         output { elasticsearch { document_id => 'a-%{id}' } }",
    ),
    ("inner", "input { pipeline { address => inside } }\noutput { elasticsearch { } }"),
];

#[test]
fn each_pipeline_has_its_doors_and_its_ids_of_documents() {
    let carried = carried_of(&THREE);
    let shown = |name: &str| carried.find(name).map(Setting::shown);
    let of = |id: &str, setting: &str| shown(&format!("enricher.pipelines.{id}.{setting}"));
    assert_eq!(
        of("web", "listeners").as_deref(),
        Some("enricher.pipelines.web.listeners = [\"tcp\"]")
    );
    assert_eq!(
        of("audit.log", "listeners").as_deref(),
        Some("enricher.pipelines.audit.log.listeners = [\"tcp-2\", \"file\"]")
    );
    assert_eq!(
        of("web", "pipeline").as_deref(),
        Some("enricher.pipelines.web.pipeline = p.yml#web")
    );
    let ids = ["web", "audit.log", "inner"].map(|id| of(id, "document_id").is_some());
    assert_eq!(ids, [true, true, false]);
    assert_eq!(shown("enricher.document_id"), None);
    assert!(shown("ingest_gateway.tcp.inputs.tcp-2.listen").is_some());
    let left: Vec<_> = carried.left.iter().map(|left| left.what.as_str()).collect();
    let expected = ["`document_id` of output elasticsearch", "input pipeline", "pipeline inner"];
    assert_eq!(left, expected, "{}", carried.left_lines());
    assert!(carried.left_lines().contains("what the output of line 2 says of ids"));
}

#[test]
fn they_are_a_configuration_by_presets_and_printed() {
    let carried = carried_of(&THREE);
    let loaded = load_over::<PlatformConfig>(&carried.presets(), None, [], &[]);
    let loaded = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(loaded.taken.iter().all(|taken| *taken));
    let toml = carried.to_toml_of_list();
    let printed = load::<PlatformConfig>(Some((Path::new("m.toml"), &toml)), [], &[]);
    let printed = printed.unwrap_or_else(|mistakes| panic!("{toml}\n{mistakes}"));
    assert_eq!(printed.enricher, loaded.value.enricher, "{toml}");
    let pipelines = &printed.enricher.pipelines;
    assert_eq!(pipelines["audit.log"].listeners, ["tcp-2", "file"]);
    assert_eq!(pipelines["web"].document_id.as_deref(), Some("%{id}"));
    assert!(pipelines["inner"].listeners.is_empty());
    assert_eq!(printed.enricher.pipeline, None);
}

#[test]
fn what_two_pipelines_cannot_both_have_is_told_with_its_file() {
    let carried = carried_of(&[
        (
            "a",
            "input { tcp { port => 1 } kafka { topics => 't' } kafka { topics => 'u' } file { path => '/l' } }",
        ),
        ("b", "input {\n tcp { port => 1 }\n kafka { topics => 'v' }\n file { path => '/l' } }"),
    ]);
    let said = carried.left_lines();
    for part in [
        "b.conf:2: input tcp: not carried over: input tcp (a.conf:1) is at 0.0.0.0:1 already",
        "b.conf:3: input kafka: not carried over (with `topics`): the messages of all topics go through one \
         pipeline, and `a` has topics already",
        "b.conf:4: `path` of input file: `/l` is not carried over: a file is read once, and a.conf:1 has this one",
        "b.conf:1: pipeline b: no event comes to it",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let own = carried.find("enricher.pipelines.a.listeners").map(Setting::shown);
    let expected = "enricher.pipelines.a.listeners = [\"tcp\", \"kafka\", \"file\"]";
    assert_eq!(own.as_deref(), Some(expected));
    assert!(
        carried.find("bus.kafka.topics.u.foreign").is_some(),
        "topics of one pipeline are many"
    );
}

#[test]
fn mistakes_are_told_by_pipeline() {
    let config = enricher::Config::default();
    let pipelines = listed(&[
        ("a", "input { tcp { prot => 1 } }"),
        ("b", "input { udp { port => 1 } }"),
        ("c", "input { "),
    ]);
    let (_, mistakes) = carry_over_all(&pipelines, &config, OPEN);
    let told: Vec<_> = mistakes.iter().map(|own| !own.is_empty()).collect();
    assert_eq!(told, [true, false, true]);
}
