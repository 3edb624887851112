//! Mode `csum`: new Ethernet addresses, and every wrong IPv4, UDP and TCP checksum made right; the wrong ones are counted.
//!
//! `csum set LAYER hw PORT` leaves a checksum to the device of the port that sends, which fills it in unseen: it is not counted then.
//!
//! One sum over the bytes, the checksum field among them, tells whether the checksum is right; only when it is not the sum
//! without that field becomes the new one. UDP without a checksum over IPv4 stays without (RFC 768), as in testpmd.

use super::plain;
use super::transport::{Family, Headers, UDP};
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::state::State;
use crate::wire::checksum::Sum;
use ringway_mempool::Burst;
use ringway_pmd::TxOffloads;

/// What was wrong with a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Wrong {
    ip: bool,
    transport: bool,
}

/// Forwards a burst with its checksums right.
pub fn run(snapshot: &Snapshot, state: &mut State, port: u16, burst: &mut Burst) {
    let to = snapshot.modes.target(port).unwrap_or(port);
    let addresses = plain::addresses(snapshot, to);
    let fills = snapshot.ports.get(usize::from(to)).map_or(TxOffloads::empty(), |port| port.fills);
    let (mut ip, mut transport) = (0, 0);
    for mbuf in burst.as_slice() {
        let frame = state.pool.frame_mut(mbuf);
        if let Some(head) = frame.first_chunk_mut::<12>() {
            *head = addresses;
        }
        let wrong = put_right(frame, fills);
        ip += u64::from(wrong.ip);
        transport += u64::from(wrong.transport);
    }
    if ip + transport > 0
        && let Some(forward) = state.link.counters.forward.get(usize::from(port))
    {
        forward.bad_ip_checksums.add(ip);
        forward.bad_l4_checksums.add(transport);
    }
    plain::tagged(snapshot, state, port, burst);
}

/// Puts the checksums of a frame right, but for those that the device fills in; says which were wrong.
fn put_right(frame: &mut [u8], fills: TxOffloads) -> Wrong {
    let mut wrong = Wrong::default();
    let Some(headers) = Headers::find(frame) else { return wrong };
    if let Family::V4(len) = headers.family
        && !fills.contains(TxOffloads::IPV4_CKSUM)
    {
        wrong.ip = correct(frame, Sum::ZERO, headers.ip, headers.ip + len, 10);
    }
    let Some(transport) = headers.transport.filter(|transport| transport.whole) else { return wrong };
    let (field, filled) =
        if transport.protocol == UDP { (6, TxOffloads::UDP_CKSUM) } else { (16, TxOffloads::TCP_CKSUM) };
    if fills.contains(filled) {
        return wrong;
    }
    let absent = frame.get(transport.start + field..transport.start + field + 2) == Some(&[0, 0]);
    // RFC 768: "An all zero transmitted checksum value means that the transmitter generated no checksum". RFC 8200 8.1: over
    // IPv6 "the UDP checksum is not optional".
    if transport.protocol == UDP && absent && headers.family != Family::V6 {
        return wrong;
    }
    let pseudo = headers.pseudo_sum(frame, &transport);
    wrong.transport = correct(frame, pseudo, transport.start, transport.end, field);
    // RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
    if wrong.transport
        && transport.protocol == UDP
        && let Some(checksum) = frame.get_mut(transport.start + field..transport.start + field + 2)
        && *checksum == [0, 0]
    {
        checksum.fill(0xff);
    }
    wrong
}

/// Corrects the checksum at `field` behind `start` that covers `start..end` and what `sum` has already; true when it was wrong.
fn correct(frame: &mut [u8], sum: Sum, start: usize, end: usize, field: usize) -> bool {
    let Some(covered) = frame.get_mut(start..end) else { return false };
    if sum.bytes(covered).fold() == 0xffff {
        return false;
    }
    let Some(checksum) = covered.get_mut(field..field + 2) else { return false };
    checksum.fill(0);
    let right = sum.bytes(covered).checksum();
    if let Some(checksum) = covered.get_mut(field..field + 2) {
        checksum.copy_from_slice(&right.to_be_bytes());
    }
    true
}
