//! Every table of the file and every key in it. The reader refuses what is not here, and a test holds
//! `docs/configuration.md` to it.

/// A table's heading, as mistakes show it, and its keys, in the order the document lists them.
#[derive(Debug)]
pub(crate) struct TableKeys {
    pub(crate) heading: &'static str,
    pub(crate) keys: &'static [&'static str],
}

pub(crate) const FILE: TableKeys = TableKeys {
    heading: "the file",
    keys: &[
        "router",
        "workers",
        "memory",
        "dpdk",
        "port",
        "vrf",
        "interface",
        "route",
        "neighbor",
        "cache",
        "neighbors",
        "icmp",
        "modes",
    ],
};

pub(crate) const ROUTER: TableKeys = TableKeys {
    heading: "[router]",
    keys: &["name", "mode", "socket", "accept_source_route", "hop_by_hop", "max_routes", "address_secret"],
};

pub(crate) const WORKERS: TableKeys = TableKeys { heading: "[workers]", keys: &["count", "cores", "idle", "burst"] };

pub(crate) const MEMORY: TableKeys =
    TableKeys { heading: "[memory]", keys: &["pages", "lock", "buffers", "frame_size"] };

pub(crate) const DPDK: TableKeys =
    TableKeys { heading: "[dpdk]", keys: &["huge_pages", "secondary", "devices", "args"] };

pub(crate) const PORT: TableKeys = TableKeys {
    heading: "[[port]]",
    keys: &[
        "name",
        "driver",
        "device",
        "input",
        "output",
        "repeat",
        "peer",
        "steer",
        "mode",
        "zero_copy",
        "busy_poll",
        "batch",
        "batch_wait_us",
        "defer_us",
        "rx_ring",
        "tx_ring",
        "rx_queues",
        "tx_queues",
        "rss",
        "vlan_strip",
        "vlan_filter",
        "vlans",
        "mtu",
        "mac",
        "promiscuous",
        "all_multicast",
        "eth_peer",
        "tx_vlan",
        "fault",
    ],
};

pub(crate) const FAULT: TableKeys =
    TableKeys { heading: "[port.fault]", keys: &["loss", "duplicate", "corrupt", "refuse", "delay_polls", "seed"] };

pub(crate) const INTERFACE: TableKeys = TableKeys {
    heading: "[[interface]]",
    keys: &[
        "name",
        "addresses",
        "mtu",
        "up",
        "redirects",
        "directed_broadcast",
        "ipv6",
        "interface_id",
        "duplicate_detection",
        "ra",
        "vrf",
        "source_check",
    ],
};

pub(crate) const RA: TableKeys = TableKeys {
    heading: "[interface.ra]",
    keys: &[
        "max_interval_s",
        "min_interval_s",
        "lifetime_s",
        "preference",
        "prefixes",
        "valid_s",
        "preferred_s",
        "autonomous",
        "mtu",
        "name_servers",
        "hop_limit",
        "managed",
        "other",
        "reachable_ms",
        "retransmit_ms",
    ],
};

pub(crate) const VRF: TableKeys = TableKeys { heading: "[[vrf]]", keys: &["name"] };

pub(crate) const ROUTE: TableKeys =
    TableKeys { heading: "[[route]]", keys: &["to", "via", "dev", "paths", "type", "metric", "vrf", "lookup"] };

pub(crate) const PATH: TableKeys = TableKeys { heading: "[[route.paths]]", keys: &["via", "dev", "weight"] };

pub(crate) const NEIGHBOR: TableKeys = TableKeys { heading: "[[neighbor]]", keys: &["address", "mac", "dev"] };

pub(crate) const CACHE: TableKeys = TableKeys { heading: "[cache]", keys: &["mode", "entries", "timeout_s"] };

pub(crate) const NEIGHBORS: TableKeys = TableKeys {
    heading: "[neighbors]",
    keys: &[
        "max_per_interface",
        "hold_per_neighbor",
        "hold_total",
        "reachable_ms",
        "retransmit_ms",
        "delay_ms",
        "solicit_rate",
        "stale_s",
    ],
};

pub(crate) const ICMP: TableKeys =
    TableKeys { heading: "[icmp]", keys: &["errors_per_second", "burst", "echo_per_second", "echo_burst"] };

pub(crate) const MODES: TableKeys = TableKeys {
    heading: "[modes]",
    keys: &[
        "topology",
        "ports",
        "port_count",
        "cores",
        "core_count",
        "tx_bytes",
        "flows",
        "retries",
        "retry_delay_us",
        "noisy_buffer",
        "noisy_flush_ms",
        "noisy_memory_mb",
        "noisy_reads",
        "noisy_writes",
        "noisy_reads_writes",
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: [&TableKeys; 16] = [
        &ROUTER, &WORKERS, &MEMORY, &DPDK, &PORT, &FAULT, &VRF, &INTERFACE, &RA, &ROUTE, &PATH, &NEIGHBOR, &CACHE,
        &NEIGHBORS, &ICMP, &MODES,
    ];

    #[test]
    fn every_table_is_listed_once() {
        for name in FILE.keys {
            let headings = [format!("[{name}]"), format!("[[{name}]]")];
            assert_eq!(TABLES.iter().filter(|table| headings.contains(&table.heading.to_owned())).count(), 1, "{name}");
        }
    }

    #[test]
    fn document_names_every_key() {
        let document = include_str!("../../docs/configuration.md");
        for table in TABLES {
            let title = format!("### `{}`", table.heading);
            let (_, section) = document.split_once(&title).unwrap_or_else(|| panic!("no section {title}"));
            let section = section.split("\n## ").next().unwrap().split("\n### ").next().unwrap();
            for key in table.keys {
                assert!(section.contains(&format!("| `{key}` |")), "{title} does not list `{key}`");
            }
        }
    }
}
