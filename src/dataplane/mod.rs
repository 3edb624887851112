//! The data plane: workers that carry each burst from receive to transmit.
//!
//! # Principles
//!
//! 1. **Run to completion.** A worker owns one core, one pool and its queues; it shares no written cache line with
//!    another worker. Nothing on the way of a packet allocates, locks, logs, formats or makes a system call.
//! 2. **One pass a burst, stage by stage.** Each stage is a plain function over the whole burst in a file of its own; the
//!    order in `l3` is the program. What is not plain forwarding leaves the burst as a single `packet::Packet` and
//!    goes through `exception`.
//! 3. **The control thread decides, workers read.** A [`snapshot::Snapshot`] is immutable and swapped between bursts;
//!    neighbors come as [`message::Order`]s into the worker's own table. A worker never waits for the control thread.
//! 4. **Every drop has a reason**: [`drop_reason::DropReason`].
//!
//! ```text
//!  port.rx ─poll─▶ Burst ─▶ input ─▶ lookup ─▶ rewrite ─▶ dispatch ─▶ staging ─▶ port.tx
//!                            │         │ cache, FIB,│          │
//!                            │         │ adjacency  │          ├─▶ exception ─┬─▶ options, egress, fragment ─▶ staging
//!                            ▼         ▼            ▼          │              ├─▶ deliver (echo, reset, punt)
//!                          (verdict lanes, one a packet)       │              ├─▶ icmp_error (in place)
//!                                                              │              └─▶ resolution (hold, ask, release)
//!                                                              └─▶ punt (copy) ─▶ control thread
//! ```

pub mod adjacency;
pub mod counters;
mod deliver;
mod dispatch;
pub mod drop_reason;
mod egress;
mod exception;
pub mod family;
pub mod flow;
mod fragment;
pub mod hold;
pub mod icmp_class;
mod icmp_error;
mod input;
pub mod ip6;
mod l3;
mod lanes;
mod limiter;
mod lookup;
pub mod message;
pub mod modes;
pub mod observe;
mod options;
mod packet;
mod plain;
pub mod queues;
mod resolution;
mod rewrite;
pub mod rig;
pub mod snapshot;
pub mod source_check;
pub mod stage;
mod staging;
mod state;
mod tcp_reset;
pub mod worker;

pub use fragment::RESERVE as FRAGMENT_RESERVE;

#[cfg(test)]
mod tests;
