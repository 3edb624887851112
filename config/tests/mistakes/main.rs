//! Each mistake a file can have: that it is found, at its place, and once.

use ringway_config::{Mistakes, parse};

mod routing;

/// Two ports and two interfaces, all right.
const BASE: &str = r#"
[[port]]
name = "lan"
device = "eth0"
[[port]]
name = "wan"
device = "eth1"
mtu = 1500
[[interface]]
name = "lan"
addresses = ["192.0.2.1/24"]
[[interface]]
name = "wan"
addresses = ["198.51.100.1/24"]
"#;

fn mistakes(text: &str) -> Mistakes {
    parse(text, "my.toml").expect_err(text)
}

/// The one mistake of the base followed by `more`: the text it marks, its message, its hint.
fn only(more: &str) -> (String, String, String) {
    only_of(&format!("{BASE}{more}"))
}

fn only_of(text: &str) -> (String, String, String) {
    let found = mistakes(text);
    assert_eq!(found.len(), 1, "{found}");
    let mistake = found.into_iter().next().unwrap();
    let shown = mistake.to_string();
    let lines: Vec<&str> = shown.lines().collect();
    let start = lines[2].find('^').unwrap();
    let marks = lines[2].chars().filter(|&c| c == '^').count();
    let marked = lines[1].chars().skip(start).take(marks).collect();
    (marked, mistake.message, mistake.hint)
}

/// Asserts that `more` after the base has one mistake, which marks `marked` and says `said`.
#[track_caller]
fn expect(more: &str, marked: &str, said: &str) {
    let (found, message, hint) = only(more);
    assert_eq!(found, marked, "{message}; {hint}");
    assert!(format!("{message}; {hint}").contains(said), "{message}; {hint}");
}

/// The same, for a text without the base.
#[track_caller]
fn expect_of(text: &str, marked: &str, said: &str) {
    let (found, message, hint) = only_of(text);
    assert_eq!(found, marked, "{message}; {hint}");
    assert!(format!("{message}; {hint}").contains(said), "{message}; {hint}");
}

#[test]
fn base_is_right() {
    parse(BASE, "my.toml").unwrap();
}

#[test]
fn unknown_key_is_shown_with_line_column_and_suggestion() {
    let text =
        "[[port]]\nname = \"lan\"\ndevice = \"eth0\"\n[[interface]]\nname = \"lan\"\nadresses = [\"192.0.2.1/24\"]\n";
    let shown = parse(text, "lab.toml").unwrap_err().to_string();
    let expected = "\
lab.toml:6:1: unknown key `adresses` in [[interface]]
    6 | adresses = [\"192.0.2.1/24\"]
      | ^^^^^^^^ expected one of: name, addresses, mtu, up, redirects, directed_broadcast, ipv6, interface_id, duplicate_detection, ra, vrf, source_check; did you mean `addresses`?";
    assert_eq!(shown, expected);
}

#[test]
fn every_mistake_is_told_in_the_order_of_the_file() {
    let text = r#"
[router]
mode = "l4"
[workers]
count = 0
[[port]]
name = "lan"
device = "eth0"
rx_ring = 500
[[interface]]
name = "lan"
addresses = ["192.0.2.1"]
up = "yes"
[cache]
entries = 100
"#;
    let lines: Vec<usize> = mistakes(text).iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [3, 5, 9, 12, 13, 15]);
}

#[test]
fn mistyped_key_is_not_told_to_be_missing_too() {
    expect("[[port]]\nnam = \"x\"\ndevice = \"x\"\n", "nam", "did you mean `name`?");
    expect("[[route]]\nto = \"default\"\ngateway = \"192.0.2.9\"\n", "gateway", "did you mean `via`?");
}

#[test]
fn unknown_table_is_named() {
    expect("[router]\n[worker]\n", "worker", "did you mean `workers`?");
}

#[test]
fn file_without_ports_is_a_mistake() {
    expect_of("[router]\nname = \"r\"\n", "[", "add `[[port]]`");
    expect_of("port = []\n", "port", "add `[[port]]`");
    expect_of("[[interface]]\nname = \"lan\"\n", "[", "add `[[port]]`");
    expect_of("", "", "add `[[port]]`");
}

#[test]
fn list_and_table_mixed_up_is_told_from_the_brackets() {
    expect("[neighbor]\nhold_total = 3\n", "neighbor", "settings are in `[neighbors]`");
    expect("[[neighbors]]\naddress = \"192.0.2.2\"\n", "neighbors", "static neighbors are in `[[neighbor]]`");
    expect("[[router]]\nname = \"r\"\n", "router", "write `[router]`");
}

#[test]
fn wrong_type_says_what_was_found_and_expected() {
    expect("[workers]\nburst = \"32\"\n", "\"32\"", "is a string; expected an integer from 1 to 512");
    expect("[router]\naccept_source_route = 1\n", "1", "true or false");
    expect("[workers]\ncores = 1\n", "1", "in square brackets");
    expect("[router]\nname = 2024-01-01\n", "2024-01-01", "a date or time");
}

#[test]
fn number_out_of_range_says_the_range() {
    expect("[workers]\nburst = 513\n", "513", "from 1 to 512");
    expect("[cache]\ntimeout_s = -1\n", "-1", "from 1 to 86400");
    expect("[icmp]\nburst = 99999999999999999999999999\n", "99999999999999999999999999", "out of range");
}

#[test]
fn count_and_cores_exclude_each_other() {
    expect("[workers]\ncount = 2\ncores = [1, 2]\n", "cores", "both `count` and `cores`");
}

#[test]
fn core_named_twice_is_marked() {
    expect("[workers]\ncores = [3, 4, 3]\n", "3", "named twice");
    expect("[workers]\ncores = []\n", "cores", "expected 1 to 256 cores");
}

#[test]
fn ring_that_is_no_power_of_two_is_told_its_neighbors() {
    expect("[[port]]\nname = \"x\"\ndevice = \"x\"\nrx_ring = 1000\n", "1000", "512 or 1024");
}

#[test]
fn key_of_another_driver_is_refused() {
    let port = "[[port]]\nname = \"x\"\n";
    expect(&format!("{port}driver = \"tap\"\ndevice = \"t0\"\nrepeat = 2\n"), "repeat", "driver \"tap\"");
    expect(&format!("{port}driver = \"memory\"\ndevice = \"t0\"\n"), "device", "does not go with");
    expect(&format!("{port}device = \"t0\"\npeer = \"lan\"\n"), "peer", "driver \"auto\"");
    expect(&format!("{port}driver = \"pcap\"\n"), "[[port]]", "has no `input`");
    expect(&format!("{port}driver = \"pcap\"\noutput = \"o\"\nrepeat = 2\n"), "repeat", "without `input`");
    expect(&format!("{port}driver = \"tap\"\n"), "[[port]]", "has no `device`");
}

#[test]
fn driver_to_come_is_told_from_an_unknown_one() {
    expect("[[port]]\nname = \"x\"\ndriver = \"dpdk\"\ndevice = \"net tap\"\n", "\"net tap\"", "is no device of DPDK");
    expect("[dpdk]\nargs = [\"\"]\n[[port]]\nname = \"x\"\ndevice = \"e\"\n", "\"\"", "not an argument");
    let xdp = "[[port]]\nname = \"x\"\ndevice = \"e\"\ndriver = \"af_xdp\"\n";
    expect(&format!("{xdp}steer = \"mine\"\n"), "\"mine\"", "unknown steer `mine`");
    expect(&format!("{xdp}busy_poll = 10001\n"), "10001", "10000");
    expect("[[port]]\nname = \"x\"\ndevice = \"e\"\nsteer = \"ours\"\n", "steer", "driver \"auto\"");
    expect("[[port]]\nname = \"x\"\ndriver = \"af_paket\"\n", "\"af_paket\"", "did you mean `af_packet`?");
}

#[test]
fn port_name_and_device_are_there_once() {
    expect("[[port]]\nname = \"lan\"\ndevice = \"x\"\n", "\"lan\"", "already, on line 3");
    expect("[[port]]\nname = \"x\"\ndevice = \"eth0\"\n", "\"eth0\"", "port on line 4");
}

#[test]
fn capture_file_is_written_by_one_port_and_read_by_none_of_them() {
    let pcap = |name: &str, keys: &str| format!("[[port]]\nname = \"{name}\"\ndriver = \"pcap\"\n{keys}\n");
    let two = pcap("a", "output = \"o.pcap\"") + &pcap("b", "output = \"./o.pcap\"");
    expect_of(&two, "\"./o.pcap\"", "written by the port on line 4");
    expect_of(&pcap("a", "input = \"o\"\noutput = \"o\""), "\"o\"", "overwritten");
}

#[test]
fn memory_ports_join_in_pairs() {
    let memory = |name: &str, peer: &str| format!("[[port]]\nname = \"{name}\"\ndriver = \"memory\"\n{peer}\n");
    let pair = memory("a", "peer = \"b\"") + &memory("b", "");
    let config = parse(&pair, "m.toml").unwrap();
    assert_eq!((config.memory_peer("a"), config.memory_peer("b")), (Some("b"), Some("a")));
    expect(&memory("a", "peer = \"lan\""), "\"lan\"", "driver \"memory\" too");
    expect_of(&(pair.clone() + &memory("c", "peer = \"b\"")), "\"b\"", "the peer of another already");
    expect_of(&(memory("a", "peer = \"b\"") + &memory("b", "peer = \"b\"")), "\"b\"", "joined to `b`");
    expect_of(&memory("aaaa", "peer = \"aaab\""), "\"aaab\"", "no port `aaab`");
}

#[test]
fn interface_without_its_port_is_told_the_ports() {
    expect("[[interface]]\nname = \"wam.5\"\n", "\"wam.5\"", "did you mean `wan`?");
}

#[test]
fn vlan_out_of_range_is_marked() {
    expect("[[interface]]\nname = \"wan.4095\"\n", "\"wan.4095\"", "1 to 4094");
}

#[test]
fn interface_is_there_once() {
    expect("[[interface]]\nname = \"lan\"\n", "\"lan\"", "already, on line 10");
}

#[test]
fn address_is_there_once() {
    let more = "[[interface]]\nname = \"lan.5\"\naddresses = [\"192.0.2.1/32\"]\n";
    expect(more, "\"192.0.2.1/32\"", "already, on line 11");
    let more = "[[interface]]\nname = \"lan.5\"\naddresses = [\"10.0.0.1/24\", \"10.0.0.1/25\"]\n";
    expect(more, "\"10.0.0.1/25\"", "remove one");
}

#[test]
fn networks_of_two_interfaces_do_not_overlap() {
    for net in ["192.0.2.130/25", "192.0.0.1/16"] {
        let more = format!("[[interface]]\nname = \"lan.5\"\naddresses = [\"{net}\"]\n");
        expect(&more, &format!("\"{net}\""), "overlaps");
    }
}

#[test]
fn second_address_in_one_network_of_one_interface_is_right() {
    let more = "[[interface]]\nname = \"lan.5\"\naddresses = [\"10.0.0.1/24\", \"10.0.0.2/24\"]\n";
    parse(&format!("{BASE}{more}"), "my.toml").unwrap();
}

#[test]
fn interface_mtu_is_no_more_than_its_ports() {
    expect("[[interface]]\nname = \"wan.5\"\nmtu = 1501\n", "1501", "more than the 1500 of port `wan`");
}

#[test]
fn port_mtu_fits_the_frame_size() {
    expect("[memory]\nframe_size = 1500\n", "1500", "raise frame_size to 1514");
}

#[test]
fn gateway_is_in_reach() {
    expect("[[route]]\nto = \"default\"\nvia = \"203.0.113.1\"\n", "\"203.0.113.1\"", "on no connected network");
}

#[test]
fn gateway_out_of_reach_is_right_when_dev_names_the_interface() {
    let more = "[[route]]\nto = \"default\"\nvia = \"203.0.113.1\"\ndev = \"wan\"\n\
                [[neighbor]]\naddress = \"203.0.113.1\"\nmac = \"02:00:00:00:00:01\"\ndev = \"wan\"\n";
    parse(&format!("{BASE}{more}"), "my.toml").unwrap();
}

#[test]
fn gateway_is_another_host() {
    let via = |via: &str| format!("[[route]]\nto = \"default\"\nvia = \"{via}\"\n");
    expect(&via("192.0.2.1"), "\"192.0.2.1\"", "our own address");
    expect(&via("192.0.2.255"), "\"192.0.2.255\"", "broadcast address");
    expect(&via("192.0.2.0"), "\"192.0.2.0\"", "network address");
    expect(&via("224.0.0.1"), "\"224.0.0.1\"", "multicast");
}

#[test]
fn gateway_on_another_interface_than_dev_is_a_mistake() {
    expect("[[route]]\nto = \"default\"\nvia = \"192.0.2.9\"\ndev = \"wan\"\n", "\"wan\"", "write `dev = \"lan\"`");
}

#[test]
fn gateway_of_an_interface_that_is_wrong_is_not_told_too() {
    let text = BASE.replace("addresses = [\"192.0.2.1/24\"]", "adresses = [\"192.0.2.1/24\"]");
    let text = text + "[[route]]\nto = \"default\"\nvia = \"192.0.2.9\"\n";
    expect_of(&text, "adresses", "did you mean");
}

#[test]
fn route_names_an_interface_that_is_there() {
    expect("[[route]]\nto = \"default\"\ndev = \"wann\"\n", "\"wann\"", "did you mean `wan`?");
}

#[test]
fn route_has_no_host_bits() {
    expect("[[route]]\nto = \"10.0.0.1/8\"\ndev = \"wan\"\n", "\"10.0.0.1/8\"", "write `10.0.0.0/8`");
}

#[test]
fn route_is_there_once_a_metric() {
    let route = "[[route]]\nto = \"10.0.0.0/8\"\ntype = \"blackhole\"\n";
    expect(&format!("{route}{route}"), "\"10.0.0.0/8\"", "already, on line 16");
    parse(&format!("{BASE}{route}{route}metric = 1\n"), "my.toml").unwrap();
}

#[test]
fn route_says_where_to() {
    expect("[[route]]\nto = \"10.0.0.0/8\"\n", "[[route]]", "gateway's address as `via`");
    expect("[[route]]\nvia = \"192.0.2.2\"\n", "[[route]]", "add `to = \"default\"`");
    expect("[[route]]\nto = \"10.0.0.0/8\"\ntype = \"blackhole\"\nvia = \"192.0.2.2\"\n", "via", "does not go with");
    expect("[[route]]\nto = \"10.0.0.0/8\"\ntype = \"blackhol\"\n", "\"blackhol\"", "did you mean `blackhole`?");
}

#[test]
fn martians_may_be_dropped_by_a_route_but_not_forwarded() {
    expect("[[route]]\nto = \"224.0.0.0/4\"\ndev = \"lan\"\n", "\"224.0.0.0/4\"", "multicast");
    let more = "[[route]]\nto = \"240.0.0.0/4\"\ntype = \"blackhole\"\n";
    parse(&format!("{BASE}{more}"), "my.toml").unwrap();
}

#[test]
fn neighbor_is_on_link_and_another_host() {
    let neighbor = |address: &str, more: &str| {
        format!("[[neighbor]]\naddress = \"{address}\"\nmac = \"02:00:00:00:00:01\"\n{more}\n")
    };
    expect(&neighbor("203.0.113.1", ""), "\"203.0.113.1\"", "on no connected network");
    expect(&neighbor("203.0.113.1", "dev = \"lan\""), "\"203.0.113.1\"", "on no connected network");
    expect(&neighbor("192.0.2.1", ""), "\"192.0.2.1\"", "our own address");
    expect(&neighbor("192.0.2.255", ""), "\"192.0.2.255\"", "broadcast");
    expect(&neighbor("192.0.2.2", "dev = \"wan\""), "\"wan\"", "write `dev = \"lan\"`");
    expect(&(neighbor("192.0.2.2", "") + &neighbor("192.0.2.2", "")), "\"192.0.2.2\"", "already");
}

#[test]
fn static_neighbors_fit_the_bound_of_their_interface() {
    let neighbor = |last: u8| format!("[[neighbor]]\naddress = \"192.0.2.{last}\"\nmac = \"02:00:00:00:00:01\"\n");
    let more = format!("[neighbors]\nmax_per_interface = 1\n{}{}{}", neighbor(2), neighbor(3), neighbor(4));
    expect(&more, "[[neighbor]]", "raise max_per_interface");
}

#[test]
fn neighbor_without_dev_gets_the_interface_of_its_network() {
    let more = "[[neighbor]]\naddress = \"198.51.100.9\"\nmac = \"02:00:00:00:00:01\"\n";
    assert_eq!(parse(&format!("{BASE}{more}"), "my.toml").unwrap().neighbors[0].interface, "wan");
}

#[test]
fn share_beyond_1_is_refused() {
    for share in ["1.5", "-0.1", "nan", "inf", "2"] {
        let more = format!("[[port]]\nname = \"x\"\ndevice = \"x\"\n[port.fault]\nloss = {share}\n");
        expect(&more, share, "from 0 to 1");
    }
}

#[test]
fn link_local_gateway_needs_its_interface() {
    expect("[[route]]\nto = \"default\"\nvia = \"fe80::1\"\n", "\"fe80::1\"", "link-local");
}

#[test]
fn router_advertisement_that_contradicts_itself_is_refused() {
    let more = |keys: &str| format!("[[interface]]\nname = \"lan.5\"\n[interface.ra]\n{keys}\n");
    expect(&more("lifetime_s = 100"), "100", "less than max_interval_s = 600");
    expect(&more("min_interval_s = 700"), "700", "more than max_interval_s = 600");
    expect(&more("valid_s = 10\npreferred_s = 20"), "20", "more than valid_s = 10");
    expect(&more("prefixes = [\"2001:db8::/48\"]"), "\"2001:db8::/48\"", "form no addresses");
    expect(&more("max_interval_s = 2"), "2", "from 4 to 1800");
}

#[test]
fn a_secret_is_long_enough() {
    expect("[router]\naddress_secret = \"short\"\n", "\"short\"", "16 to 128 characters");
}

#[test]
fn interface_of_ipv6_is_not_switched_off_nor_too_small() {
    let more = "[[interface]]\nname = \"lan.5\"\naddresses = [\"2001:db8::1/64\"]\n";
    expect(&format!("{more}ipv6 = false\n"), "ipv6", "has an address of IPv6");
    expect(&format!("{more}mtu = 1200\n"), "1200", "too small for IPv6");
    let of_the_port = BASE.replace("mtu = 1500", "mtu = 1200") + "[[interface]]\nname = \"wan.5\"\nipv6 = true\n";
    let (marked, message, hint) = only_of(&of_the_port);
    assert_eq!((marked.as_str(), message.as_str()), ("1200", "an MTU of 1200 is too small for IPv6"));
    assert!(hint.contains("the interface on line 16"), "{hint}");
}

#[test]
fn syntax_error_does_not_hide_the_mistakes_of_other_lines() {
    let text = "[[port]]\nname = \"lan\ndevice = \"eth0\"\n[router]\nnme = \"r\"\n";
    let found = mistakes(text);
    let lines: Vec<usize> = found.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [2, 5], "{found}");
    assert!(found.iter().next().unwrap().message.starts_with("syntax: "), "{found}");
}

#[test]
fn escaped_control_characters_of_a_value_do_not_reach_the_terminal() {
    expect("[router]\nname = \"a\\u001b[2J\\n\"\n", "\"a\\u001b[2J\\n\"", "`a\\u{1b}[2J\\n` is not a name");
}

#[test]
fn key_written_twice_is_a_mistake() {
    expect_of("[[port]]\nname = \"a\"\nname = \"b\"\ndevice = \"eth0\"\n", "name", "duplicate key");
}
