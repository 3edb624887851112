//! Opening the ports that the configuration names.

use super::linux;
use ringway_config::{Config, DriverSettings, Port as PortConfig};
use ringway_pmd::fault::{self, FaultSettings};
use ringway_pmd::{Opened, PortError, PortSettings, memory, packet, pcap, tap};

/// Opens every port, in the order of the configuration, with one queue pair for each worker.
///
/// # Errors
/// The first port that cannot be opened; those opened before are dropped, which gives their devices back.
pub(super) fn open_all(config: &Config, workers: u16) -> Result<Vec<Opened>, PortError> {
    let mut opened: Vec<Option<Opened>> = config.ports.iter().map(|_| None).collect();
    for (number, port) in config.ports.iter().enumerate() {
        if opened[number].is_some() {
            continue;
        }
        let settings = settings(port, workers);
        match &port.driver {
            DriverSettings::Auto { device } => {
                opened[number] = Some(linux::open_auto(config, &settings, device)?);
            }
            DriverSettings::AfXdp { device, xdp } => {
                opened[number] = Some(linux::open_xdp(config, &settings, device, xdp)?);
            }
            DriverSettings::AfPacket { device } => opened[number] = Some(packet::open(&settings, device)?),
            DriverSettings::Tap { device } => opened[number] = Some(tap::open(&settings, device)?),
            DriverSettings::Pcap { input, output, repeat } => {
                opened[number] = Some(pcap::open(&settings, input.as_deref(), output.as_deref(), *repeat)?);
            }
            DriverSettings::Memory { .. } => {
                let other = config.memory_peer(&port.name).filter(|peer| *peer != port.name);
                let other = other.and_then(|peer| config.ports.iter().position(|port| port.name == peer));
                let other_settings = other.map(|other| self::settings(&config.ports[other], workers));
                let (here, there) = memory::pair(&settings, other_settings.as_ref())?;
                opened[number] = Some(here);
                if let (Some(other), Some(there)) = (other, there) {
                    opened[other] = Some(there);
                }
            }
        }
    }
    let with_faults = |(opened, port): (Option<Opened>, &PortConfig)| {
        let opened = opened?;
        Some(match &port.fault {
            None => opened,
            Some(settings) => fault::inject(
                opened,
                FaultSettings {
                    loss: settings.loss,
                    duplicate: settings.duplicate,
                    corrupt: settings.corrupt,
                    refuse: settings.refuse,
                    delay_polls: settings.delay_polls,
                    seed: settings.seed,
                },
            ),
        })
    };
    Ok(opened.into_iter().zip(&config.ports).filter_map(with_faults).collect())
}

pub(super) fn settings(port: &PortConfig, workers: u16) -> PortSettings {
    PortSettings {
        rx_ring: port.rx_ring,
        tx_ring: port.tx_ring,
        mtu: port.mtu,
        mac: port.mac,
        promiscuous: port.promiscuous,
        all_multicast: port.all_multicast,
        ..PortSettings::new(&port.name, workers)
    }
}
