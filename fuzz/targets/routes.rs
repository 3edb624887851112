//! A file of routes, text or MRT, plain or compressed: whatever it holds, reading ends, and each item is a prefix without bits behind
//! its length or a reason with its place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringway::fib::load::RouteFile;
use std::io::Write;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    let Ok(mut routes) = RouteFile::open(file.path()) else { return };
    // An item takes a line or a record, and so a byte at least; what is compressed may unfold to more.
    let most = bytes.len() * 2000 + 2;
    let mut items = 0;
    while let Some(item) = routes.next() {
        items += 1;
        assert!(items <= most, "reading does not end");
        match item {
            Ok(route) => assert_eq!(route.prefix, route.prefix.trunc()),
            Err(bad) => {
                assert_eq!(bad.place, routes.place());
                assert!(!bad.reason.is_empty());
            }
        }
    }
    assert!(routes.progress().read_bytes <= bytes.len() as u64);
});
