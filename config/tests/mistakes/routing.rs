//! VRFs and routes by several gateways: what is right, and each mistake.

use ringway_config::{Config, RouteKind, RoutePath, parse};

use super::{BASE, expect};

/// Two VRFs, each with an interface of the same network; the ports are the base's.
const VRFS: &str = r#"
[[vrf]]
name = "red"
[[vrf]]
name = "blue-2"
[[interface]]
name = "lan.5"
vrf = "red"
addresses = ["10.0.0.1/24", "2001:db8::1/64"]
[[interface]]
name = "lan.6"
vrf = "blue-2"
addresses = ["10.0.0.1/24"]
"#;

fn right(more: &str) -> Config {
    parse(&format!("{BASE}{VRFS}{more}"), "my.toml").unwrap_or_else(|mistakes| panic!("{more}: {mistakes}"))
}

/// As [`expect`], after the VRFs too.
#[track_caller]
fn expect_in_vrfs(more: &str, marked: &str, said: &str) {
    expect(&format!("{VRFS}{more}"), marked, said);
}

/// A route to 203.0.113.0/24 with these keys.
fn route(keys: &str) -> String {
    format!("[[route]]\nto = \"203.0.113.0/24\"\n{keys}\n")
}

/// A route by these gateways, each given with what follows its address.
fn paths(paths: &[(&str, &str)]) -> String {
    let path = |(via, more): &(&str, &str)| format!("{{ via = \"{via}\"{more} }}");
    let paths: Vec<String> = paths.iter().map(path).collect();
    route(&format!("paths = [{}]", paths.join(", ")))
}

#[test]
fn interfaces_of_two_vrfs_may_have_one_network() {
    let config = right("");
    assert_eq!(config.vrfs.iter().map(|vrf| vrf.name.as_str()).collect::<Vec<_>>(), ["red", "blue-2"]);
    let of: Vec<_> = config.interfaces.iter().map(|interface| interface.vrf.as_deref()).collect();
    assert_eq!(of, [None, None, Some("red"), Some("blue-2")]);
}

#[test]
fn default_is_the_vrf_of_whatever_names_none() {
    let config = right(&route("via = \"192.0.2.9\"\nvrf = \"default\""));
    assert_eq!(config.routes[0].vrf, None);
}

#[test]
fn routes_of_vrfs_are_right() {
    // One of each: its keys, and the VRF and the lookup that are read.
    for (keys, vrf, lookup) in [
        ("via = \"10.0.0.9\"\nvrf = \"red\"", Some("red"), None),
        ("via = \"10.0.0.9\"\nlookup = \"red\"", None, Some("red")),
        ("via = \"192.0.2.9\"\nvrf = \"red\"\nlookup = \"default\"", Some("red"), Some("default")),
        ("vrf = \"red\"\nlookup = \"blue-2\"", Some("red"), Some("blue-2")),
        ("lookup = \"blue-2\"", None, Some("blue-2")),
        ("type = \"blackhole\"\nvrf = \"red\"", Some("red"), None),
        ("dev = \"lan.5\"\nvrf = \"red\"", Some("red"), None),
    ] {
        let read = &right(&route(keys)).routes[0];
        assert_eq!((read.vrf.as_deref(), read.lookup.as_deref()), (vrf, lookup), "{keys}");
    }
}

#[test]
fn one_destination_is_a_route_in_each_vrf() {
    right(&(route("via = \"10.0.0.9\"\nvrf = \"red\"") + &route("via = \"10.0.0.9\"\nvrf = \"blue-2\"")));
    let twice = route("via = \"10.0.0.9\"\nvrf = \"red\"") + &route("vrf = \"red\"\nlookup = \"default\"");
    expect_in_vrfs(&twice, "\"203.0.113.0/24\"", "already, on line 29");
}

#[test]
fn vrf_that_is_named_is_there() {
    let interface = "[[interface]]\nname = \"lan.7\"\nvrf = \"blue_2\"\n";
    let listed =
        "there is no VRF `blue_2`; add it as a `[[vrf]]`; the VRFs are: default, red, blue-2; did you mean `blue-2`?";
    expect_in_vrfs(interface, "\"blue_2\"", listed);
    expect_in_vrfs(&route("dev = \"lan.5\"\nvrf = \"green\""), "\"green\"", "there is no VRF `green`");
    expect_in_vrfs(&route("lookup = \"blue\""), "\"blue\"", "there is no VRF `blue`");
    expect("[[interface]]\nname = \"lan.7\"\nvrf = \"red\"\n", "\"red\"", "the VRFs are: default");
}

#[test]
fn vrf_is_there_once_and_has_a_name() {
    expect_in_vrfs("[[vrf]]\nname = \"red\"\n", "\"red\"", "there is a VRF `red` already, on line 17");
    expect_in_vrfs("[[vrf]]\nname = \"default\"\n", "\"default\"", "`default` is there already");
    expect_in_vrfs("[[vrf]]\nname = \"a b\"\n", "\"a b\"", "1 to 32 letters, digits");
    expect_in_vrfs("[[vrf]]\n", "[[vrf]]", "add `name`");
    expect("[vrf]\nname = \"red\"\n", "vrf", "write `[[vrf]]` with double brackets");
}

#[test]
fn lookup_leads_to_another_vrf_and_goes_with_what_is_looked_up() {
    let own = "the route is looked up in its own VRF `red`; name another VRF";
    expect_in_vrfs(&route("vrf = \"red\"\nlookup = \"red\""), "\"red\"", own);
    expect_in_vrfs(&route("lookup = \"default\""), "\"default\"", "in its own VRF `default`");
    let blackhole = route("type = \"blackhole\"\nlookup = \"red\"");
    expect_in_vrfs(&blackhole, "lookup", "type \"blackhole\", which drops the packet");
    expect_in_vrfs(&route("dev = \"lan\"\nlookup = \"red\""), "lookup", "does not go with `dev` alone");
}

#[test]
fn gateway_is_looked_for_in_the_vrf_that_has_it() {
    expect_in_vrfs(&route("via = \"10.0.0.9\""), "\"10.0.0.9\"", "on no connected network");
    expect_in_vrfs(&route("via = \"192.0.2.9\"\nvrf = \"red\""), "\"192.0.2.9\"", "on no connected network");
    expect_in_vrfs(
        &route("via = \"10.0.0.1\"\nlookup = \"red\""),
        "\"10.0.0.1\"",
        "our own address, on interface `lan.5`",
    );
    let elsewhere = route("via = \"10.0.0.9\"\ndev = \"lan.6\"\nvrf = \"red\"");
    expect_in_vrfs(&elsewhere, "\"lan.6\"", "on the network of interface `lan.5`, not of `lan.6`");
}

#[test]
fn several_gateways_have_weights_and_interfaces() {
    let more = paths(&[("192.0.2.9", ""), ("198.51.100.9", ", weight = 255"), ("203.0.113.9", ", dev = \"wan\"")]);
    let RouteKind::Paths(read) = &right(&more).routes[0].kind else { panic!("{more}") };
    let read: Vec<_> = read.iter().map(|path| (path.weight, path.interface.as_deref())).collect();
    assert_eq!(read, [(1, None), (255, None), (1, Some("wan"))]);
    // Each in a table of its own.
    right(&route("[[route.paths]]\nvia = \"192.0.2.8\"\n[[route.paths]]\nvia = \"192.0.2.9\"\nweight = 3"));
    // In another VRF, and one link-local address on two links.
    right(&(paths(&[("10.0.0.8", ""), ("10.0.0.9", "")]) + "lookup = \"red\"\n"));
    right(&paths(&[("fe80::1", ", dev = \"lan\""), ("fe80::1", ", dev = \"wan\"")]));
}

#[test]
fn default_is_of_the_family_of_the_first_gateway() {
    for (gateways, default) in [
        ([("2001:db8::8", ""), ("2001:db8::9", "")], "::/0"),
        ([("10.0.0.8", ""), ("10.0.0.9", "")], "0.0.0.0/0"),
        // An IPv6 gateway serves IPv4 too.
        ([("10.0.0.8", ""), ("2001:db8::9", "")], "0.0.0.0/0"),
    ] {
        let more = paths(&gateways).replace("203.0.113.0/24", "default") + "vrf = \"red\"\n";
        let config = right(&more);
        assert_eq!(config.routes[0].to.to_string(), default, "{more}");
        assert_eq!(parse(&config.to_toml(), "written.toml").as_ref(), Ok(&config));
    }
}

#[test]
fn weight_is_from_1_to_255() {
    for weight in ["0", "256", "-1"] {
        let more = paths(&[("192.0.2.8", ""), ("192.0.2.9", &format!(", weight = {weight}"))]);
        expect(&more, weight, "from 1 to 255");
    }
    expect(&paths(&[("192.0.2.8", ""), ("192.0.2.9", ", weight = \"2\"")]), "\"2\"", "an integer from 1 to 255");
}

#[test]
fn paths_are_two_at_least_and_no_more_than_there_is_room_for() {
    let fewer = "`paths` has fewer than two gateways; write a single gateway as `via`, or add another path";
    expect(&paths(&[]), "paths", fewer);
    expect(&paths(&[("192.0.2.9", ", weight = 2")]), "paths", fewer);
    let many = |count: usize| {
        let gateways: Vec<String> =
            (0..count).map(|number| format!("203.0.{}.{}", number / 200, number % 200 + 1)).collect();
        let gateways: Vec<(&str, &str)> = gateways.iter().map(|via| (via.as_str(), ", dev = \"wan\"")).collect();
        paths(&gateways)
    };
    right(&many(RoutePath::MOST));
    expect(&many(RoutePath::MOST + 1), "paths", "`paths` has 257 gateways; a route has at most 256");
}

#[test]
fn path_is_written_whole_and_once() {
    let twice = paths(&[("192.0.2.9", ""), ("192.0.2.9", ", weight = 2")]);
    expect(&twice, "\"192.0.2.9\"", "the route has gateway 192.0.2.9 already, on line 17; remove one; a greater share");
    expect(&route("paths = [{ weight = 2 }, { via = \"192.0.2.9\" }]"), "{ weight = 2 }", "add the gateway's address");
    let mistyped = paths(&[("192.0.2.8", ", wieght = 2"), ("192.0.2.9", "")]);
    expect(
        &mistyped,
        "wieght",
        "unknown key `wieght` in [[route.paths]]; expected one of: via, dev, weight; did you mean",
    );
    expect(&route("paths = \"192.0.2.9\""), "\"192.0.2.9\"", "a list of tables");
}

#[test]
fn each_path_is_checked_as_a_gateway_is() {
    for (via, more, marked, said) in [
        ("192.0.2.1", "", "\"192.0.2.1\"", "our own address"),
        ("192.0.2.255", "", "\"192.0.2.255\"", "broadcast address"),
        ("203.0.113.1", "", "\"203.0.113.1\"", "on no connected network"),
        ("192.0.2.9", ", dev = \"wan\"", "\"wan\"", "not of `wan`"),
        ("192.0.2.9", ", dev = \"wam\"", "\"wam\"", "did you mean `wan`?"),
        ("fe80::1", "", "\"fe80::1\"", "link-local"),
    ] {
        expect(&paths(&[("198.51.100.9", ""), (via, more)]), marked, said);
    }
}

#[test]
fn paths_take_the_place_of_via_and_dev() {
    let two = "paths = [{ via = \"192.0.2.8\" }, { via = \"192.0.2.9\" }]";
    for key in ["via = \"192.0.2.7\"", "dev = \"lan\""] {
        expect(&route(&format!("{key}\n{two}")), &key[..3], "does not go with `paths`, each of which names its own");
    }
    expect(&route(&format!("type = \"prohibit\"\n{two}")), "paths", "type \"prohibit\", which drops the packet");
}

#[test]
fn an_ipv6_route_has_ipv6_gateways() {
    let six = |keys: &str| route(keys).replace("203.0.113.0/24", "2001:db8:9::/48");
    let said = "2001:db8:9::/48 is of IPv6, and its gateway 192.0.2.9 of IPv4";
    expect(&six("via = \"192.0.2.9\""), "\"192.0.2.9\"", said);
    let mixed = six("paths = [{ via = \"2001:db8::9\", dev = \"lan\" }, { via = \"192.0.2.9\" }]");
    expect(&mixed, "\"192.0.2.9\"", said);
    right(&route("via = \"2001:db8::9\"\nvrf = \"red\""));
}
