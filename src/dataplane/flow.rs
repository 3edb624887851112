//! Which flow a packet is of, as one number: packets of a flow take the same path of several.
//!
//! The hash is keyed by the router's seed, so that nobody outside can aim flows at one path, and two routers in a row
//! spread independently. Fragments have no ports but the first; so that a datagram stays together, none of its fragments
//! is told by ports. IPv6 flows have their label beside (RFC 6438 section 3).

/// Protocols whose header begins with two 16-bit ports: TCP, UDP, DCCP, SCTP, UDP-Lite.
const WITH_PORTS: [u8; 5] = [6, 17, 33, 132, 136];

/// The flow of an IPv4 or IPv6 packet that begins at its IP header; 0 of anything shorter than that.
#[inline]
pub fn of(seed: u64, packet: &[u8]) -> u32 {
    match packet.first().map(|first| first >> 4) {
        Some(4) => packet.first_chunk().map_or(0, |header| of_ipv4(seed, header, packet)),
        Some(6) => packet.first_chunk().map_or(0, |header| of_ipv6(seed, header, packet)),
        _ => 0,
    }
}

#[inline]
fn of_ipv4(seed: u64, header: &[u8; 20], packet: &[u8]) -> u32 {
    let addresses = u64::from_be_bytes(std::array::from_fn(|byte| header[12 + byte]));
    // RFC 791 3.1: the flag "more fragments", and the fragment offset.
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
    let ports = if fragment { 0 } else { ports(header[9], packet, usize::from(header[0] & 0xf) * 4) };
    let transport = ports << 8 | u64::from(header[9]);
    finish(fold(addresses ^ seed, transport ^ seed.rotate_left(32)), seed)
}

#[inline]
fn of_ipv6(seed: u64, header: &[u8; 40], packet: &[u8]) -> u32 {
    let word = |at: usize| u64::from_be_bytes(std::array::from_fn(|byte| header[at + byte]));
    let label = u64::from(u32::from_be_bytes([0, header[1] & 0xf, header[2], header[3]]));
    // A fragment has its fragment header here, and so no ports.
    let transport = ports(header[6], packet, 40) << 8 | u64::from(header[6]);
    let source = fold(word(8) ^ seed, word(16) ^ seed.rotate_left(32));
    let destination = fold(word(24) ^ seed.rotate_left(16), word(32) ^ seed.rotate_left(48));
    finish(fold(source ^ label, destination ^ transport), seed)
}

#[inline]
fn ports(protocol: u8, packet: &[u8], at: usize) -> u64 {
    if !WITH_PORTS.contains(&protocol) {
        return 0;
    }
    let ports = packet.get(at..).and_then(|rest| rest.first_chunk());
    ports.map_or(0, |ports| u64::from(u32::from_be_bytes(*ports)))
}

/// Both halves of the product: every bit of either word reaches most bits of the result.
#[inline]
fn fold(one: u64, other: u64) -> u64 {
    // Odd constants without structure (the fractional parts of the square roots of 2 and 3), so that a word of zeros
    // does not wipe out the other.
    let product = u128::from(one ^ 0x6a09_e667_f3bc_c909) * u128::from(other ^ 0xbb67_ae85_84ca_a73b);
    product as u64 ^ (product >> 64) as u64
}

#[inline]
fn finish(hash: u64, seed: u64) -> u32 {
    (fold(hash, seed) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    const SEED: u64 = 0x1234_5678_9abc_def1;

    fn udp(source: u8, ports: (u16, u16)) -> Vec<u8> {
        let mut packet = Vec::new();
        let builder = PacketBuilder::ipv4([192, 0, 2, source], [203, 0, 113, 7], 64).udp(ports.0, ports.1);
        builder.write(&mut packet, &[1, 2, 3]).unwrap();
        packet
    }

    fn udp6(label: u32, port: u16) -> Vec<u8> {
        let mut packet = Vec::new();
        let builder = PacketBuilder::ipv6([1; 16], [2; 16], 64).udp(port, 53);
        builder.write(&mut packet, &[1, 2, 3]).unwrap();
        packet[1..4].copy_from_slice(&label.to_be_bytes()[1..]);
        packet
    }

    #[test]
    fn packets_of_one_flow_agree_and_other_ports_or_addresses_are_other_flows() {
        let hash = of(SEED, &udp(1, (4000, 5000)));
        let mut next = udp(1, (4000, 5000));
        next[4..6].copy_from_slice(&[7, 7]);
        next[8] = 63;
        assert_eq!(of(SEED, &next), hash);
        for other in [udp(1, (4001, 5000)), udp(1, (4000, 5001)), udp(2, (4000, 5000))] {
            assert_ne!(of(SEED, &other), hash);
        }
    }

    #[test]
    fn every_fragment_of_a_datagram_is_of_one_flow() {
        let mut first = udp(1, (4000, 5000));
        first[6] = 0x20;
        let mut last = udp(1, (9999, 9999));
        last[7] = 8;
        assert_eq!(of(SEED, &first), of(SEED, &last));
    }

    #[test]
    fn an_ipv6_flow_has_its_label_and_its_ports() {
        assert_eq!(of(SEED, &udp6(5, 1000)), of(SEED, &udp6(5, 1000)));
        assert_ne!(of(SEED, &udp6(5, 1000)), of(SEED, &udp6(6, 1000)));
        assert_ne!(of(SEED, &udp6(5, 1000)), of(SEED, &udp6(5, 1001)));
    }

    #[test]
    fn another_seed_spreads_differently() {
        let same = (0..=255).filter(|host| {
            let packet = udp(*host, (1, 2));
            of(1, &packet) % 2 == of(2, &packet) % 2
        });
        assert!((90..166).contains(&same.count()));
    }

    #[test]
    fn flows_that_differ_in_one_place_spread_evenly() {
        let mut buckets = [0; 8];
        for port in 0..8000 {
            buckets[of(SEED, &udp(1, (port, 53))) as usize % 8] += 1;
        }
        assert!(buckets.iter().all(|count| (850..1150).contains(count)), "{buckets:?}");
    }

    #[test]
    fn what_is_too_short_for_a_header_is_no_panic() {
        for len in 0..20 {
            assert_eq!(of(SEED, &udp(1, (1, 2))[..len]), 0);
        }
    }
}
