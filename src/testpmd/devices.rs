//! The devices that the options before `--` name, as ports in their order.

use super::eal::EalOptions;
use crate::control::{device_settings, dpdk};
use ringway_config::{DriverSettings, Port};

/// Starts DPDK when a device of its own is named, or none at all. It lives as long as what is returned.
///
/// # Errors
/// What keeps it from starting, with the remedy.
pub(super) fn start_dpdk(options: &EalOptions) -> Result<Option<dpdk::Eal>, String> {
    if !options.wants_dpdk() || !cfg!(feature = "dpdk") {
        return Ok(None);
    }
    dpdk::start_with(&options.arguments).map_err(|error| error.to_string())
}

/// The ports: what EAL has found by itself, then the devices of the command line as they stand there.
///
/// # Errors
/// A device that cannot be one.
pub(super) fn ports(options: &EalOptions, eal: Option<&dpdk::Eal>) -> Result<Vec<Port>, String> {
    let mut drivers: Vec<DriverSettings> = Vec::new();
    // What was allowed and is not there is asked for again: opening it says why not.
    let mut allowed = options.allowed.clone();
    for name in eal.map(dpdk::port_names).unwrap_or_default() {
        let as_written = allowed.iter().position(|device| dpdk::is_same(device, &name));
        let device = as_written.map_or(name, |place| allowed.remove(place));
        drivers.push(DriverSettings::Dpdk { device });
    }
    drivers.extend(allowed.into_iter().map(|device| DriverSettings::Dpdk { device }));
    for device in &options.devices {
        drivers.push(device_settings(device)?);
    }
    Ok(drivers.into_iter().enumerate().map(|(number, driver)| Port::new(format!("p{number}"), driver)).collect())
}
