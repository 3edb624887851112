//! A Linux interface that a port has taken over: the settings it is given, and how it was before.

use super::deferral::Deferral;
use super::interface::Interface;
use super::journal::{Changes, Journal};
use crate::{Link, PortError, PortSettings};
use macaddr::MacAddr6;
use std::io;
use std::ops::RangeInclusive;

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
    /// What was changed, until it is changed back.
    changes: Option<Changes>,
    /// The same for the next process, should this one be killed.
    journal: Option<Journal>,
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
        let journal = Journal::of(interface.index());
        let mut hardware = hardware;
        if let Some(changes) = journal.as_ref().and_then(Journal::left_behind) {
            give_back(&interface, &changes);
            journal.iter().for_each(Journal::remove);
            hardware = interface.hardware().map_err(asking)?;
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
            changes: Some(Changes::default()),
            journal,
        };
        if let Some(mac) = settings.mac.filter(|mac| *mac != hardware.mac) {
            device.set_mac(mac)?;
        }
        if let Some(wanted) = settings.mtu.filter(|wanted| u32::from(*wanted) != mtu) {
            device.set_mtu(wanted)?;
        }
        if !up {
            device.remember(|changes| changes.down = true);
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

    /// Looks at MTU and MAC address again, which others may have changed.
    pub fn look_again(&mut self) {
        if let Ok(mtu) = self.interface.mtu() {
            self.mtu = u16::try_from(mtu).unwrap_or(u16::MAX);
        }
        if let Ok(hardware) = self.interface.hardware() {
            self.mac = hardware.mac;
        }
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

    /// Notes a change, before it is made.
    fn remember(&mut self, change: impl FnOnce(&mut Changes)) {
        if let Some(changes) = &mut self.changes {
            change(changes);
            if let Some(journal) = &self.journal {
                journal.write(changes);
            }
        }
    }

    pub fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        if !self.mtu_range.contains(&mtu) {
            let (least, most) = (self.mtu_range.start(), self.mtu_range.end());
            let message = format!("`{}` takes MTUs from {least} to {most}, not {mtu}", self.name);
            return Err(PortError::Refused { port: self.port.clone(), message });
        }
        let now = self.interface.mtu().map_err(|source| self.failed("asking for the MTU".into(), source))?;
        self.remember(|changes| changes.mtu = Some((changes.mtu.map_or(now, |(before, _)| before), mtu.into())));
        self.changing("setting the MTU", self.interface.set_mtu(mtu.into()))?;
        self.mtu = mtu;
        Ok(())
    }

    pub fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        let now = self.mac;
        self.remember(|changes| changes.mac = Some((changes.mac.map_or(now, |(before, _)| before), mac)));
        self.changing("setting the MAC address", self.interface.set_mac(mac))?;
        self.mac = mac;
        Ok(())
    }

    /// Switches off large receive offload, which merges frames beyond recovery; returns whether it was on.
    pub fn lro_off(&mut self) -> Result<bool, PortError> {
        let on = self.interface.lro();
        if on {
            self.remember(|changes| changes.lro = true);
            self.changing("switching off large receive offload", self.interface.set_lro(false))?;
        }
        Ok(on)
    }

    /// Switches off generic receive offload, which merges frames before generic XDP sees them; returns whether it was on.
    pub fn gro_off(&mut self) -> Result<bool, PortError> {
        let on = self.interface.gro();
        if on {
            self.remember(|changes| changes.gro = true);
            self.changing("switching off generic receive offload", self.interface.set_gro(false))?;
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

    /// Notes how the kernel defers receive work, which [`Device::defer`] may change from then on; false where it cannot be told to.
    pub fn may_defer(&mut self) -> bool {
        let Ok(before) = self.interface.deferral() else { return false };
        self.remember(|changes| changes.deferral = Some(before));
        true
    }

    /// Has the kernel defer receive work by a timer of so many microseconds, or as it did before us.
    pub fn defer(&self, microseconds: Option<u32>) -> bool {
        let Some(before) = self.changes.as_ref().and_then(|changes| changes.deferral) else { return false };
        self.interface.set_deferral(microseconds.map_or(before, Deferral::of)).is_ok()
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
        let Some(changes) = self.changes.take() else { return };
        if self.interface.exists() {
            give_back(&self.interface, &changes);
        }
        if changes != Changes::default() {
            self.journal.iter().for_each(Journal::remove);
        }
    }
}

/// Undoes changes, as far as it goes: a device that refuses here keeps what it has. An MTU or address that is not the one we
/// set was set by somebody else since, and stays.
fn give_back(interface: &Interface, changes: &Changes) {
    if let Some((before, ours)) = changes.mtu
        && interface.mtu().is_ok_and(|now| now == ours)
    {
        let _ = interface.set_mtu(before);
    }
    if let Some((before, ours)) = changes.mac
        && interface.hardware().is_ok_and(|now| now.mac == ours)
    {
        let _ = interface.set_mac(before);
    }
    if changes.lro {
        let _ = interface.set_lro(true);
    }
    if changes.gro {
        let _ = interface.set_gro(true);
    }
    if changes.rx_vlan {
        let _ = interface.set_rx_vlan(true);
    }
    if let Some(before) = changes.deferral {
        let _ = interface.set_deferral(before);
    }
    if changes.down {
        let _ = interface.set_up(false);
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.restore();
    }
}
