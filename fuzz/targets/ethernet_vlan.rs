//! Ethernet header and VLAN tags: any frame.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringway::wire::{ethernet::Ethernet, vlan::Tags};

fuzz_target!(|frame: &[u8]| {
    if let Ok(view) = Ethernet::check(frame) {
        let _ = (view.destination(), view.source(), view.ether_type(), view.is_group());
    }
    if let Ok(tags) = Tags::check(frame) {
        assert!(tags.payload_offset() <= frame.len() && tags.ids().len() <= 2);
    }
});
