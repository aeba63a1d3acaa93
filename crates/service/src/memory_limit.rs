//! How much memory this process may use: the least that one of its control groups allows (cgroups(7)), or all
//! that the machine has.
//!
//! Only reads, below a root folder, so that tests have one of their own. What cannot be read is no limit, and
//! never an error.

use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::units::ByteSize;

/// The most memory that a process may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// How much that is.
    pub bytes: ByteSize,
    /// Who says so.
    pub source: LimitSource,
}

/// Where a limit comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitSource {
    /// This file of a control group.
    Group(PathBuf),
    /// There is no more memory.
    Machine,
}

impl MemoryLimit {
    /// The limit of this process; none where the system does not tell.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        Self::below(Path::new("/"))
    }

    /// The same, with the files of the system below this folder.
    #[must_use]
    pub fn below(root: &Path) -> Option<Self> {
        let read = |file: &str| fs::read_to_string(root.join(file)).unwrap_or_default();
        let (groups, mounts) = (read("proc/self/cgroup"), read("proc/self/mountinfo"));
        let hierarchies = mounts.lines().filter_map(Hierarchy::of_mount);
        let limits = hierarchies.flat_map(|hierarchy| hierarchy.limits(root, &groups));
        limits.chain(machine(&read("proc/meminfo"))).min_by_key(|limit| limit.bytes)
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            LimitSource::Group(file) => write!(f, "{} ({})", self.bytes, file.display()),
            LimitSource::Machine => write!(f, "{} (all of this machine)", self.bytes),
        }
    }
}

/// A tree of control groups that knows of memory, as far as it is seen from here.
struct Hierarchy {
    /// Where it is mounted.
    point: PathBuf,
    /// The group that is seen there; another one than the uppermost in a container.
    group: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    /// The file of a group with its limit.
    fn file(self) -> &'static str {
        match self {
            Self::One => "memory.limit_in_bytes",
            Self::Two => "memory.max",
        }
    }
}

impl Hierarchy {
    /// That of a line of `/proc/self/mountinfo` (proc(5)), if it is one.
    fn of_mount(line: &str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut system = system.split(' ');
        let (kind, options) = (system.next()?, system.nth(1)?);
        let version = match kind {
            "cgroup2" => Version::Two,
            "cgroup" if lists_memory(options) => Version::One,
            _ => return None,
        };
        let mut mount = mount.split(' ').skip(3).map(unescaped);
        let (group, point) = (mount.next()?.into(), mount.next()?.into());
        Some(Self { point, group, version })
    }

    /// The limits of the group that `/proc/self/cgroup` names, and of those around it.
    fn limits(&self, root: &Path, groups: &str) -> Vec<MemoryLimit> {
        let Some(own) = groups.lines().find_map(|line| self.own_group(line)) else {
            return Vec::new();
        };
        // Outside of what is mounted here only the uppermost that is seen may tell something.
        let below = own.strip_prefix(&self.group).unwrap_or(Path::new(""));
        let is_within = below.components().all(|part| matches!(part, Component::Normal(_)));
        let below = if is_within { below } else { Path::new("") };
        let limit = |group: &Path| {
            let file = self.point.join(group).join(self.version.file());
            let seen = root.join(file.strip_prefix("/").unwrap_or(&file));
            // `max` is no number, and no limit.
            let bytes = fs::read_to_string(seen).ok()?.trim().parse().ok()?;
            Some(MemoryLimit { bytes: ByteSize(bytes), source: LimitSource::Group(file) })
        };
        below.ancestors().filter_map(limit).collect()
    }

    /// The group that this process has here, if the line of `/proc/self/cgroup` tells it.
    fn own_group<'l>(&self, line: &'l str) -> Option<&'l Path> {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, group) = (fields.next()?, fields.next()?);
        let is_it = match self.version {
            Version::One => lists_memory(controllers),
            Version::Two => controllers.is_empty(),
        };
        is_it.then_some(Path::new(group))
    }
}

fn lists_memory(list: &str) -> bool {
    list.split(',').any(|controller| controller == "memory")
}

/// A path as it is: the table of mounts writes some characters as octal numbers.
fn unescaped(path: &str) -> String {
    let characters = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    characters.iter().fold(path.to_owned(), |path, (written, meant)| path.replace(written, meant))
}

/// All memory of the machine, out of `/proc/meminfo`.
fn machine(text: &str) -> Option<MemoryLimit> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let bytes = ByteSize(kibibytes.checked_mul(1024)?);
    Some(MemoryLimit { bytes, source: LimitSource::Machine })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::{LimitSource, MemoryLimit};
    use crate::units::ByteSize;

    const UNIFIED: &str =
        "31 23 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    /// A machine of 16 GiB with these files.
    fn system(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        let memory = ("proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1 kB\n");
        for (path, text) in files.iter().chain([&memory]) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn limit(files: &[(&str, &str)]) -> (u64, String) {
        let limit = MemoryLimit::below(system(files).path()).unwrap();
        let source = match limit.source {
            LimitSource::Group(file) => file.display().to_string(),
            LimitSource::Machine => String::new(),
        };
        (limit.bytes.0, source)
    }

    #[test]
    fn the_least_limit_of_a_group_and_those_around_it_counts() {
        let at = "/sys/fs/cgroup/system.slice/millrace.service";
        let files = |own: &'static str, around: &'static str| {
            [
                ("proc/self/cgroup", "0::/system.slice/millrace.service\n"),
                ("proc/self/mountinfo", UNIFIED),
                ("sys/fs/cgroup/system.slice/millrace.service/memory.max", own),
                ("sys/fs/cgroup/system.slice/memory.max", around),
            ]
        };
        assert_eq!(limit(&files("268435456\n", "max\n")), (256 << 20, format!("{at}/memory.max")));
        let around = "/sys/fs/cgroup/system.slice/memory.max".to_owned();
        assert_eq!(limit(&files("268435456\n", "134217728\n")), (128 << 20, around));
        assert_eq!(limit(&files("max\n", "max\n")), (16 << 30, String::new()));
        let more_than_there_is = limit(&files("9223372036854771712\n", "max\n"));
        assert_eq!(more_than_there_is, (16 << 30, String::new()));
    }

    #[test]
    fn a_container_sees_its_own_limit_with_and_without_a_namespace() {
        let within = [
            ("proc/self/cgroup", "0::/\n"),
            ("proc/self/mountinfo", UNIFIED),
            ("sys/fs/cgroup/memory.max", "536870912\n"),
        ];
        let seen = (512 << 20, "/sys/fs/cgroup/memory.max".to_owned());
        assert_eq!(limit(&within), seen);
        let mount = "31 23 0:27 /docker/c0ffee /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        let mut without = within;
        without[0].1 = "0::/docker/c0ffee\n";
        without[1].1 = mount;
        assert_eq!(limit(&without), seen);
        without[0].1 = "0::/../elsewhere\n";
        assert_eq!(limit(&without), seen, "a group that is not seen from here");
    }

    #[test]
    fn the_first_version_counts_where_it_has_the_memory() {
        let files = [
            (
                "proc/self/cgroup",
                "5:cpu,cpuacct:/a\n4:memory:/docker/c0ffee\n1:name=systemd:/b\n0::/c\n",
            ),
            (
                "proc/self/mountinfo",
                "40 30 0:30 /docker/c0ffee /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n\
                 41 30 0:31 /docker/c0ffee /sys/fs/cgroup/memory ro,nosuid master:9 - cgroup cgroup rw,memory\n\
                 42 30 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            ),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "104857600\n"),
        ];
        let file = "/sys/fs/cgroup/memory/memory.limit_in_bytes".to_owned();
        assert_eq!(limit(&files), (100 << 20, file));
    }

    #[test]
    fn strange_files_are_no_limit_and_a_path_is_read_as_it_is_meant() {
        let strange = [
            ("proc/self/cgroup", "\n::\n0::/x\n"),
            ("proc/self/mountinfo", "a - b\n - cgroup2 \n1 2 3 - cgroup2 x y\n"),
        ];
        assert_eq!(limit(&strange), (16 << 30, String::new()));
        let files = [
            ("proc/self/cgroup", "0::/\n"),
            ("proc/self/mountinfo", "1 2 0:3 / /my\\040groups rw - cgroup2 cgroup2 rw\n"),
            ("my groups/memory.max", "1048576\n"),
        ];
        assert_eq!(limit(&files), (1 << 20, "/my groups/memory.max".to_owned()));
        assert_eq!(MemoryLimit::below(tempfile::tempdir().unwrap().path()), None);
    }

    #[test]
    fn a_limit_says_where_it_stands() {
        let source = LimitSource::Group("/sys/fs/cgroup/memory.max".into());
        let limit = MemoryLimit { bytes: ByteSize(256 << 20), source };
        assert_eq!(limit.to_string(), "256MiB (/sys/fs/cgroup/memory.max)");
    }
}
