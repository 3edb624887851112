//! `show interface`.

use std::fmt::Write as _;
use std::net::IpAddr;

use ipnet::IpNet;
use macaddr::MacAddr6;
use serde::{Serialize, Serializer};

use super::View;

/// The IP side of the ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interfaces {
    /// One an interface.
    pub interfaces: Vec<Interface>,
}

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// The port it is on.
    pub port: String,
    /// VLAN identifiers, the outer first; empty when untagged.
    pub vlans: Vec<u16>,
    /// Its MAC address.
    #[serde(serialize_with = "mac")]
    pub mac: MacAddr6,
    /// Its IP MTU, in bytes.
    pub mtu: u16,
    /// Whether it is meant to be up.
    pub admin_up: bool,
    /// Whether it is: meant to be, and the port has a link.
    pub oper_up: bool,
    /// Its addresses, each with the length of its network.
    pub addresses: Vec<IpNet>,
    /// Those of them that are not in use: still probed for, or a duplicate.
    pub unused: Vec<UnusedAddress>,
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes received, from the Ethernet header on.
    pub rx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes sent, from the Ethernet header on.
    pub tx_bytes: u64,
    /// Packets that came by it and were dropped, for whatever reason.
    pub drops: u64,
}

/// An IPv6 address that is not in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusedAddress {
    /// The address.
    pub address: IpAddr,
    /// Why: `tentative` or `duplicate`.
    pub state: String,
}

impl View for Interfaces {
    fn text(&self) -> String {
        if self.interfaces.is_empty() {
            return "no interfaces".into();
        }
        self.interfaces.iter().map(Interface::paragraph).collect::<Vec<_>>().join("\n")
    }
}

impl Interface {
    fn paragraph(&self) -> String {
        let up = |up| if up { "up" } else { "down" };
        let vlans: Vec<String> = self.vlans.iter().map(|vlan| format!(" vlan {vlan}")).collect();
        let mut text = format!(
            "{}: admin {}, link {}, port {}{}, mac {}, mtu {}\n",
            self.name,
            up(self.admin_up),
            up(self.oper_up),
            self.port,
            vlans.concat(),
            mac_text(self.mac),
            self.mtu
        );
        for address in &self.addresses {
            let unused = self.unused.iter().find(|unused| unused.address == address.addr());
            let state = unused.map_or(String::new(), |unused| format!(" {}", unused.state));
            let _ = writeln!(text, "  address {address}{state}");
        }
        let _ = writeln!(text, "  rx packets {} bytes {} drops {}", self.rx_packets, self.rx_bytes, self.drops);
        let _ = write!(text, "  tx packets {} bytes {}", self.tx_packets, self.tx_bytes);
        text
    }
}

/// A MAC address as it is written everywhere: lower case, colons.
pub(super) fn mac_text(mac: MacAddr6) -> String {
    let [a, b, c, d, e, f] = mac.into_array();
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

/// Serializes a MAC address as text.
pub(super) fn mac<S: Serializer>(mac: &MacAddr6, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&mac_text(*mac))
}

/// Serializes a MAC address as text, or null.
pub(super) fn optional_mac<S: Serializer>(mac: &Option<MacAddr6>, serializer: S) -> Result<S::Ok, S::Error> {
    mac.map(mac_text).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface() -> Interface {
        Interface {
            name: "p0.100".into(),
            port: "p0".into(),
            vlans: vec![100],
            mac: MacAddr6::new(2, 0, 0, 0, 0, 0xab),
            mtu: 1496,
            admin_up: true,
            oper_up: false,
            addresses: vec!["192.0.2.1/24".parse().unwrap(), "2001:db8::1/64".parse().unwrap()],
            unused: vec![UnusedAddress { address: "2001:db8::1".parse().unwrap(), state: "tentative".into() }],
            rx_packets: 1,
            rx_bytes: 64,
            tx_packets: 2,
            tx_bytes: 128,
            drops: 3,
        }
    }

    #[test]
    fn an_interface_shows_both_states_its_vlan_and_its_addresses() {
        let text = Interfaces { interfaces: vec![interface()] }.text();
        assert_eq!(
            text,
            "p0.100: admin up, link down, port p0 vlan 100, mac 02:00:00:00:00:ab, mtu 1496\n  \
             address 192.0.2.1/24\n  address 2001:db8::1/64 tentative\n  rx packets 1 bytes 64 drops 3\n  tx packets 2 bytes 128"
        );
    }

    #[test]
    fn addresses_in_json_are_strings() {
        let json = Interfaces { interfaces: vec![interface()] }.json();
        assert_eq!(json["interfaces"][0]["addresses"][0], "192.0.2.1/24");
        assert_eq!(json["interfaces"][0]["mac"], "02:00:00:00:00:ab");
    }
}
