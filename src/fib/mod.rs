//! Where a destination goes: every known route, what the workers look up, and what one worker remembers.
//!
//! ```text
//!   addresses, configuration, netlink                                           workers (read only)
//!            |                                                                        ^
//!            v                        tables::Tables                                  |
//!   rib::Rib (vrf, prefix -> routes) ---- batches ----> ipv4::Fib, ipv6::Fib (prefix -> NextHopIndex)
//!            |                                                                        |
//!   next_hop::NextHops (Paths <-> NextHopIndex) ------> path_table::PathTable  (NextHopIndex, flow -> NextHop)
//! ```
//!
//! The control thread owns the RIB and the path lists. [`tables::Tables`] follows what changes there, batch by batch, in
//! tables that the workers read meanwhile: they see what was before or what is now, and never wait. A route points at an
//! interned path list, not at a gateway's MAC: a neighbor that moves changes one adjacency, an interface that goes down
//! one word of the [`path_table::PathTable`], and neither any route.
//! [`cache::RouteCache`] is a worker's own, in front of the FIB.
//!
//! Read first: RFC 1812 section 5.2.4 (choosing the next hop; section 5.2.4.3 asks for the longest match).

pub mod address;
mod blocks;
pub mod cache;
pub mod connected;
mod intervals;
pub mod ipv4;
pub mod ipv6;
pub mod limits;
pub mod load;
pub mod next_hop;
pub mod oracle;
pub mod path_table;
pub mod path_writer;
pub mod prefixes;
pub mod rib;
pub mod synthetic;
pub mod tables;
