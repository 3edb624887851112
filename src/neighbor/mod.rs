//! On-link neighbors: which MAC an IP address has, and whether it still answers.
//!
//! ```text
//!   worker: "I hold packets for X" --need-->  table::Table  --Event::Solicit-->  a solicitation goes out
//!   worker: "first use of STALE X" --used-->  (states of    --Event::Update--->  workers: adjacency of X
//!   arp::Receiver, nd::Receiver   -observe->  RFC 4861)     --Event::Failed--->  workers: forget X, answer what you hold
//!   the clock                      --tick-->                --Event::Removed-->  workers: forget X
//! ```
//!
//! Control side only: one thread owns the table and tells the workers what changed. Nothing here reads a clock,
//! sends a frame or starts a thread; time comes in with each call and results come out as events. Keys carry
//! [`std::net::IpAddr`]: ARP and Neighbor Discovery use one table. [`dad`] keeps our own IPv6 addresses, [`advertiser`]
//! says when router advertisements are due, [`listener`] which multicast groups are reported,
//! [`identifier`] what addresses that we form are made of.
//!
//! ARP has no states of its own for a neighbor that falls silent or moves, and an ARP cache that only ages entries
//! forwards into the void until they are old enough. So ARP entries live by RFC 4861's unreachability detection
//! here: read its sections 7.2 and 7.3 first, then RFC 826 for [`arp`].

pub mod advertiser;
pub mod arp;
pub mod dad;
pub mod event;
pub mod identifier;
mod link;
pub mod listener;
pub mod nd;
pub mod settings;
mod solicit_rate;
pub mod state;
pub mod table;
