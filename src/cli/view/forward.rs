//! The forward statistics that `stop` prints, with testpmd's labels.

use std::fmt::Write as _;

use serde::Serialize;

use super::{View, per};

/// What went through since `start`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForwardStatistics {
    /// One a port.
    pub ports: Vec<ForwardPort>,
    /// Packets dropped by reason, only those that counted something.
    pub drops: Vec<ReasonCount>,
    /// The forwarding mode.
    pub mode: String,
    /// Cycles of the turns that were not idle, in all workers.
    pub busy_cycles: u64,
    /// The clock the cycles are of, in MHz.
    pub clock_mhz: u64,
    /// What is shown beside packets and drops.
    #[serde(skip)]
    pub also: Also,
}

/// What forward statistics show when it is asked for, or when the mode has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Also {
    /// Cycles a packet: `set record-core-cycles on`.
    pub cycles: bool,
    /// How full bursts were: `set record-burst-stats on`.
    pub bursts: bool,
    /// Wrong checksums: mode `csum`.
    pub checksums: bool,
}

/// What went through one port since `start`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ForwardPort {
    /// Its number.
    pub port: u16,
    /// Packets received.
    pub rx_packets: u64,
    /// Packets the device dropped before they were received.
    pub rx_dropped: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Packets that the transmit ring did not take.
    pub tx_dropped: u64,
    /// Packets received whose IPv4 header checksum was wrong, in mode `csum`.
    pub bad_ipcsum: u64,
    /// Packets received whose UDP or TCP checksum was wrong, in mode `csum`.
    pub bad_l4csum: u64,
    /// Polls by the packets that they brought, from none on.
    pub rx_bursts: Vec<u64>,
    /// Bursts sent by their size, from none on.
    pub tx_bursts: Vec<u64>,
}

/// A reason to drop, and how often it was one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonCount {
    /// The reason's name.
    pub reason: String,
    /// Packets since `start`.
    pub packets: u64,
}

impl ForwardStatistics {
    /// All ports as one; its number is the number of ports.
    fn accumulated(&self) -> ForwardPort {
        self.ports.iter().fold(ForwardPort::default(), |sum, port| ForwardPort {
            port: sum.port.saturating_add(1),
            rx_packets: sum.rx_packets.saturating_add(port.rx_packets),
            rx_dropped: sum.rx_dropped.saturating_add(port.rx_dropped),
            tx_packets: sum.tx_packets.saturating_add(port.tx_packets),
            tx_dropped: sum.tx_dropped.saturating_add(port.tx_dropped),
            bad_ipcsum: sum.bad_ipcsum.saturating_add(port.bad_ipcsum),
            bad_l4csum: sum.bad_l4csum.saturating_add(port.bad_l4csum),
            ..ForwardPort::default()
        })
    }

    /// The packets that cycles are divided by: received ones, sent ones where the mode makes them.
    fn counted(&self) -> u64 {
        let all = self.accumulated();
        if matches!(&self.mode[..], "txonly" | "flowgen") { all.tx_packets } else { all.rx_packets }
    }

    /// Busy cycles by packets.
    pub fn cycles_per_packet(&self) -> f64 {
        per(self.busy_cycles, self.counted())
    }
}

impl ForwardPort {
    fn lines(&self, also: Also) -> String {
        let total = |packets: u64, dropped: u64| packets.saturating_add(dropped);
        let mut text = format!(
            "  RX-packets: {}  RX-dropped: {}  RX-total: {}\n",
            self.rx_packets,
            self.rx_dropped,
            total(self.rx_packets, self.rx_dropped),
        );
        if also.checksums {
            let _ = writeln!(text, "  Bad-ipcsum: {}  Bad-l4csum: {}", self.bad_ipcsum, self.bad_l4csum);
        }
        let _ = writeln!(
            text,
            "  TX-packets: {}  TX-dropped: {}  TX-total: {}",
            self.tx_packets,
            self.tx_dropped,
            total(self.tx_packets, self.tx_dropped),
        );
        if also.bursts {
            for (way, bursts) in [("RX", &self.rx_bursts), ("TX", &self.tx_bursts)] {
                if let Some(line) = burst_line(bursts) {
                    let _ = writeln!(text, "  {way}-bursts : {line}");
                }
            }
        }
        text
    }
}

/// How full bursts were, as testpmd tells it: all of them, the empty ones, the two commonest sizes, the others; `None` when there
/// were none.
fn burst_line(bursts: &[u64]) -> Option<String> {
    let all: u64 = bursts.iter().sum();
    if all == 0 {
        return None;
    }
    let share = |count: u64| count * 100 / all;
    let empty = bursts.first().copied().unwrap_or(0);
    let mut sizes: Vec<(usize, u64)> =
        bursts.iter().copied().enumerate().skip(1).filter(|(_, count)| *count > 0).collect();
    sizes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut parts = vec![format!("{}% of 0 pkts", share(empty))];
    parts.extend(sizes.iter().take(2).map(|(size, count)| format!("{}% of {size} pkts", share(*count))));
    if sizes.len() > 2 {
        let others = sizes.iter().skip(2).map(|(_, count)| count).sum();
        parts.push(format!("{}% of other", share(others)));
    }
    Some(format!("{all} [{}]", parts.join(" + ")))
}

impl View for ForwardStatistics {
    fn text(&self) -> String {
        let mut text = String::new();
        for port in &self.ports {
            let _ = write!(text, "  ---- Forward statistics for port {} ----\n{}\n", port.port, port.lines(self.also));
        }
        let all = self.accumulated();
        let _ = write!(
            text,
            "  ++++ Accumulated forward statistics for all ports ++++\n{}",
            all.lines(Also { bursts: false, ..self.also })
        );
        if !self.drops.is_empty() {
            text.push_str("\n  Drops by reason\n");
        }
        for ReasonCount { reason, packets } in &self.drops {
            let _ = writeln!(text, "  {reason}: {packets}");
        }
        if self.also.cycles {
            let _ = write!(
                text,
                "\n  CPU cycles/packet={:.2} (busy cycles={} / total {} packets={}) at {} MHz Clock",
                self.cycles_per_packet(),
                self.busy_cycles,
                self.mode,
                self.counted(),
                self.clock_mhz,
            );
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn json(&self) -> serde_json::Value {
        let mut json = serde_json::json!({
            "ports": self.ports,
            "drops": self.drops,
            "mode": self.mode,
            "busy_cycles": self.busy_cycles,
            "clock_mhz": self.clock_mhz,
            "cycles_per_packet": self.cycles_per_packet(),
            "accumulated": self.accumulated(),
        });
        if let Some(accumulated) = json["accumulated"].as_object_mut() {
            for per_port in ["port", "rx_bursts", "tx_bursts"] {
                accumulated.remove(per_port);
            }
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics() -> ForwardStatistics {
        let port = |port| ForwardPort {
            port,
            rx_packets: 100,
            rx_dropped: 1,
            tx_packets: 99,
            tx_dropped: 2,
            bad_ipcsum: 3,
            bad_l4csum: 4,
            rx_bursts: vec![50, 0, 0, 30, 15, 5],
            tx_bursts: vec![0, 4],
        };
        ForwardStatistics {
            ports: vec![port(0), port(1)],
            drops: vec![ReasonCount { reason: "no_route".into(), packets: 2 }],
            mode: "l3".into(),
            busy_cycles: 20000,
            clock_mhz: 3000,
            also: Also { cycles: true, ..Also::default() },
        }
    }

    #[test]
    fn stop_prints_the_labels_that_scripts_look_for() {
        let text = statistics().text();
        for label in [
            "---- Forward statistics for port 1 ----\n  RX-packets: 100  RX-dropped: 1  RX-total: 101\n",
            "TX-packets: 99  TX-dropped: 2  TX-total: 101\n",
            "++++ Accumulated forward statistics for all ports ++++\n  RX-packets: 200  RX-dropped: 2  RX-total: 202\n",
            "no_route: 2\n",
            "CPU cycles/packet=100.00 (busy cycles=20000 / total l3 packets=200) at 3000 MHz Clock",
        ] {
            assert!(text.contains(label), "{label:?} in {text}");
        }
    }

    #[test]
    fn what_is_recorded_is_shown_with_testpmds_labels() {
        let also = Also { cycles: false, bursts: true, checksums: true };
        let text = ForwardStatistics { also, ..statistics() }.text();
        for label in [
            "  Bad-ipcsum: 3  Bad-l4csum: 4\n",
            "  Bad-ipcsum: 6  Bad-l4csum: 8\n",
            "  RX-bursts : 100 [50% of 0 pkts + 30% of 3 pkts + 15% of 4 pkts + 5% of other]\n",
            "  TX-bursts : 4 [0% of 0 pkts + 100% of 1 pkts]\n",
        ] {
            assert!(text.contains(label), "{label:?} in {text}");
        }
        assert!(!text.contains("CPU cycles"), "{text}");
    }

    #[test]
    fn cycles_are_divided_by_what_was_sent_where_packets_are_made() {
        let made = ForwardStatistics { mode: "txonly".into(), ..statistics() };
        assert!(made.text().contains("total txonly packets=198)"), "{}", made.text());
    }

    #[test]
    fn json_has_the_sum_of_all_ports() {
        assert_eq!(statistics().json()["accumulated"]["tx_packets"], 198);
        assert_eq!(statistics().json()["cycles_per_packet"], 100.0);
    }
}
