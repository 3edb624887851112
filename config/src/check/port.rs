//! Ports against each other and against the size of the buffers.

use std::path::{Component, Path, PathBuf};

use crate::decode::PortDraft;
use crate::sink::{Located, Sink};
use crate::suggest::suggestion;
use crate::{DriverSettings, Memory};

/// An Ethernet header in bytes.
const ETHERNET: u16 = 14;

pub(super) fn check(ports: &[PortDraft], memory: &Memory, sink: &Sink<'_>) {
    for (index, port) in ports.iter().enumerate() {
        let earlier = &ports[..index];
        unique_name(port, earlier, sink);
        unique_device(port, earlier, sink);
        files_apart(port, ports, index, sink);
        peer(port, ports, sink);
        if let (Some(mtu), Some(frame_size)) = (&port.mtu, memory.frame_size)
            && mtu.value + ETHERNET > frame_size
        {
            let message = format!("an MTU of {} does not fit [memory] frame_size = {frame_size}", mtu.value);
            let hint = format!("raise frame_size to {} or more, or lower the MTU", mtu.value + ETHERNET);
            sink.report(&mtu.span, message, hint);
        }
    }
}

fn unique_name(port: &PortDraft, earlier: &[PortDraft], sink: &Sink<'_>) {
    let Some(name) = &port.name else { return };
    let same = earlier.iter().filter_map(|other| other.name.as_ref()).find(|other| other.value == name.value);
    if let Some(first) = same {
        let message = format!("there is a port `{}` already, on line {}", name.value, sink.line(&first.span));
        sink.report(&name.span, message, "give each port a name of its own");
    }
}

fn unique_device(port: &PortDraft, earlier: &[PortDraft], sink: &Sink<'_>) {
    let Some(device) = &port.device else { return };
    let same = earlier.iter().filter_map(|other| other.device.as_ref()).find(|other| other.value == device.value);
    if let Some(first) = same {
        let message = format!("device `{}` belongs to the port on line {}", device.value, sink.line(&first.span));
        sink.report(
            &device.span,
            message,
            "give each port a device of its own; for VLANs, one port with several interfaces",
        );
    }
}

/// Two ports that write one file, or one that reads what is being written, destroy it.
fn files_apart(port: &PortDraft, ports: &[PortDraft], index: usize, sink: &Sink<'_>) {
    let Some(output) = &port.output else { return };
    let same = |other: &&Located<PathBuf>| same_file(&other.value, &output.value);
    if let Some(first) = ports[..index].iter().filter_map(|other| other.output.as_ref()).find(same) {
        let message = format!("`{}` is written by the port on line {}", output.value.display(), sink.line(&first.span));
        sink.report(&output.span, message, "give each port an output file of its own");
    }
    if let Some(input) = ports.iter().filter_map(|other| other.input.as_ref()).find(same) {
        let message = format!("`{}` is the input of line {}", output.value.display(), sink.line(&input.span));
        sink.report(&output.span, message, "write to another file: this one would be overwritten");
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    let steps = |path: &'_ Path| -> PathBuf { path.components().filter(|part| *part != Component::CurDir).collect() };
    steps(a) == steps(b)
}

/// In-memory ports are joined in pairs, or each to itself.
fn peer(port: &PortDraft, ports: &[PortDraft], sink: &Sink<'_>) {
    let (Some(name), Some(peer)) = (&port.name, &port.peer) else { return };
    if peer.value == name.value {
        return;
    }
    let names: Vec<&str> = ports.iter().filter_map(|other| other.name.as_ref()).map(|n| n.value.as_str()).collect();
    let found = ports.iter().find(|other| other.name.as_ref().is_some_and(|other| other.value == peer.value));
    let Some(found) = found else {
        if names.len() == ports.len() {
            let hint = format!("{}{}", super::listed("ports", &names), suggestion(&peer.value, &names));
            sink.report(&peer.span, format!("there is no port `{}`", peer.value), hint);
        }
        return;
    };
    if let Some(other) = &found.port
        && !matches!(other.driver, DriverSettings::Memory { .. })
    {
        let message = format!("port `{}` has driver \"{}\"", peer.value, other.driver.name());
        let hint = format!("a peer needs driver \"memory\" too: see line {}", sink.line(&found.driver_span));
        sink.report(&peer.span, message, hint);
        return;
    }
    let hint = "join memory ports in pairs: two that name each other, or one that names the other";
    if let Some(theirs) = &found.peer
        && theirs.value != name.value
    {
        let message =
            format!("port `{}` is joined to `{}`, on line {}", peer.value, theirs.value, sink.line(&theirs.span));
        sink.report(&peer.span, message, hint);
    } else if let Some(rival) =
        ports.iter().filter_map(|other| other.peer.as_ref()).find(|rival| rival.value == peer.value)
        && rival.span.start < peer.span.start
    {
        let message =
            format!("port `{}` is the peer of another already, on line {}", peer.value, sink.line(&rival.span));
        sink.report(&peer.span, message, hint);
    }
}
