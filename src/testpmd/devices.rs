//! The devices that the options before `--` name, as ports in their order.

use super::eal::EalOptions;
use crate::control::device_settings;
use ringway_config::Port;

/// The ports of ringway's own devices.
///
/// # Errors
/// A device that only EAL could open.
pub(super) fn ports(options: &EalOptions) -> Result<Vec<Port>, String> {
    if let Some(device) = options.eal_devices.first() {
        return Err(format!(
            "`{device}`: devices of DPDK are not supported here; ringway's own are: `--vdev tap:NAME`, `auto:INTERFACE`, \
             `af_xdp:INTERFACE`, `af_packet:INTERFACE`, `pcap:rx=FILE,tx=FILE`, `memory`"
        ));
    }
    let drivers: Result<Vec<_>, _> = options.own_devices.iter().map(|device| device_settings(device)).collect();
    Ok(drivers?.into_iter().enumerate().map(|(number, driver)| Port::new(format!("p{number}"), driver)).collect())
}
