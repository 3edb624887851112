//! Ports of ringway: one contract for every kind of device, and a folder or file for each driver.
//!
//! # Principles
//!
//! 1. A worker owns its queues. [`RxQueue::poll`] swaps empty buffers of the worker's pool for full ones,
//!    [`TxQueue::submit`] takes a prefix of a burst and leaves the rest, [`TxQueue::reclaim`] brings back what
//!    the device has sent. None of them waits, allocates or touches another worker's memory.
//! 2. The control thread owns the [`Port`]: link, MTU, MAC, filters, statistics. A driver that cannot do one
//!    of these says so by name ([`PortError::NotSupported`]).
//!    It stops and starts the device, which then has fresh queues; the workers close the old ones first.
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

mod capability;
mod control;
mod counter;
#[cfg(feature = "dpdk")]
pub mod dpdk;
mod error;
pub mod fault;
mod info;
mod linux;
pub mod memory;
pub mod offload;
pub mod packet;
pub mod pcap;
mod port;
mod queue;
mod settings;
pub mod tap;
mod wait;
pub mod xdp;

pub use capability::{Rss, RssTypes, RxOffloads, TxOffloads, VlanSettings};
pub use counter::{Counter, RxCounters, RxStats, TxCounters, TxStats};
pub use error::PortError;
pub use info::{Duplex, Limits, Link, OffloadFacts, PortInfo, PortStats, QueueInfo, QueueState, RingLimits, RssFacts};
pub use port::{Opened, Port};
pub use queue::{Rx, RxQueue, Tx, TxQueue};
pub use settings::{LentPools, PoolUse, PortSettings, Queues, RingBuffers};
pub use wait::wait;
