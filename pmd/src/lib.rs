//! Ports of ringway: one contract for every kind of device, and a folder or file for each driver.
//!
//! # Principles
//!
//! 1. A worker owns its queues. [`RxQueue::poll`] swaps empty buffers of the worker's pool for full ones,
//!    [`TxQueue::submit`] takes a prefix of a burst and leaves the rest, [`TxQueue::reclaim`] brings back what
//!    the device has sent. None of them waits, allocates or touches another worker's memory.
//! 2. The control thread owns the [`Port`]: link, MTU, MAC, filters, statistics. A driver that cannot do one
//!    of these says so by name ([`PortError::NotSupported`]).
//! 3. Queues are enums: one predictable branch a burst instead of a virtual call, and every driver is listed
//!    in one place.
//! 4. Statistics are [`Counter`]s with a single writer, read at any time without disturbing it.
//!
//! ```text
//!   control thread                     worker 0            worker 1
//!   Port ── set_mtu, link, stats       Rx[0]  Tx[0]        Rx[1]  Tx[1]
//!     │                                  │      ▲            │      ▲
//!     └── device ────────────────────────┴──────┴────────────┴──────┘
//! ```

mod counter;
pub mod fault;
mod linux;
pub mod memory;
pub mod offload;
pub mod packet;
pub mod pcap;
mod port;
mod queue;
pub mod tap;
mod wait;

pub use counter::{Counter, RxCounters, RxStats, TxCounters, TxStats};
pub use port::{Duplex, Link, Opened, Port, PortError, PortInfo, PortSettings, PortStats};
pub use queue::{Rx, RxQueue, Tx, TxQueue};
pub use wait::wait;
