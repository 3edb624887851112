//! `show port PORT rx_offload|tx_offload capabilities|configuration`

use serde::Serialize;

use crate::cli::view::View;

/// What a device can do, or does, in one direction; flags by their DPDK names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offloads {
    /// The port's number.
    pub port: u16,
    /// `Rx` or `Tx`.
    pub way: &'static str,
    /// What is switched on, otherwise what could be.
    pub configuration: bool,
    /// For the whole port.
    pub per_port: Vec<String>,
    /// For each queue of its own.
    pub per_queue: Vec<String>,
    /// Queues of this direction.
    pub queues: u16,
}

impl View for Offloads {
    fn text(&self) -> String {
        let flags = |flags: &[String]| flags.iter().map(|flag| format!(" {flag}")).collect::<String>();
        let (port, queue) = (flags(&self.per_port), flags(&self.per_queue));
        if self.configuration {
            let queues = (0..self.queues).map(|number| format!("\n  Queue[{number:2}] :{queue}"));
            let queues: String = queues.collect();
            return format!("{} Offloading Configuration of port {} :\n  Port :{port}{queues}", self.way, self.port);
        }
        let head = format!("{} Offloading Capabilities of port {} :", self.way, self.port);
        format!("{head}\n  Per Queue :{queue}\n  Per Port  :{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_follow_their_labels() {
        let offloads = Offloads {
            port: 0,
            way: "Rx",
            configuration: false,
            per_port: vec!["VLAN_STRIP".into(), "IPV4_CKSUM".into()],
            per_queue: Vec::new(),
            queues: 1,
        };
        let text = offloads.text();
        assert_eq!(text, "Rx Offloading Capabilities of port 0 :\n  Per Queue :\n  Per Port  : VLAN_STRIP IPV4_CKSUM");
        let text = Offloads { configuration: true, ..offloads }.text();
        assert_eq!(text, "Rx Offloading Configuration of port 0 :\n  Port : VLAN_STRIP IPV4_CKSUM\n  Queue[ 0] :");
    }
}
