//! The stage as the runner uses it: what goes on, what ends, what is refused, and whose it is.

mod support;

use bus::{Codec, Record, RecordId};
use enricher::language::{Source, Syntax};
use enricher::{EcsCompatibility, EnricherStage, Environment, EscapeStyle, plan};
use event::Limits;
use pipeline::Verdict;
use serde_json::{Value, json};
use support::{document, forwarded, record, rejection, stage, verdict};

#[test]
fn card_numbers_in_lines_of_text_are_masked_also_where_a_filter_made_them_numbers() {
    for (filters, line) in [
        (r#"json { source => "message" }"#, r#"{"card":4111111111111111}"#),
        (r#"json { source => "message" }"#, r#"{"card":{"4111111111111111":1}}"#),
        (r#"grok { match => { "message" => "card %{INT:card:int}" } }"#, "card 4111111111111111"),
    ] {
        let mut stage = stage(&format!("filter {{ {filters} schema {{ }} redact {{ }} }}"));
        let Verdict::Forward(records) = verdict(&mut stage, record(line, Codec::Plain)) else {
            panic!("{line}");
        };
        let document = String::from_utf8(records[0].payload.to_vec()).expect("UTF-8");
        assert!(document.contains("411111******1111"), "{document}");
        assert!(!document.contains("4111111111111111"), "{document}");
    }
}

#[test]
fn card_numbers_that_filters_put_together_are_masked() {
    let filters =
        r#"mutate { gsub => [ "card", "x", "" ] } mutate { convert => { "card" => "integer" } }"#;
    let mut stage = stage(&format!("filter {{ {filters} redact {{ }} }}"));
    let line = r#"{"card":"4111x1111x1111x1111"}"#;
    assert_eq!(document(&mut stage, line)["card"], "411111******1111");
}

#[test]
fn a_record_keeps_its_identity() {
    let mut stage = stage("filter { }");
    let came = record(r#"{"a":1,"user":{"id":"u-1"}}"#, Codec::Json);
    let Verdict::Forward(records) = verdict(&mut stage, came.clone()) else {
        panic!("not forwarded");
    };
    assert_eq!(records.len(), 1);
    let went = &records[0];
    assert_eq!((went.id, &went.trace_context), (came.id, &came.trace_context));
    assert_eq!((&went.source, &went.listener), (&came.source, &came.listener));
    assert_eq!((went.received_at_ns, went.attempt), (came.received_at_ns, came.attempt));
    assert_eq!((&*went.content_type, went.codec), ("application/json", Codec::Json));
    assert_eq!(
        serde_json::from_slice::<Value>(&went.payload).expect("test data is good"),
        json!({"@timestamp": "2026-11-24T12:00:00.000Z", "a": 1, "user": {"id": "u-1"}, "organization": {"id": "default"}})
    );
}

#[test]
fn a_customer_or_else_the_session_chooses_the_partition() {
    let mut stage = stage("filter { }");
    for (payload, key) in [
        (r#"{"user":{"id":"u-1"},"shop":{"session":{"id":"s"}}}"#.to_owned(), "u-1".to_owned()),
        (r#"{"user":{"id":null},"shop":{"session":{"id":"s"}}}"#.to_owned(), "s".to_owned()),
        (r#"{"user":{"id":""},"shop":{"session":{"id":12}}}"#.to_owned(), "12".to_owned()),
        (r#"{"user":{"id":{"x":1}}}"#.to_owned(), String::new()),
        ("{}".to_owned(), String::new()),
        (json!({"user": {"id": "é".repeat(300)}}).to_string(), "é".repeat(128)),
    ] {
        assert_eq!(&*forwarded(&mut stage, payload.clone()).routing_key, key, "{payload}");
    }
}

#[test]
fn a_record_says_the_log_type_of_its_event_if_it_is_one() {
    let mut stage = stage("filter { }");
    for (dataset, log_type) in [
        (r#""transaction""#, Some("transaction")),
        (r#""err\u006fr""#, Some("error")),
        (r#""Error""#, None),
        (r#"["error"]"#, None),
        ("null", None),
    ] {
        let payload = format!(r#"{{"event":{{"dataset":{dataset}}}}}"#);
        let place = forwarded(&mut stage, payload).log_type;
        let named = place.map(|place| schema::LOG_TYPES[usize::from(place)]);
        assert_eq!(named, log_type, "{dataset}");
    }
    assert_eq!(forwarded(&mut stage, "{}".to_owned()).log_type, None);
}

#[test]
fn no_event_says_whose_it_is() {
    let mut stage = stage("filter { }");
    for payload in [
        r#"{"organization":{"id":"evil","name":"x"}}"#,
        r#"{"organization":{"i\u0064":"evil","name":"x"}}"#,
        r#"{"organization.id":"evil","organization":{"name":"x"}}"#,
        r#"{"organization":"evil"}"#,
        r#"{"organization":[{"id":"evil"}]}"#,
        "{}",
    ] {
        let out = document(&mut stage, payload);
        assert_eq!(out["organization"]["id"], "default", "{payload}");
        assert!(!out.to_string().contains("evil"), "{payload}");
    }
}

#[test]
fn plain_lines_are_messages() {
    let mut stage = stage(
        r#"filter { if "_invalid_utf8" in [tags] { mutate { add_field => { "odd" => "yes" } } } }"#,
    );
    let line = |stage: &mut _, bytes: &'static [u8]| {
        let Verdict::Forward(records) = verdict(stage, record(bytes, Codec::Plain)) else {
            panic!("not forwarded");
        };
        serde_json::from_slice::<Value>(&records[0].payload).expect("test data is good")
    };
    assert_eq!(line(&mut stage, b"{\"not\": \"json\"")["message"], "{\"not\": \"json\"");
    let odd = line(&mut stage, b"caf\xe9");
    assert_eq!((&odd["message"], &odd["odd"]), (&json!("caf\u{fffd}"), &json!("yes")));
    let Verdict::Reject(rejection) = verdict(&mut stage, record(vec![b'x'; 2 << 20], Codec::Plain))
    else {
        panic!("not refused");
    };
    assert_eq!(rejection.kind, "too_large");
}

#[test]
fn refusals_have_a_kind_and_a_place() {
    let mut stage = stage("filter { }");
    for (payload, kind, position) in [
        (&b"{\"a\":1,}"[..], "invalid_json", 7),
        (b"[1]", "not_an_object", 0),
        (b"plain text", "not_an_object", 0),
        (b"{\"a\":\"\xff\"}", "invalid_utf8", 6),
        (b"{} {}", "trailing_data", 3),
        (b"{'a':1}", "invalid_json", 1),
        (b"{\"a\":NaN}", "invalid_json", 5),
    ] {
        let rejection = rejection(&mut stage, payload);
        assert_eq!((&*rejection.kind, rejection.position_bytes), (kind, Some(position)));
        assert!(rejection.message.contains(&position.to_string()), "{}", rejection.message);
    }
}

#[test]
fn dropped_events_end_by_intention() {
    let mut stage =
        stage(r#"filter { if [level] == "debug" { drop { } } mutate { add_tag => "kept" } }"#);
    assert!(matches!(
        verdict(&mut stage, record(r#"{"level":"debug"}"#, Codec::Json)),
        Verdict::Discard("dropped")
    ));
    assert_eq!(document(&mut stage, r#"{"level":"info"}"#)["tags"], json!(["kept"]));
}

#[test]
fn a_part_of_the_events_is_dropped_by_their_ids() {
    let mut stage = stage("filter { drop { percentage => 25 } }");
    let mut kept = Vec::new();
    for round in 0..2 {
        let mut ids = Vec::new();
        for number in 0..2_000u64 {
            let mut came = record("{}", Codec::Json);
            came.id = RecordId::from_idempotency_key("default", "k", number);
            if let Verdict::Forward(records) = verdict(&mut stage, came) {
                ids.push(records[0].id);
            }
        }
        assert!((1_400..1_600).contains(&ids.len()), "{} in round {round}", ids.len());
        kept.push(ids);
    }
    assert_eq!(kept[0], kept[1]);
}

#[test]
fn a_pipeline_can_ask_about_the_record() {
    let mut stage = stage(
        r#"filter { mutate { add_field => {
            "at" => "%{[@metadata][received_at]}" "door" => "%{[@metadata][listener]}" "from" => "%{[@metadata][source]}"
            "now" => "%{{TIME_NOW}}" "id" => "%{[@metadata][record_id]}"
        } } }"#,
    );
    let out = document(
        &mut stage,
        r#"{"@metadata":{"listener":"forged"},"@timestamp":"2020-01-01T00:00:00Z"}"#,
    );
    assert_eq!(out["at"], "2026-11-24T12:00:00.000Z");
    assert_eq!(out["now"], "2026-11-24T12:00:00.000Z");
    assert_eq!((&out["door"], &out["from"]), (&json!("tcp"), &json!("192.0.2.1")));
    assert_eq!(out["id"], "07".repeat(16));
    assert_eq!(out["@timestamp"], "2020-01-01T00:00:00.000Z");
    assert!(out.get("@metadata").is_none());
}

#[test]
fn no_sender_speaks_in_the_words_of_the_platform() {
    let ask = r#"mutate { add_field => { "[labels][whose]" => "%{[@metadata][shop]}" } }"#;
    let forged = r#"{"@metadata":{"shop":"forged"}}"#;
    for (filters, payload) in [
        (
            "schema { }",
            json!({"log_type": "transaction", "payment": {"@metadata": {"shop": "forged"}}}),
        ),
        ("schema { }", json!({"log_type": "transaction", "@metadata": {"shop": "forged"}})),
        (r#"json { source => "message" }"#, json!({"message": forged})),
        (
            r#"json { source => "message" } schema { }"#,
            json!({"message": forged.replace('@', r"\u0040")}),
        ),
    ] {
        let mut stage = stage(&format!("filter {{ {filters} {ask} }}"));
        let out = document(&mut stage, payload.to_string());
        assert_eq!(out["labels"]["whose"], "default", "{filters} {payload}");
        assert!(out.get("@metadata").is_none());
    }
}

#[test]
fn the_same_record_makes_the_same_bytes() {
    let mut stage = support::default_stage();
    let line = r#"{"log_type":"transaction","order_id":"ORD-1","amount":"129.90","user_agent":"Mozilla/5.0","client_ip":"66.249.73.135","email":"a@b.example","timestamp":"2026-11-24T08:00:00Z"}"#;
    let first = forwarded(&mut stage, line);
    forwarded(&mut stage, r#"{"log_type":"error","message":"between"}"#);
    assert_eq!(forwarded(&mut stage, line), first);
    assert_eq!(forwarded(&mut support::default_stage(), line), first);
}

#[test]
fn events_made_of_one_have_ids_of_their_own_that_a_replay_makes_again() {
    let pipeline = r#"filter {
        uuid { target => "first" }
        split { field => "list" }
        clone { clones => ["copy"] }
        uuid { target => "own" }
        uuid { target => "other" }
    }"#;
    let mut stage = stage(pipeline);
    let mut run = || {
        let record = record(r#"{"list":["a","b"],"user":{"id":"u"}}"#, Codec::Json);
        match verdict(&mut stage, record) {
            Verdict::Forward(records) => records,
            other => panic!("{other:?}"),
        }
    };
    let made = run();
    let documents: Vec<Value> =
        made.iter().map(|made| serde_json::from_slice(&made.payload).expect("JSON")).collect();
    let lists: Vec<_> = documents.iter().map(|document| &document["list"]).collect();
    assert_eq!(lists, ["a", "a", "b", "b"]);
    let mut ids: Vec<_> = made.iter().map(|record| record.id.to_string()).collect();
    ids.extend(documents.iter().flat_map(|document| {
        ["own", "other"].map(|name| document[name].as_str().unwrap_or_default().to_owned())
    }));
    ids.push(record("", Codec::Json).id.to_string());
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 13, "{ids:?}");
    assert!(documents.iter().all(|document| document["first"] == documents[0]["first"]));
    assert_eq!(made.to_vec(), run().to_vec());
}

#[test]
fn what_filters_make_of_one_record_is_bounded_together() {
    let pipeline = r#"filter { split { field => "a" } split { field => "b" } }"#;
    let list: Vec<_> = (0..200).collect();
    let payload = json!({"a": list, "b": list}).to_string();
    let Verdict::Forward(records) = verdict(&mut stage(pipeline), record(payload, Codec::Json))
    else {
        panic!("it is forwarded");
    };
    // Each of 200 wants to become 200: some do, the others go on whole.
    let tagged = |record: &&bus::Record| {
        String::from_utf8_lossy(&record.payload).contains("_split_too_many")
    };
    let whole = records.iter().filter(tagged).count();
    assert_eq!((whole, records.len()), (151, 151 + 49 * 200));
}

#[test]
fn a_line_of_a_file_is_told_its_path_unless_it_says_one_itself() {
    let of_file = |line: &str, codec| Record {
        listener: "file".into(),
        source: "/var/log/shop/a.log".into(),
        ..record(line.to_owned(), codec)
    };
    let path = |stage: &mut _, came| {
        let Verdict::Forward(records) = verdict(stage, came) else { panic!("not forwarded") };
        let document: Value = serde_json::from_slice(&records[0].payload).expect("JSON");
        document["log"]["file"]["path"].clone()
    };
    for filters in ["filter { }", "filter { schema { } }"] {
        let mut stage = stage(filters);
        assert_eq!(path(&mut stage, of_file("a line", Codec::Plain)), "/var/log/shop/a.log");
        assert_eq!(path(&mut stage, of_file("{}", Codec::Json)), "/var/log/shop/a.log");
        let of =
            |listener: &str| Record { listener: listener.into(), ..of_file("{}", Codec::Json) };
        assert_eq!(path(&mut stage, of("file-2")), "/var/log/shop/a.log", "a further input");
        assert_eq!(path(&mut stage, of("file-")), Value::Null, "no input is called so");
        let own = r#"{"log":{"file":{"path":"/its/own"},"level":"info"}}"#;
        assert_eq!(path(&mut stage, of_file(own, Codec::Json)), "/its/own", "{filters}");
        assert_eq!(path(&mut stage, record("{}", Codec::Json)), Value::Null);
    }
    let old_names =
        Environment { ecs_compatibility: EcsCompatibility::Disabled, ..Environment::default() };
    let source = Source::new("test.conf", "filter { }");
    let plan =
        plan::parse_and_compile(&source, Syntax::default(), &old_names).expect("test data is good");
    let mut stage = EnricherStage::new(&plan, Limits::default());
    let Verdict::Forward(records) = verdict(&mut stage, of_file("a line", Codec::Plain)) else {
        panic!("not forwarded")
    };
    let document: Value = serde_json::from_slice(&records[0].payload).expect("JSON");
    assert_eq!(document["path"], "/var/log/shop/a.log");
}

#[test]
fn brackets_in_names_of_fields_are_written_as_the_setting_says() {
    let pipeline = r#"filter {
        if [a%5B0%5D] == "x" { mutate { rename => { "a%5B0%5D" => "[out][b%5Bc%5D]" } } }
        mutate { add_field => { "seen" => "%{[out][b%5Bc%5D]}" "%{name}" => "dynamic" } }
        date { match => [ "when%5B%5D", "ISO8601" ] }
        dissect { mapping => { "text" => "%{d%5B1%5D} %{}" } }
        grok { match => { "when%5B%5D" => "%{YEAR:year}" } }
        aggregate { task_id => "%{name}" code => "event.set('[j%5B1%5D]', event.get('text'))" }
    }"#;
    let environment = Environment { escape_style: EscapeStyle::Percent, ..Environment::default() };
    let source = Source::new("test.conf", pipeline);
    let plan =
        plan::parse_and_compile(&source, Syntax::default(), &environment).expect("it is good");
    let mut stage = EnricherStage::new(&plan, Limits::default());
    let event =
        json!({"a[0]": "x", "name": "n%5B1%5D", "when[]": "2020-01-01T00:00:00Z", "text": "d g"});
    let out = document(&mut stage, event.to_string());
    assert_eq!((&out["out"], &out["seen"]), (&json!({"b[c]": "x"}), &json!("x")));
    assert_eq!(
        (&out["n[1]"], &out["@timestamp"]),
        (&json!("dynamic"), &json!("2020-01-01T00:00:00.000Z"))
    );
    assert_eq!([&out["d[1]"], &out["year"], &out["j[1]"]], ["d", "2020", "d g"]);
}
