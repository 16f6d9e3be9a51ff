//! How much memory the process may have: the limit of its control group, else the machine's memory.

use std::path::Path;

/// Files that tell, in the order in which they are asked.
const GROUP_LIMITS: [&str; 2] = ["sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// Bytes, read below `root` (`/`, or a folder of a test); `None` where the system does not tell.
///
/// A group without a limit says `max`, or a number larger than any machine: then the machine's memory counts.
pub(super) fn total_memory(root: &Path) -> Option<u64> {
    let machine = std::fs::read_to_string(root.join("proc/meminfo")).ok().and_then(|text| machine_memory(&text));
    let group = GROUP_LIMITS.iter().find_map(|path| {
        let text = std::fs::read_to_string(root.join(path)).ok()?;
        text.trim().parse::<u64>().ok()
    });
    match (group, machine) {
        (Some(group), Some(machine)) => Some(group.min(machine)),
        (group, machine) => group.or(machine),
    }
}

fn machine_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
