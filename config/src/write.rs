//! A configuration as a file that parses back to it. What equals its default is left out, so that the file shows what
//! was decided.

use std::fmt::{Display, Write};

use ipnet::IpNet;

use crate::words::Word;
use crate::{
    Advertise, Cache, Config, Cores, Dpdk, DriverSettings, Fault, Icmp, Interface, InterfaceId, Memory, Modes,
    Neighbor, NeighborSettings, Port, Route, RouteKind, RoutePath, Router, SourceCheck, Vrf, Workers, Xdp,
};

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

    fn changed<T: PartialEq + Display>(&mut self, key: &str, value: T, default: T) {
        if value != default {
            self.raw(key, value);
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

    fn changed_texts(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            let values: Vec<toml::Value> = values.iter().cloned().map(toml::Value::String).collect();
            self.raw(key, toml::Value::Array(values));
        }
    }

    fn changed_word<W: Word>(&mut self, key: &str, value: W, default: W) {
        if value != default {
            self.text(key, value.word());
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
    table.changed_word("mode", router.mode, default.mode);
    if router.socket != default.socket {
        table.text("socket", router.socket.display());
    }
    table.changed("accept_source_route", router.accept_source_route, default.accept_source_route);
    table.changed_word("hop_by_hop", router.hop_by_hop, default.hop_by_hop);
    table.changed("max_routes", router.max_routes, default.max_routes);
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
    table.changed_word("idle", workers.idle, default.idle);
    table.changed("burst", workers.burst, default.burst);
    table
}

fn memory(memory: &Memory) -> Table {
    let (mut table, default) = (Table::optional("[memory]"), Memory::default());
    table.changed_word("pages", memory.pages, default.pages);
    table.changed("lock", memory.lock, default.lock);
    table.given("buffers", memory.buffers);
    table.given("frame_size", memory.frame_size);
    table
}

fn dpdk(dpdk: &Dpdk) -> Table {
    let (mut table, default) = (Table::required("[dpdk]"), Dpdk::default());
    table.changed_word("huge_pages", dpdk.huge_pages, default.huge_pages);
    table.changed("secondary", dpdk.secondary, default.secondary);
    table.changed_texts("devices", &dpdk.devices);
    table.changed_texts("args", &dpdk.args);
    table
}

fn port(port: &Port) -> Table {
    let mut table = Table::required("[[port]]");
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
            table.changed_word("steer", xdp.steer, default.steer);
            table.changed_word("mode", xdp.mode, default.mode);
            table.changed_word("zero_copy", xdp.zero_copy, default.zero_copy);
            table.changed("busy_poll", xdp.busy_poll, default.busy_poll);
        }
        DriverSettings::Pcap { input, output, repeat } => {
            table.given_text("input", input.as_ref().map(|path| path.display()));
            table.given_text("output", output.as_ref().map(|path| path.display()));
            table.changed("repeat", *repeat, 1);
        }
        DriverSettings::Memory { peer } => table.given_text("peer", peer.as_ref()),
    }
    table.changed("rx_ring", port.rx_ring, Port::DEFAULT_RING);
    table.changed("tx_ring", port.tx_ring, Port::DEFAULT_RING);
    table.given("mtu", port.mtu);
    table.given_text("mac", port.mac);
    table.changed("promiscuous", port.promiscuous, false);
    table.changed("all_multicast", port.all_multicast, false);
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
    table.changed("delay_polls", fault.delay_polls, default.delay_polls);
    table.changed("seed", fault.seed, default.seed);
    table
}

fn interface(interface: &Interface) -> Table {
    let mut table = Table::required("[[interface]]");
    table.text("name", &interface.name);
    table.list("addresses", &interface.addresses);
    table.given("mtu", interface.mtu);
    table.changed("up", interface.up, true);
    table.changed("redirects", interface.redirects, true);
    table.changed("directed_broadcast", interface.directed_broadcast, false);
    let has_ipv6 = interface.ra.is_some() || interface.addresses.iter().any(|net| net.addr().is_ipv6());
    table.changed("ipv6", interface.ipv6, has_ipv6);
    table.changed_word("interface_id", interface.interface_id, InterfaceId::Eui64);
    table.changed("duplicate_detection", interface.duplicate_detection, true);
    table.given_text("vrf", interface.vrf.as_ref());
    table.changed_word("source_check", interface.source_check, SourceCheck::Off);
    table
}

fn vrf(vrf: &Vrf) -> Table {
    let mut table = Table::required("[[vrf]]");
    table.text("name", &vrf.name);
    table
}

fn advertise(ra: &Advertise) -> Table {
    let (mut table, default) = (Table::required("[interface.ra]"), Advertise::default());
    table.changed("max_interval_s", ra.max_interval_s, default.max_interval_s);
    table.given("min_interval_s", ra.min_interval_s);
    table.given("lifetime_s", ra.lifetime_s);
    table.changed_word("preference", ra.preference, default.preference);
    table.list("prefixes", &ra.prefixes);
    table.changed("valid_s", ra.valid_s, default.valid_s);
    table.changed("preferred_s", ra.preferred_s, default.preferred_s.min(ra.valid_s));
    table.changed("autonomous", ra.autonomous, default.autonomous);
    table.given("mtu", ra.mtu);
    table.list("name_servers", &ra.name_servers);
    table.changed("hop_limit", ra.hop_limit, default.hop_limit);
    table.changed("managed", ra.managed, default.managed);
    table.changed("other", ra.other, default.other);
    table.changed("reachable_ms", ra.reachable_ms, default.reachable_ms);
    table.changed("retransmit_ms", ra.retransmit_ms, default.retransmit_ms);
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
    table.changed("metric", route.metric, 0);
    table.given_text("vrf", route.vrf.as_ref());
    table.given_text("lookup", route.lookup.as_ref());
    table
}

/// Whether the gateway is of IPv6, which would give `default` another meaning.
fn by_ipv6(route: &Route) -> bool {
    matches!(route.kind, RouteKind::Via { gateway, .. } if gateway.is_ipv6())
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
    table.changed_word("mode", cache.mode, default.mode);
    table.changed("entries", cache.entries, default.entries);
    table.changed("timeout_s", cache.timeout_s, default.timeout_s);
    table
}

fn neighbors(settings: &NeighborSettings) -> Table {
    let (mut table, default) = (Table::optional("[neighbors]"), NeighborSettings::default());
    table.changed("max_per_interface", settings.max_per_interface, default.max_per_interface);
    table.changed("hold_per_neighbor", settings.hold_per_neighbor, default.hold_per_neighbor);
    table.changed("hold_total", settings.hold_total, default.hold_total);
    table.changed("reachable_ms", settings.reachable_ms, default.reachable_ms);
    table.changed("retransmit_ms", settings.retransmit_ms, default.retransmit_ms);
    table.changed("delay_ms", settings.delay_ms, default.delay_ms);
    table.changed("solicit_rate", settings.solicit_rate, default.solicit_rate);
    table.changed("stale_s", settings.stale_s, default.stale_s);
    table
}

fn icmp(icmp: &Icmp) -> Table {
    let (mut table, default) = (Table::optional("[icmp]"), Icmp::default());
    table.changed("errors_per_second", icmp.errors_per_second, default.errors_per_second);
    table.changed("burst", icmp.burst, default.burst);
    table.changed("echo_per_second", icmp.echo_per_second, default.echo_per_second);
    table.changed("echo_burst", icmp.echo_burst, default.echo_burst);
    table
}

fn modes(modes: &Modes) -> Table {
    let (mut table, default) = (Table::optional("[modes]"), Modes::default());
    table.changed("tx_bytes", modes.tx_bytes, default.tx_bytes);
    table.changed("flows", modes.flows, default.flows);
    table.changed("retries", modes.retries, default.retries);
    table.changed("retry_delay_us", modes.retry_delay_us, default.retry_delay_us);
    table.changed("noisy_buffer", modes.noisy_buffer, default.noisy_buffer);
    table.changed("noisy_flush_ms", modes.noisy_flush_ms, default.noisy_flush_ms);
    table.changed("noisy_memory_mb", modes.noisy_memory_mb, default.noisy_memory_mb);
    table.changed("noisy_reads", modes.noisy_reads, default.noisy_reads);
    table.changed("noisy_writes", modes.noisy_writes, default.noisy_writes);
    table.changed("noisy_reads_writes", modes.noisy_reads_writes, default.noisy_reads_writes);
    table
}
