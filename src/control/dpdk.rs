//! DPDK for the configuration: EAL, ports, pools. Without the feature `dpdk`, a port that asks for it says how to get it.

use ringway_config::Config;
use ringway_mempool::{Geometry, MapError, PagePolicy, Pool};
use ringway_pmd::{Opened, PortError, PortSettings};

#[cfg(feature = "dpdk")]
pub use with_feature::{CACHE_BUFFERS, Eal, enter_worker, is_same, make_pool, open, port_names, start, start_with};
#[cfg(not(feature = "dpdk"))]
pub use without_feature::{CACHE_BUFFERS, Eal, enter_worker, is_same, make_pool, open, port_names, start, start_with};

/// Whether the configuration needs DPDK.
pub fn is_wanted(config: &Config) -> bool {
    use ringway_config::DriverSettings;
    config.dpdk.is_some() || config.ports.iter().any(|port| matches!(port.driver, DriverSettings::Dpdk { .. }))
}

#[cfg(feature = "dpdk")]
mod with_feature {
    use super::*;
    use crate::control::start::StartError;
    use ringway_config::{DriverSettings, HugePages};
    use ringway_pmd::dpdk::{self, EalSettings};
    pub use ringway_pmd::dpdk::{CACHE_BUFFERS, Eal, enter_worker};

    /// Starts EAL when the configuration needs it.
    pub fn start(config: &Config) -> Result<Option<Eal>, StartError> {
        if !super::is_wanted(config) {
            return Ok(None);
        }
        let settings = config.dpdk.clone().unwrap_or_default();
        let of_ports = config.ports.iter().filter_map(|port| match &port.driver {
            DriverSettings::Dpdk { device } => Some(device.clone()),
            _ => None,
        });
        let settings = EalSettings {
            huge_pages: match settings.huge_pages {
                HugePages::Auto => dpdk::HugePages::Auto,
                HugePages::Always => dpdk::HugePages::On,
                HugePages::Never => dpdk::HugePages::Off,
            },
            secondary: settings.secondary,
            devices: settings.devices.iter().cloned().chain(of_ports).collect(),
            args: settings.args,
        };
        let eal = begin(&settings.arguments())?;
        for device in config.dpdk.iter().flat_map(|dpdk| &dpdk.devices) {
            eal.attach(device)?;
        }
        Ok(Some(eal))
    }

    /// Starts EAL with arguments of an operator, before there is a configuration.
    pub fn start_with(arguments: &[String]) -> Result<Option<Eal>, StartError> {
        begin(&dpdk::completed(arguments)).map(Some)
    }

    fn begin(arguments: &[String]) -> Result<Eal, StartError> {
        if let Some(eal) = Eal::running() {
            return Ok(eal);
        }
        tracing::info!("{} with {}", Eal::version(), arguments.join(" "));
        Ok(Eal::start(arguments)?)
    }

    /// The devices of EAL's ports, in the order of their numbers.
    pub fn port_names(eal: &Eal) -> Vec<String> {
        eal.ports().into_iter().map(|port| port.name).collect()
    }

    /// Whether two ways to write a device mean the same one: with or without arguments, with or without a PCI domain.
    pub fn is_same(one: &str, other: &str) -> bool {
        dpdk::device_name(one) == dpdk::device_name(other)
    }

    /// Opens a port on a DPDK device.
    pub fn open(settings: &PortSettings, device: &str) -> Result<Opened, PortError> {
        dpdk::open(settings, device)
    }

    /// Makes the pool of a worker, for DPDK's ports too when EAL runs.
    pub fn make_pool(
        worker: u16,
        capacity: u32,
        geometry: Geometry,
        policy: PagePolicy,
        lock: bool,
    ) -> Result<Pool, MapError> {
        dpdk::make_pool(worker, capacity, geometry, policy, lock)
    }
}

#[cfg(not(feature = "dpdk"))]
mod without_feature {
    use super::*;
    use crate::control::start::StartError;

    /// There is none in this build.
    #[derive(Debug)]
    pub enum Eal {}

    /// Buffers that DPDK keeps at hand: none.
    pub const CACHE_BUFFERS: u32 = 0;

    /// Nothing to start: a port that asks for DPDK fails to open.
    pub fn start(_config: &Config) -> Result<Option<Eal>, StartError> {
        Ok(None)
    }

    /// There is nothing to start.
    pub fn start_with(_arguments: &[String]) -> Result<Option<Eal>, StartError> {
        Ok(None)
    }

    /// Nobody calls this: there is no EAL.
    pub fn port_names(eal: &Eal) -> Vec<String> {
        match *eal {}
    }

    /// No device is DPDK's.
    pub fn is_same(_one: &str, _other: &str) -> bool {
        false
    }

    /// Says that this build has no DPDK.
    pub fn open(settings: &PortSettings, device: &str) -> Result<Opened, PortError> {
        let message = format!(
            "`{device}` needs DPDK, and this ringway was built without it; build it without `--no-default-features`"
        );
        Err(PortError::Refused { port: settings.name.clone(), message })
    }

    /// Makes the pool of a worker.
    pub fn make_pool(
        _worker: u16,
        capacity: u32,
        geometry: Geometry,
        policy: PagePolicy,
        lock: bool,
    ) -> Result<Pool, MapError> {
        Pool::new(capacity, geometry, policy, lock)
    }

    /// Nothing to do.
    pub fn enter_worker(_worker: u16) {}
}
