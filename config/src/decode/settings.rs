//! The tables that are there once: `[router]`, `[workers]`, `[memory]`, `[dpdk]`, `[cache]`, `[neighbors]`, `[icmp]`,
//! `[modes]`.

use crate::keys;
use crate::reader::Reader;
use crate::sink::Complaint;
use crate::value;
use crate::{Cache, Config, Cores, Dpdk, HugePages, Icmp, Memory, Modes, NeighborSettings, Router, Workers};

/// Most workers.
const WORKERS_MAX: u64 = 256;
/// Highest core number: CPU_SETSIZE less one (sched_setaffinity(2)).
const CORE_MAX: u64 = 1023;
/// Most ports.
const PORTS_MAX: u64 = 64;
/// A day, in seconds: more is surely a mistake.
const DAY_S: u64 = 86_400;
/// An hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;
/// Most routes: ten of today's full tables.
const ROUTES_MAX: u64 = 16_000_000;
/// Most packets a second that the router itself may send.
const RATE_MAX: u64 = 1_000_000;

/// A configuration with the settings of the file, and the lists still empty.
pub(crate) fn read(file: &Reader<'_>) -> Config {
    Config {
        router: file.table("router", &keys::ROUTER).map_or_else(Router::default, |table| router(&table)),
        workers: file.table("workers", &keys::WORKERS).map_or_else(Workers::default, |table| workers(&table)),
        memory: file.table("memory", &keys::MEMORY).map_or_else(Memory::default, |table| memory(&table)),
        dpdk: file.table("dpdk", &keys::DPDK).map(|table| dpdk(&table)),
        cache: file.table("cache", &keys::CACHE).map_or_else(Cache::default, |table| cache(&table)),
        neighbor: file
            .table("neighbors", &keys::NEIGHBORS)
            .map_or_else(NeighborSettings::default, |table| neighbors(&table)),
        icmp: file.table("icmp", &keys::ICMP).map_or_else(Icmp::default, |table| icmp(&table)),
        modes: file.table("modes", &keys::MODES).map_or_else(Modes::default, |table| modes(&table)),
        ..Config::default()
    }
}

fn router(table: &Reader<'_>) -> Router {
    let default = Router::default();
    Router {
        name: table.text("name", "a name", value::router_name).map_or(default.name, |found| found.value),
        mode: table.word_or("mode", default.mode),
        socket: table.text("socket", "the path of a UNIX socket", value::socket).map_or(default.socket, |f| f.value),
        accept_source_route: table.boolean_or("accept_source_route", default.accept_source_route),
        hop_by_hop: table.word_or("hop_by_hop", default.hop_by_hop),
        max_routes: table.integer_or("max_routes", 1..=ROUTES_MAX, default.max_routes),
        address_secret: table.text("address_secret", "a text that nobody can guess", value::secret).map(|f| f.value),
    }
}

fn workers(table: &Reader<'_>) -> Workers {
    let default = Workers::default();
    Workers {
        cores: cores(table).unwrap_or(default.cores),
        idle: table.word_or("idle", default.idle),
        burst: table.integer_or("burst", 1..=512, default.burst),
    }
}

fn cores(table: &Reader<'_>) -> Option<Cores> {
    let count = table.integer::<u16>("count", 1..=WORKERS_MAX);
    let mistakes = table.sink.count();
    let list = table.integers::<usize>("cores", &(0..=CORE_MAX));
    if table.has("count") && table.has("cores") {
        let hint = "keep `cores` to choose the cores, or `count` to have them chosen";
        table.sink.report(&table.key_span("cores"), "[workers] has both `count` and `cores`", hint);
    }
    for (index, core) in list.iter().enumerate() {
        if list[..index].iter().any(|earlier| earlier.value == core.value) {
            let hint = "each worker has a core to itself: name each core once";
            table.sink.report(&core.span, format!("core {} is named twice", core.value), hint);
        }
    }
    if table.has("cores") {
        let right = table.sink.count() == mistakes;
        if right && !(1..=WORKERS_MAX).contains(&(list.len() as u64)) {
            let hint = format!("expected 1 to {WORKERS_MAX} cores, such as `cores = [1, 2]`");
            table.sink.report(&table.key_span("cores"), format!("`cores` names {} cores", list.len()), hint);
        }
        return Some(Cores::List(list.into_iter().map(|core| core.value).collect()));
    }
    count.map(|count| Cores::Count(count.value))
}

fn memory(table: &Reader<'_>) -> Memory {
    let default = Memory::default();
    Memory {
        pages: table.word_or("pages", default.pages),
        lock: table.boolean_or("lock", default.lock),
        buffers: table.integer("buffers", 64..=16_777_216).map(|found| found.value),
        // The frames of the smallest and of the largest MTU: an Ethernet header of 14 bytes, two VLAN tags of 4.
        frame_size: table.integer("frame_size", 68 + 22..=9216 + 22).map(|found| found.value),
    }
}

fn dpdk(table: &Reader<'_>) -> Dpdk {
    let texts = |key: &str, expected: &str, parse: fn(&str) -> Result<String, Complaint>| -> Vec<String> {
        table.texts(key, expected, parse).into_iter().map(|found| found.value).collect()
    };
    Dpdk {
        huge_pages: table.word_or("huge_pages", HugePages::default()),
        secondary: table.boolean_or("secondary", false),
        devices: texts("devices", "a list of PCI addresses or virtual devices", value::dpdk_device),
        args: texts("args", "a list of texts, a word each", value::argument),
    }
}

fn cache(table: &Reader<'_>) -> Cache {
    let default = Cache::default();
    Cache {
        mode: table.word_or("mode", default.mode),
        entries: table.power_of_two_or("entries", 16..=65_536, default.entries),
        timeout_s: table.integer_or("timeout_s", 1..=DAY_S, default.timeout_s),
    }
}

fn neighbors(table: &Reader<'_>) -> NeighborSettings {
    let default = NeighborSettings::default();
    NeighborSettings {
        max_per_interface: table.integer_or("max_per_interface", 1..=1_048_576, default.max_per_interface),
        hold_per_neighbor: table.integer_or("hold_per_neighbor", 0..=64, default.hold_per_neighbor),
        hold_total: table.integer_or("hold_total", 0..=65_535, default.hold_total),
        reachable_ms: table.integer_or("reachable_ms", 100..=HOUR_MS, default.reachable_ms),
        retransmit_ms: table.integer_or("retransmit_ms", 10..=HOUR_MS, default.retransmit_ms),
        delay_ms: table.integer_or("delay_ms", 1..=HOUR_MS, default.delay_ms),
        solicit_rate: table.integer_or("solicit_rate", 1..=RATE_MAX, default.solicit_rate),
        stale_s: table.integer_or("stale_s", 1..=DAY_S, default.stale_s),
    }
}

fn icmp(table: &Reader<'_>) -> Icmp {
    let default = Icmp::default();
    Icmp {
        errors_per_second: table.integer_or("errors_per_second", 0..=RATE_MAX, default.errors_per_second),
        burst: table.integer_or("burst", 1..=RATE_MAX, default.burst),
        echo_per_second: table.integer_or("echo_per_second", 0..=RATE_MAX, default.echo_per_second),
        echo_burst: table.integer_or("echo_burst", 1..=RATE_MAX, default.echo_burst),
    }
}

fn modes(table: &Reader<'_>) -> Modes {
    let default = Modes::default();
    let tx_bytes = u64::from(Modes::TX_BYTES_MIN)..=u64::from(Modes::TX_BYTES_MAX);
    let (retries, delay) = Modes::RETRY_MAX;
    Modes {
        topology: table.word_or("topology", default.topology),
        ports: table
            .texts("ports", "the name of a port", value::reference)
            .into_iter()
            .map(|port| port.value)
            .collect(),
        port_count: table.integer("port_count", 1..=PORTS_MAX).map(|count| count.value),
        cores: table.integers("cores", &(0..=CORE_MAX)).into_iter().map(|core| core.value).collect(),
        core_count: table.integer("core_count", 1..=WORKERS_MAX).map(|count| count.value),
        tx_bytes: table.integer_or("tx_bytes", tx_bytes, default.tx_bytes),
        flows: table.integer_or("flows", 1..=1_048_576, default.flows),
        retries: table.integer_or("retries", 0..=u64::from(retries), default.retries),
        retry_delay_us: table.integer_or("retry_delay_us", 0..=u64::from(delay), default.retry_delay_us),
        noisy_buffer: table.integer_or("noisy_buffer", 0..=65_535, default.noisy_buffer),
        noisy_flush_ms: table.integer_or("noisy_flush_ms", 0..=60_000, default.noisy_flush_ms),
        noisy_memory_mb: table.integer_or("noisy_memory_mb", 0..=1_024, default.noisy_memory_mb),
        noisy_reads: table.integer_or("noisy_reads", 0..=1_000, default.noisy_reads),
        noisy_writes: table.integer_or("noisy_writes", 0..=1_000, default.noisy_writes),
        noisy_reads_writes: table.integer_or("noisy_reads_writes", 0..=1_000, default.noisy_reads_writes),
    }
}
