//! `show rxq|txq info` and `show port PORT rxq|txq QUEUE desc used count`

use std::fmt::Write as _;

use serde::Serialize;

use crate::cli::view::View;

/// One queue of a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// The port's number.
    pub port: u16,
    /// The queue's number.
    pub queue: u16,
    /// `RX` or `TX`.
    pub way: &'static str,
    /// The pool that a receive queue takes its buffers from.
    pub mempool: Option<String>,
    /// Descriptors of its ring.
    pub descriptors: u32,
    /// Whether it works.
    pub started: bool,
    /// Prefetch, host and write-back threshold.
    pub thresholds: (u8, u8, u8),
    /// Descriptors that are freed at once.
    pub free_threshold: u16,
    /// Transmit: descriptors between two reports.
    pub report_threshold: u16,
    /// Receive: frames are dropped when no descriptor is free.
    pub drop_packets: bool,
    /// It starts only when told to.
    pub deferred_start: bool,
    /// Receive: a frame may fill several buffers.
    pub scattered: bool,
    /// The function that moves its bursts.
    pub burst_mode: Option<String>,
}

impl View for Queue {
    fn text(&self) -> String {
        let on_off = |on| if on { "on" } else { "off" };
        let Self { port, queue, way, thresholds: (prefetch, host, write_back), .. } = self;
        let mut text = format!("  ==== Infos for port {port}, {way} queue {queue} ====\n");
        if let Some(mempool) = &self.mempool {
            let _ = writeln!(text, "Mempool: {mempool}");
        }
        let _ = writeln!(
            text,
            "{way} prefetch threshold: {prefetch}\n{way} host threshold: {host}\n{way} writeback threshold: {write_back}"
        );
        let _ = if *way == "TX" {
            writeln!(text, "TX RS threshold: {}", self.report_threshold)
        } else {
            writeln!(
                text,
                "RX drop packets: {}\nRX scattered packets: {}",
                on_off(self.drop_packets),
                on_off(self.scattered)
            )
        };
        let state = if self.started { "started" } else { "stopped" };
        let _ = write!(
            text,
            "{way} free threshold: {}\n{way} deferred start: {}\n{way} queue state: {state}\nNumber of {way}Ds: {}\nBurst mode: {}",
            self.free_threshold,
            on_off(self.deferred_start),
            self.descriptors,
            self.burst_mode.as_deref().unwrap_or("Scalar"),
        );
        text
    }
}

/// Descriptors in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Descriptors {
    /// The port's number.
    pub port: u16,
    /// The queue's number.
    pub queue: u16,
    /// `RX` or `TX`.
    pub way: &'static str,
    /// How many.
    pub used: u32,
}

impl View for Descriptors {
    fn text(&self) -> String {
        format!("{} queue {} used desc count: {}", self.way, self.queue, self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_the_labels_that_scripts_look_for() {
        let queue = Queue {
            port: 0,
            queue: 1,
            way: "RX",
            mempool: Some("mb_pool_0".into()),
            descriptors: 512,
            started: true,
            thresholds: (8, 8, 4),
            free_threshold: 32,
            report_threshold: 0,
            drop_packets: true,
            deferred_start: false,
            scattered: false,
            burst_mode: None,
        };
        let text = queue.text();
        for label in
            ["Infos for port 0, RX queue 1 ", "Mempool: mb_pool_0\n", "RX host threshold: 8\n", "Number of RXDs: 512"]
        {
            assert!(text.contains(label), "{label} in {text}");
        }
        let text = Queue { way: "TX", mempool: None, ..queue }.text();
        assert!(text.contains("TX RS threshold: 0\n") && text.contains("Number of TXDs: 512"), "{text}");
    }

    #[test]
    fn used_descriptors_are_one_line() {
        let used = Descriptors { port: 0, queue: 1, way: "RX", used: 7 };
        assert_eq!(used.text(), "RX queue 1 used desc count: 7");
    }
}
