//! VRFs: each is there once, and whatever names one names one that is there.

use crate::Vrf;
use crate::decode::Drafts;
use crate::sink::{Located, Sink};
use crate::suggest::suggestion;

pub(super) fn check(drafts: &Drafts, sink: &Sink<'_>) {
    let names = drafts.vrfs.iter().map(|vrf| vrf.value.as_str());
    let names: Vec<&str> = [Vrf::DEFAULT].into_iter().chain(names).collect();
    for (place, vrf) in drafts.vrfs.iter().enumerate() {
        if let Some(first) = drafts.vrfs[..place].iter().find(|other| other.value == vrf.value) {
            let message = format!("there is a VRF `{}` already, on line {}", vrf.value, sink.line(&first.span));
            sink.report(&vrf.span, message, "remove one of the two");
        }
    }
    let of_interfaces = drafts.interfaces.iter().filter_map(|interface| interface.vrf.as_ref());
    let of_routes = drafts.routes.iter().flat_map(|route| [route.vrf.as_ref(), route.lookup.as_ref()]).flatten();
    of_interfaces.chain(of_routes).for_each(|vrf| exists(vrf, &names, sink));
    for route in &drafts.routes {
        if let Some(lookup) = route.lookup.as_ref().filter(|lookup| lookup.value == route.vrf()) {
            let message = format!("the route is looked up in its own VRF `{}`", lookup.value);
            sink.report(&lookup.span, message, "name another VRF, or leave `lookup` out");
        }
    }
}

fn exists(vrf: &Located<String>, names: &[&str], sink: &Sink<'_>) {
    if !names.contains(&vrf.value.as_str()) {
        let hint = format!("add it as a `[[vrf]]`; {}{}", super::listed("VRFs", names), suggestion(&vrf.value, names));
        sink.report(&vrf.span, format!("there is no VRF `{}`", vrf.value), hint);
    }
}
