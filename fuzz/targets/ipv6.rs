//! IPv6 header, extension headers and their options: any packet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringway::wire::extension;
use ringway::wire::ipv6::{self, Ipv6};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(view) = Ipv6::check(bytes) {
        assert_eq!(40 + view.payload().len(), view.total_len());
        let mut chain = extension::chain(&view);
        let mut steps = 0;
        while let Ok(Some(header)) = chain.step() {
            steps += 1;
            assert!(steps <= extension::MOST && chain.offset() <= view.total_len());
            let _ = (extension::options(&header), extension::routing(header.bytes));
        }
        assert!(view.packet().len() >= usize::try_from(chain.pointer()).unwrap());
    }
    let mut packet = bytes.to_vec();
    ipv6::swap_addresses(&mut packet);
    ipv6::set_hop_limit(&mut packet, 1);
});
