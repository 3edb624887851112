//! ARP packets: any bytes; what is accepted is written back as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringway::wire::arp::{Arp, LEN};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(packet) = Arp::check(bytes) {
        assert_eq!(packet.emit()[..], bytes[..LEN]);
        let _ = packet.reply_from(packet.sender_mac).frame(&[0; 22], packet.sender_mac);
    }
});
