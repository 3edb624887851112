//! Printing what `set verbose` shows; the workers only copy.

use crate::control::router::Router;
use crate::dataplane::observe::Observed;
use crate::wire::vlan;
use macaddr::MacAddr6;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Time between two notices of packets that were not shown.
const NOTICE: Duration = Duration::from_secs(1);

impl Router {
    /// Prints the packets that the workers have copied; returns whether there were any.
    pub(in crate::control) fn show_observed(&mut self, now: Instant) -> bool {
        let mut any = false;
        for worker in &mut self.workers {
            while let Some((seen, text)) = worker.link.observed.receive(|seen, bytes| (seen, describe(&seen, bytes))) {
                any = true;
                if seen.place == 0 {
                    let what = if seen.sent { "sent" } else { "received" };
                    tracing::info!("port {}/queue {}: {what} {} packets", seen.port, seen.queue, seen.burst);
                }
                tracing::info!("{text}");
            }
        }
        let (said, when) = self.testpmd.not_shown;
        let lost: u64 = self.workers.iter().map(|worker| worker.link.counters.not_shown.get()).sum();
        if lost > said && now.duration_since(when) >= NOTICE {
            self.testpmd.not_shown = (lost, now);
            tracing::info!("{} more packets were not shown", lost - said);
        }
        any
    }
}

/// A packet in one line, as far as its headers are sound.
fn describe(seen: &Observed, frame: &[u8]) -> String {
    let mac = |at: usize| frame.get(at..at + 6).and_then(|bytes| bytes.first_chunk::<6>().copied()).map(MacAddr6::from);
    let (Some(destination), Some(source)) = (mac(0), mac(6)) else {
        return format!("  length={} - too short", seen.len);
    };
    let mut text = format!("  src={source} - dst={destination}");
    let Ok(tags) = vlan::Tags::check(frame) else {
        let _ = write!(text, " - length={} - tags cut short", seen.len);
        return text;
    };
    let _ = write!(text, " - type={:#06x} - length={}", tags.ether_type(), seen.len);
    for id in tags.ids() {
        let _ = write!(text, " - VLAN tci={id:#x}");
    }
    let packet = frame.get(tags.payload_offset()..).unwrap_or(&[]);
    match (tags.ether_type(), packet) {
        (0x0800, [0x45..=0x4f, ..]) => ipv4(&mut text, packet),
        (0x86dd, [0x60..=0x6f, ..]) => ipv6(&mut text, packet),
        _ => {}
    }
    text
}

fn ipv4(text: &mut String, packet: &[u8]) {
    let address =
        |at: usize| packet.get(at..at + 4).and_then(|bytes| bytes.first_chunk::<4>().copied()).map(Ipv4Addr::from);
    if let (Some(source), Some(destination), Some(protocol)) = (address(12), address(16), packet.get(9)) {
        let _ = write!(text, " - {source} > {destination}");
        ports(text, *protocol, packet.get(usize::from(packet[0] & 0xf) * 4..).unwrap_or(&[]));
    }
}

fn ipv6(text: &mut String, packet: &[u8]) {
    let address =
        |at: usize| packet.get(at..at + 16).and_then(|bytes| bytes.first_chunk::<16>().copied()).map(Ipv6Addr::from);
    if let (Some(source), Some(destination), Some(protocol)) = (address(8), address(24), packet.get(6)) {
        let _ = write!(text, " - {source} > {destination}");
        ports(text, *protocol, packet.get(40..).unwrap_or(&[]));
    }
}

fn ports(text: &mut String, protocol: u8, transport: &[u8]) {
    let name = match protocol {
        6 => "TCP",
        17 => "UDP",
        other => {
            let _ = write!(text, " protocol {other}");
            return;
        }
    };
    if let Some([a, b, c, d]) = transport.first_chunk::<4>() {
        let (from, to) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
        let _ = write!(text, " {name} {from} > {to}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_packet_is_one_line_with_testpmds_labels() {
        let builder = etherparse::PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
        let mut frame = Vec::new();
        builder.udp(4000, 5000).write(&mut frame, b"x").unwrap();
        let seen = Observed { len: frame.len() as u16, ..Observed::default() };
        assert_eq!(
            describe(&seen, &frame),
            "  src=02:02:02:02:02:02 - dst=04:04:04:04:04:04 - type=0x0800 - length=43 - 192.0.2.1 > 192.0.2.2 UDP 4000 > 5000"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_described_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            prop_assert!(!describe(&Observed::default(), &bytes).is_empty());
        }
    }
}
