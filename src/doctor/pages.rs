//! Huge pages, which DPDK wants and every pool is faster on.

use super::Finding;
use super::files::{field, number, text};

const POOL: &str = "/sys/kernel/mm/hugepages/hugepages-2048kB";

pub(super) fn examine() -> Vec<Finding> {
    vec![reserved(), transparent(), memory()]
}

fn reserved() -> Finding {
    let read = |name: &str| number(format!("{POOL}/{name}"));
    match (read("nr_hugepages"), read("free_hugepages")) {
        (Some(0), _) => {
            Finding::note("huge pages", "none reserved; pools fall back to smaller pages, DPDK needs --no-huge")
                .remedy("`sysctl -w vm.nr_hugepages=64`; `ringway check FILE` says how many a configuration fills")
        }
        (Some(all), Some(0)) => Finding::note("huge pages", format!("{all} of 2 MiB, none free"))
            .remedy("reserve more, or end what holds them"),
        (Some(all), Some(free)) => Finding::ok("huge pages", format!("{all} of 2 MiB, {free} free")),
        _ => Finding::note("huge pages", "this kernel has none of 2 MiB").remedy("a kernel with CONFIG_HUGETLBFS"),
    }
}

fn transparent() -> Finding {
    let chosen = text("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
    let chosen = chosen.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("unknown", |(word, _)| word);
    match chosen {
        "always" | "madvise" => Finding::ok("transparent huge pages", chosen),
        other => Finding::note("transparent huge pages", other)
            .remedy("`echo madvise >/sys/kernel/mm/transparent_hugepage/enabled`"),
    }
}

fn memory() -> Finding {
    match field("/proc/meminfo", "MemAvailable") {
        Some(available) => Finding::ok("memory available", available),
        None => Finding::note("memory available", "unknown"),
    }
}
