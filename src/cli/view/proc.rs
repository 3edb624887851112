//! The formats of `/proc/net/route`, `/proc/net/arp` and `/proc/net/rt_cache`.
//!
//! They are the kernel's: `fib_route_seq_show` in `net/ipv4/fib_trie.c`, `arp_seq_show` in `net/ipv4/arp.c`, and
//! `rt_cache_seq_show` in `net/ipv4/route.c` as it was until the kernel's route cache went in 3.6. Addresses are the
//! 32-bit word as a little-endian machine sees it, so 192.0.2.1 is `010200C0`. Lines of the two route files are padded
//! to 127 characters. Only IPv4 is shown, as in the kernel's files.

use std::net::Ipv4Addr;

/// The route is usable (`linux/route.h`).
pub const RTF_UP: u16 = 0x0001;
/// The route leads by a gateway.
pub const RTF_GATEWAY: u16 = 0x0002;
/// The route is to one host.
pub const RTF_HOST: u16 = 0x0004;
/// The route refuses, and says so.
pub const RTF_REJECT: u16 = 0x0200;

/// The MAC address is known (`linux/if_arp.h`).
pub const ATF_COM: u8 = 0x02;
/// The entry never ages.
pub const ATF_PERM: u8 = 0x04;

/// The heading of `/proc/net/route`. The space behind "Gateway" is the kernel's.
pub const ROUTE_HEADER: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
/// The heading of `/proc/net/arp`.
pub const ARP_HEADER: &str = "IP address       HW type     Flags       HW address            Mask     Device";
/// The heading of `/proc/net/rt_cache`.
pub const CACHE_HEADER: &str = "Iface\tDestination\tGateway \tFlags\t\tRefCnt\tUse\tMetric\tSource\t\tMTU\tWindow\t\
                                IRTT\tTOS\tHHRef\tHHUptod\tSpecDst";

/// An address as these files print it.
pub fn word(address: Ipv4Addr) -> String {
    format!("{:08X}", u32::from_le_bytes(address.octets()))
}

/// Lines padded to 127 characters, under their heading.
pub fn padded(header: &str, lines: impl Iterator<Item = String>) -> String {
    let lines = std::iter::once(header.to_owned()).chain(lines);
    lines.map(|line| format!("{line:127}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_printed_as_a_little_endian_word() {
        assert_eq!(word(Ipv4Addr::new(192, 0, 2, 1)), "010200C0");
    }

    #[test]
    fn a_line_has_127_characters() {
        assert!(padded(ROUTE_HEADER, std::iter::empty()).len() == 127);
    }
}
