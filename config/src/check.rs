//! What no single value shows: names that meet, addresses that overlap, gateways out of reach.
//!
//! Each check looks only at entries that could be read, and those about what is missing hold back where a wrong entry
//! may be what is missing: one mistake is reported once.

mod interface;
mod neighbor;
mod port;
mod route;
mod vrf;

use std::net::IpAddr;

use crate::Config;
use crate::decode::{Drafts, InterfaceDraft};
use crate::sink::{Located, Sink};
use crate::suggest::suggestion;

/// Every check.
pub(crate) fn all(drafts: &Drafts, config: &Config, sink: &Sink<'_>) {
    port::check(&drafts.ports, &config.memory, sink);
    vrf::check(drafts, sink);
    interface::check(&drafts.interfaces, &drafts.ports, sink);
    route::check(&drafts.routes, &drafts.interfaces, sink);
    neighbor::check(drafts, &config.neighbor, sink);
}

/// Where an address stands to the interfaces.
enum Place<'a> {
    /// It is our own address on this interface.
    Own(&'a str),
    /// It is the network's or the broadcast address of this interface's connected prefix.
    Role(&'static str, &'a str),
    /// It is on this interface's link.
    OnLink(&'a str),
    /// It is on no connected network.
    Elsewhere,
}

fn place<'a>(address: IpAddr, vrf: &str, interfaces: &'a [InterfaceDraft]) -> Place<'a> {
    // A link-local address is on whichever link is named beside it.
    if crate::value::is_link_local(address) {
        return Place::Elsewhere;
    }
    let in_vrf = || interfaces.iter().filter(|draft| draft.is_in(vrf));
    let own = in_vrf().find(|draft| draft.addresses.iter().any(|net| net.value.addr() == address));
    if let Some(name) = own.and_then(InterfaceDraft::name) {
        return Place::Own(name);
    }
    for draft in in_vrf() {
        let Some(name) = draft.name() else { continue };
        if let Some(net) = draft.addresses.iter().find(|net| net.value.contains(&address)) {
            return match crate::value::role_in_prefix(address, net.value) {
                Some(role) => Place::Role(role, name),
                None => Place::OnLink(name),
            };
        }
    }
    Place::Elsewhere
}

/// Reports an interface that is not there; says nothing when an interface without a readable name may be it.
fn interface_exists(dev: &Located<String>, interfaces: &[InterfaceDraft], sink: &Sink<'_>) -> bool {
    let names: Vec<&str> = interfaces.iter().filter_map(InterfaceDraft::name).collect();
    if names.contains(&dev.value.as_str()) {
        return true;
    }
    if names.len() == interfaces.len() {
        let hint = format!("{}{}", listed("interfaces", &names), suggestion(&dev.value, &names));
        sink.report(&dev.span, format!("there is no interface `{}`", dev.value), hint);
    }
    false
}

/// `the interfaces are: a, b`.
fn listed(what: &str, names: &[&str]) -> String {
    if names.is_empty() { format!("there are no {what}") } else { format!("the {what} are: {}", names.join(", ")) }
}
