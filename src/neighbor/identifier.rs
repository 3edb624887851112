//! Interface identifiers that are stable on a link and say nothing of the MAC: RFC 7217.

use sha2::{Digest, Sha256};
use std::net::Ipv6Addr;
use std::time::Duration;

/// RFC 7217 7: IDGEN_RETRIES, how often another identifier is tried after a duplicate.
pub const RETRIES: u8 = 3;
/// RFC 7217 7: IDGEN_DELAY, how long each of them waits.
pub const DELAY: Duration = Duration::from_secs(1);

/// The identifier of an interface under a prefix of 64 bits, after so many duplicates.
///
/// RFC 7217 5: "RID = F(Prefix, Net_Iface, Network_ID, DAD_Counter, secret_key)", with F "a pseudorandom function (PRF) that MUST
/// NOT be computable from the outside (without knowledge of the secret key)": SHA-256 here. Net_Iface is the interface's name,
/// which stays when a card is replaced; there is no Network_ID, which is optional.
pub fn stable(prefix: Ipv6Addr, interface: &str, duplicates: u8, secret: &[u8]) -> u64 {
    // "if an unacceptable identifier has been generated, the DAD_Counter value should be incremented by 1": the bound is the
    // counter's own range, and one try in 2^39 is unacceptable.
    (duplicates..=u8::MAX)
        .map(|counter| random(prefix, interface, counter, secret))
        .find(|id| !is_reserved(*id))
        .unwrap_or(1)
}

fn random(prefix: Ipv6Addr, interface: &str, counter: u8, secret: &[u8]) -> u64 {
    let mut hash = Sha256::new();
    hash.update(&prefix.octets()[..8]);
    // With their lengths, so that no two lists of parts are the same bytes.
    for part in [interface.as_bytes(), secret] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update([counter]);
    // "The Interface Identifier is finally obtained by taking as many bits from the RID value (computed in the previous step) as
    // necessary, starting from the least significant bit."
    let digest = hash.finalize();
    digest.last_chunk::<8>().map_or(0, |last| u64::from_be_bytes(*last))
}

/// RFC 5453: identifiers that mean something already: the anycast addresses of subnet routers and of RFC 2526, and those of
/// RFC 5214 and of Ethernet's own block.
fn is_reserved(identifier: u64) -> bool {
    identifier == 0
        || (0x0200_5eff_fe00_0000..=0x0200_5eff_feff_ffff).contains(&identifier)
        || (0xfdff_ffff_ffff_ff80..=0xfdff_ffff_ffff_ffff).contains(&identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);
    const SECRET: &[u8] = b"sixteen bytes ..";

    #[test]
    fn an_identifier_is_the_same_each_time_and_depends_on_each_part() {
        let one = stable(LINK_LOCAL, "lan", 0, SECRET);
        assert_eq!(stable(LINK_LOCAL, "lan", 0, SECRET), one);
        for other in [
            stable(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), "lan", 0, SECRET),
            stable(LINK_LOCAL, "wan", 0, SECRET),
            stable(LINK_LOCAL, "lan", 1, SECRET),
            stable(LINK_LOCAL, "lan", 0, b"another secret"),
        ] {
            assert_ne!(other, one);
        }
    }

    #[test]
    fn reserved_identifiers_are_told_apart() {
        for reserved in [0, 0x0200_5eff_fe00_0000, 0x0200_5eff_fe12_3456, 0xfdff_ffff_ffff_ff80, 0xfdff_ffff_ffff_ffff]
        {
            assert!(is_reserved(reserved), "{reserved:x}");
        }
        for free in [1, 0x0200_5eff_fdff_ffff, 0x0200_5eff_ff00_0000, 0xfdff_ffff_ffff_ff7f, u64::MAX] {
            assert!(!is_reserved(free), "{free:x}");
        }
    }
}
