//! Routes against the interfaces and against each other.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use ipnet::IpNet;

use super::Place;
use crate::decode::{InterfaceDraft, RouteDraft};
use crate::sink::{Located, Sink, Span};
use crate::{RouteKind, value};

pub(super) fn check(routes: &[RouteDraft], interfaces: &[InterfaceDraft], sink: &Sink<'_>) {
    let mut seen = HashMap::new();
    for route in routes {
        unique(route, &mut seen, sink);
        forwardable(route, sink);
        of_one_family(route, sink);
        apart(route, sink);
        if let Some(dev) = route.dev.as_ref().filter(|_| route.via.is_none()) {
            super::interface_exists(dev, interfaces, sink);
        }
        for (via, dev) in route.gateways() {
            if dev.is_none_or(|dev| super::interface_exists(dev, interfaces, sink)) {
                gateway(via, dev, route.gateway_vrf(), interfaces, sink);
            }
        }
    }
}

/// `seen` has the place of the first route to each destination with each metric.
fn unique<'a>(route: &'a RouteDraft, seen: &mut HashMap<(&'a str, IpNet, u32), &'a Span>, sink: &Sink<'_>) {
    let Some(to) = &route.to else { return };
    match seen.entry((route.vrf(), to.value, route.metric)) {
        Entry::Vacant(entry) => drop(entry.insert(&to.span)),
        Entry::Occupied(first) => {
            let (metric, line) = (route.metric, sink.line(first.get()));
            let message = format!("there is a route to {} with metric {metric} already, on line {line}", to.value);
            sink.report(&to.span, message, "remove one, or give the one to fall back to a higher `metric`");
        }
    }
}

/// Packets to these destinations are dropped before any route is asked (RFC 1812, 5.3.7); only a route that drops
/// them too says what happens.
fn forwardable(route: &RouteDraft, sink: &Sink<'_>) {
    let (Some(to), Some(found)) = (&route.to, &route.route) else { return };
    let forwards = matches!(found.kind, RouteKind::Via { .. } | RouteKind::Paths(_) | RouteKind::Interface { .. });
    if forwards && let Some(kind) = value::special_prefix(to.value) {
        let message = format!("no packet is forwarded to {}: it is {kind}", to.value);
        sink.report(&to.span, message, "remove the route");
    }
}

/// A packet of IPv6 cannot be sent to a gateway of which only an IPv4 address is known.
fn of_one_family(route: &RouteDraft, sink: &Sink<'_>) {
    let Some(to) = route.to.as_ref().filter(|to| matches!(to.value, IpNet::V6(_))) else { return };
    for (via, _) in route.gateways().filter(|(via, _)| via.value.is_ipv4()) {
        let message = format!("{} is of IPv6, and its gateway {} of IPv4", to.value, via.value);
        sink.report(&via.span, message, "expected an IPv6 address; an IPv6 gateway serves routes of IPv4 too");
    }
}

/// A gateway written twice is one with a greater share, or a slip.
fn apart(route: &RouteDraft, sink: &Sink<'_>) {
    let mut seen = HashMap::new();
    for (via, dev) in route.gateways() {
        match seen.entry((via.value, dev.map(|dev| &dev.value))) {
            Entry::Vacant(entry) => drop(entry.insert(&via.span)),
            Entry::Occupied(first) => {
                let message =
                    format!("the route has gateway {} already, on line {}", via.value, sink.line(first.get()));
                sink.report(&via.span, message, "remove one; a greater share is a greater `weight`");
            }
        }
    }
}

fn gateway(
    via: &Located<IpAddr>,
    dev: Option<&Located<String>>,
    vrf: &str,
    interfaces: &[InterfaceDraft],
    sink: &Sink<'_>,
) {
    match super::place(via.value, vrf, interfaces) {
        Place::Own(name) => {
            let message = format!("gateway {} is our own address, on interface `{name}`", via.value);
            sink.report(&via.span, message, "expected the address of another router on that network");
        }
        Place::Role(role, name) => {
            let message = format!("gateway {} is the {role} address of the network of interface `{name}`", via.value);
            sink.report(&via.span, message, "expected the address of another router on that network");
        }
        Place::OnLink(name) => {
            if let Some(dev) = dev.filter(|dev| dev.value != name) {
                let message =
                    format!("gateway {} is on the network of interface `{name}`, not of `{}`", via.value, dev.value);
                sink.report(&dev.span, message, format!("write `dev = \"{name}\"`, or leave `dev` out"));
            }
        }
        Place::Elsewhere => {
            if dev.is_none() && value::is_link_local(via.value) {
                let message = format!("gateway {} is link-local, and so on every link", via.value);
                return sink.report(&via.span, message, "name the interface with `dev`");
            }
            // An interface that could not be read may be the one that reaches it.
            if dev.is_none() && interfaces.iter().all(|interface| interface.right) {
                let message = format!("gateway {} is on no connected network", via.value);
                let hint = "give an interface an address in the gateway's network, or name the interface with `dev`";
                sink.report(&via.span, message, hint);
            }
        }
    }
}
