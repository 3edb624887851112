//! Interfaces against the ports and against each other.

use ipnet::IpNet;

use crate::decode::{IPV6_MTU_MIN, InterfaceDraft, PortDraft};
use crate::sink::{Located, Sink};
use crate::suggest::suggestion;
use crate::{Vrf, value};

pub(super) fn check(interfaces: &[InterfaceDraft], ports: &[PortDraft], sink: &Sink<'_>) {
    for (index, interface) in interfaces.iter().enumerate() {
        port_exists(interface, ports, sink);
        unique_name(interface, &interfaces[..index], sink);
        mtu_fits(interface, ports, sink);
        for (place, address) in interface.addresses.iter().enumerate() {
            let same = interface.addresses[..place].iter().find(|other| other.value.addr() == address.value.addr());
            match same {
                Some(first) => report_same(address, first, sink),
                None => apart(address, interface, &interfaces[..index], sink),
            }
        }
    }
}

fn port_exists(interface: &InterfaceDraft, ports: &[PortDraft], sink: &Sink<'_>) {
    let Some(Located { value: (port, _), span }) = &interface.name else { return };
    let names: Vec<&str> = ports.iter().filter_map(|port| port.name.as_ref()).map(|n| n.value.as_str()).collect();
    // A port without a readable name may be the one that is meant, and a file without any port has been told so.
    if !names.is_empty() && names.len() == ports.len() && !names.contains(&port.as_str()) {
        let hint = format!(
            "an interface has the name of its port; {}{}",
            super::listed("ports", &names),
            suggestion(port, &names)
        );
        sink.report(span, format!("there is no port `{port}`"), hint);
    }
}

fn unique_name(interface: &InterfaceDraft, earlier: &[InterfaceDraft], sink: &Sink<'_>) {
    let (Some(located), Some(name)) = (&interface.name, interface.name()) else { return };
    let same = earlier.iter().find(|other| other.name() == Some(name)).and_then(|other| other.name.as_ref());
    if let Some(first) = same {
        let message = format!("there is an interface `{name}` already, on line {}", sink.line(&first.span));
        sink.report(&located.span, message, "put all addresses into one `[[interface]]`");
    }
}

fn mtu_fits(interface: &InterfaceDraft, ports: &[PortDraft], sink: &Sink<'_>) {
    let Some(name) = &interface.name else { return };
    let Some(mtu) = &interface.mtu else { return ports_mtu_fits(interface, name, ports, sink) };
    let port = port_of(name, ports);
    if let Some(of_port) = port.and_then(|port| port.mtu.as_ref())
        && mtu.value > of_port.value
    {
        let message = format!("an MTU of {} is more than the {} of port `{}`", mtu.value, of_port.value, name.value.0);
        let hint = format!("lower it, or raise the port's on line {}", sink.line(&of_port.span));
        sink.report(&mtu.span, message, hint);
    }
}

/// An interface without an MTU of its own has its port's.
fn ports_mtu_fits(
    interface: &InterfaceDraft,
    name: &Located<(String, Vec<u16>)>,
    ports: &[PortDraft],
    sink: &Sink<'_>,
) {
    let Some(mtu) = port_of(name, ports).and_then(|port| port.mtu.as_ref()) else { return };
    if mtu.value < IPV6_MTU_MIN && interface.interface.as_ref().is_some_and(|interface| interface.ipv6) {
        let message = format!("an MTU of {} is too small for IPv6", mtu.value);
        let hint = format!(
            "expected {IPV6_MTU_MIN} or more (RFC 8200, 5), for the interface on line {}",
            sink.line(&name.span)
        );
        sink.report(&mtu.span, message, hint);
    }
}

fn port_of<'a>(name: &Located<(String, Vec<u16>)>, ports: &'a [PortDraft]) -> Option<&'a PortDraft> {
    ports.iter().find(|port| port.name.as_ref().is_some_and(|port| port.value == name.value.0))
}

fn report_same(address: &Located<IpNet>, first: &Located<IpNet>, sink: &Sink<'_>) {
    let message = format!("{} is there already, on line {}", address.value.addr(), sink.line(&first.span));
    sink.report(&address.span, message, "remove one of the two");
}

/// Two interfaces with one address, or with prefixes that overlap, leave it open where a packet goes.
fn apart(address: &Located<IpNet>, of: &InterfaceDraft, earlier: &[InterfaceDraft], sink: &Sink<'_>) {
    let net = address.value;
    let vrf = of.vrf.as_ref().map_or(Vrf::DEFAULT, |vrf| vrf.value.as_str());
    // In another VRF the same address means another host.
    for other in earlier.iter().filter(|other| other.is_in(vrf)) {
        for first in &other.addresses {
            if first.value.addr() == net.addr() {
                return report_same(address, first, sink);
            }
            if overlap(first.value, net) {
                let (name, line) = (other.name().unwrap_or("another"), sink.line(&first.span));
                let message =
                    format!("{} overlaps {} of interface `{name}`, on line {line}", net.trunc(), first.value.trunc());
                return sink.report(&address.span, message, "give each interface a network of its own");
            }
        }
    }
}

/// Link-local prefixes are the same on every link and mean its own each time (RFC 4291 2.5.6).
fn overlap(one: IpNet, other: IpNet) -> bool {
    !value::is_link_local(one.addr()) && (one.contains(&other.trunc()) || other.contains(&one.trunc()))
}
