//! ICMP messages: any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringway::wire::icmpv4::{self, IcmpKind};

fuzz_target!(|bytes: &[u8]| {
    let mut message = bytes.to_vec();
    let _ = (icmpv4::checked_type(&message), icmpv4::echo_numbers(&message));
    if icmpv4::request_into_reply(&mut message) {
        assert_eq!(icmpv4::checked_type(&message), Some(icmpv4::ECHO_REPLY));
    }
    icmpv4::emit_error(&mut message, IcmpKind::TtlExceeded);
});
