//! What AF_XDP needs: the kernel, rights, lockable memory, and an interface whose driver runs XDP programs.

use super::Finding;
use super::files::{field, names, number, text};
use ringway_pmd::xdp::{self, Features};
use std::path::Path;

/// `ARPHRD_ETHER`.
const ETHERNET: u64 = 1;
/// Rights that AF_XDP takes, by their number in capabilities(7).
const CAPABILITIES: [(u32, &str); 3] = [(12, "CAP_NET_ADMIN"), (13, "CAP_NET_RAW"), (39, "CAP_BPF")];
const IPC_LOCK: u32 = 14;
/// Includes `CAP_BPF` on older kernels and in its place.
const SYS_ADMIN: u32 = 21;

pub(super) fn examine() -> Vec<Finding> {
    let mut findings = vec![kernel(), rights(), locked()];
    findings.extend(interfaces());
    findings
}

fn kernel() -> Finding {
    let release = text("/proc/sys/kernel/osrelease").unwrap_or_default();
    match xdp::supported() {
        Ok(()) => Finding::ok("kernel", format!("{release} has AF_XDP")),
        Err(error) => Finding::missing("kernel", format!("{release}: no AF_XDP socket can be made ({error})")).remedy(
            "a kernel of 5.9 or later with CONFIG_XDP_SOCKETS, and root or CAP_NET_RAW; until then ports use AF_PACKET",
        ),
    }
}

fn rights() -> Finding {
    let Some(effective) = field("/proc/self/status", "CapEff").and_then(|text| u64::from_str_radix(&text, 16).ok())
    else {
        return Finding::note("rights", "unknown");
    };
    let has = |bit: u32| effective & 1 << bit != 0;
    let lacking: Vec<&str> = CAPABILITIES
        .into_iter()
        .filter(|(bit, name)| !(has(*bit) || *name == "CAP_BPF" && has(SYS_ADMIN)))
        .map(|(_, name)| name)
        .collect();
    if lacking.is_empty() {
        return Finding::ok("rights", "all that AF_XDP takes");
    }
    Finding::missing("rights", format!("this process lacks {}", lacking.join(", ")))
        .remedy("run as root, or `setcap cap_net_admin,cap_net_raw,cap_bpf,cap_ipc_lock+ep` on the program")
}

fn locked() -> Finding {
    let effective =
        field("/proc/self/status", "CapEff").and_then(|text| u64::from_str_radix(&text, 16).ok()).unwrap_or(0);
    let limit = field("/proc/self/limits", "Max locked memory").unwrap_or_default();
    let soft = limit.split_whitespace().next().unwrap_or("unknown").to_owned();
    if effective & 1 << IPC_LOCK != 0 {
        return Finding::ok("lockable memory", "unlimited, by CAP_IPC_LOCK");
    }
    match soft.parse::<u64>() {
        Ok(bytes) if bytes < 64 << 20 => Finding::note("lockable memory", format!("{} KiB", bytes >> 10))
            .remedy("`ulimit -l unlimited`, or CAP_IPC_LOCK: all packet buffers are locked"),
        _ => Finding::ok("lockable memory", soft),
    }
}

fn interfaces() -> Vec<Finding> {
    let known = xdp::features();
    let ethernet = |name: &String| number(Path::new("/sys/class/net").join(name).join("type")) == Some(ETHERNET);
    let found: Vec<Finding> =
        names("/sys/class/net").into_iter().filter(ethernet).map(|name| interface(&name, known.as_deref())).collect();
    if found.is_empty() {
        return vec![Finding::note("interfaces", "no Ethernet interface in this network namespace")];
    }
    found
}

fn interface(name: &str, known: Option<&[Features]>) -> Finding {
    let folder = Path::new("/sys/class/net").join(name);
    let mtu = number(folder.join("mtu")).unwrap_or(0);
    let queues = names(folder.join("queues")).iter().filter(|queue| queue.starts_with("rx-")).count();
    let index = number(folder.join("ifindex"));
    let facts = format!("MTU {mtu}, {queues} receive queue(s)");
    let subject = format!("interface {name}");
    let largest = xdp::mtu_most();
    if mtu > u64::from(largest) {
        return Finding::note(subject, format!("{facts}: more than AF_XDP carries"))
            .remedy(format!("an MTU of {largest} or less; until then `auto` takes AF_PACKET"));
    }
    let Some(known) = known else {
        return Finding::note(
            subject,
            format!("{facts}; this kernel does not tell what its driver can (6.3 and later do)"),
        )
        .remedy("`driver = \"auto\"` finds out");
    };
    match known.iter().find(|features| Some(u64::from(features.interface)) == index) {
        Some(features) if features.native => {
            let copy = if features.zero_copy { "zero-copy" } else { "copy" };
            Finding::ok(subject, format!("native mode, {copy}; {facts}"))
        }
        _ => Finding::note(subject, format!("its driver cannot run an XDP program; {facts}"))
            .remedy("nothing to do: `auto` takes AF_PACKET; `mode = \"generic\"` works too"),
    }
}
