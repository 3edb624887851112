//! Static neighbors against the interfaces and against each other.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Place;
use crate::decode::{Drafts, NeighborDraft, RouteDraft};
use crate::sink::Sink;
use crate::{NeighborSettings, Vrf};

pub(super) fn check(drafts: &Drafts, settings: &NeighborSettings, sink: &Sink<'_>) {
    let mut seen = HashMap::new();
    let mut counts = HashMap::new();
    for neighbor in &drafts.neighbors {
        let known = neighbor.dev.as_ref().is_none_or(|dev| super::interface_exists(dev, &drafts.interfaces, sink));
        if !known {
            continue;
        }
        on_link(neighbor, drafts, sink);
        let (Some(interface), Some(address)) = (neighbor.interface(&drafts.interfaces), &neighbor.address) else {
            continue;
        };
        match seen.entry((interface, address.value)) {
            Entry::Vacant(entry) => drop(entry.insert(&address.span)),
            Entry::Occupied(first) => {
                let line = sink.line(first.get());
                let message = format!("there is a neighbor {} already, on line {line}", address.value);
                sink.report(&address.span, message, "remove one of the two");
            }
        }
        let count = counts.entry(interface).or_insert(0_u32);
        // Said once, at the first that is too many.
        if *count == settings.max_per_interface {
            let message = format!("interface `{interface}` has more static neighbors than max_per_interface = {count}");
            sink.report(&neighbor.span, message, "raise max_per_interface in [neighbors]");
        }
        *count += 1;
    }
}

fn on_link(neighbor: &NeighborDraft, drafts: &Drafts, sink: &Sink<'_>) {
    let Some(address) = &neighbor.address else { return };
    // An interface that the file names says which VRF is meant.
    let named =
        neighbor.dev.as_ref().and_then(|dev| drafts.interfaces.iter().find(|there| there.name() == Some(&dev.value)));
    let found = neighbor.interface(&drafts.interfaces);
    let draft = named.or_else(|| drafts.interfaces.iter().find(|there| there.name() == found));
    let vrf = draft.and_then(|there| there.vrf.as_ref()).map_or(Vrf::DEFAULT, |vrf| vrf.value.as_str());
    match super::place(address.value, vrf, &drafts.interfaces) {
        Place::Own(name) => {
            let message = format!("neighbor {} is our own address, on interface `{name}`", address.value);
            sink.report(&address.span, message, "expected the address of another host");
        }
        Place::Role(role, name) => {
            let message =
                format!("neighbor {} is the {role} address of the network of interface `{name}`", address.value);
            sink.report(&address.span, message, "expected the address of a host");
        }
        Place::OnLink(name) => {
            if let Some(dev) = neighbor.dev.as_ref().filter(|dev| dev.value != name) {
                let message = format!(
                    "neighbor {} is on the network of interface `{name}`, not of `{}`",
                    address.value, dev.value
                );
                sink.report(&dev.span, message, format!("write `dev = \"{name}\"`, or leave `dev` out"));
            }
        }
        // A link-local address is on the link that is named.
        Place::Elsewhere if crate::value::is_link_local(address.value) && neighbor.dev.is_some() => {}
        Place::Elsewhere => {
            // A gateway that a route puts on the interface by name is reached there without a connected prefix.
            let of = neighbor.dev.as_ref().map(|dev| &dev.value);
            let is_gateway = drafts
                .routes
                .iter()
                .flat_map(RouteDraft::gateways)
                .any(|(via, dev)| via.value == address.value && dev.is_some() && dev.map(|dev| &dev.value) == of);
            if !is_gateway && drafts.interfaces.iter().all(|interface| interface.right) {
                let message = format!("neighbor {} is on no connected network", address.value);
                sink.report(&address.span, message, "give an interface an address in the neighbor's network");
            }
        }
    }
}
