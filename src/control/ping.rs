//! `ping`: echo requests of the router itself, sent and timed by the control thread.

use super::router::Router;
use crate::cli::command::Ping;
use crate::cli::grammar::Options;
use crate::cli::reply::Reply;
use crate::cli::view::{PingAnswer, PingOutcome, PingResult};
use crate::dataplane::message::Inject;
use crate::fib::next_hop::NextHop;
use crate::wire::ipv4::{self, Ipv4, Ipv4Header};
use crate::wire::ipv6::{self, Ipv6};
use crate::wire::{extension, icmpv4, icmpv6};
use crossbeam_channel::Sender;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

/// How long after the last request answers are waited for; a host that does not answer ARP is reported after three
/// seconds, which has to fit.
const PATIENCE: Duration = Duration::from_secs(4);
/// Pings under way at once.
const MOST: usize = 16;
/// Header of an echo message, of either family.
const ECHO_HEADER: usize = 8;

/// Bytes of IP and ICMP header.
fn headers(to: IpAddr) -> usize {
    ECHO_HEADER + if to.is_ipv4() { ipv4::HEADER_LEN } else { ipv6::HEADER_LEN }
}

struct Run {
    ping: Ping,
    vrf: u16,
    identifier: u16,
    started: Instant,
    sent: Vec<Instant>,
    answers: Vec<PingAnswer>,
    options: Options,
    reply: Sender<Reply>,
}

impl Run {
    fn next(&self) -> Instant {
        if (self.sent.len() as u32) < self.ping.count {
            self.started + Duration::from_millis(u64::from(self.ping.interval_ms)) * self.sent.len() as u32
        } else {
            self.sent.last().copied().unwrap_or(self.started) + PATIENCE
        }
    }

    fn is_done(&self, now: Instant) -> bool {
        let sent = self.sent.len() as u32 == self.ping.count;
        sent && (self.answers.len() == self.sent.len() || now >= self.next())
    }
}

/// Pings under way.
#[derive(Default)]
pub(super) struct Pings {
    runs: Vec<Run>,
    identifier: u16,
}

impl Pings {
    /// When the next request is due or the next ping gives up.
    pub fn next(&self) -> Option<Instant> {
        self.runs.iter().map(Run::next).min()
    }
}

impl Router {
    /// Starts a ping; the reply is sent when it is over.
    pub(super) fn begin_ping(&mut self, ping: Ping, options: Options, reply: Sender<Reply>) {
        let refuse = |message: &str| {
            let _ = reply.send(Reply::error(message));
        };
        if matches!(ping.address, IpAddr::V6(to) if to.is_unicast_link_local() || to.is_multicast()) {
            return refuse("link-local addresses and groups are on every link: ping a global address");
        }
        if self.pings.runs.len() >= MOST {
            return refuse("too many pings are under way; wait for one to end");
        }
        if !self.forwarding {
            return refuse("forwarding is stopped; `start` it first");
        }
        let longest = self.workers.first().map_or(0, |worker| worker.frame_bytes);
        let headers = headers(ping.address);
        if usize::from(ping.size) + headers > longest {
            return refuse(&format!(
                "a ping of {} bytes does not fit a buffer; at most {} do",
                ping.size,
                longest.saturating_sub(headers)
            ));
        }
        self.pings.identifier = self.pings.identifier.wrapping_add(1);
        let identifier = self.pings.identifier;
        let started = Instant::now();
        let vrf = match self.vrf_number(ping.vrf.as_deref()) {
            Ok(vrf) => vrf,
            Err(message) => return refuse(&message),
        };
        self.pings.runs.push(Run {
            ping,
            vrf,
            identifier,
            started,
            sent: Vec::new(),
            answers: Vec::new(),
            options,
            reply,
        });
    }

    /// Sends what is due, ends what is over.
    pub(super) fn ping_timers(&mut self, now: Instant) {
        let mut requests = Vec::new();
        for run in &mut self.pings.runs {
            if (run.sent.len() as u32) < run.ping.count && run.next() <= now {
                run.sent.push(now);
                requests.push((
                    run.vrf,
                    run.ping.address,
                    run.identifier,
                    run.sent.len() as u16,
                    run.ping.size,
                    run.ping.dont_fragment,
                ));
            }
        }
        for (vrf, to, identifier, sequence, size, dont_fragment) in requests {
            let Some(source) = self.source_towards(vrf, to) else {
                self.answer_ping(
                    identifier,
                    u32::from(sequence),
                    to,
                    PingOutcome::Error("Destination Net Unreachable".into()),
                );
                continue;
            };
            let packet = match (source, to) {
                (IpAddr::V4(source), IpAddr::V4(to)) => request(source, to, identifier, sequence, size, dont_fragment),
                (IpAddr::V6(source), IpAddr::V6(to)) => request6(source, to, identifier, sequence, size),
                _ => continue,
            };
            self.inject(0, Inject::Packet { vrf }, &packet);
        }
        let mut at = 0;
        while at < self.pings.runs.len() {
            if self.pings.runs[at].is_done(now) {
                let run = self.pings.runs.swap_remove(at);
                let result = PingResult {
                    destination: run.ping.address,
                    size: run.ping.size,
                    transmitted: run.sent.len() as u32,
                    answers: run.answers,
                    elapsed_ms: now.duration_since(run.started).as_millis() as u64,
                };
                let _ = run.reply.send(Reply::view(&result, run.options));
            } else {
                at += 1;
            }
        }
    }

    /// The address that packets for `to` are sent from; `None` without a route.
    fn source_towards(&self, vrf: u16, to: IpAddr) -> Option<IpAddr> {
        let snapshot = self.snapshot()?;
        let (interface, near) = match snapshot.route(vrf, to, 0)? {
            NextHop::Gateway { interface, address } => (interface, address),
            NextHop::Connected { interface } | NextHop::Deliver { interface } | NextHop::Broadcast { interface } => {
                (interface, to)
            }
            NextHop::Vrf { .. } | NextHop::Blackhole | NextHop::Unreachable | NextHop::Prohibit => return None,
        };
        let there = snapshot.interfaces.get(usize::from(interface))?;
        match to {
            IpAddr::V4(_) => there.source_towards(near).map(IpAddr::V4),
            IpAddr::V6(to) => {
                let global = there.global_towards6(to);
                global.or_else(|| snapshot.vrfs.first()?.own6.first()).map(IpAddr::V6)
            }
        }
    }

    /// Takes an ICMP message for the router: the answer to a ping, or an error about one.
    pub(super) fn receive_for_ping(&mut self, now: Instant, packet: &[u8]) {
        let Ok(view) = Ipv4::check(packet) else { return };
        let message = view.payload();
        match message.first() {
            Some(&icmpv4::ECHO_REPLY) => {
                let Some((identifier, sequence)) = icmpv4::echo_numbers(message) else { return };
                let sent = self
                    .pings
                    .runs
                    .iter()
                    .find(|run| run.identifier == identifier && run.ping.address == view.source());
                let sent = sent.and_then(|run| run.sent.get(usize::from(sequence).checked_sub(1)?).copied());
                if let Some(sent) = sent {
                    let outcome = PingOutcome::Reply {
                        bytes: message.len() as u32,
                        ttl: view.ttl(),
                        rtt_us: now.duration_since(sent).as_micros() as u64,
                    };
                    self.answer_ping(identifier, u32::from(sequence), view.source().into(), outcome);
                }
            }
            Some(&kind) if icmpv4::is_error(kind) => {
                // The quoted packet may be cut short, so only its fixed parts are looked at.
                let Some(quoted) = message.get(icmpv4::ERROR_HEADER_LEN..) else { return };
                let header_len = quoted.first().map_or(0, |first| usize::from(first & 0xf) * 4);
                let Some((identifier, sequence)) = quoted.get(header_len..).and_then(icmpv4::echo_numbers) else {
                    return;
                };
                let said = describe_error(kind, message.get(1).copied().unwrap_or(0), message);
                self.answer_ping(identifier, u32::from(sequence), view.source().into(), PingOutcome::Error(said));
            }
            _ => {}
        }
    }

    /// The same over IPv6.
    pub(super) fn receive_for_ping6(&mut self, now: Instant, view: &Ipv6<'_>) {
        let Ok(chain) = extension::chain(view).skip_all() else { return };
        let (message, from) = (chain.payload(), IpAddr::V6(view.source()));
        match message.first() {
            Some(&icmpv6::ECHO_REPLY) => {
                let Some((identifier, sequence)) = icmpv6::echo_numbers(message) else { return };
                let run = self.pings.runs.iter().find(|run| run.identifier == identifier && run.ping.address == from);
                let sent = run.and_then(|run| run.sent.get(usize::from(sequence).checked_sub(1)?).copied());
                if let Some(sent) = sent {
                    let outcome = PingOutcome::Reply {
                        bytes: message.len() as u32,
                        ttl: view.hop_limit(),
                        rtt_us: now.duration_since(sent).as_micros() as u64,
                    };
                    self.answer_ping(identifier, u32::from(sequence), from, outcome);
                }
            }
            Some(&kind) if icmpv6::is_error(kind) => {
                // Our requests have no extension headers.
                let quoted = message.get(icmpv6::ERROR_HEADER_LEN + ipv6::HEADER_LEN..);
                let Some((identifier, sequence)) = quoted.and_then(icmpv6::echo_numbers) else { return };
                let said = describe_error6(kind, message.get(1).copied().unwrap_or(0), message);
                self.answer_ping(identifier, u32::from(sequence), from, PingOutcome::Error(said));
            }
            _ => {}
        }
    }

    fn answer_ping(&mut self, identifier: u16, sequence: u32, from: IpAddr, outcome: PingOutcome) {
        let run = self.pings.runs.iter_mut().find(|run| run.identifier == identifier);
        if let Some(run) = run.filter(|run| run.answers.iter().all(|answer| answer.sequence != sequence)) {
            run.answers.push(PingAnswer { from, sequence, outcome });
        }
    }
}

fn request(source: Ipv4Addr, to: Ipv4Addr, identifier: u16, sequence: u16, size: u16, dont_fragment: bool) -> Vec<u8> {
    let total = ipv4::HEADER_LEN + ECHO_HEADER + usize::from(size);
    let header = Ipv4Header {
        dscp_ecn: 0,
        total_len: total as u16,
        identification: identifier ^ sequence,
        dont_fragment,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: ipv4::PROTOCOL_ICMP,
        source,
        destination: to,
    };
    let mut packet = header.emit().to_vec();
    packet.extend([icmpv4::ECHO_REQUEST, 0, 0, 0]);
    packet.extend(identifier.to_be_bytes());
    packet.extend(sequence.to_be_bytes());
    packet.extend((0..size).map(|at| at as u8));
    icmpv4::fill_checksum(&mut packet[20..]);
    packet
}

fn request6(source: Ipv6Addr, to: Ipv6Addr, identifier: u16, sequence: u16, size: u16) -> Vec<u8> {
    let mut packet = vec![0; ipv6::HEADER_LEN];
    packet.extend([icmpv6::ECHO_REQUEST, 0, 0, 0]);
    packet.extend(identifier.to_be_bytes());
    packet.extend(sequence.to_be_bytes());
    packet.extend((0..size).map(|at| at as u8));
    icmpv6::finish(&mut packet, source, to, 64);
    packet
}

/// What iputils' ping prints of an ICMPv6 error.
fn describe_error6(kind: u8, code: u8, message: &[u8]) -> String {
    match (kind, code) {
        (icmpv6::DESTINATION_UNREACHABLE, 0) => "Destination unreachable: No route".into(),
        (icmpv6::DESTINATION_UNREACHABLE, 1) => "Destination unreachable: Administratively prohibited".into(),
        (icmpv6::DESTINATION_UNREACHABLE, 2) => "Destination unreachable: Beyond scope of source address".into(),
        (icmpv6::DESTINATION_UNREACHABLE, 3) => "Destination unreachable: Address unreachable".into(),
        (icmpv6::DESTINATION_UNREACHABLE, 4) => "Destination unreachable: Port unreachable".into(),
        (icmpv6::PACKET_TOO_BIG, 0) => {
            let mtu = message.get(4..8).and_then(|mtu| mtu.first_chunk()).map_or(0, |mtu| u32::from_be_bytes(*mtu));
            format!("Packet too big: mtu={mtu}")
        }
        (icmpv6::TIME_EXCEEDED, 0) => "Time exceeded: Hop limit".into(),
        _ => format!("ICMPv6 type {kind} code {code}"),
    }
}

/// What iputils' ping prints of an error.
fn describe_error(kind: u8, code: u8, message: &[u8]) -> String {
    match (kind, code) {
        (icmpv4::DESTINATION_UNREACHABLE, 0) => "Destination Net Unreachable".into(),
        (icmpv4::DESTINATION_UNREACHABLE, 1) => "Destination Host Unreachable".into(),
        (icmpv4::DESTINATION_UNREACHABLE, 2) => "Destination Protocol Unreachable".into(),
        (icmpv4::DESTINATION_UNREACHABLE, 3) => "Destination Port Unreachable".into(),
        (icmpv4::DESTINATION_UNREACHABLE, 4) => {
            let mtu = message.get(6..8).map_or(0, |mtu| u16::from_be_bytes([mtu[0], mtu[1]]));
            format!("Frag needed and DF set (mtu = {mtu})")
        }
        (icmpv4::DESTINATION_UNREACHABLE, 13) => "Packet filtered".into(),
        (icmpv4::TIME_EXCEEDED, 0) => "Time to live exceeded".into(),
        _ => format!("ICMP type {kind} code {code}"),
    }
}
