//! The commands that stop, start and reshape ports and choose what forwards.

use super::{Section, Spec};
use crate::cli::command::Command;
use crate::cli::grammar::argument::Arguments;
use crate::cli::port_command::{Direction, PortAction, PortCommand};
use ringway_config::Topology;

fn act(action: PortAction, arguments: &Arguments) -> Result<Command, String> {
    Ok(Command::Port(PortCommand::Act(action, arguments.required("port"))))
}

fn direction(word: &str) -> Direction {
    if word.starts_with("rx") { Direction::Rx } else { Direction::Tx }
}

pub(super) static ROWS: &[Spec] = &[
    Spec::new(
        Section::Ports,
        "port start <port>",
        "starts a stopped port, with the queues and descriptors that are configured now",
        "port start all",
        |a| act(PortAction::Start, a),
    ),
    Spec::new(
        Section::Ports,
        "port stop <port>",
        "stops a port: its queues are taken from the workers, its interfaces go down",
        "port stop 1",
        |a| act(PortAction::Stop, a),
    ),
    Spec::new(Section::Ports, "port close <port>", "gives a stopped port's device back", "port close 1", |a| {
        act(PortAction::Close, a)
    }),
    Spec::new(
        Section::Ports,
        "port reset <port>",
        "brings a stopped port's device back to how it was first",
        "port reset 1",
        |a| act(PortAction::Reset, a),
    ),
    Spec::new(
        Section::Ports,
        "port attach <device:file>",
        "opens one more device as a port: `tap:NAME`, `auto:INTERFACE`, `pcap:rx=FILE,tx=FILE`, `memory` ...",
        "port attach tap:tap5",
        |a| Ok(Command::Port(PortCommand::Attach(a.required("device")))),
    ),
    Spec::new(
        Section::Ports,
        "port detach <port>",
        "gives a stopped port's device back and forgets the port",
        "port detach 2",
        |a| act(PortAction::Detach, a),
    ),
    Spec::new(
        Section::Ports,
        "port config all rxq|txq <queues:1..64>",
        "queues of every port, from its next start on; all ports have to be stopped",
        "port config all rxq 2",
        |a| Ok(Command::Port(PortCommand::Queues(direction(a.required("rxq|txq")), a.required("queues")))),
    ),
    Spec::new(
        Section::Ports,
        "port config all rxd|txd <descriptors:1..32768>",
        "descriptors of each queue of every port, from its next start on; all ports have to be stopped",
        "port config all rxd 1024",
        |a| {
            let count: u32 = a.required("descriptors");
            Ok(Command::Port(PortCommand::Descriptors(direction(a.required("rxd|txd")), count)))
        },
    ),
    Spec::new(
        Section::Ports,
        "port config mtu <port> <mtu:68..65535>",
        "the largest IP packet of a port, in bytes",
        "port config mtu 0 1400",
        |a| Ok(Command::Port(PortCommand::Mtu(a.required("port"), a.required("mtu")))),
    ),
    Spec::new(
        Section::Ports,
        "port config all max-pkt-len <bytes:86..65535>",
        "the longest frame of every port, FCS included; all ports have to be stopped",
        "port config all max-pkt-len 9018",
        |a| Ok(Command::Port(PortCommand::LongestFrame(a.required("bytes")))),
    ),
    Spec::new(
        Section::Ports,
        "port config all rss <types:all|none|ip|tcp|udp|sctp|ether>",
        "the packets whose headers choose the receive queue, on every port that can",
        "port config all rss ip",
        |a| Ok(Command::Port(PortCommand::Rss(a.required::<&str>("types").into()))),
    ),
    Spec::new(
        Section::Ports,
        "port <port> rxq|txq <queue:0..1023> start|stop",
        "starts or stops one queue of a port whose driver can",
        "port 0 rxq 1 stop",
        |a| {
            Ok(Command::Port(PortCommand::Queue {
                port: a.required("port"),
                direction: direction(a.required("rxq|txq")),
                queue: a.required("queue"),
                start: a.required::<&str>("start|stop") == "start",
            }))
        },
    ),
    Spec::new(
        Section::Ports,
        "set link-up|link-down port <port>",
        "takes the link of a port up or down",
        "set link-down port 0",
        |a| {
            let up = a.required::<&str>("link-up|link-down") == "link-up";
            Ok(Command::Port(PortCommand::Link { port: a.required("port"), up }))
        },
    ),
    Spec::new(
        Section::Forwarding,
        "set nbcore <count:1..64>",
        "how many of the listed cores forward, from the next `start` on",
        "set nbcore 1",
        |a| Ok(Command::Port(PortCommand::CoreCount(a.required("count")))),
    ),
    Spec::new(
        Section::Forwarding,
        "set corelist <list>",
        "the cores that forward, of those that ringway was started with, from the next `start` on",
        "set corelist 1",
        |a| Ok(Command::Port(PortCommand::Cores(a.required("list")))),
    ),
    Spec::new(Section::Forwarding, "set coremask <mask>", "the same as a mask", "set coremask 0x2", |a| {
        Ok(Command::Port(PortCommand::CoreMask(a.required("mask"))))
    }),
    Spec::new(
        Section::Forwarding,
        "set nbport <count:1..64>",
        "how many of the listed ports forward in the modes that do not route, from the next `start` on",
        "set nbport 2",
        |a| Ok(Command::Port(PortCommand::PortCount(a.required("count")))),
    ),
    Spec::new(
        Section::Forwarding,
        "set portlist <list>",
        "the ports that forward in the modes that do not route, in this order, from the next `start` on",
        "set portlist 0,1",
        |a| Ok(Command::Port(PortCommand::Ports(a.required("list")))),
    ),
    Spec::new(Section::Forwarding, "set portmask <mask>", "the same as a mask", "set portmask 0x3", |a| {
        Ok(Command::Port(PortCommand::PortMask(a.required("mask"))))
    }),
    Spec::new(
        Section::Forwarding,
        "set port-topology <topology:paired|chained|loop>",
        "which port sends what another receives in the modes that do not route, from the next `start` on",
        "set port-topology chained",
        |a| {
            let topology = Topology::from_word(a.required("topology")).ok_or("no such topology")?;
            Ok(Command::Port(PortCommand::Topology(topology)))
        },
    ),
];
