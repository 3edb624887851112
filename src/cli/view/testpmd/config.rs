//! `show config rxtx|fwd|txpkts`, and what `start` prints.

use std::fmt::Write as _;

use macaddr::MacAddr6;
use serde::Serialize;

use crate::cli::view::View;
use crate::cli::view::interface::{mac, mac_text};

/// `show config rxtx`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RxtxConfig {
    /// The mode from the next `start` on.
    pub mode: String,
    /// Whether `retry` is on, and how.
    pub retries: u16,
    /// Microseconds between two offers.
    pub retry_delay_us: u16,
    /// Packets of a burst, as set.
    pub burst: u16,
    /// Cores that forward.
    pub cores: usize,
    /// One a port.
    pub ports: Vec<RxtxPort>,
}

/// Queues and rings of one port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RxtxPort {
    /// Its number.
    pub port: u16,
    /// Receive queues.
    pub rx_queues: u16,
    /// Transmit queues.
    pub tx_queues: u16,
    /// Descriptors of a receive ring.
    pub rx_descriptors: u32,
    /// Descriptors of a transmit ring.
    pub tx_descriptors: u32,
    /// Offloads that are on, as DPDK numbers them.
    pub rx_offloads: u64,
    /// The same for transmission.
    pub tx_offloads: u64,
}

impl View for RxtxConfig {
    fn text(&self) -> String {
        let mut text = format!("  {} packet forwarding packets/burst={}\n", self.mode, self.burst);
        if self.burst > 32 {
            text.push_str("  taken 32 at a poll, and the next poll follows at once\n");
        }
        if self.retries > 0 {
            let _ = writeln!(text, "  retry number={} - delay between retry={} us", self.retries, self.retry_delay_us);
        }
        let _ = write!(text, "  nb forwarding cores={} - nb forwarding ports={}", self.cores, self.ports.len());
        for port in &self.ports {
            let _ = write!(
                text,
                "\n  port {}: RX queue number: {} Tx queue number: {}\n    Rx offloads={:#x} Tx offloads={:#x}",
                port.port, port.rx_queues, port.tx_queues, port.rx_offloads, port.tx_offloads
            );
            for queue in 0..port.rx_queues {
                let _ = write!(text, "\n    RX queue: {queue}\n      RX desc={}", port.rx_descriptors);
            }
            for queue in 0..port.tx_queues {
                let _ = write!(text, "\n    TX queue: {queue}\n      TX desc={}", port.tx_descriptors);
            }
        }
        text
    }
}

/// `show config fwd`, and what `start` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForwardConfig {
    /// The mode.
    pub mode: String,
    /// Ports.
    pub ports: usize,
    /// Cores that forward.
    pub cores: usize,
    /// One a receive queue.
    pub streams: Vec<Stream>,
}

/// A receive queue, who serves it and where its packets go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stream {
    /// The core; none when the worker is not pinned.
    pub core: Option<u16>,
    /// The worker.
    pub worker: u16,
    /// The port received from.
    pub rx_port: u16,
    /// Its queue.
    pub rx_queue: u16,
    /// The port sent to; none where routes decide.
    pub tx_port: Option<u16>,
    /// Its queue.
    pub tx_queue: u16,
    /// The station sent to in the modes with new Ethernet addresses.
    #[serde(serialize_with = "mac")]
    pub peer: MacAddr6,
}

impl View for ForwardConfig {
    fn text(&self) -> String {
        let mut text = format!(
            "{} packet forwarding - ports={} - cores={} - streams={}",
            self.mode,
            self.ports,
            self.cores,
            self.streams.len()
        );
        let mut workers: Vec<(u16, Option<u16>)> = self.streams.iter().map(|one| (one.worker, one.core)).collect();
        workers.sort_unstable();
        workers.dedup();
        for (worker, core) in workers {
            let core = core.map_or_else(|| "any".to_owned(), |core| core.to_string());
            let streams: Vec<&Stream> = self.streams.iter().filter(|stream| stream.worker == worker).collect();
            let _ = write!(text, "\nLogical Core {core} forwards packets on {} streams:", streams.len());
            for Stream { rx_port, rx_queue, tx_port, tx_queue, peer, .. } in streams {
                let _ = match tx_port {
                    None => write!(text, "\n  RX P={rx_port}/Q={rx_queue} -> TX by route, Q={tx_queue}"),
                    Some(tx_port) => {
                        let peer = mac_text(*peer);
                        write!(text, "\n  RX P={rx_port}/Q={rx_queue} -> TX P={tx_port}/Q={tx_queue} peer={peer}")
                    }
                };
            }
        }
        text
    }
}

/// `show config txpkts`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PacketSizes {
    /// Bytes of each segment; there is one.
    pub segments: Vec<u16>,
}

impl View for PacketSizes {
    fn text(&self) -> String {
        let sizes: Vec<String> = self.segments.iter().map(u16::to_string).collect();
        format!("Number of segments: {}\nSegment sizes: {}\nSplit packet: off", sizes.len(), sizes.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_shown_by_core_as_testpmd_does() {
        let stream = |rx_port: u16, tx_port| Stream {
            core: Some(1),
            worker: 0,
            rx_port,
            rx_queue: 0,
            tx_port,
            tx_queue: 0,
            peer: MacAddr6::new(2, 0, 0, 0, 0, 1),
        };
        let streams = vec![stream(0, Some(1)), stream(1, None)];
        let text = ForwardConfig { mode: "mac".into(), ports: 2, cores: 1, streams }.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "mac packet forwarding - ports=2 - cores=1 - streams=2");
        assert_eq!(lines[1], "Logical Core 1 forwards packets on 2 streams:");
        assert_eq!(lines[2], "  RX P=0/Q=0 -> TX P=1/Q=0 peer=02:00:00:00:00:01");
        assert_eq!(lines[3], "  RX P=1/Q=0 -> TX by route, Q=0");
    }

    #[test]
    fn a_burst_beyond_a_poll_is_explained() {
        let config =
            RxtxConfig { mode: "io".into(), retries: 64, retry_delay_us: 1, burst: 64, cores: 1, ports: Vec::new() };
        let text = config.text();
        assert!(text.starts_with("  io packet forwarding packets/burst=64\n  taken 32 at a poll"), "{text}");
        assert!(text.contains("  retry number=64 - delay between retry=1 us\n"), "{text}");
    }
}
