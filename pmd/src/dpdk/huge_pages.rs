//! What the machine has of huge pages.

use std::fs;
use std::path::Path;

/// Where the kernel lists its huge pages, a directory a size.
const SIZES: &str = "/sys/kernel/mm/hugepages";

/// Free huge pages of every size.
pub(super) fn free() -> u64 {
    sum(Path::new(SIZES), "free_hugepages")
}

/// Huge pages of every size that were reserved, free or not.
pub(super) fn reserved() -> u64 {
    sum(Path::new(SIZES), "nr_hugepages")
}

/// Whether a file system for them is mounted: EAL looks for one unless it is told `--in-memory`.
pub(super) fn are_mounted() -> bool {
    fs::read_to_string("/proc/mounts").is_ok_and(|mounts| has_hugetlbfs(&mounts))
}

fn sum(sizes: &Path, of: &str) -> u64 {
    let sizes = fs::read_dir(sizes).into_iter().flatten().flatten();
    let counts = sizes.filter_map(|size| fs::read_to_string(size.path().join(of)).ok()?.trim().parse::<u64>().ok());
    counts.sum()
}

fn has_hugetlbfs(mounts: &str) -> bool {
    mounts.lines().any(|mount| mount.split_whitespace().nth(2) == Some("hugetlbfs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_every_size_are_counted() {
        let sizes = tempfile::tempdir().unwrap();
        for (size, free) in [("hugepages-2048kB", "3\n"), ("hugepages-1048576kB", "1\n"), ("hugepages-64kB", "")] {
            fs::create_dir(sizes.path().join(size)).unwrap();
            fs::write(sizes.path().join(size).join("free_hugepages"), free).unwrap();
        }
        assert_eq!(sum(sizes.path(), "free_hugepages"), 4);
        assert_eq!(sum(&sizes.path().join("nowhere"), "free_hugepages"), 0);
    }

    #[test]
    fn a_file_system_for_huge_pages_is_found_by_its_type() {
        assert!(has_hugetlbfs("proc /proc proc rw 0 0\nhugetlbfs /dev/hugepages hugetlbfs rw,pagesize=2M 0 0\n"));
        assert!(!has_hugetlbfs("tmpfs /hugetlbfs tmpfs rw 0 0\n"));
    }
}
