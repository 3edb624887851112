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
}

/// What went through one port since `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
        let zero = ForwardPort { port: 0, rx_packets: 0, rx_dropped: 0, tx_packets: 0, tx_dropped: 0 };
        self.ports.iter().fold(zero, |sum, port| ForwardPort {
            port: sum.port.saturating_add(1),
            rx_packets: sum.rx_packets.saturating_add(port.rx_packets),
            rx_dropped: sum.rx_dropped.saturating_add(port.rx_dropped),
            tx_packets: sum.tx_packets.saturating_add(port.tx_packets),
            tx_dropped: sum.tx_dropped.saturating_add(port.tx_dropped),
        })
    }

    /// Busy cycles by packets received.
    pub fn cycles_per_packet(&self) -> f64 {
        per(self.busy_cycles, self.accumulated().rx_packets)
    }
}

impl ForwardPort {
    fn lines(&self) -> String {
        let total = |packets: u64, dropped: u64| packets.saturating_add(dropped);
        format!(
            "  RX-packets: {}  RX-dropped: {}  RX-total: {}\n  TX-packets: {}  TX-dropped: {}  TX-total: {}\n",
            self.rx_packets,
            self.rx_dropped,
            total(self.rx_packets, self.rx_dropped),
            self.tx_packets,
            self.tx_dropped,
            total(self.tx_packets, self.tx_dropped),
        )
    }
}

impl View for ForwardStatistics {
    fn text(&self) -> String {
        let mut text = String::new();
        for port in &self.ports {
            let _ = write!(text, "  ---- Forward statistics for port {} ----\n{}\n", port.port, port.lines());
        }
        let all = self.accumulated();
        let _ = write!(text, "  ++++ Accumulated forward statistics for all ports ++++\n{}", all.lines());
        if !self.drops.is_empty() {
            text.push_str("\n  Drops by reason\n");
        }
        for ReasonCount { reason, packets } in &self.drops {
            let _ = writeln!(text, "  {reason}: {packets}");
        }
        let _ = write!(
            text,
            "\n  CPU cycles/packet={:.2} (busy cycles={} / total {} packets={}) at {} MHz Clock",
            self.cycles_per_packet(),
            self.busy_cycles,
            self.mode,
            all.rx_packets,
            self.clock_mhz,
        );
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
            accumulated.remove("port");
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics() -> ForwardStatistics {
        let port = |port| ForwardPort { port, rx_packets: 100, rx_dropped: 1, tx_packets: 99, tx_dropped: 2 };
        ForwardStatistics {
            ports: vec![port(0), port(1)],
            drops: vec![ReasonCount { reason: "no_route".into(), packets: 2 }],
            mode: "l3".into(),
            busy_cycles: 20000,
            clock_mhz: 3000,
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
    fn json_has_the_sum_of_all_ports() {
        assert_eq!(statistics().json()["accumulated"]["tx_packets"], 198);
        assert_eq!(statistics().json()["cycles_per_packet"], 100.0);
    }
}
