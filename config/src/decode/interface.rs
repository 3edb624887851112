//! `[[interface]]` and `[interface.ra]`.

use ipnet::IpNet;

use super::advertise;
use super::port::{IPV6_MTU_MIN, MTU_MAX, MTU_MIN};
use crate::keys;
use crate::reader::Reader;
use crate::sink::Located;
use crate::value;
use crate::{Interface, InterfaceId, SourceCheck, Vrf};

/// An interface as far as it could be read.
pub(crate) struct InterfaceDraft {
    /// Its port and VLANs, at the place of its name, unless that is wrong.
    pub(crate) name: Option<Located<(String, Vec<u16>)>>,
    /// The addresses that are right.
    pub(crate) addresses: Vec<Located<IpNet>>,
    pub(crate) mtu: Option<Located<u16>>,
    pub(crate) vrf: Option<Located<String>>,
    /// Whether nothing in its table is wrong, so that it has no address but these.
    pub(crate) right: bool,
    /// All of it, when nothing of what it needs is missing.
    pub(crate) interface: Option<Interface>,
}

impl InterfaceDraft {
    /// Its name, unless that is wrong.
    pub(crate) fn name(&self) -> Option<&str> {
        self.interface.as_ref().map(|interface| interface.name.as_str())
    }

    /// Whether it is in this VRF.
    pub(crate) fn is_in(&self, vrf: &str) -> bool {
        self.vrf.as_ref().map_or(Vrf::DEFAULT, |vrf| vrf.value.as_str()) == vrf
    }
}

pub(crate) fn read(table: &Reader<'_>) -> InterfaceDraft {
    let name = table.text("name", "the name of a port, such as \"lan\"", value::interface_name);
    table.report_missing("name", "add `name`, that of a port, or `port.VLAN`");
    let expected = "a list of addresses, such as [\"192.0.2.1/24\"]";
    let addresses = table.texts("addresses", expected, value::interface_address);
    let mtu = table.integer("mtu", MTU_MIN..=MTU_MAX);
    let up = table.boolean_or("up", true);
    let redirects = table.boolean_or("redirects", true);
    let directed_broadcast = table.boolean_or("directed_broadcast", false);
    let ra = table.table("ra", &keys::RA).map(|table| advertise::read(&table));
    // Who advertises or has an address of IPv6 wants IPv6.
    let has_ipv6 = ra.is_some() || addresses.iter().any(|net| net.value.addr().is_ipv6());
    let ipv6 = table.boolean_or("ipv6", has_ipv6);
    if has_ipv6 && !ipv6 {
        let message = "`ipv6` is false, but the interface has an address of IPv6 or advertises itself";
        table.sink.report(&table.key_span("ipv6"), message, "remove `ipv6`, or the addresses and `[interface.ra]`");
    }
    let interface_id = table.word_or("interface_id", InterfaceId::Eui64);
    let duplicate_detection = table.boolean_or("duplicate_detection", true);
    if let Some(mtu) = mtu.as_ref().filter(|mtu| ipv6 && mtu.value < IPV6_MTU_MIN) {
        let message = format!("an MTU of {} is too small for IPv6", mtu.value);
        table.sink.report(&mtu.span, message, format!("expected {IPV6_MTU_MIN} or more (RFC 8200, 5)"));
    }
    let vrf = table.text("vrf", "the name of a VRF", value::reference);
    let source_check = table.word_or("source_check", SourceCheck::Off);
    let interface = name.as_ref().map(|name| Interface {
        addresses: addresses.iter().map(|address| address.value).collect(),
        mtu: mtu.as_ref().map(|mtu| mtu.value),
        up,
        redirects,
        directed_broadcast,
        ipv6,
        interface_id,
        duplicate_detection,
        ra,
        vrf: vrf.as_ref().map(|vrf| vrf.value.clone()).filter(|name| name != Vrf::DEFAULT),
        source_check,
        ..Interface::new(&name.value.0, &name.value.1)
    });
    InterfaceDraft { name, addresses, mtu, vrf, right: table.is_right(), interface }
}
