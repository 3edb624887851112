//! `show port info`, in testpmd's order and with its labels.

use std::fmt::Write as _;

use macaddr::MacAddr6;
use serde::Serialize;

use super::View;

/// What each port is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortsInfo {
    /// One a port.
    pub ports: Vec<PortInfo>,
}

/// What one port is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortInfo {
    /// Its number.
    pub port: u16,
    /// Its name in the configuration.
    pub name: String,
    /// Its MAC address.
    #[serde(serialize_with = "super::interface::mac")]
    pub mac: MacAddr6,
    /// The device it drives.
    pub device: String,
    /// Its driver.
    pub driver: String,
    /// The NUMA node the device is on; none when it is on none.
    pub socket: Option<u16>,
    /// Its link.
    pub link: Link,
    /// Its MTU, in bytes.
    pub mtu: u16,
    /// The least and the largest MTU it can have, in bytes.
    pub mtu_range: (u16, u16),
    /// Whether it takes frames for every MAC address.
    pub promiscuous: bool,
    /// Whether it takes frames for every group.
    pub all_multicast: bool,
    /// MAC addresses it can filter for.
    pub max_mac_addresses: u32,
    /// Hash entries for further MAC addresses.
    pub max_hash_mac_addresses: u32,
    /// What the device does with VLAN tags.
    pub vlan: Vlan,
    /// How the device can spread frames over its queues; none where it cannot, or nobody can say.
    pub rss: Option<Rss>,
    /// The smallest receive buffer, in bytes.
    pub min_rx_buffer: u32,
    /// The longest frame, in bytes.
    pub max_rx_packet: u32,
    /// The bytes of a buffer that a packet can fill.
    pub buffer_bytes: u32,
    /// Its receive queues.
    pub rx: Queues,
    /// Its transmit queues.
    pub tx: Queues,
    /// What else the driver has to say of it, by name.
    pub facts: Vec<(String, String)>,
}

/// A port's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Whether it is up.
    pub up: bool,
    /// Its speed in Mbit/s; none when the device does not say.
    pub speed_mbps: Option<u32>,
    /// Whether both sides may send at once.
    pub full_duplex: bool,
    /// Whether the speed was negotiated.
    pub autoneg: bool,
}

/// What a device does with VLAN tags on reception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Vlan {
    /// Takes the tag off.
    pub strip: bool,
    /// Receives only VLANs that are listed.
    pub filter: bool,
    /// Knows frames with two tags.
    pub extend: bool,
    /// Takes both of two tags off.
    pub qinq_strip: bool,
}

/// How a device can spread frames over its queues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rss {
    /// Bytes of the hash key.
    pub key_bytes: u8,
    /// Entries of the redirection table.
    pub reta_size: u16,
    /// Packet types that it can hash.
    pub types: Vec<&'static str>,
}

/// A port's queues of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Queues {
    /// Queues in use.
    pub count: u16,
    /// Queues it can have.
    pub max: u16,
    /// Descriptors of each queue.
    pub descriptors: u32,
    /// The least and the most descriptors a queue can have.
    pub descriptor_range: (u32, u32),
    /// Descriptors are a multiple of this.
    pub descriptor_alignment: u32,
}

impl View for PortsInfo {
    fn text(&self) -> String {
        self.ports.iter().map(PortInfo::paragraph).collect::<Vec<_>>().join("\n\n")
    }
}

impl PortInfo {
    fn paragraph(&self) -> String {
        let enabled = |on| if on { "enabled" } else { "disabled" };
        let speed = self.link.speed_mbps.map_or_else(|| "Unknown".into(), |speed| format!("{speed} Mbps"));
        let (smallest, largest) = self.mtu_range;
        let mut text = format!("  ==== Infos for port {} ====\n", self.port);
        let mut line = |label: &str, value: &dyn std::fmt::Display| {
            let _ = writeln!(text, "  {label}: {value}");
        };
        line("MAC address", &super::interface::mac_text(self.mac));
        line("Port name", &self.name);
        line("Device name", &self.device);
        line("Driver name", &self.driver);
        line("Connect to socket", &self.socket.map_or_else(|| "none".into(), |socket| socket.to_string()));
        line("Link status", &if self.link.up { "up" } else { "down" });
        line("Link speed", &speed);
        line("Link duplex", &if self.link.full_duplex { "full-duplex" } else { "half-duplex" });
        line("Autoneg status", &if self.link.autoneg { "On" } else { "Off" });
        line("MTU", &self.mtu);
        line("Minimum MTU", &smallest);
        line("Maximum MTU", &largest);
        line("Promiscuous mode", &enabled(self.promiscuous));
        line("Allmulticast mode", &enabled(self.all_multicast));
        line("Maximum number of MAC addresses", &self.max_mac_addresses);
        line("Maximum number of MAC addresses of hash filtering", &self.max_hash_mac_addresses);
        let on_off = |on| if on { "on" } else { "off" };
        let Vlan { strip, filter, extend, qinq_strip } = self.vlan;
        let (strip, filter) = (on_off(strip), on_off(filter));
        let (extend, qinq) = (on_off(extend), on_off(qinq_strip));
        line("VLAN offload", &format!("\n    strip {strip}, filter {filter}, extend {extend}, qinq strip {qinq}"));
        match &self.rss {
            None => line("Supported RSS offload flow types", &"none"),
            Some(rss) => {
                line("Hash key size in bytes", &rss.key_bytes);
                line("Redirection table size", &rss.reta_size);
                line("Supported RSS offload flow types", &format!("\n    {}", rss.types.join("  ")));
            }
        }
        line("Minimum size of RX buffer", &self.min_rx_buffer);
        line("Maximum configurable length of RX packet", &self.max_rx_packet);
        line("Size of RX buffer", &self.buffer_bytes);
        for (queues, way) in [(self.rx, "RX"), (self.tx, "TX")] {
            let (least, most) = queues.descriptor_range;
            line(&format!("Current number of {way} queues"), &queues.count);
            line(&format!("Max possible {way} queues"), &queues.max);
            line(&format!("Current number of {way}Ds per queue"), &queues.descriptors);
            line(&format!("Max possible number of {way}Ds per queue"), &most);
            line(&format!("Min possible number of {way}Ds per queue"), &least);
            line(&format!("{way}Ds number alignment"), &queues.descriptor_alignment);
        }
        for (name, value) in &self.facts {
            line(name, value);
        }
        text.truncate(text.trim_end().len());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_described_with_the_labels_that_scripts_look_for() {
        let queues =
            Queues { count: 1, max: 4, descriptors: 512, descriptor_range: (64, 4096), descriptor_alignment: 8 };
        let info = PortInfo {
            port: 0,
            name: "p0".into(),
            mac: MacAddr6::new(2, 0, 0, 0, 0, 1),
            device: "lan0".into(),
            driver: "af_packet".into(),
            socket: Some(0),
            link: Link { up: true, speed_mbps: Some(10000), full_duplex: true, autoneg: false },
            mtu: 1500,
            mtu_range: (68, 9000),
            promiscuous: true,
            all_multicast: false,
            max_mac_addresses: 1,
            max_hash_mac_addresses: 0,
            vlan: Vlan { strip: true, filter: false, extend: false, qinq_strip: false },
            rss: Some(Rss { key_bytes: 40, reta_size: 128, types: vec!["ipv4", "ipv4-udp"] }),
            min_rx_buffer: 1024,
            max_rx_packet: 9728,
            buffer_bytes: 2048,
            rx: queues,
            tx: queues,
            facts: vec![("offloads".into(), "off".into())],
        };
        let text = PortsInfo { ports: vec![info] }.text();
        for label in [
            "Infos for port 0 ",
            "MAC address: 02:00:00:00:00:01\n",
            "Device name: lan0\n",
            "Driver name: af_packet\n",
            "Connect to socket: 0\n",
            "Link status: up\n",
            "Link speed: 10000 Mbps\n",
            "Link duplex: full-duplex\n",
            "Autoneg status: Off\n",
            "MTU: 1500\n",
            "Promiscuous mode: enabled\n",
            "Allmulticast mode: disabled\n",
            "Maximum number of MAC addresses: 1\n",
            "VLAN offload: \n    strip on, filter off, extend off, qinq strip off\n",
            "Redirection table size: 128\n",
            "Supported RSS offload flow types: \n    ipv4  ipv4-udp\n",
            "Minimum size of RX buffer: 1024\n",
            "RXDs number alignment: 8\n",
            "Current number of RX queues: 1\n",
            "Max possible RX queues: 4\n",
            "Max possible number of TXDs per queue: 4096\n",
            "offloads: off",
        ] {
            assert!(text.contains(label), "{label:?} in {text}");
        }
    }
}
