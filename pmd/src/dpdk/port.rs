//! The control side of a DPDK port.

use super::eal::Eal;
use super::start::Configured;
use super::{device, error_text, hotplug, log, sys};
use crate::{Opened, Port, PortError, PortSettings, RxStats, TxStats, VlanSettings};
use macaddr::MacAddr6;
use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What to do when DPDK was not started, which it can only be before there are pools.
const NOT_RUNNING: &str =
    "DPDK does not run in this ringway: start it with a device of DPDK, or with [dpdk] in its configuration";

/// Control side of a DPDK port.
#[derive(Debug)]
pub struct DpdkPort {
    pub(super) eal: Eal,
    /// DPDK's number of the port; another one after a reset of a device that has to be probed again.
    pub(super) number: u16,
    pub(super) name: String,
    /// The device as the operator wrote it.
    pub(super) device: String,
    pub(super) driver: &'static str,
    /// The MTU that was asked for; a device that was never started takes none.
    pub(super) wanted_mtu: Option<u16>,
    /// What the last start has set; `None` while the port is stopped.
    pub(super) configured: Option<Configured>,
    /// Addresses beyond the port's own.
    pub(super) more_macs: Vec<MacAddr6>,
    pub(super) vlan: VlanSettings,
    pub(super) vlans: Vec<u16>,
    /// Bits of [`crate::TxOffloads`]: the checksums that the device fills in now.
    pub(super) checksums: Arc<AtomicU64>,
    pub(super) gone: Arc<AtomicBool>,
    /// Counters of the queues, over every stop and start.
    pub(super) rx: Vec<RxStats>,
    pub(super) tx: Vec<TxStats>,
    /// The device is probed; not after `close`.
    open: bool,
}

/// Opens a port on a DPDK device: a PCI address, or the string of a virtual device such as `net_tap0,iface=lan`. EAL runs.
///
/// # Errors
/// [`PortError`] says what is wrong with the device and what to do about it.
pub fn open(settings: &PortSettings, device: &str) -> Result<Opened, PortError> {
    let name = settings.name.clone();
    let refused = |message: &str| PortError::Refused { port: name.clone(), message: message.into() };
    let eal = Eal::running().ok_or_else(|| refused(NOT_RUNNING))?;
    let number = device::probe(&name, device)?;
    let info = device::info(number).ok_or_else(|| refused("its driver tells nothing about it"))?;
    let port = DpdkPort {
        eal,
        number,
        driver: driver_name(&info),
        device: device.into(),
        wanted_mtu: settings.mtu,
        configured: None,
        more_macs: Vec::new(),
        vlan: VlanSettings::default(),
        vlans: Vec::new(),
        checksums: Arc::default(),
        gone: Arc::new(AtomicBool::new(false)),
        rx: Vec::new(),
        tx: Vec::new(),
        open: true,
        name,
    };
    if let Some(mtu) = settings.mtu {
        port.check_mtu(mtu, &info)?;
    }
    let notices = vec![format!("port {}: `{device}` by DPDK's {}", port.name, port.driver)];
    Ok(Opened { port: Port::Dpdk(Box::new(port)), rx: Vec::new(), tx: Vec::new(), notices })
}

/// The driver's name, which stays as long as the plug-in: to the end of the process.
fn driver_name(info: &sys::rte_eth_dev_info) -> &'static str {
    if info.driver_name.is_null() {
        return "dpdk";
    }
    // SAFETY: a constant text of the plug-in, which is never unloaded.
    unsafe { CStr::from_ptr(info.driver_name) }.to_str().unwrap_or("dpdk")
}

impl DpdkPort {
    pub(super) fn refused(&self, message: impl Into<String>) -> PortError {
        PortError::Refused { port: self.name.clone(), message: message.into() }
    }

    /// The error of a call that DPDK refused: a driver that never can says so by `ENOTSUP`.
    pub(super) fn failed(&self, what: &'static str, result: i32) -> PortError {
        if -result == libc::ENOTSUP || -result == libc::ENOSYS {
            return PortError::NotSupported { port: self.name.clone(), driver: self.driver, what };
        }
        if -result == libc::EIO && self.is_removed() {
            return self.refused(format!("`{}` is gone", self.device));
        }
        self.refused(format!("`{}` refuses {what}: {}", self.device, log::reason(|| error_text(result))))
    }

    /// Turns DPDK's answer into a result.
    pub(super) fn check(&self, what: &'static str, call: impl FnOnce() -> i32) -> Result<(), PortError> {
        log::begin();
        match call() {
            result if result < 0 => Err(self.failed(what, result)),
            _ => Ok(()),
        }
    }

    pub(super) fn dev_info(&self) -> sys::rte_eth_dev_info {
        device::info(self.number).unwrap_or_default()
    }

    pub(super) fn is_removed(&self) -> bool {
        if self.gone.load(Ordering::Relaxed) || !self.open || hotplug::is_removed(&device::full_name(&self.device)) {
            return true;
        }
        // SAFETY: asks the driver about a port that is open.
        unsafe { sys::rte_eth_dev_is_removed(self.number) > 0 }
    }

    pub(super) fn mac(&self) -> MacAddr6 {
        let mut address = sys::rte_ether_addr::default();
        // SAFETY: six bytes are written for a valid port, none for another.
        unsafe { sys::rte_eth_macaddr_get(self.number, &raw mut address) };
        MacAddr6::from(address.addr_bytes)
    }

    /// The MTU now; of a stopped port the one that it will be started with, for which buffers and interfaces are made.
    pub(super) fn mtu(&self) -> u16 {
        match self.wanted_mtu {
            Some(mtu) if self.configured.is_none() => mtu,
            _ => self.device_mtu(),
        }
    }

    pub(super) fn device_mtu(&self) -> u16 {
        let mut mtu = 0;
        // SAFETY: writes the number for a valid port.
        unsafe { sys::rte_eth_dev_get_mtu(self.number, &raw mut mtu) };
        mtu
    }

    /// Lets go of the device, which DPDK then does not know any more.
    pub(super) fn release(&mut self) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let device = self.dev_info().device;
        // SAFETY: the workers have closed the queues. Buffers that the driver still has go to a list of their pool.
        unsafe {
            if self.configured.take().is_some() {
                sys::rte_eth_dev_stop(self.number);
            }
            hotplug::forget(&device::full_name(&self.device));
            sys::rte_eth_dev_close(self.number);
            let shared =
                self.eal.ports().iter().any(|port| device::info(port.number).is_some_and(|info| info.device == device));
            // A device may have several ports: the last one takes it along.
            if !device.is_null() && !shared {
                sys::rte_dev_remove(device);
            }
        }
    }
}

impl DpdkPort {
    /// Lets go of the device and probes it again.
    pub(super) fn reopen(&mut self) -> Result<(), PortError> {
        self.release();
        self.number = device::probe(&self.name, &self.device)?;
        self.open = true;
        self.gone.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for DpdkPort {
    fn drop(&mut self) {
        self.release();
    }
}
