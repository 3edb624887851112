//! Queues on their way between the control thread and a worker.
//!
//! A worker takes over fresh queues and hands closed ones back: it closes a queue itself, so that each buffer goes back to the
//! pool it came from, and the control thread, which has time, frees what is left of it.

use ringway_pmd::{Rx, Tx};

/// The queues of one port that one worker serves.
#[derive(Debug, Default)]
pub struct PortQueues {
    /// Port number.
    pub port: u16,
    /// Receive queues with their numbers.
    pub rx: Vec<(u16, Rx)>,
    /// Transmit queues with their numbers; the worker sends by the first.
    pub tx: Vec<(u16, Tx)>,
}

/// A receive queue that a worker serves. Aligned, because queues of several workers are made one after the other and each
/// is written at every poll.
#[repr(align(128))]
pub struct RxPort {
    /// Port number.
    pub port: u16,
    /// Number of the queue.
    pub number: u16,
    /// The queue.
    pub queue: Rx,
    /// Whether it is polled: in the modes that do not route, only what is in the list of ports is.
    pub polled: bool,
}

impl RxPort {
    /// A queue that is polled.
    pub fn new(port: u16, number: u16, queue: Rx) -> Self {
        Self { port, number, queue, polled: true }
    }
}
