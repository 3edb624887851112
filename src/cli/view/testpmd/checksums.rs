//! `csum show`: who fills in which checksum of mode `csum`.

use serde::Serialize;

use crate::cli::view::View;

/// Of some ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checksums {
    /// One a port.
    pub ports: Vec<PortChecksums>,
}

/// Of one port: `hw` or `sw` for each checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortChecksums {
    /// Its number.
    pub port: u16,
    /// The IPv4 header's.
    pub ip: &'static str,
    /// UDP's.
    pub udp: &'static str,
    /// TCP's.
    pub tcp: &'static str,
    /// SCTP's; software leaves it as it is.
    pub sctp: &'static str,
    /// A tunnel's IPv4 header's; software leaves it as it is.
    pub outer_ip: &'static str,
    /// A tunnel's UDP header's; software leaves it as it is.
    pub outer_udp: &'static str,
}

impl View for Checksums {
    fn text(&self) -> String {
        let one = |port: &PortChecksums| {
            format!(
                "port {}\nParse tunnel is off\nIP checksum offload is {}\nUDP checksum offload is {}\nTCP checksum offload is {}\n\
                 SCTP checksum offload is {}\nOuter-Ip checksum offload is {}\nOuter-Udp checksum offload is {}",
                port.port, port.ip, port.udp, port.tcp, port.sctp, port.outer_ip, port.outer_udp
            )
        };
        self.ports.iter().map(one).collect::<Vec<_>>().join("\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_checksum_has_its_line() {
        let view = Checksums {
            ports: vec![PortChecksums {
                port: 1,
                ip: "hw",
                udp: "sw",
                tcp: "sw",
                sctp: "sw",
                outer_ip: "sw",
                outer_udp: "sw",
            }],
        };
        assert!(view.text().contains("\nIP checksum offload is hw\nUDP checksum offload is sw\n"));
    }
}
