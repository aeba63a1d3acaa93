//! One vector: its configuration is run over its events, or read, and judged.

use bus::{Record, RecordId};
use bytes::Bytes;
use enricher::language::{self, Number, Plugin, Statement, Syntax, ValueKind};
use enricher::{EcsCompatibility, Environment, EscapeStyle, Moment, Source, plan, registry};
use event::{Event, Limits};
use serde_json::{Map, Value, json};

use crate::assertion::{self, check, written};
use crate::{Data, place};

/// 2024-06-15T12:00:00Z: "now" where a vector does not say otherwise.
pub(crate) const NOW: &str = "2024-06-15T12:00:00Z";

pub(crate) enum Judgement {
    Passed,
    Failed(String),
    /// Nothing here claims to do this.
    NotRun(String),
}

impl From<Result<(), String>> for Judgement {
    fn from(result: Result<(), String>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(why) => Self::Failed(why),
        }
    }
}

pub(crate) fn judge(vector: &Value, data: &Data) -> Judgement {
    match vector["kind"].as_str() {
        Some("filter") => filter(vector, data),
        Some("parse") => parse(vector).into(),
        Some("fieldref") => field_reference(vector),
        other => Judgement::NotRun(format!("kind {other:?}")),
    }
}

fn syntax(vector: &Value) -> Syntax {
    Syntax { support_escapes: vector["settings"]["support_escapes"] == true }
}

/// Where neither the vector nor its configuration names a mode, it is enough that one passes.
fn filter(vector: &Value, data: &Data) -> Judgement {
    let on_test_database = place::on_test_database(vector, data);
    let vector = on_test_database.as_ref().unwrap_or(vector);
    let regexes =
        data.regexes.as_ref().filter(|_| vector["requires"] == json!(["uap-core regexes.yaml"]));
    if !vector["requires"].is_null() && regexes.is_none() {
        return Judgement::NotRun(format!("requires {}", vector["requires"]));
    }
    // Values change with the release of the expressions, and the program's own are of another one than those that are
    // named: it is enough that a vector holds for one of both.
    let run = |mode| match filter_in(vector, mode, regexes) {
        Judgement::Failed(why) if regexes.is_some() => match filter_in(vector, mode, None) {
            Judgement::Passed => Judgement::Passed,
            Judgement::Failed(_) | Judgement::NotRun(_) => Judgement::Failed(why),
        },
        judgement => judgement,
    };
    match vector["settings"]["ecs_compatibility"].as_str() {
        Some("disabled") => run(EcsCompatibility::Disabled),
        Some("v1") => run(EcsCompatibility::V1),
        Some(_) => run(EcsCompatibility::V8),
        None => match run(EcsCompatibility::V8) {
            Judgement::Failed(why) => match run(EcsCompatibility::Disabled) {
                Judgement::Passed => Judgement::Passed,
                Judgement::Failed(_) | Judgement::NotRun(_) => Judgement::Failed(why),
            },
            judgement => judgement,
        },
    }
}

fn filter_in(
    vector: &Value,
    ecs_compatibility: EcsCompatibility,
    regexes: Option<&String>,
) -> Judgement {
    let folder = match write_files(vector) {
        Ok(folder) => folder,
        Err(error) => return Judgement::Failed(error.to_string()),
    };
    let files = folder.path().display().to_string();
    let mut text = vector["config"].as_str().unwrap_or_default().replace("{{FILES}}", &files);
    // What no pipeline reads there is not made.
    text.push_str("\n# [@metadata]");
    if let Some(path) = regexes {
        text = text.replace("useragent {", &format!("useragent {{ regexes => \"{path}\""));
    }
    let source = Source::new("vector.conf", text);
    let environment = Environment { ecs_compatibility, ..Environment::default() };
    let expects_error = !vector["expect"]["config_error"].is_null();
    match plan::parse_and_compile(&source, syntax(vector), &environment) {
        Ok(_) if expects_error => Judgement::Failed("was not refused".to_owned()),
        Ok(plan) => run(vector, &plan).into(),
        Err(mistakes) => {
            let said = mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            match absent_filter(&source, vector) {
                Some(name) => Judgement::NotRun(format!("filter {name}")),
                None if expects_error => Judgement::Passed,
                None => Judgement::Failed(format!("refused: {said}")),
            }
        }
    }
}

fn write_files(vector: &Value) -> std::io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for (name, content) in vector["files"].as_object().into_iter().flatten() {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
        std::fs::write(path, content.as_str().unwrap_or_default())?;
    }
    Ok(folder)
}

fn absent_filter(source: &Source, vector: &Value) -> Option<String> {
    let config = language::parse(source, syntax(vector)).ok()?;
    let mut found = Vec::new();
    for section in &config.sections {
        plugins(section.kind.as_str(), &section.statements, &mut found);
    }
    let absent = |(_, plugin): &(String, Plugin)| registry::find(&plugin.name).is_none();
    found.into_iter().find(absent).map(|(_, plugin)| plugin.name)
}

fn run(vector: &Value, plan: &plan::Plan) -> Result<(), String> {
    let mut program = plan.instance();
    let mut outputs = Vec::new();
    let mut cancelled = Vec::new();
    for (index, input) in vector["input"].as_array().into_iter().flatten().enumerate() {
        let clock = vector["settings"]["clock"].as_str().unwrap_or(NOW);
        let mut kept = false;
        run_one(&mut program, input, clock, |event, number| {
            kept |= number == 0;
            outputs.push(written(event));
        })?;
        if !kept {
            cancelled.push(index as u64);
        }
    }
    // Logstash flushes its filters when it stops.
    let now_ns = event::parse_iso8601(vector["settings"]["clock"].as_str().unwrap_or(NOW));
    let end = Moment { now_ns: now_ns.unwrap_or_default(), is_end: true };
    program.advance(end, |_, _| {}, |event, _, _| outputs.push(written(event)));
    check(&vector["expect"], &outputs, &cancelled)
        .map_err(|why| format!("{why}\n  got {}", json!(outputs)))
}

/// What comes out of a program for an event of which nothing else is made.
pub(crate) fn single(
    program: &mut plan::Program,
    input: &Value,
    clock: &str,
) -> Result<Value, String> {
    let mut out = Value::Null;
    run_one(program, input, clock, |event, _| out = written(event))?;
    Ok(out)
}

fn run_one(
    program: &mut plan::Program,
    input: &Value,
    clock: &str,
    emit: impl FnMut(&mut Event, usize),
) -> Result<(), String> {
    let received_at_ns = event::parse_iso8601(clock).ok_or("a clock that is no instant")?;
    let mut input = input.clone();
    if let Some(fields) = input.as_object_mut() {
        fields.entry("@version").or_insert_with(|| json!("1"));
    }
    let mut text = String::new();
    assertion::write_input(&input, &mut text);
    let record = record(Bytes::from(text), received_at_ns);
    let mut event = Event::new();
    event
        .decode_json(&record.payload, received_at_ns, &Limits::default())
        .map_err(|refusal| refusal.to_string())?;
    program.run(&mut event, &record, emit);
    Ok(())
}

fn record(payload: Bytes, received_at_ns: i64) -> Record {
    Record {
        id: RecordId([7; 16]),
        received_at_ns,
        shop: "default".into(),
        source: "127.0.0.1".into(),
        listener: "tcp".into(),
        payload,
        ..Record::default()
    }
}

fn plugins(section: &str, statements: &[Statement], found: &mut Vec<(String, Plugin)>) {
    for statement in statements {
        match statement {
            Statement::Plugin(plugin) => found.push((section.to_owned(), plugin.clone())),
            Statement::Branch(branch) => {
                branch.arms.iter().for_each(|(_, body)| plugins(section, body, found));
                plugins(section, &branch.otherwise, found);
            }
        }
    }
}

fn parse(vector: &Value) -> Result<(), String> {
    let source = Source::new("vector.conf", vector["config"].as_str().unwrap_or_default());
    let config = match (language::parse(&source, syntax(vector)), vector["valid"] == true) {
        (Ok(config), true) => config,
        (Err(_), false) => return Ok(()),
        (Ok(_), false) => return Err("was not refused".to_owned()),
        (Err(mistakes), true) => return Err(format!("refused: {}", mistakes[0])),
    };
    let mut found = Vec::new();
    for section in &config.sections {
        plugins(section.kind.as_str(), &section.statements, &mut found);
    }
    let found: Vec<Value> = found
        .iter()
        .map(|(section, plugin)| {
            json!({"section": section, "name": plugin.name, "options": options(plugin)})
        })
        .collect();
    let expected = &vector["plugins"];
    if expected.is_null() || json!(found) == *expected {
        return Ok(());
    }
    Err(format!("read as {}", json!(found)))
}

fn options(plugin: &Plugin) -> Value {
    let pairs = plugin.options().into_iter().map(|option| (option.name, shape(option.value.kind)));
    Value::Object(pairs.collect())
}

fn shape(kind: ValueKind) -> Value {
    match kind {
        ValueKind::Text(text) => json!(text),
        ValueKind::Number(Number::Integer(number)) => json!(number),
        ValueKind::Number(Number::Float(number)) => json!(number),
        ValueKind::Array(elements) => {
            Value::Array(elements.into_iter().map(|element| shape(element.kind)).collect())
        }
        ValueKind::Hash(pairs) => {
            let pairs = pairs.into_iter().map(|(key, value)| (key.text, shape(value.kind)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        ValueKind::Plugin(plugin) => json!({"name": plugin.name, "options": options(&plugin)}),
    }
}

fn field_reference(vector: &Value) -> Judgement {
    let Ok(style) = serde_json::from_value::<EscapeStyle>(vector["escape_style"].clone()) else {
        return Judgement::NotRun(format!("escape style {}", vector["escape_style"]));
    };
    let tokens = style.parse(vector["ref"].as_str().unwrap_or_default()).map(|path| {
        path.segments().iter().map(|segment| segment.key.to_string()).collect::<Vec<_>>()
    });
    let expected: Option<Vec<String>> = serde_json::from_value(vector["tokens"].clone()).ok();
    match (tokens.ok(), vector["valid"] == true) {
        (None, false) => Judgement::Passed,
        (Some(tokens), true) if expected.as_ref() == Some(&tokens) => Judgement::Passed,
        (tokens, _) => Judgement::Failed(format!("read as {tokens:?}")),
    }
}
