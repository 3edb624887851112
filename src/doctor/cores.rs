//! The cores that workers run on: how many, whether the scheduler keeps off them, whether they change their speed.

use super::Finding;
use super::files::{names, text};
use std::collections::BTreeSet;
use std::path::Path;

const CPUS: &str = "/sys/devices/system/cpu";

pub(super) fn examine() -> Vec<Finding> {
    vec![count(), isolation(), governor()]
}

fn count() -> Finding {
    let available = core_affinity::get_core_ids().map_or(0, |cores| cores.len());
    let found = format!("{available} available to this process");
    if available < 2 {
        return Finding::note("cores", found).remedy("two or more: one for each worker that polls, one for all else");
    }
    Finding::ok("cores", found)
}

fn isolation() -> Finding {
    match text(Path::new(CPUS).join("isolated")).filter(|list| !list.is_empty()) {
        Some(list) => Finding::ok("isolated cores", format!("{list}; name them in [workers] cores")),
        None => Finding::note("isolated cores", "none: the scheduler may put other work on a worker's core")
            .remedy("`isolcpus=1-3 nohz_full=1-3` on the kernel's command line, for steady latency"),
    }
}

fn governor() -> Finding {
    let governors: BTreeSet<String> = names(CPUS)
        .into_iter()
        .filter_map(|cpu| text(Path::new(CPUS).join(cpu).join("cpufreq/scaling_governor")))
        .collect();
    let listed: Vec<&str> = governors.iter().map(String::as_str).collect();
    match listed.as_slice() {
        [] => Finding::ok("frequency", "not scaled by this kernel"),
        ["performance"] => Finding::ok("frequency", "governor performance"),
        governors => Finding::note("frequency", format!("governor {}", governors.join(", ")))
            .remedy("`cpupower frequency-set -g performance`"),
    }
}
