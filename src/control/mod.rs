//! The control thread: it owns all desired state and tells the workers.
//!
//! One thread, one loop: events and punted packets of the workers, commands of the operator, timers of the neighbors,
//! links of the ports. It talks to workers by bounded queues only ([`crate::dataplane::message`]) and never waits for
//! one: an order that finds the queue full waits here, and a worker that does not answer is reported.
//!
//! ```text
//!   config ─▶ start ─▶ Router ──compile──▶ Snapshot ──order──▶ workers
//!                       │  ▲                                     │
//!        commands ──────┘  └──── events, punted packets ─────────┘
//! ```

mod announce;
pub mod budget;
mod change;
pub mod check;
mod compile;
mod dealing;
pub mod dpdk;
mod execute;
mod ip6;
mod launch;
mod linux;
mod load;
pub mod log;
mod neighbors;
mod paths;
mod ping;
mod port_commands;
mod port_state;
mod ports;
mod queues;
mod reassembly;
mod router;
mod show;
mod start;
mod state;
mod testpmd;
mod workers;

pub use launch::Launch;
pub use ports::device_settings;
pub use router::Router;
pub use start::{StartError, start};
