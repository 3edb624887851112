//! `show port stats|xstats|summary`, with testpmd's labels.

use std::fmt::Write as _;

use macaddr::MacAddr6;
use serde::Serialize;

use super::View;
use super::columns::Columns;

/// `show port stats`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortsStats {
    /// One a port.
    pub ports: Vec<PortStats>,
}

/// The counters every driver has, and the rates since they were last shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PortStats {
    /// The port's number.
    pub port: u16,
    /// The port's name.
    pub name: String,
    /// Packets received.
    pub rx_packets: u64,
    /// Packets that the device dropped because its receive ring was full.
    pub rx_missed: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets the device found wrong.
    pub rx_errors: u64,
    /// Packets lost because no buffer was free.
    pub rx_nombuf: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Packets the device failed to send.
    pub tx_errors: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets received a second since this was last shown; zero the first time.
    pub rx_pps: u64,
    /// Bits received a second since this was last shown.
    pub rx_bps: u64,
    /// Packets sent a second since this was last shown.
    pub tx_pps: u64,
    /// Bits sent a second since this was last shown.
    pub tx_bps: u64,
}

impl View for PortsStats {
    fn text(&self) -> String {
        let text = self.ports.iter().map(|port| {
            format!(
                "  ==== NIC statistics for port {} ====\n  \
                 RX-packets: {}  RX-missed: {}  RX-bytes: {}\n  \
                 RX-errors: {}\n  \
                 RX-nombuf: {}\n  \
                 TX-packets: {}  TX-errors: {}  TX-bytes: {}\n\n  \
                 Throughput (since last show)\n  \
                 Rx-pps: {}  Rx-bps: {}\n  \
                 Tx-pps: {}  Tx-bps: {}",
                port.port,
                port.rx_packets,
                port.rx_missed,
                port.rx_bytes,
                port.rx_errors,
                port.rx_nombuf,
                port.tx_packets,
                port.tx_errors,
                port.tx_bytes,
                port.rx_pps,
                port.rx_bps,
                port.tx_pps,
                port.tx_bps,
            )
        });
        text.collect::<Vec<_>>().join("\n\n")
    }
}

/// `show port xstats`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortsXstats {
    /// One a port.
    pub ports: Vec<PortXstats>,
}

/// The counters that one driver has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortXstats {
    /// The port's number.
    pub port: u16,
    /// The port's name.
    pub name: String,
    /// One a counter.
    pub xstats: Vec<Xstat>,
}

/// One counter of a driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Xstat {
    /// The driver's name for it.
    pub name: String,
    /// What it has counted.
    pub value: u64,
}

impl View for PortsXstats {
    fn text(&self) -> String {
        let text = self.ports.iter().map(|port| {
            let mut text = format!("  ==== NIC extended statistics for port {} ====", port.port);
            for Xstat { name, value } in &port.xstats {
                let _ = write!(text, "\n  {name}: {value}");
            }
            if port.xstats.is_empty() {
                text.push_str("\n  this driver has none");
            }
            text
        });
        text.collect::<Vec<_>>().join("\n\n")
    }
}

/// `show port summary`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortsSummary {
    /// One a port.
    pub ports: Vec<PortSummary>,
}

/// One line of `show port summary`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortSummary {
    /// The port's number.
    pub port: u16,
    /// Its MAC address.
    #[serde(serialize_with = "super::interface::mac")]
    pub mac: MacAddr6,
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Whether the link is up.
    pub link_up: bool,
    /// The speed of the link in Mbit/s; none when the device does not say.
    pub speed_mbps: Option<u32>,
}

impl View for PortsSummary {
    fn text(&self) -> String {
        let mut table = Columns::new(&["Port", "MAC Address", "Name", "Driver", "Status", "Link"]);
        for port in &self.ports {
            table.row(vec![
                port.port.to_string(),
                super::interface::mac_text(port.mac),
                port.name.clone(),
                port.driver.clone(),
                if port.link_up { "up" } else { "down" }.into(),
                port.speed_mbps.map_or_else(|| "Unknown".into(), |speed| format!("{speed} Mbps")),
            ]);
        }
        format!("Number of available ports: {}\n{}", self.ports.len(), table.render("no ports"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_have_the_labels_that_scripts_look_for() {
        let stats = PortStats { port: 3, rx_packets: 1000, rx_bytes: 64000, tx_pps: 7, ..PortStats::default() };
        let text = PortsStats { ports: vec![stats] }.text();
        for label in [
            "NIC statistics for port 3 ",
            "RX-packets: 1000 ",
            "RX-missed: 0 ",
            "RX-bytes: 64000\n",
            "RX-errors: 0\n",
            "RX-nombuf: 0\n",
            "TX-packets: 0 ",
            "TX-errors: 0 ",
            "TX-bytes: 0\n",
            "Throughput (since last show)\n",
            "Rx-pps: 0 ",
            "Rx-bps: 0\n",
            "Tx-pps: 7 ",
            "Tx-bps: 0",
        ] {
            assert!(text.contains(label), "{label:?} in {text}");
        }
    }

    #[test]
    fn extended_statistics_are_name_and_value() {
        let xstats = vec![Xstat { name: "rx_ring_full".into(), value: 4 }];
        let text = PortsXstats { ports: vec![PortXstats { port: 0, name: "p0".into(), xstats }] }.text();
        assert!(text.ends_with("\n  rx_ring_full: 4"), "{text}");
    }

    #[test]
    fn a_summary_is_one_line_a_port_under_its_heading() {
        let port = PortSummary {
            port: 0,
            mac: MacAddr6::new(2, 0, 0, 0, 0, 1),
            name: "p0".into(),
            driver: "af_packet".into(),
            link_up: true,
            speed_mbps: Some(10000),
        };
        let text = PortsSummary { ports: vec![port] }.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Number of available ports: 1");
        assert!(lines[1].split_whitespace().eq(["Port", "MAC", "Address", "Name", "Driver", "Status", "Link"]));
        assert!(lines[2].split_whitespace().eq(["0", "02:00:00:00:00:01", "p0", "af_packet", "up", "10000", "Mbps"]));
    }
}
