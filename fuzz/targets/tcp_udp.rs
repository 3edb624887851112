//! TCP segments and UDP datagrams: any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringway::wire::{tcp, udp};
use std::net::Ipv4Addr;

const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

fuzz_target!(|bytes: &[u8]| {
    if let Ok(segment) = tcp::Tcp::check(bytes) {
        let _ = (segment.verify(A, A), segment.segment_len(), segment.rst(), segment.ack());
    }
    if let Ok(datagram) = udp::Udp::check(bytes) {
        let _ = (datagram.verify(A, A), datagram.source_port(), datagram.destination_port());
    }
    let mut bytes = bytes.to_vec();
    tcp::fill(&mut bytes, A, A);
    udp::fill(&mut bytes, A, A);
});
