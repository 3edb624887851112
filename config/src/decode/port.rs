//! `[[port]]` and `[port.fault]`.

use std::path::PathBuf;

use crate::keys;
use crate::reader::Reader;
use crate::sink::{Complaint, Located, Span};
use crate::suggest::one_of;
use crate::value;
use crate::{DriverSettings, Fault, Port, Xdp};

/// Lowest MTU: RFC 791, "Every internet module must be able to forward a datagram of 68 octets without further
/// fragmentation."
pub(crate) const MTU_MIN: u64 = 68;
/// The smallest MTU of an interface that speaks IPv6: RFC 8200 5.
pub(crate) const IPV6_MTU_MIN: u16 = 1280;
/// Highest MTU: the jumbo frames that network cards agree on.
pub(crate) const MTU_MAX: u64 = 9216;

/// Drivers that the file can ask for.
const DRIVERS: [&str; 7] = ["auto", "dpdk", "af_xdp", "af_packet", "tap", "pcap", "memory"];
/// Keys that only some drivers know.
const DRIVER_KEYS: [&str; 12] = [
    "device",
    "input",
    "output",
    "repeat",
    "peer",
    "steer",
    "mode",
    "zero_copy",
    "busy_poll",
    "batch",
    "batch_wait_us",
    "defer_us",
];
/// Longest busy poll, in microseconds: a worker does nothing else meanwhile.
const BUSY_POLL_MAX: u64 = 10_000;
/// Most frames worth waiting for: a poll takes no more.
const BATCH_MAX: u64 = 32;
/// Longest wait for more frames, in microseconds.
const BATCH_WAIT_MAX: u64 = 1000;
/// Longest time between two turns of the kernel's receive work, in microseconds.
const DEFER_MAX: u64 = 1000;

/// Most queues of a direction.
const QUEUES_MAX: u64 = 256;

/// A port as far as it could be read.
pub(crate) struct PortDraft {
    /// Its name, unless that is wrong.
    pub(crate) name: Option<Located<String>>,
    /// The key `driver`, or the heading.
    pub(crate) driver_span: Span,
    pub(crate) device: Option<Located<String>>,
    pub(crate) input: Option<Located<PathBuf>>,
    pub(crate) output: Option<Located<PathBuf>>,
    pub(crate) peer: Option<Located<String>>,
    pub(crate) mtu: Option<Located<u16>>,
    /// All of it, when nothing of what it needs is missing.
    pub(crate) port: Option<Port>,
}

#[derive(Clone, Copy, PartialEq)]
enum Driver {
    Auto,
    AfXdp,
    AfPacket,
    Dpdk,
    Tap,
    Pcap,
    Memory,
}

pub(crate) fn read(table: &Reader<'_>) -> PortDraft {
    let name = table.text("name", "a name, such as \"lan\"", value::port_name);
    table.report_missing("name", "add `name = \"lan\"`: interfaces refer to the port by it");
    let driver = match table.has("driver") {
        true => table.text("driver", "the name of a driver, such as \"af_packet\"", driver),
        false => Some(Located { value: Driver::Auto, span: table.span().clone() }),
    };
    let device = match &driver {
        Some(driver) if driver.value == Driver::Dpdk => {
            table.text("device", "a PCI address or a virtual device of DPDK", value::dpdk_device)
        }
        _ => table.text("device", "the name of a Linux interface", value::device),
    };
    let input = table.text("input", "the path of a capture file", value::path);
    let output = table.text("output", "the path of a capture file", value::path);
    let repeat = table.integer("repeat", 0..=u64::from(u32::MAX));
    let peer = table.text("peer", "the name of a port", value::reference);
    if let Some(driver) = &driver {
        fits_driver(table, driver.value);
    }
    // A key that does not go with the driver has been reported and refers to nothing.
    let is = |wanted: Driver| driver.as_ref().is_some_and(|driver| driver.value == wanted);
    let device = device.filter(|_| !is(Driver::Pcap) && !is(Driver::Memory));
    let input = input.filter(|_| is(Driver::Pcap));
    let output = output.filter(|_| is(Driver::Pcap));
    let peer = peer.filter(|_| is(Driver::Memory));
    let mtu = table.integer("mtu", MTU_MIN..=MTU_MAX);
    let mac = table.text("mac", "a MAC address, such as \"02:00:00:00:00:01\"", value::mac);
    let rx_ring = table.power_of_two_or("rx_ring", 32..=32_768, Port::DEFAULT_RING);
    let tx_ring = table.power_of_two_or("tx_ring", 32..=32_768, Port::DEFAULT_RING);
    let rx_queues = table.integer("rx_queues", 1..=QUEUES_MAX);
    let tx_queues = table.integer("tx_queues", 1..=QUEUES_MAX);
    let rss = table.word("rss");
    let vlan_strip = table.boolean_or("vlan_strip", false);
    let vlan_filter = table.boolean_or("vlan_filter", false);
    let vlans = table.integers("vlans", &(1..=4094));
    let promiscuous = table.boolean_or("promiscuous", false);
    let all_multicast = table.boolean_or("all_multicast", false);
    let tx_vlan = table.integer("tx_vlan", 1..=4094);
    let eth_peer = table.text("eth_peer", "a MAC address, such as \"02:00:00:00:00:01\"", value::mac);
    let fault = table.table("fault", &keys::FAULT).map(|table| fault(&table));

    let settings = driver.as_ref().and_then(|driver| match driver.value {
        Driver::Auto => device.clone().map(|device| DriverSettings::Auto { device: device.value }),
        Driver::AfXdp => {
            let xdp = xdp(table);
            device.clone().map(|device| DriverSettings::AfXdp { device: device.value, xdp })
        }
        Driver::AfPacket => device.clone().map(|device| DriverSettings::AfPacket { device: device.value }),
        Driver::Dpdk => device.clone().map(|device| DriverSettings::Dpdk { device: device.value }),
        Driver::Tap => device.clone().map(|device| DriverSettings::Tap { device: device.value }),
        Driver::Pcap => Some(DriverSettings::Pcap {
            input: input.clone().map(|path| path.value),
            output: output.clone().map(|path| path.value),
            repeat: repeat.map_or(1, |repeat| repeat.value),
        }),
        Driver::Memory => Some(DriverSettings::Memory { peer: peer.clone().map(|peer| peer.value) }),
    });
    let port = name.clone().zip(settings).map(|(name, driver)| Port {
        name: name.value,
        driver,
        rx_ring,
        tx_ring,
        rx_queues: rx_queues.map(|queues| queues.value),
        tx_queues: tx_queues.map(|queues| queues.value),
        rss: rss.map(|packets| packets.value),
        vlan_strip,
        vlan_filter,
        vlans: vlans.into_iter().map(|vlan| vlan.value).collect(),
        mtu: mtu.clone().map(|mtu| mtu.value),
        mac: mac.map(|mac| mac.value),
        promiscuous,
        all_multicast,
        tx_vlan: tx_vlan.map(|vlan| vlan.value),
        eth_peer: eth_peer.map(|mac| mac.value),
        fault,
    });
    PortDraft { name, driver_span: table.key_span("driver"), device, input, output, peer, mtu, port }
}

fn driver(text: &str) -> Result<Driver, Complaint> {
    match text {
        "auto" => Ok(Driver::Auto),
        "af_xdp" => Ok(Driver::AfXdp),
        "af_packet" => Ok(Driver::AfPacket),
        "tap" => Ok(Driver::Tap),
        "pcap" => Ok(Driver::Pcap),
        "memory" => Ok(Driver::Memory),
        "dpdk" => Ok(Driver::Dpdk),
        _ => Err(Complaint::new(format!("unknown driver `{text}`"), one_of(text, &DRIVERS))),
    }
}

/// Reports keys of other drivers, and those that this one misses.
fn fits_driver(table: &Reader<'_>, driver: Driver) {
    let (word, allowed): (&str, &[&str]) = match driver {
        Driver::Auto => ("driver \"auto\"", &["device"]),
        Driver::AfXdp => (
            "driver \"af_xdp\"",
            &["device", "steer", "mode", "zero_copy", "busy_poll", "batch", "batch_wait_us", "defer_us"],
        ),
        Driver::AfPacket => ("driver \"af_packet\"", &["device"]),
        Driver::Dpdk => ("driver \"dpdk\"", &["device"]),
        Driver::Tap => ("driver \"tap\"", &["device"]),
        Driver::Pcap => ("driver \"pcap\"", &["input", "output", "repeat"]),
        Driver::Memory => ("driver \"memory\"", &["peer"]),
    };
    for key in DRIVER_KEYS {
        if !allowed.contains(&key) {
            table.report_misplaced(key, word, allowed);
        }
    }
    match driver {
        Driver::Auto | Driver::AfXdp | Driver::AfPacket => {
            table.report_missing("device", "add `device = \"eth0\"`, a name that `ip link` lists")
        }
        Driver::Dpdk => {
            let hint = "add `device = \"0000:01:00.0\"`, a PCI address that `lspci -D` lists, or a virtual device, `\"net_tap0\"`";
            table.report_missing("device", hint)
        }
        Driver::Tap => {
            table.report_missing("device", "add `device = \"tap0\"`, the name that the TAP device shall have")
        }
        Driver::Pcap => {
            if !table.has("input") && !table.has("output") {
                table.report_missing(
                    "input",
                    "add `input` to receive from a capture file, `output` to write one, or both",
                );
            } else if !table.has("input") && table.has("repeat") {
                let hint = "remove `repeat`, or add the `input` to play";
                table.sink.report(&table.key_span("repeat"), "`repeat` without `input`", hint);
            }
        }
        Driver::Memory => {}
    }
}

fn xdp(table: &Reader<'_>) -> Xdp {
    let default = Xdp::default();
    Xdp {
        steer: table.word_or("steer", default.steer),
        mode: table.word_or("mode", default.mode),
        zero_copy: table.word_or("zero_copy", default.zero_copy),
        busy_poll: table.integer_or("busy_poll", 0..=BUSY_POLL_MAX, default.busy_poll),
        batch: table.integer_or("batch", 1..=BATCH_MAX, default.batch),
        batch_wait_us: table.integer_or("batch_wait_us", 0..=BATCH_WAIT_MAX, default.batch_wait_us),
        defer_us: table.integer_or("defer_us", 0..=DEFER_MAX, default.defer_us),
    }
}

fn fault(table: &Reader<'_>) -> Fault {
    let default = Fault::default();
    Fault {
        loss: table.share("loss"),
        duplicate: table.share("duplicate"),
        corrupt: table.share("corrupt"),
        refuse: table.share("refuse"),
        delay_polls: table.integer_or("delay_polls", 0..=1_000_000, default.delay_polls),
        seed: table.integer_or("seed", 0..=u64::MAX, default.seed),
    }
}
