//! IPv4 header and options: any packet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringway::wire::ipv4::Ipv4;
use ringway::wire::options;
use std::net::Ipv4Addr;

const HERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

fuzz_target!(|bytes: &[u8]| {
    if let Ok(view) = Ipv4::check(bytes) {
        assert_eq!(usize::from(view.header_len()) + view.payload().len(), usize::from(view.total_len()));
        assert_eq!(usize::from(view.header_len()), 20 + view.options().len());
        let _ = (view.source(), view.destination(), view.fragment_offset(), view.is_fragment());
    }
    let mut area = bytes[..bytes.len().min(40)].to_vec();
    let mut kept = [0; 40];
    assert!(options::strip_for_fragment(&area, &mut kept) <= 40);
    let _ = options::record(&mut area, HERE, |address| address == HERE, || 1);
    let _ = options::advance_source_route(&mut area, HERE);
});
