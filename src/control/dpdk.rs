//! DPDK for the configuration: EAL, ports, pools. Without the feature `dpdk`, a port that asks for it says how to get it.

use ringway_config::Config;
use ringway_mempool::{Geometry, MapError, PagePolicy, Pool};
use ringway_pmd::{Opened, PortError, PortSettings};

#[cfg(feature = "dpdk")]
pub use with_feature::{CACHE_BUFFERS, Eal, enter_worker, make_pool, open, start};
#[cfg(not(feature = "dpdk"))]
pub use without_feature::{CACHE_BUFFERS, Eal, enter_worker, make_pool, open, start};

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
        let arguments = settings.arguments();
        tracing::info!("{} with {}", Eal::version(), arguments.join(" "));
        let eal = Eal::start(&arguments)?;
        for device in config.dpdk.iter().flat_map(|dpdk| &dpdk.devices) {
            eal.attach(device)?;
        }
        Ok(Some(eal))
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
