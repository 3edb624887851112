//! A Linux interface that a port has taken over: the settings it is given, and how it was before.

use super::interface::Interface;
use crate::{Link, PortError, PortSettings};
use macaddr::MacAddr6;
use std::io;
use std::ops::RangeInclusive;

/// How the device was before us, as far as it was changed.
#[derive(Debug, Default)]
struct Before {
    down: bool,
    mtu: Option<u32>,
    mac: Option<MacAddr6>,
    /// What merges received frames, and what takes tags off them, was on.
    lro: bool,
    gro: bool,
    rx_vlan: bool,
}

/// An interface with the settings of a port. It is given back as it was on [`Device::restore`] and on drop.
#[derive(Debug)]
pub(crate) struct Device {
    port: String,
    name: String,
    /// The capabilities that the driver needs, for those who lack them.
    capabilities: &'static str,
    interface: Interface,
    mac: MacAddr6,
    mtu: u16,
    mtu_range: RangeInclusive<u16>,
    before: Option<Before>,
}

impl Device {
    /// Finds an interface of this thread's network namespace, gives it the settings and brings it up.
    ///
    /// # Errors
    /// [`PortError`], when it is not there, is no Ethernet device, rights are missing or a setting is refused. What was changed
    /// is undone then.
    pub fn open(settings: &PortSettings, name: &str, capabilities: &'static str) -> Result<Self, PortError> {
        let port = settings.name.as_str();
        let system = |call: String, source| PortError::System { port: port.into(), call, source };
        let interface = Interface::find(name).map_err(|source| match source.raw_os_error() {
            Some(libc::ENODEV) => PortError::NoDevice { port: port.into(), device: name.into() },
            _ => system(format!("finding `{name}`"), source),
        })?;
        let asking = |source| system(format!("asking about `{name}`"), source);
        let hardware = interface.hardware().map_err(asking)?;
        if !matches!(hardware.kind, libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK) {
            let message =
                format!("`{name}` is no Ethernet interface (hardware type {}); choose another", hardware.kind);
            return Err(PortError::Refused { port: port.into(), message });
        }
        let mtu_range = interface.mtu_range().map_err(asking)?;
        let mtu = interface.mtu().map_err(asking)?;
        let up = interface.flags().map_err(asking)? & libc::IFF_UP != 0;
        let mut device = Self {
            port: port.into(),
            name: name.into(),
            capabilities,
            interface,
            mac: hardware.mac,
            mtu: u16::try_from(mtu).unwrap_or(u16::MAX),
            mtu_range,
            before: Some(Before { down: !up, ..Before::default() }),
        };
        if let Some(mac) = settings.mac.filter(|mac| *mac != hardware.mac) {
            device.set_mac(mac)?;
        }
        if let Some(wanted) = settings.mtu.filter(|wanted| u32::from(*wanted) != mtu) {
            device.set_mtu(wanted)?;
        }
        device.changing("bringing up the link", device.interface.set_up(true).map(|_| ()))?;
        Ok(device)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    pub fn mac(&self) -> MacAddr6 {
        self.mac
    }

    pub fn mtu(&self) -> u16 {
        self.mtu
    }

    pub fn mtu_range(&self) -> RangeInclusive<u16> {
        self.mtu_range.clone()
    }

    /// A call that failed, as the operator has to know it.
    pub fn failed(&self, call: String, source: io::Error) -> PortError {
        let port = self.port.clone();
        if matches!(source.raw_os_error(), Some(libc::EPERM | libc::EACCES)) {
            return PortError::NotAllowed { port, what: call, capability: self.capabilities };
        }
        PortError::System { port, call, source }
    }

    /// A change that may have failed.
    pub fn changing(&self, what: &str, result: io::Result<()>) -> Result<(), PortError> {
        result.map_err(|source| self.failed(format!("{what} of `{}`", self.name), source))
    }

    fn remember(&mut self, change: impl FnOnce(&mut Before)) {
        if let Some(before) = &mut self.before {
            change(before);
        }
    }

    pub fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        if !self.mtu_range.contains(&mtu) {
            let (least, most) = (self.mtu_range.start(), self.mtu_range.end());
            let message = format!("`{}` takes MTUs from {least} to {most}, not {mtu}", self.name);
            return Err(PortError::Refused { port: self.port.clone(), message });
        }
        let now = self.interface.mtu().map_err(|source| self.failed("asking for the MTU".into(), source))?;
        self.changing("setting the MTU", self.interface.set_mtu(mtu.into()))?;
        self.remember(|before| before.mtu = before.mtu.or(Some(now)));
        self.mtu = mtu;
        Ok(())
    }

    pub fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        let now = self.mac;
        self.changing("setting the MAC address", self.interface.set_mac(mac))?;
        self.remember(|before| before.mac = before.mac.or(Some(now)));
        self.mac = mac;
        Ok(())
    }

    /// Switches off large receive offload, which merges frames beyond recovery; returns whether it was on.
    pub fn lro_off(&mut self) -> Result<bool, PortError> {
        let on = self.interface.lro();
        if on {
            self.changing("switching off large receive offload", self.interface.set_lro(false))?;
            self.remember(|before| before.lro = true);
        }
        Ok(on)
    }

    /// Switches off generic receive offload, which merges frames before generic XDP sees them; returns whether it was on.
    pub fn gro_off(&mut self) -> Result<bool, PortError> {
        let on = self.interface.gro();
        if on {
            self.changing("switching off generic receive offload", self.interface.set_gro(false))?;
            self.remember(|before| before.gro = true);
        }
        Ok(on)
    }

    /// Makes the device leave VLAN tags in received frames; returns whether it took them off until now. One that cannot be told
    /// is left as it is.
    pub fn rx_vlan_off(&mut self) -> bool {
        let changed =
            self.interface.rx_vlan() && self.interface.set_rx_vlan(false).is_ok() && !self.interface.rx_vlan();
        if changed {
            self.remember(|before| before.rx_vlan = true);
        }
        changed
    }

    /// The link now; one that is gone has an index that names no device any more.
    pub fn link(&self) -> Link {
        let Ok(flags) = self.interface.flags() else {
            return Link { up: false, gone: true, ..Link::UP };
        };
        let up = flags & libc::IFF_UP != 0 && flags & libc::IFF_RUNNING != 0;
        let (speed, duplex) = self.interface.speed();
        Link { up, speed, duplex, ..Link::UP }
    }

    /// Gives the device back as it was.
    pub fn restore(&mut self) {
        let Some(before) = self.before.take() else { return };
        if !self.interface.exists() {
            return;
        }
        // As far as it goes: a device that refuses here keeps what it has.
        if let Some(mtu) = before.mtu {
            let _ = self.interface.set_mtu(mtu);
        }
        if let Some(mac) = before.mac {
            let _ = self.interface.set_mac(mac);
        }
        if before.lro {
            let _ = self.interface.set_lro(true);
        }
        if before.gro {
            let _ = self.interface.set_gro(true);
        }
        if before.rx_vlan {
            let _ = self.interface.set_rx_vlan(true);
        }
        if before.down {
            let _ = self.interface.set_up(false);
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.restore();
    }
}
