//! Many files, files that cannot be read, and folders that come later.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};

use super::Rig;

#[tokio::test]
async fn thousands_of_files_are_read_and_few_are_held_open() {
    let mut rig = Rig::new(|config| config.open_files_max = 100);
    for n in 0..3_000 {
        rig.append(&format!("{n}.log"), format!("first of {n}\n"));
    }
    rig.door.scan(rig.now);
    rig.read_all().await;
    assert!(rig.open_files() <= 101, "{}", rig.open_files());
    rig.round().await;
    assert_eq!(rig.texts().len(), 3_000);
    assert!(rig.open_files() <= 100, "{}", rig.open_files());
    assert_eq!(rig.metric("millrace_gateway_files{state=\"known\"}"), 3_000);
    for n in 0..3_000 {
        rig.append(&format!("{n}.log"), format!("second of {n}\n"));
    }
    rig.round().await;
    let texts = rig.texts();
    assert_eq!(texts.len(), 6_000);
    assert!(texts[3_000..].iter().all(|text| text.starts_with("second")));
    assert!(rig.open_files() <= 100, "{}", rig.open_files());
}

#[tokio::test]
async fn what_cannot_be_read_is_said_while_it_lasts_and_tried_again() {
    let mut rig = Rig::new(|_| {});
    // Permissions do not stop root, who may run this test; a link that leads nowhere stops everybody.
    symlink(rig.path("loop.log"), rig.path("loop.log")).unwrap();
    rig.append("a.log", "one\n");
    rig.round().await;
    rig.round().await;
    assert_eq!(rig.texts(), ["one"]);
    let unreadable = "millrace_gateway_files{state=\"unreadable\"}";
    assert_eq!(rig.metric(unreadable), 1);
    let parts = rig.context.health.parts();
    assert!(
        format!("{:?}", parts["file door"]).contains("loop.log: it cannot be read"),
        "{parts:?}"
    );
    assert!(rig.context.health.is_ready());
    fs::remove_file(rig.path("loop.log")).unwrap();
    rig.append("loop.log", "two\n");
    rig.round().await;
    assert_eq!(rig.texts(), ["one", "two"]);
    assert_eq!(rig.metric(unreadable), 0);
    assert!(rig.context.health.parts().is_empty());
}

#[tokio::test]
async fn a_folder_may_come_later_and_one_file_has_many_names() {
    let mut rig = Rig::new(|config| {
        let all = config.paths[0].replace("*.log", "**/*.log");
        config.paths.push(all);
        config.start_position = None;
    });
    fs::remove_dir(rig.path("")).unwrap();
    rig.round().await;
    fs::create_dir_all(rig.path("deep/er")).unwrap();
    rig.append("deep/er/a.log", "one\n");
    rig.append("b.log", "two\n");
    fs::hard_link(rig.path("b.log"), rig.path("c.log")).unwrap();
    symlink(rig.path("b.log"), rig.path("d.log")).unwrap();
    rig.round().await;
    assert_eq!(rig.sorted(), ["one", "two"]);
}

#[tokio::test]
async fn while_the_log_has_no_room_nothing_more_of_a_file_is_read() {
    let mut rig = Rig::new(|_| {});
    let lines: Vec<String> = (0..100_000).map(|n| format!("line {n}")).collect();
    rig.append("a.log", lines.join("\n") + "\n");
    rig.refuse(1);
    rig.door.scan(rig.now);
    rig.read_all().await;
    rig.door.look(rig.now);
    rig.read_all().await;
    let read = rig.metric("millrace_gateway_received_bytes_total{door=\"file\"}");
    assert!(read <= 256 << 10, "{read} bytes are held");
    rig.round().await;
    assert_eq!(rig.texts(), lines, "and nothing is lost");
}

#[tokio::test]
async fn hidden_files_are_read_where_a_pattern_says_so_and_no_name_stops_the_door() {
    let mut rig = Rig::new(|config| {
        let all = config.paths[0].clone();
        config.paths = vec![
            all.replace("*.log", "**/*"),
            all.replace("*.log", ".shown/*"),
            all.replace("*.log", ".*.said"),
        ];
    });
    fs::create_dir(rig.path(".shown")).unwrap();
    fs::create_dir(rig.path(".git")).unwrap();
    fs::write(rig.path("").join(OsStr::from_bytes(b"\xff")), "a name that is not UTF-8\n").unwrap();
    for name in ["a", "b.log", ".hidden", ".git/c", ".shown/d", ".shown/.e", ".f.said"] {
        rig.append(name, format!("{name}\n"));
    }
    rig.round().await;
    assert_eq!(rig.sorted(), [".f.said", ".shown/d", "a", "b.log"]);
    assert!(rig.context.health.parts().is_empty());
}

#[tokio::test]
async fn the_names_of_many_files_are_kept_with_one_write() {
    let mut rig = Rig::new(|config| config.open_files_max = 10);
    for n in 0..100 {
        rig.append(&format!("{n}.log"), "first\n");
    }
    rig.round().await;
    rig.let_rest().await;
    for n in 0..100 {
        fs::write(rig.path(&format!("{n}.log")), "2nd\n").unwrap();
    }
    rig.door.scan(rig.now);
    // Each write puts another file in place of the old one.
    let inode = |rig: &Rig| fs::metadata(rig.config.position_file.as_ref().unwrap()).unwrap().ino();
    let mut inodes = vec![inode(&rig)];
    while let Some(next) = rig.door.next() {
        rig.read_next(next).await;
        inodes.push(inode(&rig));
    }
    inodes.dedup();
    assert!(inodes.len() <= 2, "{} writes", inodes.len() - 1);
    rig.round().await;
    assert_eq!(rig.texts()[100..], ["2nd"; 100]);
}
