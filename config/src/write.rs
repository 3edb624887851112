//! A configuration as a file that parses back to it. What equals its default is left out, so that the file shows what
//! was decided.

use std::fmt::{Display, Write};

use ipnet::IpNet;

use crate::words::Word;
use crate::{
    Advertise, Cache, Config, Cores, Dpdk, DriverSettings, Fault, Icmp, Interface, InterfaceId, Memory, Modes,
    Neighbor, NeighborSettings, Port, Route, RouteKind, RoutePath, Router, RssPackets, SourceCheck, Vrf, Workers, Xdp,
};

/// A value as the file spells it.
trait Value: PartialEq {
    fn spelled(&self) -> String;
}

impl<W: Word> Value for W {
    fn spelled(&self) -> String {
        toml::Value::String(self.word().into()).to_string()
    }
}

/// Values whose own text is TOML.
macro_rules! plain {
    ($($kind:ty),+) => {
        $(impl Value for $kind {
            fn spelled(&self) -> String {
                self.to_string()
            }
        })+
    };
}
plain!(bool, u8, u16, u32, u64);

/// Writes the keys, each named as its field is, whose values differ from the default.
macro_rules! changed {
    ($table:ident, $of:expr, $default:expr; $($key:ident),+ $(,)?) => {
        $($table.changed(stringify!($key), &$of.$key, &$default.$key);)+
    };
}

/// A table being written; its heading stands when it has a key, or when it must.
struct Table {
    heading: &'static str,
    lines: String,
    always: bool,
}

impl Table {
    fn optional(heading: &'static str) -> Self {
        Self { heading, lines: String::new(), always: false }
    }

    fn required(heading: &'static str) -> Self {
        Self { heading, lines: String::new(), always: true }
    }

    fn raw(&mut self, key: &str, value: impl Display) {
        writeln!(self.lines, "{key} = {value}").expect("INV: writing to a string does not fail");
    }

    fn text(&mut self, key: &str, value: impl Display) {
        self.raw(key, toml::Value::String(value.to_string()));
    }

    fn changed<V: Value>(&mut self, key: &str, value: &V, default: &V) {
        if value != default {
            self.raw(key, value.spelled());
        }
    }

    fn given<T: Display>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.raw(key, value);
        }
    }

    fn given_text<T: Display>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    /// A list of values written as texts; nothing of an empty one.
    fn list<T: Display>(&mut self, key: &str, values: &[T]) {
        if !values.is_empty() {
            let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            self.raw(key, format_args!("[{}]", values.join(", ")));
        }
    }

    /// A list of numbers; nothing of an empty one.
    fn numbers(&mut self, key: &str, values: &[u16]) {
        if !values.is_empty() {
            self.raw(key, format_args!("{values:?}"));
        }
    }

    fn changed_texts(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            let values: Vec<toml::Value> = values.iter().cloned().map(toml::Value::String).collect();
            self.raw(key, toml::Value::Array(values));
        }
    }

    fn append_to(self, file: &mut String) {
        if self.always || !self.lines.is_empty() {
            if !file.is_empty() {
                file.push('\n');
            }
            file.push_str(self.heading);
            file.push('\n');
            file.push_str(&self.lines);
        }
    }
}

impl Config {
    /// A file that [`crate::parse`] turns back into this configuration. Paths must be UTF-8, as those of a file are.
    pub fn to_toml(&self) -> String {
        let mut file = String::new();
        router(&self.router).append_to(&mut file);
        workers(&self.workers).append_to(&mut file);
        memory(&self.memory).append_to(&mut file);
        if let Some(entry) = &self.dpdk {
            dpdk(entry).append_to(&mut file);
        }
        for entry in &self.ports {
            port(entry).append_to(&mut file);
            if let Some(entry) = &entry.fault {
                fault(entry).append_to(&mut file);
            }
        }
        self.vrfs.iter().for_each(|entry| vrf(entry).append_to(&mut file));
        for entry in &self.interfaces {
            interface(entry).append_to(&mut file);
            if let Some(ra) = &entry.ra {
                advertise(ra).append_to(&mut file);
            }
        }
        self.routes.iter().for_each(|entry| route(entry).append_to(&mut file));
        self.neighbors.iter().for_each(|entry| neighbor(entry).append_to(&mut file));
        cache(&self.cache).append_to(&mut file);
        neighbors(&self.neighbor).append_to(&mut file);
        icmp(&self.icmp).append_to(&mut file);
        modes(&self.modes).append_to(&mut file);
        file
    }
}

fn router(router: &Router) -> Table {
    let (mut table, default) = (Table::optional("[router]"), Router::default());
    if router.name != default.name {
        table.text("name", &router.name);
    }
    changed!(table, router, default; mode);
    if router.socket != default.socket {
        table.text("socket", router.socket.display());
    }
    changed!(table, router, default; accept_source_route, hop_by_hop, max_routes);
    if let Some(secret) = &router.address_secret {
        table.text("address_secret", secret);
    }
    table
}

fn workers(workers: &Workers) -> Table {
    let (mut table, default) = (Table::optional("[workers]"), Workers::default());
    match &workers.cores {
        cores if *cores == default.cores => {}
        Cores::Count(count) => table.raw("count", count),
        Cores::List(cores) => table.raw("cores", format_args!("{cores:?}")),
    }
    changed!(table, workers, default; idle, burst);
    table
}

fn memory(memory: &Memory) -> Table {
    let (mut table, default) = (Table::optional("[memory]"), Memory::default());
    changed!(table, memory, default; pages, lock);
    table.given("buffers", memory.buffers);
    table.given("frame_size", memory.frame_size);
    table
}

fn dpdk(dpdk: &Dpdk) -> Table {
    let (mut table, default) = (Table::required("[dpdk]"), Dpdk::default());
    changed!(table, dpdk, default; huge_pages, secondary);
    table.changed_texts("devices", &dpdk.devices);
    table.changed_texts("args", &dpdk.args);
    table
}

fn port(port: &Port) -> Table {
    let (mut table, default) = (Table::required("[[port]]"), Port::new("", port.driver.clone()));
    table.text("name", &port.name);
    table.text("driver", port.driver.name());
    match &port.driver {
        DriverSettings::Auto { device }
        | DriverSettings::AfPacket { device }
        | DriverSettings::Dpdk { device }
        | DriverSettings::Tap { device } => table.text("device", device),
        DriverSettings::AfXdp { device, xdp } => {
            let default = Xdp::default();
            table.text("device", device);
            changed!(table, xdp, default; steer, mode, zero_copy, busy_poll, batch, batch_wait_us, defer_us);
        }
        DriverSettings::Pcap { input, output, repeat } => {
            table.given_text("input", input.as_ref().map(|path| path.display()));
            table.given_text("output", output.as_ref().map(|path| path.display()));
            table.changed("repeat", repeat, &1);
        }
        DriverSettings::Memory { peer } => table.given_text("peer", peer.as_ref()),
    }
    changed!(table, port, default; rx_ring, tx_ring);
    table.given("rx_queues", port.rx_queues);
    table.given("tx_queues", port.tx_queues);
    table.given_text("rss", port.rss.map(RssPackets::word));
    changed!(table, port, default; vlan_strip, vlan_filter);
    table.numbers("vlans", &port.vlans);
    table.given("mtu", port.mtu);
    table.given_text("mac", port.mac);
    changed!(table, port, default; promiscuous, all_multicast);
    table.given_text("eth_peer", port.eth_peer);
    table.given("tx_vlan", port.tx_vlan);
    table
}

fn fault(fault: &Fault) -> Table {
    let (mut table, default) = (Table::required("[port.fault]"), Fault::default());
    let shares =
        [("loss", fault.loss), ("duplicate", fault.duplicate), ("corrupt", fault.corrupt), ("refuse", fault.refuse)];
    for (key, share) in shares {
        if share != 0.0 {
            // The shortest text that reads back as the same number, with a point or an exponent as TOML wants it.
            table.raw(key, format_args!("{share:?}"));
        }
    }
    changed!(table, fault, default; delay_polls, seed);
    table
}

fn interface(interface: &Interface) -> Table {
    let mut table = Table::required("[[interface]]");
    table.text("name", &interface.name);
    table.list("addresses", &interface.addresses);
    table.given("mtu", interface.mtu);
    table.changed("up", &interface.up, &true);
    table.changed("redirects", &interface.redirects, &true);
    table.changed("directed_broadcast", &interface.directed_broadcast, &false);
    let has_ipv6 = interface.ra.is_some() || interface.addresses.iter().any(|net| net.addr().is_ipv6());
    table.changed("ipv6", &interface.ipv6, &has_ipv6);
    table.changed("interface_id", &interface.interface_id, &InterfaceId::Eui64);
    table.changed("duplicate_detection", &interface.duplicate_detection, &true);
    table.given_text("vrf", interface.vrf.as_ref());
    table.changed("source_check", &interface.source_check, &SourceCheck::Off);
    table
}

fn vrf(vrf: &Vrf) -> Table {
    let mut table = Table::required("[[vrf]]");
    table.text("name", &vrf.name);
    table
}

fn advertise(ra: &Advertise) -> Table {
    let (mut table, default) = (Table::required("[interface.ra]"), Advertise::default());
    changed!(table, ra, default; max_interval_s);
    table.given("min_interval_s", ra.min_interval_s);
    table.given("lifetime_s", ra.lifetime_s);
    changed!(table, ra, default; preference);
    table.list("prefixes", &ra.prefixes);
    changed!(table, ra, default; valid_s);
    table.changed("preferred_s", &ra.preferred_s, &default.preferred_s.min(ra.valid_s));
    changed!(table, ra, default; autonomous);
    table.given("mtu", ra.mtu);
    table.list("name_servers", &ra.name_servers);
    changed!(table, ra, default; hop_limit, managed, other, reachable_ms, retransmit_ms);
    table
}

fn route(route: &Route) -> Table {
    let mut table = Table::required("[[route]]");
    match route.to {
        IpNet::V4(net) if net.prefix_len() == 0 && !by_ipv6(route) => table.text("to", "default"),
        net => table.text("to", net),
    }
    match &route.kind {
        RouteKind::Via { gateway, interface } => {
            table.text("via", gateway);
            table.given_text("dev", interface.as_ref());
        }
        RouteKind::Paths(paths) => {
            let paths: Vec<String> = paths.iter().map(path).collect();
            table.raw("paths", format_args!("[{}]", paths.join(", ")));
        }
        RouteKind::Lookup => {}
        RouteKind::Interface { name } => table.text("dev", name),
        RouteKind::Blackhole => table.text("type", "blackhole"),
        RouteKind::Unreachable => table.text("type", "unreachable"),
        RouteKind::Prohibit => table.text("type", "prohibit"),
    }
    table.changed("metric", &route.metric, &0);
    table.given_text("vrf", route.vrf.as_ref());
    table.given_text("lookup", route.lookup.as_ref());
    table
}

/// Whether the gateway, or the first of several, is of IPv6, which would give `default` another meaning.
fn by_ipv6(route: &Route) -> bool {
    match &route.kind {
        RouteKind::Via { gateway, .. } => gateway.is_ipv6(),
        RouteKind::Paths(paths) => paths.first().is_some_and(|path| path.gateway.is_ipv6()),
        _ => false,
    }
}

fn path(path: &RoutePath) -> String {
    let dev = path.interface.as_ref().map(|name| format!(", dev = {}", toml::Value::String(name.clone())));
    let weight = if path.weight == 1 { String::new() } else { format!(", weight = {}", path.weight) };
    format!("{{ via = \"{}\"{}{weight} }}", path.gateway, dev.unwrap_or_default())
}

fn neighbor(neighbor: &Neighbor) -> Table {
    let mut table = Table::required("[[neighbor]]");
    table.text("address", neighbor.address);
    table.text("mac", neighbor.mac);
    table.text("dev", &neighbor.interface);
    table
}

fn cache(cache: &Cache) -> Table {
    let (mut table, default) = (Table::optional("[cache]"), Cache::default());
    changed!(table, cache, default; mode, entries, timeout_s);
    table
}

fn neighbors(settings: &NeighborSettings) -> Table {
    let (mut table, default) = (Table::optional("[neighbors]"), NeighborSettings::default());
    changed!(
        table, settings, default;
        max_per_interface, hold_per_neighbor, hold_total, reachable_ms, retransmit_ms, delay_ms, solicit_rate,
        stale_s,
    );
    table
}

fn icmp(icmp: &Icmp) -> Table {
    let (mut table, default) = (Table::optional("[icmp]"), Icmp::default());
    changed!(table, icmp, default; errors_per_second, burst, echo_per_second, echo_burst);
    table
}

fn modes(modes: &Modes) -> Table {
    let (mut table, default) = (Table::optional("[modes]"), Modes::default());
    changed!(table, modes, default; topology);
    table.changed_texts("ports", &modes.ports);
    table.given("port_count", modes.port_count);
    table.numbers("cores", &modes.cores);
    table.given("core_count", modes.core_count);
    changed!(
        table, modes, default;
        tx_bytes, flows, retries, retry_delay_us, noisy_buffer, noisy_flush_ms, noisy_memory_mb, noisy_reads,
        noisy_writes, noisy_reads_writes,
    );
    table
}
