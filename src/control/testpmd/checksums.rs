//! `csum set` and `csum show`: who fills in which checksum of mode `csum` on a port that sends.

use crate::cli::command::PortSelector;
use crate::cli::grammar::Options;
use crate::cli::reply::Reply;
use crate::cli::testpmd::Layer;
use crate::cli::view::testpmd as view;
use crate::control::router::Router;
use crate::control::state::PortState;
use ringway_pmd::TxOffloads;

/// The offload of a checksum, and its name in what testpmd says.
fn offload(layer: Layer) -> (TxOffloads, &'static str) {
    match layer {
        Layer::Ip => (TxOffloads::IPV4_CKSUM, "IP"),
        Layer::Udp => (TxOffloads::UDP_CKSUM, "UDP"),
        Layer::Tcp => (TxOffloads::TCP_CKSUM, "TCP"),
        Layer::Sctp => (TxOffloads::SCTP_CKSUM, "SCTP"),
        Layer::OuterIp => (TxOffloads::OUTER_IPV4_CKSUM, "Outer IP"),
        Layer::OuterUdp => (TxOffloads::OUTER_UDP_CKSUM, "Outer UDP"),
    }
}

impl Router {
    pub(super) fn show_checksums(&self, port: &PortSelector, options: Options) -> Result<Reply, String> {
        let one = |number: usize| {
            let on = self.ports[number].settings.tx_offloads;
            let by = |layer| if on.contains(offload(layer).0) { "hw" } else { "sw" };
            view::PortChecksums {
                port: number as u16,
                ip: by(Layer::Ip),
                udp: by(Layer::Udp),
                tcp: by(Layer::Tcp),
                sctp: by(Layer::Sctp),
                outer_ip: by(Layer::OuterIp),
                outer_udp: by(Layer::OuterUdp),
            }
        };
        let ports = self.select_ports(port)?.into_iter().map(one).collect();
        Ok(Reply::view(&view::Checksums { ports }, options))
    }

    /// As testpmd does it: for a stopped port, and the device only where it is capable of it.
    pub(super) fn set_checksum(
        &mut self,
        layer: Layer,
        hardware: bool,
        port: &PortSelector,
        options: Options,
    ) -> Result<Reply, String> {
        let numbers = self.select_ports(port)?;
        let (offload, name) = offload(layer);
        for number in &numbers {
            if self.ports[*number].state == PortState::Started {
                return Err(format!("Please stop port {number} first"));
            }
            if hardware && !self.ports[*number].port.info().tx_offloads.port.contains(offload) {
                return Err(format!("{name} checksum offload is not supported by port {number}"));
            }
            if hardware && !TxOffloads::CHECKSUMS.contains(offload) {
                return Err(format!(
                    "not supported: {name} checksum offload; mode csum takes a tunnel for what it carries it in"
                ));
            }
        }
        for number in numbers {
            self.ports[number].settings.tx_offloads.set(offload, hardware);
        }
        self.publish();
        self.show_checksums(port, options)
    }
}
