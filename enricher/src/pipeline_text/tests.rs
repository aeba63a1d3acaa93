//! Pipelines of one file and of many.

use std::os::unix::ffi::OsStrExt;

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
fn what_is_hidden_is_read_only_where_it_is_named_so() {
    let folder = folder(&[
        ("d/10.conf", "filter { a"),
        ("d/.20.conf", "hidden"),
        ("d/.git/40.conf", "filter { c"),
        // As Kubernetes lays out what it mounts.
        ("d/..2026_11/10.conf", "filter { a"),
    ]);
    let odd = folder.path().join("d").join(OsStr::from_bytes(b"\xff.conf"));
    std::fs::write(odd, "} ").unwrap();
    for (name, expected) in [
        ("d", "filter { a\n} "),
        // `glob` finds no names that are not UTF-8.
        ("d/*.conf", "filter { a"),
        ("**/*.conf", "filter { a"),
        ("d/*/../10*.conf", "gone"),
        ("d/.*.conf", "hidden"),
        ("d/.g*/*.conf", "filter { c"),
        ("d/.git/*.conf", "filter { c"),
        ("d/.git", "filter { c"),
        ("d/.20.conf", "hidden"),
    ] {
        let read = read(&folder, name);
        let read = read.as_ref().map_or("gone", |pipeline| pipeline.source.text());
        assert_eq!(read, expected, "{name}");
    }
    assert_eq!(names(&read(&folder, "d").unwrap().not_read), [".20.conf"]);
    let watched = stamps(&folder.path().join("d/*.conf")).unwrap();
    assert_eq!(watched.len(), 1);
}

#[test]
fn an_id_in_a_list_may_hold_any_character() {
    for (path, expected) in [
        ("a/list.yml#shop", Some(("a/list.yml", Some("shop")))),
        ("list.yaml#a#b", Some(("list.yaml", Some("a#b")))),
        ("list.yml#b.yml#c.yaml", Some(("list.yml", Some("b.yml#c.yaml")))),
        ("list.yaml#a.yml#", Some(("list.yaml", Some("a.yml#")))),
        ("a#b/list.yml", Some(("a#b/list.yml", None))),
        ("a#b.conf", None),
    ] {
        let expected = expected.map(|(list, id)| (PathBuf::from(list), id.map(str::to_owned)));
        assert_eq!(list_and_id(Path::new(path)), expected, "{path}");
    }
    let folder = folder(&[("list.yml", "- { pipeline.id: 'a#1', config.string: 'filter { }' }")]);
    let ids = listed_ids(&folder.path().join("list.yml")).unwrap().unwrap();
    let pipeline = read(&folder, &format!("list.yml#{}", ids[0])).unwrap();
    assert_eq!(pipeline.source.text(), "filter { }");
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
