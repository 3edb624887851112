//! The XDP program: which frames of an interface go into our sockets, and which to the kernel.
//!
//! * All frames go to the socket of the queue they came in on. A queue without a socket leaves its frames to the kernel.
//! * When only ours are wanted, frames for another MAC address and packets for an address of the host itself, with the
//!   ARP and neighbor discovery about it, are left to the kernel.
//! * On a virtual device whose kernel carries the VLAN tag beside the frame, the tag is put back where it belongs.

use super::instruction::{Assembler, Instruction, Label, Register, Size};
use Register::{Frame, R0, R1, R2, R3, R6, R7, R8};
use Size::{Eight, Four, One, Two};

/// Helpers by number (`enum bpf_func_id`).
const MAP_LOOKUP: i32 = 1;
const ADJUST_HEAD: i32 = 44;
const REDIRECT_MAP: i32 = 51;
/// What a program may answer (`enum xdp_action`).
const DROP: i32 = 1;
const PASS: i32 = 2;
/// Offsets in `struct xdp_md`.
const DATA: i16 = 0;
const DATA_END: i16 = 4;
const RX_QUEUE_INDEX: i16 = 16;

/// Bytes of a key of the host's addresses: IPv6, or IPv4 behind twelve zeros.
pub(super) const ADDRESS_KEY: usize = 16;
/// Bytes of the value with our MAC address: six, and two of padding.
pub(super) const MAC_VALUE: usize = 8;

/// What the program is made from; maps are named by their descriptors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steering {
    /// The sockets, by queue.
    pub sockets: i32,
    /// Take only what is ours: our MAC address, and the addresses that are the host's own.
    pub ours: Option<(i32, i32)>,
    /// The number of the kernel's function that tells a frame's VLAN tag.
    pub vlan_tag: Option<u32>,
}

/// The program.
pub(super) fn program(steering: &Steering) -> Vec<Instruction> {
    let mut a = Assembler::default();
    let (take, pass) = (a.label(), a.label());
    a.copy(R6, R1);
    if let Some((mac, addresses)) = steering.ours {
        steer(&mut a, mac, addresses, take, pass);
    }
    a.place(take);
    if let Some(function) = steering.vlan_tag {
        restore_tag(&mut a, function);
    }
    a.load(Four, R2, R6, RX_QUEUE_INDEX);
    a.map(R1, steering.sockets, false);
    // The answer when the queue has no socket.
    a.set(R3, PASS);
    a.call(REDIRECT_MAP);
    a.exit();
    if steering.ours.is_some() {
        a.place(pass);
        a.set(R0, PASS);
        a.exit();
    }
    a.finish()
}

/// Loads the edges of the frame into R7 and R8 and goes to `short` when it has fewer than `bytes`.
fn edges(a: &mut Assembler, bytes: i32, short: Label) {
    a.load(Four, R7, R6, DATA);
    a.load(Four, R8, R6, DATA_END);
    at_least(a, bytes, short);
}

/// Goes to `short` when the frame between R7 and R8 has fewer than `bytes`.
fn at_least(a: &mut Assembler, bytes: i32, short: Label) {
    a.copy(R1, R7);
    a.add(R1, bytes);
    a.go_if_greater(R1, R8, short);
}

fn steer(a: &mut Assembler, mac: i32, addresses: i32, take: Label, pass: Label) {
    let (everyone, arp, ip4, ip4_key, ip6, ip6_key, look_up) =
        (a.label(), a.label(), a.label(), a.label(), a.label(), a.label(), a.label());
    edges(a, 14, pass);
    // The lowest bit of the first octet: multicast and broadcast (IEEE 802, "I/G").
    a.load(One, R2, R7, 0);
    a.go_if_any_bit(R2, 1, everyone);
    a.map(R1, mac, true);
    for (size, offset) in [(Four, 0), (Two, 4)] {
        a.load(size, R2, R1, offset);
        a.load(size, R3, R7, offset);
        a.go_unless_same(R2, R3, pass);
    }
    a.place(everyone);
    a.set(R1, 0);
    a.store(Eight, Frame, -16, R1);
    a.store(Eight, Frame, -8, R1);
    a.load(Two, R2, R7, 12);
    let ether_type = |value: u16| i32::from(value.to_be());
    a.go_if_equal(R2, ether_type(0x0806), arp);
    a.go_if_equal(R2, ether_type(0x0800), ip4);
    a.go_if_equal(R2, ether_type(0x86dd), ip6);
    a.go(take);

    // RFC 826: behind a header of eight octets MAC and IP address of the sender, then those of the target.
    a.place(arp);
    at_least(a, 42, take);
    a.load(Four, R3, R7, 38);
    a.go(ip4_key);
    // RFC 791, section 3.1: the destination is the fifth word of the header.
    a.place(ip4);
    at_least(a, 34, take);
    a.load(Four, R3, R7, 30);
    a.place(ip4_key);
    a.store(Four, Frame, -4, R3);
    a.go(look_up);

    // RFC 8200, section 3: the destination is the last of the 40 octets of the header.
    a.place(ip6);
    at_least(a, 54, take);
    a.load(One, R2, R7, 20);
    a.go_unless_equal(R2, 58, ip6_key);
    at_least(a, 78, ip6_key);
    a.load(One, R2, R7, 54);
    a.go_unless_equal(R2, 135, ip6_key);
    // RFC 4861, section 4.3: a neighbor solicitation names its target behind eight octets; it is sent to a group.
    for word in 0..4 {
        a.load(Four, R2, R7, 62 + 4 * word);
        a.store(Four, Frame, -16 + 4 * word, R2);
    }
    a.go(look_up);
    a.place(ip6_key);
    for word in 0..4 {
        a.load(Four, R2, R7, 38 + 4 * word);
        a.store(Four, Frame, -16 + 4 * word, R2);
    }

    a.place(look_up);
    a.copy(R2, Frame);
    a.add(R2, -16);
    a.map(R1, addresses, false);
    a.call(MAP_LOOKUP);
    a.go_unless_equal(R0, 0, pass);
}

/// Puts a tag that the kernel carries beside the frame back behind the MAC addresses (IEEE 802.1Q, clause 9).
fn restore_tag(a: &mut Assembler, function: u32) {
    let (untagged, lost) = (a.label(), a.label());
    a.set(R1, 0);
    a.store(Eight, Frame, -24, R1);
    a.copy(R1, R6);
    a.copy(R2, Frame);
    a.add(R2, -24);
    a.copy(R3, Frame);
    a.add(R3, -22);
    a.call_kernel(function);
    a.go_unless_equal(R0, 0, untagged);
    a.copy(R1, R6);
    a.set(R2, -4);
    a.call(ADJUST_HEAD);
    a.go_unless_equal(R0, 0, lost);
    edges(a, 18, lost);
    for word in 0..3 {
        a.load(Four, R2, R7, 4 + 4 * word);
        a.store(Four, R7, 4 * word, R2);
    }
    a.load(Two, R2, Frame, -24);
    a.store(Two, R7, 12, R2);
    a.load(Two, R2, Frame, -22);
    a.network_order(R2);
    a.store(Two, R7, 14, R2);
    a.go(untagged);
    a.place(lost);
    a.set(R0, DROP);
    a.exit();
    a.place(untagged);
}
