//! `[[interface]]`.

use ipnet::IpNet;

use super::port::{MTU_MAX, MTU_MIN};
use crate::Interface;
use crate::reader::Reader;
use crate::sink::Located;
use crate::value;

/// An interface as far as it could be read.
pub(crate) struct InterfaceDraft {
    /// Its port and VLANs, at the place of its name, unless that is wrong.
    pub(crate) name: Option<Located<(String, Vec<u16>)>>,
    /// The addresses that are right.
    pub(crate) addresses: Vec<Located<IpNet>>,
    pub(crate) mtu: Option<Located<u16>>,
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
    let interface = name.as_ref().map(|name| Interface {
        addresses: addresses.iter().map(|address| address.value).collect(),
        mtu: mtu.as_ref().map(|mtu| mtu.value),
        up,
        redirects,
        directed_broadcast,
        ..Interface::new(&name.value.0, &name.value.1)
    });
    InterfaceDraft { name, addresses, mtu, right: table.is_right(), interface }
}
