//! Where a destination goes: every known route, what the workers look up, and what one worker remembers.
//!
//! ```text
//!   addresses, configuration, netlink                                     workers (read only)
//!            |                                                                  ^
//!            v                                                                  |
//!   rib::Rib (vrf, prefix -> routes, best first) --decide--> ipv4::Fib, ipv6::Fib (prefix -> NextHopIndex)
//!            |                                                                  ^
//!            +------ next_hop::NextHops (Paths <-> NextHopIndex) ---------------+
//! ```
//!
//! The control thread owns the RIB and the table of next hops. It compiles an immutable FIB from the best routes
//! and hands that over whole, so a worker never sees a half-made entry and never waits. A route points at an
//! interned next hop, not at a gateway's MAC: a neighbor that moves changes one adjacency and no route.
//! [`cache::RouteCache`] is a worker's own, in front of the FIB.
//!
//! Read first: RFC 1812 section 5.2.4 (choosing the next hop; section 5.2.4.3 asks for the longest match).

pub mod address;
pub mod cache;
pub mod connected;
mod intervals;
pub mod ipv4;
pub mod ipv6;
pub mod limits;
pub mod next_hop;
pub mod oracle;
pub mod prefixes;
pub mod rib;
