//! ICMPv6, Neighbor Discovery and multicast listener messages: any message, with the checksum right or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringway::wire::icmpv6::{self, Icmpv6Kind};
use ringway::wire::ipv6::Ipv6;
use ringway::wire::nd::{self, Message};
use ringway::wire::{mld, nd::option::NdOption};
use std::net::Ipv6Addr;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[right, a, b], message)) = bytes.split_first_chunk::<3>() else { return };
    let (source, destination) = (address(a), address(b));
    let mut packet = [&[0; 40][..], message].concat();
    icmpv6::finish(&mut packet, source, destination, if right & 2 == 0 { 255 } else { 1 });
    if right & 1 != 0
        && let Some(byte) = packet.get_mut(42)
    {
        *byte ^= 1;
    }
    if let Ok(view) = Ipv6::check(&packet) {
        let _ = mld::query(&view);
        if let Ok(Message::RouterAdvertisement(_, options)) = nd::check(&view) {
            let mut out = [0; 4096];
            for option in options.iter() {
                if let NdOption::Prefix(_) | NdOption::Mtu(_) = option {
                    assert!(option.emit(&mut out).is_some());
                }
            }
        }
    }
    let mut message = message.to_vec();
    let _ = icmpv6::echo_numbers(&message);
    if icmpv6::request_into_reply(&mut message, destination, source) {
        assert_eq!(icmpv6::checked_type(&message, destination, source), Some(icmpv6::ECHO_REPLY));
    }
    icmpv6::emit_error(&mut message, Icmpv6Kind::PacketTooBig { mtu: 1280 }, source, destination);
});

fn address(of: u8) -> Ipv6Addr {
    match of % 5 {
        0 => Ipv6Addr::UNSPECIFIED,
        1 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, of.into()),
        2 => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, of.into()),
        3 => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1),
        _ => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, of.into()),
    }
}
