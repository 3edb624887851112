//! Mode `txonly`: sends the same UDP packets on every port, as fast as the port takes them.
//!
//! testpmd's packet: 64 bytes unless `set txpkts` says otherwise, from 198.18.0.1 port 9 to 198.18.0.2 port 9 (the benchmarking
//! network of RFC 2544 and the discard port).

use super::plain;
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::state::State;
use crate::wire::checksum::Sum;
use crate::wire::ethernet;
use crate::wire::ipv4::{self, Ipv4Header};
use ringway_mempool::{BURST, Mbuf, Pool};
use std::net::Ipv4Addr;

/// Ethernet, IPv4 and UDP headers.
pub const HEADERS: usize = 42;

/// Sends one burst on a port; returns how many packets were made.
pub fn run(snapshot: &Snapshot, state: &mut State, port: u16) -> usize {
    let bytes = frame_bytes(snapshot, state);
    let addresses = (Ipv4Addr::new(198, 18, 0, 1), Ipv4Addr::new(198, 18, 0, 2));
    let headers = headers(plain::addresses(snapshot, port), bytes, addresses, (9, 9));
    send(snapshot, state, port, bytes, |_| headers)
}

/// Bytes of a made frame: as set, as far as a buffer holds it.
pub fn frame_bytes(snapshot: &Snapshot, state: &State) -> u16 {
    snapshot.modes.tx_bytes.clamp(HEADERS as u16, (state.pool.longest_frame() as u16).max(HEADERS as u16))
}

/// Makes a burst of frames of this length, each with the headers that `headers` gives for its place in the burst.
pub fn send(
    snapshot: &Snapshot,
    state: &mut State,
    port: u16,
    bytes: u16,
    mut headers: impl FnMut(usize) -> [u8; HEADERS],
) -> usize {
    let wanted = usize::from(snapshot.burst).min(BURST);
    for made in 0..wanted {
        let Some(mut mbuf) = frame(&mut state.pool, usize::from(bytes), &headers(made)) else { return made };
        if let Some(tag) = snapshot.modes.tag(port) {
            plain::put_on(&mut state.pool, &mut mbuf, tag);
        }
        state.staging.stage(&mut state.pool, &state.link.counters, port, mbuf);
    }
    wanted
}

/// A frame with these headers and zeros behind them; `None` when no buffer is free.
fn frame(pool: &mut Pool, bytes: usize, headers: &[u8; HEADERS]) -> Option<Mbuf> {
    let mut mbuf = pool.take_filled(headers)?;
    pool.set_len(&mut mbuf, bytes);
    if let Some(payload) = pool.frame_mut(&mbuf).get_mut(HEADERS..) {
        payload.fill(0);
    }
    Some(mbuf)
}

/// The headers of a UDP frame whose payload is zeros, checksums filled in.
pub fn headers(
    ethernet: [u8; 12],
    bytes: u16,
    (source, destination): (Ipv4Addr, Ipv4Addr),
    (from, to): (u16, u16),
) -> [u8; HEADERS] {
    let mut frame = [0; HEADERS];
    frame[..12].copy_from_slice(&ethernet);
    frame[12..14].copy_from_slice(&ethernet::ETHERTYPE_IPV4.to_be_bytes());
    let header = Ipv4Header {
        dscp_ecn: 0,
        total_len: bytes - 14,
        identification: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: ipv4::PROTOCOL_UDP,
        source,
        destination,
    };
    frame[14..34].copy_from_slice(&header.emit());
    frame[34..36].copy_from_slice(&from.to_be_bytes());
    frame[36..38].copy_from_slice(&to.to_be_bytes());
    frame[38..40].copy_from_slice(&(bytes - 34).to_be_bytes());
    // Zeros add nothing to a sum, so the headers are all that counts. RFC 768: "If the computed checksum is zero, it is
    // transmitted as all ones".
    let sum = Sum::ZERO.pseudo_header(source, destination, ipv4::PROTOCOL_UDP, bytes - 34);
    let checksum = sum.bytes(&frame[34..]).checksum();
    let checksum = if checksum == 0 { 0xffff } else { checksum };
    frame[40..].copy_from_slice(&checksum.to_be_bytes());
    frame
}
