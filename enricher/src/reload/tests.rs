//! A pipeline whose files change while it runs.

use std::time::SystemTime;

use bus::{Codec, Record};
use event::Limits;

use super::*;
use crate::config::PipelineConfig;
use crate::stage::Processor;

/// A reloader of a file, which begins with this text, and the plan that it replaces.
struct Rig {
    folder: tempfile::TempDir,
    reloader: Reloader,
    writes: u32,
}

impl Rig {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = folder.path().join("my.conf");
        std::fs::write(&pipeline, text).unwrap();
        let config = Config { pipeline: Some(pipeline), ..Config::default() };
        let current = CurrentPlan::new(compile(&config, "key").unwrap());
        let secret = Secret::new("key".to_owned());
        let reloader = Reloader::new(config, secret, current, Context::default());
        let mut rig = Self { folder, reloader, writes: 0 };
        assert_eq!(rig.looks(), [Outcome::Unchanged; 2]);
        rig
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("my.conf")
    }

    /// Writes the file, at a time of its own.
    fn write(&mut self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
        self.writes += 1;
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(self.writes.into());
        std::fs::File::options().write(true).open(self.path()).unwrap().set_modified(time).unwrap();
    }

    fn looks(&mut self) -> [Outcome; 2] {
        [self.reloader.look(Occasion::Time), self.reloader.look(Occasion::Time)]
    }

    fn counted(&self, result: &str) -> u64 {
        self.reloader.reloads.with_label_values(&[result]).get()
    }

    fn part(&self) -> Option<HealthState> {
        self.reloader.context.health.parts().remove(PART)
    }
}

#[test]
fn a_change_runs_once_the_file_has_settled() {
    let mut rig = Rig::new("filter { }");
    let old = rig.reloader.current.get().hash().to_owned();
    rig.write("filter { drop");
    assert_eq!(rig.reloader.look(Occasion::Time), Outcome::Unchanged, "it may be half-written");
    rig.write("filter { drop { } }");
    assert_eq!(rig.looks(), [Outcome::Unchanged, Outcome::Loaded]);
    assert_eq!(rig.looks(), [Outcome::Unchanged; 2]);
    assert_ne!(rig.reloader.current.get().hash(), old);
    assert_eq!(rig.reloader.current.generation(), 1);
    assert_eq!((rig.counted("loaded"), rig.counted("refused"), rig.part()), (1, 0, None));
}

#[test]
fn a_file_that_cannot_run_leaves_the_old_one_and_says_so() {
    let mut rig = Rig::new("filter { drop { } }");
    let old = rig.reloader.current.get().hash().to_owned();
    rig.write("filter { dorp { } }");
    assert_eq!(rig.looks(), [Outcome::Unchanged, Outcome::Refused]);
    assert_eq!(rig.looks(), [Outcome::Unchanged; 2], "it is said once");
    assert_eq!(rig.reloader.current.get().hash(), old);
    let said = rig.part();
    let Some(HealthState::Degraded { reason }) = said else { panic!("{said:?}") };
    assert!(reason.contains("dorp") && reason.contains(&old), "{reason}");
    assert!(rig.reloader.context.health.is_ready(), "events are filtered as before");
    assert_eq!((rig.counted("loaded"), rig.counted("refused")), (0, 1));
    // The file that ran before is no news, but the complaint is over.
    rig.write("filter { drop { } }");
    assert_eq!(rig.looks(), [Outcome::Unchanged; 2]);
    assert_eq!((rig.counted("loaded"), rig.part()), (0, None));
}

#[test]
fn inputs_that_are_again_those_of_the_start_are_told_from_changed_ones() {
    let mut rig = Rig::new("input { stdin { } } filter { }");
    let ends = |rig: &Rig| {
        let plan = compile(&rig.reloader.config, "key").unwrap();
        rig.reloader.ends_of(&plan)
    };
    rig.write("input { stdin { } } filter { drop { } }");
    assert_eq!(ends(&rig), Ends::Same);
    rig.write("input { generator { } } filter { }");
    assert_eq!(ends(&rig), Ends::Changed);
    assert_eq!(rig.looks(), [Outcome::Unchanged, Outcome::Loaded]);
    assert_eq!(ends(&rig), Ends::Same, "a change is told once");
    rig.write("input { stdin { } } filter { }");
    assert_eq!(ends(&rig), Ends::AsStarted);
}

#[test]
fn a_file_that_is_away_is_waited_for_and_refused_when_asked_for() {
    let mut rig = Rig::new("filter { }");
    std::fs::remove_file(rig.path()).unwrap();
    assert_eq!(rig.looks(), [Outcome::Unchanged; 2]);
    assert_eq!(rig.reloader.look(Occasion::Asked), Outcome::Refused);
    rig.write("filter { drop { } }");
    assert_eq!(rig.looks(), [Outcome::Unchanged, Outcome::Loaded]);
    assert_eq!(rig.part(), None);
}

#[test]
fn who_asks_gets_the_files_read_that_a_pipeline_names() {
    let mut rig = Rig::new("filter { }");
    assert_eq!(rig.reloader.look(Occasion::Asked), Outcome::Loaded);
    assert_eq!(rig.reloader.current.generation(), 1);
    assert_eq!(rig.looks(), [Outcome::Unchanged; 2]);
    let config = Config::default();
    let current = CurrentPlan::new(compile(&config, "key").unwrap());
    let secret = Secret::new("key".to_owned());
    let mut built_in = Reloader::new(config, secret, current, Context::default());
    assert_eq!(built_in.look(Occasion::Time), Outcome::Unchanged);
    assert_eq!(built_in.look(Occasion::Asked), Outcome::Loaded);
}

#[test]
fn all_files_of_a_folder_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("10.conf", "input { stdin { } }");
    write("20.conf", "filter { drop { } }");
    let config = Config { pipeline: Some(folder.path().to_owned()), ..Config::default() };
    let current = CurrentPlan::new(compile(&config, "key").unwrap());
    let secret = Secret::new("key".to_owned());
    let mut reloader = Reloader::new(config, secret, current.clone(), Context::default());
    let mut looks = || [reloader.look(Occasion::Time), reloader.look(Occasion::Time)];
    assert_eq!(looks(), [Outcome::Unchanged; 2]);
    write("30.conf", "filter { uuid { target => 'a' } }");
    assert_eq!(looks(), [Outcome::Unchanged, Outcome::Loaded]);
    assert_eq!(current.get().filters().len(), 2);
    std::fs::remove_file(folder.path().join("20.conf")).unwrap();
    assert_eq!(looks(), [Outcome::Unchanged, Outcome::Loaded]);
    assert_eq!(current.get().filters().len(), 1);
    write("30.conf", "filter { dorp { } }");
    assert_eq!(looks(), [Outcome::Unchanged, Outcome::Refused]);
}

#[test]
fn what_a_list_says_of_a_pipeline_counts_though_its_text_stays() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("pipelines.yml");
    let write = |ecs: &str| {
        let entry = "- config.string: 'filter { geoip { source => ip } }'";
        let text = format!("{entry}\n  pipeline.ecs_compatibility: {ecs}\n");
        std::fs::write(&list, text).unwrap();
    };
    write("v8");
    let config = Config { pipeline: Some(list.clone()), ..Config::default() };
    // With ECS a source by this name needs a target.
    assert!(compile(&config, "key").is_err());
    write("disabled");
    let current = CurrentPlan::new(compile(&config, "key").unwrap());
    let secret = Secret::new("key".to_owned());
    let mut reloader = Reloader::new(config, secret, current.clone(), Context::default());
    let mut looks = || [reloader.look(Occasion::Time), reloader.look(Occasion::Time)];
    assert_eq!(looks(), [Outcome::Unchanged; 2]);
    write("v8");
    assert_eq!(looks(), [Outcome::Unchanged, Outcome::Refused]);
}

#[test]
fn a_list_counts_for_how_the_text_is_read_and_for_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("pipelines.yml");
    let write = |more: &str| {
        let text = format!("- config.string: 'filter {{ drop {{ }} }}'\n{more}");
        std::fs::write(&list, text).unwrap();
    };
    write("");
    let config = Config { pipeline: Some(list.clone()), ..Config::default() };
    let current = CurrentPlan::new(compile(&config, "key").unwrap());
    // Before anybody looks at it.
    write("  config.support_escapes: true\n");
    let secret = Secret::new("key".to_owned());
    let mut reloader = Reloader::new(config, secret, current.clone(), Context::default());
    let mut looks = || [reloader.look(Occasion::Time), reloader.look(Occasion::Time)];
    assert_eq!(looks(), [Outcome::Unchanged, Outcome::Loaded]);
    let both = "  config.support_escapes: true\n  pipeline.ecs_compatibility: v1\n";
    write(both);
    assert_eq!(looks(), [Outcome::Unchanged, Outcome::Loaded]);
    write(&format!("{both}  pipeline.workers: 4\n"));
    assert_eq!(looks(), [Outcome::Unchanged; 2]);
    assert_eq!(current.generation(), 2, "filters go on with what they remember");
}

#[test]
fn a_pipeline_that_cannot_run_keeps_no_other_one_from_changing() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let own = |name: &str| PipelineConfig {
        pipeline: folder.path().join(name),
        ..PipelineConfig::default()
    };
    write("a.conf", "filter { }");
    write("b.conf", "filter { drop { } }");
    let mut config = Config::default();
    config.pipelines.extend([("a".to_owned(), own("a.conf")), ("b".to_owned(), own("b.conf"))]);
    let pipelines = Pipelines::compile(&config, "key").unwrap();
    let (secret, context) = (Secret::new("key".to_owned()), Context::default());
    let mut reloaders = Reloader::all(&config, &secret, &pipelines, &context);
    let mut looks = || -> Vec<Outcome> {
        let mut look = || reloaders.iter_mut().map(|one| one.look(Occasion::Time)).collect();
        let _settling: Vec<Outcome> = look();
        look()
    };
    assert_eq!(looks(), [Outcome::Unchanged; 3]);
    write("a.conf", "filter { dorp { } }");
    write("b.conf", "filter { drop { } uuid { target => 'a' } }");
    assert_eq!(looks(), [Outcome::Unchanged, Outcome::Refused, Outcome::Loaded]);
    let generations = pipelines.all().iter().map(|pipeline| pipeline.current().generation());
    assert_eq!(generations.collect::<Vec<_>>(), [0, 0, 1]);
    let parts: Vec<_> = context.health.parts().into_keys().collect();
    assert_eq!(parts, ["enricher pipeline a"], "it says which one");
    write("a.conf", "filter { uuid { target => 'b' } }");
    assert_eq!(looks(), [Outcome::Unchanged, Outcome::Loaded, Outcome::Unchanged]);
    assert!(context.health.parts().is_empty());
}

#[test]
fn hostile_30_a_dictionary_that_broke_is_kept_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let dictionary = folder.path().join("d.yml");
    let write = |text: &str| std::fs::write(&dictionary, text).unwrap();
    write("a: one\n");
    let mut rig = Rig::new(&format!(
        r#"filter {{ translate {{ source => "s" target => "t" refresh_interval => 60 dictionary_path => "{}" }} }}"#,
        dictionary.display()
    ));
    let mut processor = Processor::new(&rig.reloader.current.get(), Limits::default());
    let mut translated_after = |seconds: i64| {
        let (received_at_ns, payload) = (seconds * 1_000_000_000, r#"{"s":"a"}"#.into());
        let (codec, listener) = (Codec::Json, "tcp".into());
        let record = Record { received_at_ns, payload, codec, listener, ..Record::default() };
        let mut out = Vec::new();
        processor.run(&record, |event, _| event.write_json(&mut out)).unwrap();
        let out: serde_json::Value = serde_json::from_slice(&out).unwrap();
        out["t"].as_str().unwrap_or_default().to_owned()
    };
    let told = |rig: &mut Rig| {
        rig.looks();
        let context = &rig.reloader.context;
        let labels = format!("{{file=\"{}\",pipeline=\"\"}} ", dictionary.display());
        let metrics = context.metrics.text();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(STALE_SECONDS)?.strip_prefix(&labels));
        (line.map(str::to_owned), context.health.parts().remove(FILES_PART))
    };
    assert_eq!(translated_after(1000), "one");
    assert_eq!(told(&mut rig), (Some("0".to_owned()), None), "it is there before anything breaks");
    write("a: [\n");
    assert_eq!(translated_after(1060), "one", "what it held stays");
    let (seconds, part) = told(&mut rig);
    assert_eq!(seconds.as_deref(), Some("60"));
    let Some(HealthState::Degraded { reason }) = part else { panic!("{part:?}") };
    assert!(reason.contains("d.yml"), "{reason}");
    assert!(rig.reloader.context.health.is_ready(), "events are filtered as before");
    std::fs::remove_file(&dictionary).unwrap();
    assert_eq!(translated_after(1200), "one");
    assert_eq!(told(&mut rig).0.as_deref(), Some("200"));
    write("a: another\n");
    assert_eq!(translated_after(1260), "another");
    assert_eq!(told(&mut rig), (Some("0".to_owned()), None));
    write("a: [\n");
    assert_eq!(translated_after(1320), "another");
    assert!(told(&mut rig).1.is_some());
    rig.write("filter { }");
    assert_eq!(told(&mut rig), (None, None), "nobody reads it any more");
}

#[test]
fn a_broken_file_of_several_filters_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let dictionary = folder.path().join("d.yml");
    std::fs::write(&dictionary, "a: one\n").unwrap();
    let translate = |target: &str, seconds: u32| {
        format!(
            r#"translate {{ source => "s" target => "{target}" refresh_interval => {seconds} dictionary_path => "{}" }}"#,
            dictionary.display()
        )
    };
    // The second one has looked later at the file while it was well.
    let mut rig = Rig::new(&format!("filter {{ {} {} }}", translate("t", 60), translate("u", 30)));
    let mut processor = Processor::new(&rig.reloader.current.get(), Limits::default());
    let mut run_at = |seconds: i64| {
        let (received_at_ns, payload) = (seconds * 1_000_000_000, r#"{"s":"a"}"#.into());
        let (codec, listener) = (Codec::Json, "tcp".into());
        let record = Record { received_at_ns, payload, codec, listener, ..Record::default() };
        assert_eq!(processor.run(&record, |_, _| {}), Ok(1));
    };
    run_at(1000);
    run_at(1030);
    std::fs::write(&dictionary, "a: [\n").unwrap();
    run_at(1060);
    rig.looks();
    let part = rig.reloader.context.health.parts().remove(FILES_PART);
    let Some(HealthState::Degraded { reason }) = part else { panic!("{part:?}") };
    assert_eq!(reason.matches("cannot be read again").count(), 1, "{reason}");
    assert!(reason.contains("what it held 60 s ago"), "{reason}");
}
