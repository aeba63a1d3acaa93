//! Files that are renamed, cut off, replaced or removed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileExt, symlink};
use std::time::{Duration, SystemTime};

use super::Rig;

/// `one` was read; then `two` came, the file was renamed, and `three` came into a new one.
async fn rotated() -> Rig {
    let mut rig = Rig::new(|config| config.start_position = None);
    rig.append("a.log", "");
    rig.round().await;
    rig.append("a.log", "one\n");
    rig.round().await;
    rig.append("a.log", "two\n");
    rig.rename("a.log", "a.log.1");
    rig.append("a.log", "three\n");
    rig
}

#[tokio::test]
async fn a_renamed_file_is_read_to_its_end_and_the_new_one_from_its_beginning() {
    let mut rig = rotated().await;
    rig.round().await;
    // Its writer holds it open for a while.
    rig.append("a.log.1", "late\n");
    rig.round().await;
    assert_eq!(rig.sorted(), ["late", "one", "three", "two"]);
    assert_eq!(rig.open_files(), 2);
    rig.let_rest().await;
    assert_eq!(rig.open_files(), 0, "a file without news is let go");
    rig.append("a.log", "four\n");
    rig.round().await;
    assert_eq!(rig.texts()[4..], ["four"], "and found again when it has some");
}

#[tokio::test]
async fn a_file_that_is_renamed_while_it_is_not_open_is_found_again() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", "one\n");
    rig.round().await;
    rig.let_rest().await;
    rig.append("a.log", "two\n");
    rig.rename("a.log", "a.log.1");
    rig.append("a.log", "three\n");
    rig.round().await;
    assert_eq!(rig.sorted(), ["one", "three", "two"]);
}

#[tokio::test]
async fn a_file_that_is_renamed_while_its_lines_are_on_their_way_is_read_to_its_end() {
    let mut rig = Rig::new(|config| config.open_files_max = 1);
    rig.append("open.log", "one\n");
    rig.round().await;
    rig.append("a.log", "two\n");
    rig.door.scan(rig.now);
    rig.read_all().await;
    assert_eq!(rig.open_files(), 1, "it is closed again");
    rig.append("a.log", "three\n");
    rig.rename("a.log", "a.log.1");
    rig.round().await;
    rig.round().await;
    assert_eq!(rig.sorted(), ["one", "three", "two"]);
}

#[tokio::test]
async fn a_file_that_is_renamed_behind_a_link_is_found_again() {
    for is_restarted in [false, true] {
        let mut rig = Rig::new(|_| {});
        // As containers' logs lie: the pattern finds a link, and rotation goes on where it leads.
        fs::create_dir(rig.path("../pod")).unwrap();
        rig.append("../pod/0.log", "one\n");
        symlink(rig.path("../pod/0.log"), rig.path("shop.log")).unwrap();
        rig.round().await;
        rig.let_rest().await;
        rig.append("../pod/0.log", "two\n");
        rig.rename("../pod/0.log", "../pod/0.log.1");
        rig.append("../pod/0.log", "three\n");
        if is_restarted {
            rig.restart();
        }
        rig.round().await;
        rig.round().await;
        assert_eq!(rig.sorted(), ["one", "three", "two"], "restarted: {is_restarted}");
    }
}

#[tokio::test]
async fn a_file_that_is_renamed_while_nothing_runs_is_read_to_its_end() {
    let mut rig = rotated().await;
    rig.restart();
    rig.round().await;
    rig.round().await;
    assert_eq!(rig.sorted(), ["one", "three", "two"]);
}

#[tokio::test]
async fn a_renamed_file_that_is_still_wanted_is_not_read_twice() {
    let mut rig = Rig::new(|config| config.paths[0] = config.paths[0].replace("*.log", "*"));
    rig.append("a.log", "one\n");
    rig.round().await;
    rig.rename("a.log", "a.log.1");
    rig.append("a.log", "two\n");
    rig.round().await;
    rig.restart();
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two"]);
}

#[tokio::test]
async fn a_file_that_is_cut_off_begins_anew_under_a_new_name() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", "the same\nand more\n");
    rig.round().await;
    fs::write(rig.path("a.log"), "").unwrap();
    rig.round().await;
    rig.append("a.log", "the same\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["the same", "and more", "the same"]);
    let records = rig.records();
    assert_ne!(records[0].id, records[2].id, "it is another event");
}

#[tokio::test]
async fn a_file_that_is_cut_off_and_has_grown_beyond_is_known_by_its_first_bytes() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", "one\n");
    rig.round().await;
    fs::write(rig.path("a.log"), "two is longer\nthree\n").unwrap();
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two is longer", "three"]);
}

#[tokio::test]
async fn the_hole_that_a_writer_leaves_behind_a_cut_is_passed_over() {
    let mut rig = Rig::new(|_| {});
    let mut writer = fs::File::create(rig.path("a.log")).unwrap();
    writer.write_all(b"one\n").unwrap();
    writer.write_all(&[b'x'; 1_000_000]).unwrap();
    writer.write_all(b"\n").unwrap();
    rig.round().await;
    fs::OpenOptions::new().write(true).open(rig.path("a.log")).unwrap().set_len(0).unwrap();
    writer.write_all(b"two\n").unwrap();
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two"], "the writer went on at his old place");
    assert_eq!(rig.letters().len(), 1, "the hole is no line");
}

#[tokio::test]
async fn a_file_that_is_cut_off_while_it_waits_for_memory_begins_anew() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", "one\n");
    rig.round().await;
    rig.append("a.log", "two\n");
    rig.door.scan(rig.now);
    let next = rig.door.next().unwrap();
    fs::write(rig.path("a.log"), "three is longer\nfour\n").unwrap();
    rig.read_next(next).await;
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "three is longer", "four"]);
}

#[tokio::test]
async fn a_line_that_is_put_in_the_place_of_zeros_is_read() {
    let mut rig = Rig::new(|_| {});
    let file = fs::File::create(rig.path("a.log")).unwrap();
    file.set_len(1_000_000).unwrap();
    let mut at = 0;
    for line in ["one\n", "two\n", &format!("{}\n", "x".repeat(1_000)), "four\n"] {
        rig.round().await;
        file.write_all_at(line.as_bytes(), at).unwrap();
        at += line.len() as u64;
        // The file system's clock may not have moved on since the last line.
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(at)).unwrap();
        rig.round().await;
    }
    assert_eq!(rig.texts(), ["one", "two", &"x".repeat(1_000), "four"]);
    rig.restart();
    rig.round().await;
    assert_eq!(rig.texts().len(), 4, "each once");
}

#[tokio::test]
async fn a_deleted_file_is_read_to_its_end_and_then_forgotten() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", "one\n");
    rig.round().await;
    rig.append("a.log", "two\n");
    fs::remove_file(rig.path("a.log")).unwrap();
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two"]);
    rig.let_rest().await;
    assert_eq!(rig.open_files(), 0, "its room on the disk is given back");
    let kept = fs::read_to_string(rig.config.position_file.as_ref().unwrap()).unwrap();
    assert!(kept.ends_with("\"files\":[]}"), "{kept}");
    rig.append("a.log", "three\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two", "three"]);
}

#[tokio::test]
async fn another_file_with_the_same_inode_is_not_taken_for_the_old_one() {
    let mut rig = Rig::new(|_| {});
    rig.append("a.log", "one\n");
    rig.round().await;
    rig.restart();
    // The same inode, and all bytes are others: as after a removal whose inode is used again.
    fs::write(rig.path("a.log"), "two, which is longer\n").unwrap();
    rig.rename("a.log", "b.log");
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two, which is longer"]);
}
