//! Pipelines of one file and of many.

use super::*;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn read(folder: &tempfile::TempDir, name: &str) -> Result<PipelineText, String> {
    PipelineText::read(&folder.path().join(name)).map_err(|error| error.to_string())
}

fn names(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_pipeline_that_cannot_be_read_is_refused_with_a_way_out() {
    let folder = folder(&[("empty/README", "")]);
    let large = vec![b' '; usize::try_from(PIPELINE_BYTES_MAX + 1).unwrap()];
    std::fs::write(folder.path().join("large.conf"), large).unwrap();
    for (name, parts) in [
        ("large.conf", ["large.conf is larger than 4194304 bytes", "; name"]),
        ("gone.conf", ["gone.conf", "; name a file"]),
        ("empty", ["there is no pipeline file in", "*.conf"]),
        ("x*.conf", ["there is no pipeline file in", "x*.conf"]),
        ("[", ["[", "; name a file"]),
    ] {
        let said = read(&folder, name).unwrap_err();
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    }
}

#[test]
fn files_of_a_folder_are_one_pipeline_in_the_order_of_their_names() {
    let files = [
        ("d/20-b.conf", "drop { }\n}"),
        ("d/10-a.conf", "filter {\n  mutate { } # open"),
        ("d/30-c.conf", "output { }\n dorp"),
        ("d/notes.txt", ""),
        ("d/10-a.conf~", "broken"),
        ("d/sub/40.conf", "broken"),
    ];
    let folder = folder(&files);
    let whole = read(&folder, "d").unwrap();
    assert_eq!(names(&whole.not_read), ["10-a.conf~", "notes.txt"]);
    let mistakes = crate::check(&whole, &Config::default()).unwrap_err();
    let [mistake] = &mistakes[..] else { panic!("{mistakes:?}") };
    assert!(mistake.file.ends_with("d/30-c.conf"), "{mistake}");
    assert_eq!((mistake.line, mistake.column), (2, 2));
    // By the pattern, the editor's copy stays out too.
    let pattern = read(&folder, "d/[12]0-*").unwrap();
    assert_eq!(names(&pattern.not_read), ["10-a.conf~"]);
    let plan = crate::check(&pattern, &Config::default()).unwrap();
    let places: Vec<_> = plan.filters().iter().map(|used| (used.name, used.line)).collect();
    assert_eq!(places, [("mutate", 2), ("drop", 1)]);
    assert!(plan.filters()[1].file.ends_with("20-b.conf"));
}

#[test]
fn a_list_names_one_pipeline_or_is_asked_which() {
    let one =
        "- pipeline.id: shop\n  path.config: d/*.conf\n  pipeline.ecs_compatibility: disabled";
    let two = format!("{one}\n- pipeline.id: audit\n  config.string: 'filter {{ dorp {{ }} }}'");
    let files = [("one.yml", one), ("two.yml", two.as_str()), ("d/a.conf", "filter { drop { } }")];
    let folder = folder(&files);
    let shop = read(&folder, "one.yml").unwrap();
    assert_eq!(shop.ecs_compatibility(&Config::default()), EcsCompatibility::Disabled);
    assert_eq!(crate::check(&shop, &Config::default()).unwrap().filters().len(), 1);
    assert_eq!(read(&folder, "two.yml#shop").unwrap().source.text(), "filter { drop { } }");
    let audit = read(&folder, "two.yml#audit").unwrap();
    let mistakes = crate::check(&audit, &Config::default()).unwrap_err();
    assert!(mistakes[0].file.ends_with("two.yml#audit (config.string)"), "{mistakes:?}");
    let said = read(&folder, "two.yml").unwrap_err();
    assert!(said.contains("2 pipelines") && said.contains("two.yml#shop"), "{said}");
    let said = read(&folder, "two.yml#shopp").unwrap_err();
    assert!(said.contains("no pipeline `shopp`") && said.contains("two.yml#audit"), "{said}");
    let ids = |name: &str| listed_ids(&folder.path().join(name)).unwrap();
    assert_eq!(ids("two.yml"), Some(vec!["shop".to_owned(), "audit".to_owned()]));
    assert_eq!((ids("two.yml#shop"), ids("d")), (None, None));
}

#[test]
fn a_change_of_any_file_is_seen() {
    let folder = folder(&[
        ("d/a.conf", "filter { }"),
        ("d/b.conf", "filter { }"),
        ("list.yml", "- config.string: ''\n- pipeline.id: b\n  path.config: d"),
    ]);
    let (files, list) = (folder.path().join("d"), folder.path().join("list.yml#b"));
    let both = || (stamps(&files).unwrap(), stamps(&list).unwrap());
    let before = both();
    assert_eq!((before.0.len(), before.1.len()), (2, 3));
    assert_eq!(both(), before);
    std::fs::write(folder.path().join("d/c.conf"), "filter { }").unwrap();
    let after = both();
    assert!(after.0 != before.0 && after.1 != before.1);
    std::fs::write(folder.path().join("d/a.conf"), "filter { drop { } }").unwrap();
    assert!(both().0 != after.0);
    std::fs::remove_dir_all(folder.path().join("d")).unwrap();
    assert_eq!(stamps(&files), None);
}
