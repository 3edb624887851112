//! Mode `txonly`: sends the same UDP packets on every port, as fast as the port takes them.
//!
//! testpmd's packet: 64 bytes with FCS, from 198.18.0.1 port 9 to 198.18.0.2 port 9 (the benchmarking network of
//! RFC 2544 and the discard port).

use super::plain::peer_mac;
use super::snapshot::Snapshot;
use super::state::State;
use crate::wire::ethernet;
use crate::wire::ipv4::{self, Ipv4Header};
use crate::wire::udp;
use macaddr::MacAddr6;
use ringway_mempool::BURST;
use std::net::Ipv4Addr;

/// Bytes of a frame without FCS.
const FRAME: usize = 60;

/// Sends one burst on a port; returns how many packets were made.
pub fn run(snapshot: &Snapshot, state: &mut State, port: u16) -> usize {
    let source = snapshot.ports.get(usize::from(port)).map_or(MacAddr6::nil(), |map| map.mac);
    let frame = template(source, peer_mac(port));
    let wanted = usize::from(snapshot.burst).min(BURST);
    let mut made = 0;
    while made < wanted {
        let Some(mbuf) = state.pool.take_filled(&frame) else { break };
        state.staging.stage(&mut state.pool, &state.link.counters, port, mbuf);
        made += 1;
    }
    made
}

fn template(source: MacAddr6, destination: MacAddr6) -> [u8; FRAME] {
    let mut frame = [0; FRAME];
    frame[..6].copy_from_slice(destination.as_bytes());
    frame[6..12].copy_from_slice(source.as_bytes());
    frame[12..14].copy_from_slice(&ethernet::ETHERTYPE_IPV4.to_be_bytes());
    let header = Ipv4Header {
        dscp_ecn: 0,
        total_len: (FRAME - 14) as u16,
        identification: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: ipv4::PROTOCOL_UDP,
        source: Ipv4Addr::new(198, 18, 0, 1),
        destination: Ipv4Addr::new(198, 18, 0, 2),
    };
    frame[14..34].copy_from_slice(&header.emit());
    let datagram = &mut frame[34..];
    datagram[..2].copy_from_slice(&9u16.to_be_bytes());
    datagram[2..4].copy_from_slice(&9u16.to_be_bytes());
    datagram[4..6].copy_from_slice(&((FRAME - 34) as u16).to_be_bytes());
    udp::fill(datagram, header.source, header.destination);
    frame
}
