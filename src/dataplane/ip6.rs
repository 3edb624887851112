//! What `l3` does of IPv6 beside the stages that both families share.
//!
//! ```text
//!   input ──▶ ip6::input ──▶ lookup ──▶ rewrite ──▶ dispatch ──▶ staging
//!                 │                                    └▶ ip6::transit ─┬▶ ip6::options
//!                 └▶ (Neighbor Discovery: punt)                         ├▶ ip6::deliver
//!                                                                       ├▶ ip6::icmp_error
//!                                                                       └▶ resolution, egress (both families)
//! ```
//!
//! Read RFC 8200 and RFC 4443 2.4 first.

pub mod deliver;
pub mod icmp_error;
pub mod input;
mod options;
pub mod own;
mod redirect;
pub mod transit;

/// Hop limit of packets of our own, but for those of Neighbor Discovery.
pub const OUR_HOP_LIMIT: u8 = 64;
