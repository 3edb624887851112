use super::*;
use std::time::Duration;

const MAC: MacAddr6 = MacAddr6::new(2, 0, 0, 0, 0, 1);
const PEER: MacAddr6 = MacAddr6::new(2, 0, 0, 0, 0, 9);
const HOST: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9);
const FAR: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 9);
const US: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

fn claims(assigned: bool) -> Claims {
    let mut claims = Claims::new(["2001:db8::1/64".parse().unwrap(), "fe80::1/64".parse().unwrap()]);
    let now = Instant::now();
    claims.start(now, Duration::ZERO, !assigned);
    claims.tick(now);
    claims
}

fn asked(source_link: Option<MacAddr6>) -> Message<'static> {
    Message::Solicitation(Solicitation { target: US, source_link })
}

fn told(target: Ipv6Addr) -> Advertisement {
    Advertisement { router: false, solicited: true, overrides: true, target, target_link: Some(PEER) }
}

fn receive(assigned: bool, source: Ipv6Addr, message: &Message<'_>) -> Received {
    let claims = claims(assigned);
    let around = Around { source, destination: US, mac: PEER };
    Receiver::default().receive(Instant::now(), &around, message, &Local { mac: MAC, claims: &claims })
}

#[test]
fn who_asks_is_answered_and_learnt() {
    let Received::Asked { answer, to, mac, asker } = receive(true, HOST, &asked(Some(PEER))) else { panic!() };
    assert!(answer.router && answer.solicited && answer.overrides);
    assert_eq!((answer.target, answer.target_link), (US, Some(MAC)));
    assert_eq!((to, mac, asker), (HOST, Some(PEER), Some((HOST, PEER))));
    let Received::Asked { mac, asker, .. } = receive(true, HOST, &asked(None)) else { panic!() };
    assert_eq!((mac, asker), (Some(PEER), None), "a probe without an option is answered, nobody learnt");
}

#[test]
fn the_anycast_address_of_a_subnet_is_answered_for_without_overriding_others() {
    let subnet = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0);
    let question = Message::Solicitation(Solicitation { target: subnet, source_link: Some(PEER) });
    let Received::Asked { answer, .. } = receive(true, HOST, &question) else { panic!() };
    assert_eq!((answer.target, answer.overrides, answer.solicited), (subnet, false, true));
    let ignored = Received::Ignored(Ignored::TargetNotOurs);
    assert_eq!(receive(false, HOST, &question), ignored, "not before our address there is ours");
    assert_eq!(receive(true, Ipv6Addr::UNSPECIFIED, &question), ignored, "whoever claims it does so in vain");
}

#[test]
fn a_prober_is_told_before_all_nodes_and_not_learnt() {
    let Received::Asked { answer, to, mac, asker } = receive(true, Ipv6Addr::UNSPECIFIED, &asked(None)) else {
        panic!()
    };
    assert_eq!((answer.solicited, to, mac, asker), (false, ALL_NODES, None, None));
}

#[test]
fn a_tentative_address_is_given_up_to_who_claims_or_has_it() {
    let duplicate = Received::Duplicate { address: US, mac: PEER };
    assert_eq!(receive(false, Ipv6Addr::UNSPECIFIED, &asked(None)), duplicate);
    assert_eq!(receive(false, HOST, &Message::Advertisement(told(US))), duplicate);
    let ignored = Received::Ignored(Ignored::TargetNotOurs);
    assert_eq!(receive(false, HOST, &asked(Some(PEER))), ignored, "resolution of what is not ours yet");
}

#[test]
fn an_address_that_is_ours_is_defended_once_in_ten_seconds() {
    let (claims, now) = (claims(true), Instant::now());
    let (local, around) =
        (Local { mac: MAC, claims: &claims }, Around { source: US, destination: ALL_NODES, mac: PEER });
    let mut receiver = Receiver::default();
    let mut defended = |at: u64| {
        let received =
            receiver.receive(now + Duration::from_secs(at), &around, &Message::Advertisement(told(US)), &local);
        let Received::Conflict { address: US, mac: PEER, defence } = received else { panic!("{received:?}") };
        defence.is_some()
    };
    assert_eq!([0, 1, 9, 10].map(&mut defended), [true, false, false, true]);
    assert_eq!(receiver.counters().conflicts, 4);
}

#[test]
fn what_no_neighbor_can_be_is_ignored() {
    assert_eq!(receive(true, FAR, &asked(Some(PEER))), Received::Ignored(Ignored::SourceNotOnLink));
    let group = MacAddr6::new(0x33, 0x33, 0, 0, 0, 1);
    assert_eq!(receive(true, HOST, &asked(Some(group))), Received::Ignored(Ignored::MacNotUnicast));
    let redirect = Message::Redirect { target: HOST, destination: FAR };
    assert_eq!(receive(true, HOST, &redirect), Received::Ignored(Ignored::Redirect));
    let solicits = Message::RouterSolicitation { source_link: Some(PEER) };
    assert_eq!(receive(true, HOST, &solicits), Received::Seen { address: HOST, mac: Some(PEER), solicits: true });
    assert_eq!(receive(true, FAR, &solicits), Received::Ignored(Ignored::SourceNotOnLink));
}

#[test]
fn an_advertisement_of_a_neighbor_is_for_the_table() {
    assert_eq!(receive(true, HOST, &Message::Advertisement(told(HOST))), Received::Told(told(HOST)));
}
