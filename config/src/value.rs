//! Values written as text: names, addresses, prefixes, MAC addresses, paths.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use macaddr::MacAddr6;

use crate::sink::Complaint;

/// Longest name of a port.
const NAME_MAX: usize = 32;
/// Longest name of a Linux interface: IFNAMSIZ, 16, less the final zero byte (`linux/if.h`).
const DEVICE_MAX: usize = 15;
/// Longest path of a UNIX socket: `sun_path`, 108, less the final zero byte (unix(7)).
const SOCKET_MAX: usize = 107;
/// Shortest and longest secret.
const SECRET_MIN: usize = 16;
const SECRET_MAX: usize = 128;

/// The router's name, for the prompt.
pub(crate) fn router_name(text: &str) -> Result<String, Complaint> {
    plain_name(text, "-_.").ok_or_else(|| {
        let hint = format!("expected 1 to {NAME_MAX} letters, digits, `-`, `_` or `.`");
        Complaint::new(format!("`{text}` is not a name for a router"), hint)
    })
}

/// The secret of stable addresses. RFC 7217 5: it "SHOULD be of at least 128 bits".
pub(crate) fn secret(text: &str) -> Result<String, Complaint> {
    if (SECRET_MIN..=SECRET_MAX).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    let hint = format!("expected {SECRET_MIN} to {SECRET_MAX} characters; `openssl rand -hex 16` prints a good one");
    Err(Complaint::new(format!("a secret of {} characters", text.len()), hint))
}

/// A port's name. A dot would read as a VLAN.
pub(crate) fn port_name(text: &str) -> Result<String, Complaint> {
    plain_name(text, "-_").ok_or_else(|| {
        let hint = format!("expected 1 to {NAME_MAX} letters, digits, `-` or `_`, such as `lan`");
        Complaint::new(format!("`{text}` is not a name for a port"), hint)
    })
}

fn plain_name(text: &str, others: &str) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    ((1..=NAME_MAX).contains(&text.len()) && text.chars().all(good)).then(|| text.to_owned())
}

/// A name that refers to something; whether that is there is checked later.
pub(crate) fn reference(text: &str) -> Result<String, Complaint> {
    Ok(text.to_owned())
}

/// The port and VLANs that an interface's name says, outermost first: `p0`, `p0.100`, `p0.200.100`.
pub(crate) fn interface_name(text: &str) -> Result<(String, Vec<u16>), Complaint> {
    let bad = || {
        let hint =
            "expected a port's name, or `port.VLAN`, or `port.OUTER.INNER`, such as `lan`, `lan.100`, `lan.200.100`";
        Complaint::new(format!("`{text}` is not a name for an interface"), hint)
    };
    let mut parts = text.split('.');
    let port = port_name(parts.next().unwrap_or_default()).map_err(|_| bad())?;
    let vlans = parts.map(|part| vlan(part, text)).collect::<Result<Vec<u16>, _>>()?;
    if vlans.len() > 2 {
        let hint = "expected at most two: `port.OUTER.INNER`";
        return Err(Complaint::new(format!("`{text}` has {} VLAN tags", vlans.len()), hint));
    }
    Ok((port, vlans))
}

fn vlan(part: &str, name: &str) -> Result<u16, Complaint> {
    let digits = !part.is_empty() && !part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit());
    // IEEE 802.1Q, table 9-2: identifier 0 is a priority tag, 4095 is reserved.
    let number = part.parse().ok().filter(|number| digits && (1..=4094).contains(number));
    number.ok_or_else(|| {
        let hint = "expected a VLAN from 1 to 4094 after the dot, without leading zeros";
        Complaint::new(format!("`{part}` in the interface name `{name}` is not a VLAN"), hint)
    })
}

/// The name of a Linux interface (`dev_valid_name` in the kernel's net/core/dev.c).
pub(crate) fn device(text: &str) -> Result<String, Complaint> {
    if text.split(':').count() > 2 && text.contains('.') {
        let hint = "ports by PCI address need driver \"dpdk\"";
        return Err(Complaint::new(format!("`{text}` is a PCI address"), hint));
    }
    let good = |c: char| !c.is_whitespace() && !c.is_control() && c != '/' && c != ':';
    if (1..=DEVICE_MAX).contains(&text.len()) && text != "." && text != ".." && text.chars().all(good) {
        return Ok(text.to_owned());
    }
    let hint = format!("expected 1 to {DEVICE_MAX} bytes without spaces, `/` or `:`, as `ip link` lists them");
    Err(Complaint::new(format!("`{text}` cannot be the name of a Linux interface"), hint))
}

/// Whether a word of a command line looks like a device of DPDK: a PCI address (`01:00.0`, `0000:01:00.0`), or the string of one of
/// its virtual network devices (`net_tap0,iface=lan`).
pub fn is_dpdk_device(text: &str) -> bool {
    let first = text.split(',').next().unwrap_or_default();
    let virtual_device = first.starts_with("net_") || first.starts_with("eth_");
    let (slot, function) = first.rsplit_once('.').unwrap_or((first, ""));
    let hex = |part: &str| matches!(part.len(), 2 | 4) && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pci = matches!(slot.split(':').count(), 2 | 3)
        && slot.split(':').all(hex)
        && matches!(function.as_bytes(), [b'0'..=b'7']);
    (virtual_device || pci) && dpdk_device(text).is_ok()
}

/// A device of DPDK: a PCI address, or a virtual device such as `net_tap0,iface=lan`.
pub(crate) fn dpdk_device(text: &str) -> Result<String, Complaint> {
    let first = text.split(',').next().unwrap_or_default();
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.' | '-');
    if !first.is_empty() && first.chars().all(name) && !text.contains(|c: char| c.is_control()) {
        return Ok(text.to_owned());
    }
    let hint = "expected a PCI address such as `0000:01:00.0`, or a virtual device such as `net_tap0,iface=lan`";
    Err(Complaint::new(format!("`{text}` is no device of DPDK"), hint))
}

/// One word of a command line.
pub(crate) fn argument(text: &str) -> Result<String, Complaint> {
    if text.is_empty() || text.contains('\0') {
        return Err(Complaint::new("this is not an argument", "expected a word, such as `--log-level=debug`"));
    }
    Ok(text.to_owned())
}

/// A file's path.
pub(crate) fn path(text: &str) -> Result<PathBuf, Complaint> {
    if text.is_empty() || text.contains('\0') {
        return Err(Complaint::new("this is not a path", "expected the path of a file"));
    }
    Ok(PathBuf::from(text))
}

/// A VRF's name.
pub(crate) fn vrf_name(text: &str) -> Result<String, Complaint> {
    if text == crate::Vrf::DEFAULT {
        let hint = "`default` is there already; choose another name";
        return Err(Complaint::new("a VRF cannot be called `default`", hint));
    }
    plain_name(text, "-_").ok_or_else(|| {
        let hint = format!("expected 1 to {NAME_MAX} letters, digits, `-` or `_`, such as `red`");
        Complaint::new(format!("`{text}` is not a name for a VRF"), hint)
    })
}

/// The path of a UNIX socket.
pub(crate) fn socket(text: &str) -> Result<PathBuf, Complaint> {
    if text.len() > SOCKET_MAX {
        let hint = format!("expected at most {SOCKET_MAX} bytes, the limit of a UNIX socket");
        return Err(Complaint::new(format!("the path of the socket has {} bytes", text.len()), hint));
    }
    path(text)
}

/// A MAC address that one station can have.
pub(crate) fn mac(text: &str) -> Result<MacAddr6, Complaint> {
    let hint = "expected a unicast address of six bytes, such as `02:00:00:00:00:01`";
    let shaped = text.is_ascii() && text.len() == 17;
    let Some(mac) = shaped.then(|| text.parse::<MacAddr6>().ok()).flatten() else {
        return Err(Complaint::new(format!("`{text}` is not a MAC address"), hint));
    };
    let wrong = match mac {
        _ if mac.is_nil() => "zero",
        _ if mac.is_broadcast() => "the broadcast address",
        _ if mac.is_multicast() => "a multicast address",
        _ => return Ok(mac),
    };
    Err(Complaint::new(format!("MAC address `{text}` is {wrong}"), hint))
}

/// The address of one host: a gateway or a neighbor.
pub(crate) fn host(text: &str) -> Result<IpAddr, Complaint> {
    let hint = "expected an address, such as `192.0.2.1` or `2001:db8::1`";
    let address = match text.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) if text.contains('/') => {
            let hint = "expected an address without a prefix length, such as `192.0.2.1` or `2001:db8::1`";
            return Err(Complaint::new(format!("`{text}` is not the address of one host"), hint));
        }
        Err(_) => return Err(Complaint::new(format!("`{text}` is not an IP address"), hint)),
    };
    match special(address) {
        Some(kind) => Err(Complaint::new(format!("{address} is {kind}, which no host can have"), hint)),
        None => Ok(address),
    }
}

/// An interface's address with the length of its connected prefix.
pub(crate) fn interface_address(text: &str) -> Result<IpNet, Complaint> {
    let hint = "expected an address with its prefix length, such as `192.0.2.1/24` or `2001:db8::1/64`";
    let net = match text.parse::<IpNet>() {
        Ok(net) => net,
        Err(_) if text.parse::<IpAddr>().is_ok() => {
            return Err(Complaint::new(format!("`{text}` has no prefix length"), hint));
        }
        Err(_) => return Err(Complaint::new(format!("`{text}` is not an address with a prefix length"), hint)),
    };
    let address = net.addr();
    if let Some(kind) = special(address) {
        return Err(Complaint::new(format!("{address} is {kind}, which no interface can have"), hint));
    }
    if net.prefix_len() == 0 {
        let most = net.max_prefix_len();
        let hint = format!(
            "expected a prefix length from 1 to {most}; everything else is reached by a `[[route]]` to \"default\""
        );
        return Err(Complaint::new(format!("`{text}` makes the whole Internet a connected network"), hint));
    }
    if let Some(role) = role_in_prefix(address, net) {
        let hint = match first_host(net) {
            Some(first) => format!("expected an address of a host, such as `{first}/{}`", net.prefix_len()),
            None => hint.to_owned(),
        };
        return Err(Complaint::new(format!("{address} is the {role} address of {}", net.trunc()), hint));
    }
    Ok(net)
}

/// Whether the address is the network's or the broadcast address of its prefix, which no host can have.
/// A /31 has neither (RFC 3021), nor has a /32.
pub(crate) fn role_in_prefix(address: IpAddr, prefix: IpNet) -> Option<&'static str> {
    match prefix {
        _ if prefix.max_prefix_len() - prefix.prefix_len() <= 1 => None,
        _ if address == prefix.network() => Some(if address.is_ipv4() { "network" } else { "subnet-router anycast" }),
        IpNet::V4(net) if address == net.broadcast() => Some("broadcast"),
        _ => None,
    }
}

/// The lowest address of the prefix that a host can have.
fn first_host(prefix: IpNet) -> Option<IpAddr> {
    prefix.hosts().find(|address| role_in_prefix(*address, prefix).is_none())
}

/// The destination of a route: `default`, a prefix without host bits, or an address, which is a /32.
/// With `ipv6`, `default` means `::/0`.
pub(crate) fn destination(text: &str, ipv6: bool) -> Result<IpNet, Complaint> {
    if text == "default" {
        return Ok(if ipv6 { Ipv6Net::default().into() } else { Ipv4Net::default().into() });
    }
    let net = match text.parse::<IpNet>().or_else(|error| text.parse::<IpAddr>().map(IpNet::from).map_err(|_| error)) {
        Ok(net) => net,
        Err(_) => {
            let hint = "expected \"default\" or a prefix, such as `203.0.113.0/24` or `2001:db8::/32`";
            return Err(Complaint::new(format!("`{text}` is not a destination"), hint));
        }
    };
    if net.trunc() != net {
        let hint = format!("write `{}`, or `{}` for the one address", net.trunc(), IpNet::from(net.addr()));
        return Err(Complaint::new(format!("`{text}` has bits set after the first {}", net.prefix_len()), hint));
    }
    Ok(net)
}

/// A prefix that hosts form addresses of. RFC 4862 5.5.3 (d): "If the sum of the prefix length and interface identifier
/// length does not equal 128 bits, the Prefix Information option MUST be ignored", and on Ethernet it is 64 bits.
pub(crate) fn advertised_prefix(text: &str) -> Result<Ipv6Net, Complaint> {
    let hint = "expected a prefix of 64 bits, such as `2001:db8:1::/64`";
    let Ok(net) = text.parse::<Ipv6Net>() else {
        return Err(Complaint::new(format!("`{text}` is not an IPv6 prefix"), hint));
    };
    if net.prefix_len() != 64 || net.trunc() != net {
        return Err(Complaint::new(format!("hosts form no addresses of `{text}`"), hint));
    }
    match special(IpAddr::V6(net.network())) {
        Some(kind) => Err(Complaint::new(format!("`{text}` is {kind}"), hint)),
        None if is_link_local(IpAddr::V6(net.network())) => {
            Err(Complaint::new(format!("`{text}` is link-local"), hint))
        }
        None => Ok(net),
    }
}

/// The address of a name server.
pub(crate) fn name_server(text: &str) -> Result<Ipv6Addr, Complaint> {
    let hint = "expected an IPv6 address, such as `2001:db8::53`";
    match host(text)? {
        IpAddr::V6(address) => Ok(address),
        IpAddr::V4(_) => Err(Complaint::new(format!("`{text}` is not an IPv6 address"), hint)),
    }
}

/// What a prefix is that holds nothing but special addresses.
pub(crate) fn special_prefix(prefix: IpNet) -> Option<&'static str> {
    let shortest = match prefix {
        IpNet::V4(_) => 4,
        IpNet::V6(net) if net.network().is_multicast() => 8,
        IpNet::V6(_) => 128,
    };
    (prefix.prefix_len() >= shortest).then(|| special(prefix.network())).flatten()
}

/// Whether the address means a host on one link only (RFC 4291 2.5.6).
pub(crate) fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// What an address is that no packet may be routed to or come from.
pub(crate) fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_ipv4(address),
        // RFC 4291 2.5.2, 2.5.3, 2.7.
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Some("the unspecified address"),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Some("the loopback address"),
        IpAddr::V6(address) if address.is_multicast() => Some("a multicast address"),
        // 2.5.5: neither is ever on a wire.
        IpAddr::V6(address) if matches!(address.to_bits() >> 32, 0 | 0xffff) => {
            Some("an IPv4-mapped or IPv4-compatible address")
        }
        IpAddr::V6(_) => None,
    }
}

/// RFC 1812, 4.2.2.11 and 5.3.7.
fn special_ipv4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets()[0] {
        0 => Some("in 0.0.0.0/8 (this network)"),
        127 => Some("a loopback address"),
        224..=239 => Some("a multicast address"),
        240..=255 => Some("in 240.0.0.0/4 (class E and broadcast)"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T: std::fmt::Debug>(outcome: Result<T, Complaint>) -> String {
        let complaint = outcome.unwrap_err();
        format!("{}; {}", complaint.message, complaint.hint)
    }

    #[test]
    fn interface_name_says_port_and_vlans() {
        assert_eq!(interface_name("p0"), Ok(("p0".into(), vec![])));
        assert_eq!(interface_name("p0.100"), Ok(("p0".into(), vec![100])));
        assert_eq!(interface_name("p0.200.100"), Ok(("p0".into(), vec![200, 100])));
    }

    #[test]
    fn vlan_outside_1_to_4094_is_refused() {
        for name in ["p0.0", "p0.4095", "p0.65537", "p0.x", "p0.", "p0.+1", "p0.0100", "p0.1.0"] {
            assert!(message(interface_name(name)).contains("1 to 4094"), "{name}");
        }
        assert!(message(interface_name("p0.1.2.3")).contains("3 VLAN tags"));
    }

    #[test]
    fn network_and_broadcast_addresses_are_no_hosts() {
        assert!(message(interface_address("192.0.2.0/24")).contains("network address"));
        assert!(message(interface_address("192.0.2.255/24")).contains("broadcast address"));
    }

    #[test]
    fn point_to_point_prefixes_have_only_hosts() {
        for text in ["192.0.2.0/31", "192.0.2.1/31", "192.0.2.0/32"] {
            assert!(interface_address(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn addresses_no_host_can_have_are_refused() {
        for text in ["0.1.2.3", "127.0.0.1", "224.0.0.5", "240.0.0.1", "255.255.255.255"] {
            assert!(message(host(text)).contains("no host can have"), "{text}");
            assert!(message(interface_address(&format!("{text}/8"))).contains("no interface"), "{text}");
        }
    }

    #[test]
    fn ipv6_is_read_as_ipv4_is() {
        assert_eq!(host("2001:db8::1").unwrap().to_string(), "2001:db8::1");
        assert_eq!(host("fe80::1").unwrap().to_string(), "fe80::1");
        assert_eq!(interface_address("2001:db8::1/64").unwrap().to_string(), "2001:db8::1/64");
        assert!(message(interface_address("2001:db8::1")).contains("no prefix length"));
        assert!(message(interface_address("2001:db8::/64")).contains("subnet-router anycast"));
        for text in ["::", "::1", "ff02::1", "::ffff:192.0.2.1"] {
            assert!(message(host(text)).contains("no host can have"), "{text}");
        }
        assert_eq!(destination("2001:db8::1", false).unwrap().to_string(), "2001:db8::1/128");
        assert_eq!(destination("default", true).unwrap().to_string(), "::/0");
        assert!(message(destination("2001:db8::1/32", false)).contains("`2001:db8::/32`"));
    }

    #[test]
    fn only_a_prefix_of_64_bits_is_advertised() {
        assert_eq!(advertised_prefix("2001:db8:1::/64").unwrap().to_string(), "2001:db8:1::/64");
        for text in ["2001:db8::/48", "2001:db8::1/64", "192.0.2.0/24", "fe80::/64"] {
            assert!(advertised_prefix(text).is_err(), "{text}");
        }
        assert!(name_server("192.0.2.1").is_err());
    }

    #[test]
    fn route_with_host_bits_is_told_its_prefix() {
        assert!(message(destination("203.0.113.7/24", false)).contains("`203.0.113.0/24`"));
        assert_eq!(destination("203.0.113.7", false).unwrap().to_string(), "203.0.113.7/32");
        assert_eq!(destination("default", false).unwrap().to_string(), "0.0.0.0/0");
    }

    #[test]
    fn mac_of_no_single_station_is_refused() {
        for text in ["00:00:00:00:00:00", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "02:00:00:00:01", "x"] {
            assert!(message(mac(text)).contains("unicast"), "{text}");
        }
        assert!(mac("02:00:00:00:00:01").is_ok());
    }

    #[test]
    fn missing_prefix_length_is_told() {
        assert!(message(interface_address("192.0.2.1")).contains("no prefix length"));
        assert!(message(interface_address("192.0.2.1/0")).contains("whole Internet"));
    }

    #[test]
    fn pci_address_is_told_from_a_linux_interface() {
        assert!(message(device("0000:03:00.0")).contains("PCI"));
        assert!(message(device("a/b")).contains("Linux interface"));
        assert!(message(device("sixteen-is-too-m")).contains("15"));
    }
}
