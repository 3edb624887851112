//! Source checks: whether a packet may come in with this source address.
//!
//! RFC 3704 2.2, strict reverse path forwarding: "the procedure is that the source address is looked up in the Forwarding
//! Information Base (FIB) - and if the packet is received on the interface which would be used to forward the traffic to
//! the source of the packet, it passes the check." With several paths, any of them counts: RFC 8704 3.1 calls for "feasible
//! paths" where traffic is asymmetric, and all members of a path list are feasible.
//!
//! RFC 3704 2.4, loose: it "checks only for the existence of a route (even a default route, if applicable), not where the
//! route points to." So with a default route, loose lets in everything but what a blackhole, unreachable or prohibit route
//! covers (RFC 5635 drops by source just so); strict lets in by the interface of the default route what no longer route
//! covers.

use super::snapshot::{Snapshot, Vrf};
use crate::fib::next_hop::{NextHop, NextHopIndex};
use ringway_config::SourceCheck;
use std::net::IpAddr;

/// Whether a packet from this source may come in by this interface.
pub fn passes(snapshot: &Snapshot, ingress: u16, source: IpAddr) -> bool {
    let Some(there) = snapshot.interfaces.get(usize::from(ingress)) else { return false };
    match source {
        _ if there.source_check == SourceCheck::Off => true,
        IpAddr::V4(source) => {
            let source = source.to_bits();
            by_route(snapshot, there.vrf, ingress, there.source_check, |vrf| vrf.ipv4.lookup(source))
        }
        // RFC 4291 2.5.6: a link-local address belongs to its link, whatever the routes say.
        IpAddr::V6(source) if source.is_unicast_link_local() => true,
        IpAddr::V6(source) => {
            let source = source.to_bits();
            by_route(snapshot, there.vrf, ingress, there.source_check, |vrf| vrf.ipv6.lookup(source))
        }
    }
}

/// Whether one of the paths that `lookup` finds lets the source in.
fn by_route(
    snapshot: &Snapshot,
    vrf: u16,
    ingress: u16,
    check: SourceCheck,
    lookup: impl Fn(&Vrf) -> NextHopIndex,
) -> bool {
    let mut next = Some(vrf);
    for _ in 0..super::snapshot::LEAKS {
        let Some(vrf) = next.take().and_then(|number| snapshot.vrfs.get(usize::from(number))) else { return false };
        let mut leads_back = false;
        snapshot.paths.each(lookup(vrf), |next_hop| match next_hop {
            NextHop::Gateway { interface, .. } | NextHop::Connected { interface } => {
                leads_back |= check == SourceCheck::Loose || interface == ingress;
            }
            NextHop::Vrf { vrf } => next = Some(vrf),
            NextHop::Deliver { .. }
            | NextHop::Broadcast { .. }
            | NextHop::Blackhole
            | NextHop::Unreachable
            | NextHop::Prohibit => {}
        });
        if leads_back {
            return true;
        }
    }
    false
}
