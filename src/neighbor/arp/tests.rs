use proptest::prelude::*;

use super::*;

const OUR_MAC: MacAddr6 = MacAddr6::new(2, 0, 0, 0, 0, 1);
const THEIR_MAC: MacAddr6 = MacAddr6::new(2, 0, 0, 0, 0, 2);
const OURS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const THEIRS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const THIRD: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);

/// 192.0.2.1/24, 198.51.100.1/31 and 203.0.113.1/32.
fn addresses() -> [Ipv4Net; 3] {
    ["192.0.2.1/24", "198.51.100.1/31", "203.0.113.1/32"].map(|text| text.parse().unwrap())
}

fn request(sender: Ipv4Addr, target: Ipv4Addr) -> Arp {
    Arp { operation: REQUEST, sender_mac: THEIR_MAC, sender, target_mac: MacAddr6::nil(), target }
}

fn reply(sender: Ipv4Addr, target: Ipv4Addr) -> Arp {
    Arp { operation: REPLY, target_mac: OUR_MAC, ..request(sender, target) }
}

fn receive(fields: Arp) -> Received {
    receive_with(&mut Receiver::default(), Instant::now(), fields)
}

fn receive_with(receiver: &mut Receiver, now: Instant, fields: Arp) -> Received {
    let local = Local { mac: OUR_MAC, addresses: &addresses() };
    receiver.receive(now, &fields, &local)
}

fn observation(answered: bool, may_create: bool) -> Observation {
    Observation { address: THEIRS.into(), mac: THEIR_MAC, answered, may_create }
}

#[test]
fn a_request_for_our_address_is_answered_and_its_sender_learnt() {
    let answer = Arp { operation: REPLY, sender_mac: OUR_MAC, sender: OURS, target_mac: THEIR_MAC, target: THEIRS };
    assert_eq!(
        receive(request(THEIRS, OURS)),
        Received::Asked { reply: answer, observation: Some(observation(false, true)) }
    );
}

#[test]
fn a_reply_to_us_is_an_answer() {
    assert_eq!(receive(reply(THEIRS, OURS)), Received::Told { observation: observation(true, true) });
}

#[test]
fn a_reply_to_our_address_but_everybodys_mac_answers_nobody() {
    let fields = Arp { target_mac: MacAddr6::broadcast(), ..reply(THEIRS, OURS) };
    assert_eq!(receive(fields), Received::Told { observation: observation(false, true) });
}

#[test]
fn frames_between_others_and_gratuitous_ones_update_but_never_create() {
    for fields in [request(THEIRS, THIRD), reply(THEIRS, THIRD), request(THEIRS, THEIRS), reply(THEIRS, THEIRS)] {
        assert_eq!(receive(fields), Received::Overheard { observation: observation(false, false) });
    }
}

#[test]
fn a_probe_of_our_address_is_answered_and_not_learnt() {
    let Received::Asked { reply, observation } = receive(request(Ipv4Addr::UNSPECIFIED, OURS)) else {
        panic!("a probe must hear that the address is taken");
    };
    assert_eq!((reply.sender, reply.target_mac), (OURS, THEIR_MAC));
    assert_eq!(observation, None);
}

#[test]
fn a_probe_of_another_address_is_none_of_our_business() {
    assert_eq!(receive(request(Ipv4Addr::UNSPECIFIED, THIRD)), Received::Ignored(Ignored::TargetNotOurs));
}

#[test]
fn a_reply_from_no_address_names_no_neighbor() {
    assert_eq!(receive(reply(Ipv4Addr::UNSPECIFIED, OURS)), Received::Ignored(Ignored::SenderNotOnLink));
}

#[test]
fn a_sender_with_a_group_mac_is_not_believed() {
    for mac in [MacAddr6::broadcast(), MacAddr6::new(1, 0, 0x5e, 0, 0, 1), MacAddr6::nil()] {
        let fields = Arp { sender_mac: mac, ..reply(THEIRS, OURS) };
        assert_eq!(receive(fields), Received::Ignored(Ignored::SenderMacNotUnicast));
    }
}

#[test]
fn our_own_frame_looped_back_is_no_conflict() {
    let fields = Arp { sender_mac: OUR_MAC, ..request(OURS, OURS) };
    assert_eq!(receive(fields), Received::Ignored(Ignored::OwnFrame));
}

#[test]
fn other_operations_mean_nothing() {
    for operation in [0, 3, 9, u16::MAX] {
        let fields = Arp { operation, ..request(THEIRS, OURS) };
        assert_eq!(receive(fields), Received::Ignored(Ignored::UnknownOperation));
    }
}

#[test]
fn a_sender_that_cannot_be_on_the_link_is_neither_answered_nor_learnt() {
    for sender in ["10.0.0.1", "192.0.2.0", "192.0.2.255", "224.0.0.1", "255.255.255.255", "203.0.113.2"] {
        let fields = request(sender.parse().unwrap(), OURS);
        assert_eq!(receive(fields), Received::Ignored(Ignored::SenderNotOnLink), "{sender}");
    }
}

#[test]
fn both_ends_of_a_point_to_point_prefix_are_hosts() {
    let (theirs, ours) = (Ipv4Addr::new(198, 51, 100, 0), Ipv4Addr::new(198, 51, 100, 1));
    assert!(matches!(receive(request(theirs, ours)), Received::Asked { .. }));
}

#[test]
fn who_uses_our_address_is_told_once_in_ten_seconds_and_never_learnt() {
    let mut receiver = Receiver::default();
    let start = Instant::now();
    let mut defended = |after: u64| {
        let now = start + Duration::from_secs(after);
        match receive_with(&mut receiver, now, request(OURS, THIRD)) {
            Received::Conflict { address, mac, defence } => {
                assert_eq!((address, mac), (OURS, THEIR_MAC));
                defence
            }
            other => panic!("{other:?}"),
        }
    };
    let announcement = Arp { sender_mac: OUR_MAC, ..request(OURS, OURS) };
    assert_eq!(defended(0), Some(announcement));
    assert_eq!(defended(1), None);
    assert_eq!(defended(9), None);
    assert_eq!(defended(10), Some(announcement));
    assert_eq!(defended(19), None);
    let counters = receiver.counters();
    assert_eq!((counters.conflicts, counters.defences), (5, 2));
}

#[test]
fn each_of_our_addresses_is_defended_for_itself() {
    let mut receiver = Receiver::default();
    let now = Instant::now();
    for address in addresses().map(|own| own.addr()) {
        let received = receive_with(&mut receiver, now, reply(address, THIRD));
        assert!(matches!(received, Received::Conflict { defence: Some(_), .. }));
    }
}

#[test]
fn a_request_of_ours_comes_from_our_address_in_the_targets_subnet() {
    let local = Local { mac: OUR_MAC, addresses: &addresses() };
    assert_eq!(local.request(THEIRS).unwrap().sender, OURS);
    let far_end = Ipv4Addr::new(198, 51, 100, 0);
    assert_eq!(local.request(far_end).unwrap().sender, Ipv4Addr::new(198, 51, 100, 1));
    assert_eq!(local.request(Ipv4Addr::new(203, 0, 113, 2)), None);
}

#[test]
fn every_frame_is_counted_once() {
    let mut receiver = Receiver::default();
    let now = Instant::now();
    for fields in
        [request(THEIRS, OURS), reply(THEIRS, OURS), request(THEIRS, THIRD), request("10.0.0.1".parse().unwrap(), OURS)]
    {
        receive_with(&mut receiver, now, fields);
    }
    let counters = receiver.counters();
    assert_eq!((counters.asked, counters.told, counters.overheard), (1, 1, 1));
    assert_eq!(counters.ignored(Ignored::SenderNotOnLink), 1);
    let ignored: u64 = Ignored::ALL.map(|reason| counters.ignored(reason)).iter().sum();
    assert_eq!(ignored, 1);
}

fn any_mac() -> impl Strategy<Value = MacAddr6> {
    prop_oneof![Just(OUR_MAC), Just(THEIR_MAC), Just(MacAddr6::nil()), any::<[u8; 6]>().prop_map(MacAddr6::from),]
}

fn any_ip() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        Just(OURS),
        Just(THEIRS),
        Just(Ipv4Addr::UNSPECIFIED),
        (0u8..=255).prop_map(|host| Ipv4Addr::new(192, 0, 2, host)),
        (0u8..4).prop_map(|host| Ipv4Addr::new(198, 51, 100, host)),
        any::<u32>().prop_map(Ipv4Addr::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn nobody_is_believed_who_cannot_be_a_neighbor(
        operation in 0u16..4,
        sender_mac in any_mac(),
        sender in any_ip(),
        target_mac in any_mac(),
        target in any_ip(),
    ) {
        let fields = Arp { operation, sender_mac, sender, target_mac, target };
        let own = addresses().map(|own| own.addr());
        let observation = match receive(fields) {
            Received::Asked { reply, observation } => {
                prop_assert_eq!(operation, REQUEST);
                prop_assert!(own.contains(&target));
                prop_assert_eq!((reply.sender_mac, reply.sender), (OUR_MAC, target));
                prop_assert_eq!((reply.target_mac, reply.target), (sender_mac, sender));
                prop_assert_eq!(observation.is_none(), sender.is_unspecified());
                observation
            }
            Received::Told { observation } => {
                prop_assert!(own.contains(&target));
                Some(observation)
            }
            Received::Overheard { observation } => {
                prop_assert!(!own.contains(&target));
                prop_assert!(!observation.may_create && !observation.answered);
                Some(observation)
            }
            Received::Conflict { address, mac, .. } => {
                prop_assert!(own.contains(&address) && mac != OUR_MAC);
                None
            }
            Received::Ignored(_) => None,
        };
        if let Some(Observation { address, mac, .. }) = observation {
            prop_assert!(!mac.is_multicast() && !mac.is_nil() && mac != OUR_MAC);
            prop_assert_eq!(address, IpAddr::V4(sender));
            let [_, _, _, host] = sender.octets();
            let on_lan = sender.octets()[..3] == [192, 0, 2] && ![0, 1, 255].contains(&host);
            let on_point_to_point = sender == Ipv4Addr::new(198, 51, 100, 0);
            prop_assert!(on_lan || on_point_to_point, "{sender}");
        }
    }
}
