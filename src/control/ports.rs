//! Opening the ports that the configuration names, and those that are attached while it runs.

use super::dealing::Dealt;
use super::dpdk;
use super::linux;
use super::state::{ManagedPort, PortState};
use ringway_config::{Config, DriverSettings, Port as PortConfig, Xdp, is_dpdk_device};
use ringway_pmd::fault::{self, FaultSettings};
use ringway_pmd::{
    Opened, PoolUse, PortError, PortSettings, PortStats, Queues, Rss, RssTypes, memory, packet, pcap, tap,
};

/// Opens every port, in the order of the configuration, with a queue of each direction for each worker unless it says otherwise.
///
/// # Errors
/// The first port that cannot be opened; those opened before are dropped, which gives their devices back.
pub(super) fn open_all(config: &Config, workers: u16) -> Result<Vec<ManagedPort>, PortError> {
    let mut opened: Vec<Option<ManagedPort>> = config.ports.iter().map(|_| None).collect();
    for (number, port) in config.ports.iter().enumerate() {
        if opened[number].is_some() {
            continue;
        }
        let settings = port_settings(port, workers);
        let peer = config.memory_peer(&port.name).filter(|peer| *peer != port.name);
        let other = peer.and_then(|peer| config.ports.iter().position(|port| port.name == peer));
        let Some(other) = other else {
            opened[number] = Some(open_one(config, port, settings)?);
            continue;
        };
        let other_settings = port_settings(&config.ports[other], workers);
        let (here, there) = memory::pair(&settings, Some(&other_settings))?;
        opened[number] = Some(manage(port, here, settings));
        if let Some(there) = there {
            opened[other] = Some(manage(&config.ports[other], there, other_settings));
        }
    }
    Ok(opened.into_iter().flatten().collect())
}

/// Opens one port; an in-memory one is looped to itself.
pub(super) fn open_one(config: &Config, port: &PortConfig, settings: PortSettings) -> Result<ManagedPort, PortError> {
    let opened = match &port.driver {
        DriverSettings::Auto { device } => linux::open_auto(config, &settings, device)?,
        DriverSettings::AfXdp { device, xdp } => linux::open_xdp(config, &settings, device, xdp)?,
        DriverSettings::AfPacket { device } => packet::open(&settings, device)?,
        DriverSettings::Dpdk { device } => dpdk::open(&settings, device)?,
        DriverSettings::Tap { device } => tap::open(&settings, device)?,
        DriverSettings::Pcap { input, output, repeat } => {
            pcap::open(&settings, input.as_deref(), output.as_deref(), *repeat)?
        }
        DriverSettings::Memory { .. } => memory::pair(&settings, None)?.0,
    };
    let settings = with_rss(port, &opened, settings)?;
    Ok(manage(port, opened, settings))
}

/// Adds which packets are spread over the queues, as far as the device can tell them apart.
fn with_rss(config: &PortConfig, opened: &Opened, settings: PortSettings) -> Result<PortSettings, PortError> {
    let Some(types) = config.rss.and_then(|packets| RssTypes::named(packets.word())) else { return Ok(settings) };
    let info = opened.port.info();
    let Some(able) = info.rss else {
        return Err(PortError::NotSupported { port: info.name, driver: info.driver, what: "RSS" });
    };
    Ok(PortSettings { rss: Some(Rss { types: types & able.types, key: Vec::new() }), ..settings })
}

fn manage(config: &PortConfig, opened: Opened, settings: PortSettings) -> ManagedPort {
    let Opened { port, rx, tx, notices } = with_faults(config, opened);
    for notice in &notices {
        tracing::info!("{notice}");
    }
    // A driver that needs pools has no queues yet.
    let fresh = (port.pool_use() == PoolUse::Never).then(|| (settings.clone(), Queues { rx, tx, notices: Vec::new() }));
    ManagedPort {
        name: config.name.clone(),
        link: port.link(),
        port,
        settings,
        state: PortState::Stopped,
        lost: None,
        dealt: Dealt::default(),
        fresh,
        cleared: PortStats::default(),
        shown: None,
        xcleared: Vec::new(),
        promiscuous_for_mode: false,
    }
}

fn with_faults(config: &PortConfig, opened: Opened) -> Opened {
    let Some(settings) = &config.fault else { return opened };
    let settings = FaultSettings {
        loss: settings.loss,
        duplicate: settings.duplicate,
        corrupt: settings.corrupt,
        refuse: settings.refuse,
        delay_polls: settings.delay_polls,
        seed: settings.seed,
    };
    fault::inject(opened, settings)
}

/// The settings of a port.
pub(super) fn port_settings(port: &PortConfig, workers: u16) -> PortSettings {
    PortSettings {
        rx_queues: port.rx_queues.unwrap_or(workers),
        tx_queues: port.tx_queues.unwrap_or(workers).max(workers),
        rx_ring: port.rx_ring,
        tx_ring: port.tx_ring,
        mtu: port.mtu,
        mac: port.mac,
        promiscuous: port.promiscuous,
        all_multicast: port.all_multicast,
        ..PortSettings::new(&port.name, 0)
    }
}

/// The driver and device of one word: `tap:NAME`, `auto:INTERFACE`, `af_packet:INTERFACE`, `af_xdp:INTERFACE`, `pcap:rx=FILE,tx=FILE,repeat=N`, `memory`,
/// a PCI address or the string of a virtual device of DPDK.
pub fn device_settings(word: &str) -> Result<DriverSettings, String> {
    let (driver, rest) = word.split_once(':').unwrap_or((word, ""));
    let device =
        || if rest.is_empty() { Err(format!("`{word}` names no device: {driver}:NAME")) } else { Ok(rest.into()) };
    Ok(match driver {
        "tap" => DriverSettings::Tap { device: device()? },
        "auto" => DriverSettings::Auto { device: device()? },
        "af_packet" => DriverSettings::AfPacket { device: device()? },
        "af_xdp" => DriverSettings::AfXdp { device: device()?, xdp: Xdp::default() },
        "memory" => DriverSettings::Memory { peer: (!rest.is_empty()).then(|| rest.into()) },
        "pcap" => {
            let (mut input, mut output, mut repeat) = (None, None, 1);
            for piece in rest.split(',') {
                match piece.split_once('=') {
                    Some(("rx", file)) => input = Some(file.into()),
                    Some(("tx", file)) => output = Some(file.into()),
                    Some(("repeat", times)) => {
                        repeat = times.parse().map_err(|_| format!("`{times}` is no number of times"))?;
                    }
                    _ => return Err(format!("`{piece}` is not one of rx=FILE, tx=FILE, repeat=N")),
                }
            }
            DriverSettings::Pcap { input, output, repeat }
        }
        _ if is_dpdk_device(word) => DriverSettings::Dpdk { device: word.into() },
        _ => {
            return Err(format!(
                "`{word}` is no device that can be opened here: tap:NAME, auto:INTERFACE, af_packet:INTERFACE, af_xdp:INTERFACE, \
                 pcap:rx=FILE,tx=FILE, memory, or a device of DPDK: net_null0, 0000:01:00.0"
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_names_driver_and_device() {
        assert_eq!(device_settings("tap:tap5"), Ok(DriverSettings::Tap { device: "tap5".into() }));
        assert_eq!(device_settings("memory"), Ok(DriverSettings::Memory { peer: None }));
        let pcap = DriverSettings::Pcap { input: Some("a.pcap".into()), output: Some("b.pcap".into()), repeat: 0 };
        assert_eq!(device_settings("pcap:rx=a.pcap,tx=b.pcap,repeat=0"), Ok(pcap));
        assert!(device_settings("tap").is_err_and(|error| error.contains("names no device")));
        for device in ["net_pcap0,rx_pcap=a.pcap", "0000:01:00.0", "01:00.1"] {
            assert_eq!(device_settings(device), Ok(DriverSettings::Dpdk { device: device.into() }));
        }
        assert!(device_settings("nettypo0").is_err_and(|error| error.contains("nettypo0")));
    }
}
