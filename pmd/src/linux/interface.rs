//! One interface and the requests of netdevice(7).

use super::{ethtool, mtu};
use crate::Duplex;
use macaddr::MacAddr6;
use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Bytes of an interface request that the kernel reads and writes.
const REQUEST: usize = size_of::<libc::ifreq>();
const _: () = assert!(REQUEST >= libc::IFNAMSIZ + 16, "a name, and the largest value used here");

/// An interface in the network namespace where it was found.
#[derive(Debug)]
pub(crate) struct Interface {
    index: i32,
    /// Belongs to the namespace of the thread that made it, whichever thread asks.
    socket: OwnedFd,
}

/// What an interface is: the hardware type of its addresses (`ARPHRD_...`), and its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hardware {
    pub(crate) kind: u16,
    pub(crate) mac: MacAddr6,
}

impl Interface {
    /// Finds an interface of this thread's network namespace by name.
    pub(crate) fn find(name: &str) -> io::Result<Self> {
        // SAFETY: socket() touches no memory of ours.
        let socket = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if socket == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and nobody else has it.
        let socket = unsafe { OwnedFd::from_raw_fd(socket) };
        let mut request = named(name)?;
        ask(&socket, libc::SIOCGIFINDEX, &mut request)?;
        // SAFETY: SIOCGIFINDEX fills this member of the union; any bits are a valid integer.
        let index = unsafe { request.ifr_ifru.ifru_ifindex };
        Ok(Self { index, socket })
    }

    /// The kernel's number of the interface.
    pub(crate) fn index(&self) -> i32 {
        self.index
    }

    /// Whether it still exists.
    pub(crate) fn exists(&self) -> bool {
        self.request().is_ok()
    }

    /// Its name now.
    pub(super) fn name(&self) -> io::Result<String> {
        let name = self.request()?.ifr_name.map(|byte| byte as u8);
        let name = std::ffi::CStr::from_bytes_until_nul(&name).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(name.to_str().map_err(|_| io::ErrorKind::InvalidData)?.into())
    }

    /// The NUMA node of the device behind it; `None` for one that is only software, or on a machine with one node.
    pub(crate) fn numa_node(&self) -> Option<u16> {
        let name = self.name().ok()?;
        let node = std::fs::read_to_string(format!("/sys/class/net/{name}/device/numa_node")).ok()?;
        // -1 where there is none.
        node.trim().parse().ok()
    }

    /// A request with the name that the interface has now.
    fn request(&self) -> io::Result<libc::ifreq> {
        let mut request = empty();
        request.ifr_ifru.ifru_ifindex = self.index;
        ask(&self.socket, libc::SIOCGIFNAME, &mut request)?;
        Ok(request)
    }

    fn get(&self, call: libc::Ioctl) -> io::Result<libc::ifreq> {
        let mut request = self.request()?;
        ask(&self.socket, call, &mut request)?;
        Ok(request)
    }

    /// The flags of netdevice(7): `IFF_UP`, `IFF_RUNNING` ...
    pub(crate) fn flags(&self) -> io::Result<i32> {
        let request = self.get(libc::SIOCGIFFLAGS)?;
        // SAFETY: SIOCGIFFLAGS fills this member of the union; any bits are a valid integer.
        Ok(i32::from(unsafe { request.ifr_ifru.ifru_flags }))
    }

    /// Brings the interface up or down; returns whether that changed it.
    pub(crate) fn set_up(&self, up: bool) -> io::Result<bool> {
        let flags = self.flags()?;
        if (flags & libc::IFF_UP != 0) == up {
            return Ok(false);
        }
        let mut request = self.request()?;
        request.ifr_ifru.ifru_flags = (flags ^ libc::IFF_UP) as libc::c_short;
        ask(&self.socket, libc::SIOCSIFFLAGS, &mut request)?;
        Ok(true)
    }

    /// Longest IP packet, in bytes.
    pub(crate) fn mtu(&self) -> io::Result<u32> {
        let request = self.get(libc::SIOCGIFMTU)?;
        // SAFETY: SIOCGIFMTU fills this member of the union; any bits are a valid integer.
        Ok(unsafe { request.ifr_ifru.ifru_mtu }.try_into().unwrap_or(0))
    }

    pub(crate) fn set_mtu(&self, mtu: u32) -> io::Result<()> {
        let mut request = self.request()?;
        request.ifr_ifru.ifru_mtu = mtu.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
        ask(&self.socket, libc::SIOCSIFMTU, &mut request)
    }

    /// Frames that wait in the kernel for the device at most, for each queue.
    pub(crate) fn queue_length(&self) -> io::Result<libc::c_int> {
        let request = self.get(libc::SIOCGIFTXQLEN)?;
        // SAFETY: SIOCGIFTXQLEN fills `ifr_qlen`, the first integer of the union; any bits are a valid integer.
        Ok(unsafe { request.ifr_ifru.ifru_metric })
    }

    pub(crate) fn set_queue_length(&self, frames: libc::c_int) -> io::Result<()> {
        let mut request = self.request()?;
        request.ifr_ifru.ifru_metric = frames;
        ask(&self.socket, libc::SIOCSIFTXQLEN, &mut request)
    }

    /// The MTUs that the device accepts; the kernel's largest is 65,535 here.
    pub(crate) fn mtu_range(&self) -> io::Result<RangeInclusive<u16>> {
        mtu::range(self.index)
    }

    pub(crate) fn hardware(&self) -> io::Result<Hardware> {
        let request = self.get(libc::SIOCGIFHWADDR)?;
        // SAFETY: SIOCGIFHWADDR fills this member of the union; any bits are valid integers.
        let address = unsafe { request.ifr_ifru.ifru_hwaddr };
        let [a, b, c, d, e, f, ..] = address.sa_data.map(|byte| byte as u8);
        Ok(Hardware { kind: address.sa_family, mac: MacAddr6::new(a, b, c, d, e, f) })
    }

    /// Sets the address; a device that refuses while it is up is taken down for that moment.
    pub(crate) fn set_mac(&self, mac: MacAddr6) -> io::Result<()> {
        let mut request = self.get(libc::SIOCGIFHWADDR)?;
        // SAFETY: SIOCGIFHWADDR filled this member of the union, and only integers are written.
        let data = unsafe { &mut request.ifr_ifru.ifru_hwaddr.sa_data };
        for (place, byte) in data.iter_mut().zip(mac.as_bytes()) {
            *place = *byte as libc::c_char;
        }
        match ask(&self.socket, libc::SIOCSIFHWADDR, &mut request) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                let was_up = self.set_up(false)?;
                let result = ask(&self.socket, libc::SIOCSIFHWADDR, &mut request);
                if was_up {
                    self.set_up(true)?;
                }
                result
            }
            result => result,
        }
    }

    /// Speed in Mbit/s and duplex, as far as the device knows them.
    pub(crate) fn speed(&self) -> (Option<u32>, Option<Duplex>) {
        let mut settings = ethtool::LinkSettings::ask_for_size();
        if self.ethtool(&mut settings).is_err()
            || !settings.prepare_for_answer()
            || self.ethtool(&mut settings).is_err()
        {
            return (None, None);
        }
        settings.speed()
    }

    /// Whether the device merges received frames beyond recovery (large receive offload).
    pub(crate) fn lro(&self) -> bool {
        self.flag(ethtool::FLAG_LRO)
    }

    pub(crate) fn set_lro(&self, on: bool) -> io::Result<()> {
        self.set_flag(ethtool::FLAG_LRO, on)
    }

    /// Whether the device takes VLAN tags off received frames.
    pub(crate) fn rx_vlan(&self) -> bool {
        self.flag(ethtool::FLAG_RX_VLAN)
    }

    pub(crate) fn set_rx_vlan(&self, on: bool) -> io::Result<()> {
        self.set_flag(ethtool::FLAG_RX_VLAN, on)
    }

    fn flag(&self, flag: u32) -> bool {
        let mut flags = ethtool::Flags::read();
        self.ethtool(&mut flags).is_ok() && flags.has(flag)
    }

    fn set_flag(&self, flag: u32, on: bool) -> io::Result<()> {
        let mut flags = ethtool::Flags::read();
        self.ethtool(&mut flags)?;
        self.ethtool(&mut flags.with(flag, on))
    }

    /// Whether the kernel merges received frames (generic receive offload).
    pub(crate) fn gro(&self) -> bool {
        let mut gro = ethtool::Gro::read();
        self.ethtool(&mut gro).is_ok() && gro.is_on()
    }

    pub(crate) fn set_gro(&self, on: bool) -> io::Result<()> {
        self.ethtool(&mut ethtool::Gro::write(on))
    }

    /// The driver's name, and the device's address on its bus, empty for a device without hardware.
    pub(crate) fn driver(&self) -> (String, String) {
        let mut driver = ethtool::Driver::read();
        let _ = self.ethtool(&mut driver);
        driver.names()
    }

    /// Receive queues in use; 1 where the device does not tell.
    pub(crate) fn receive_queues(&self) -> u32 {
        let mut channels = ethtool::Channels::read();
        let _ = self.ethtool(&mut channels);
        channels.receive().max(1)
    }

    fn ethtool<T: ethtool::Command>(&self, command: &mut T) -> io::Result<()> {
        let mut request = self.request()?;
        request.ifr_ifru.ifru_data = std::ptr::from_mut(command).cast();
        ask(&self.socket, libc::SIOCETHTOOL, &mut request)
    }
}

fn empty() -> libc::ifreq {
    // SAFETY: `ifreq` is plain old data for which all zeros is a valid value.
    unsafe { std::mem::zeroed() }
}

/// A request about the interface `name`; a name that cannot be one is a device that does not exist.
fn named(name: &str) -> io::Result<libc::ifreq> {
    if name.is_empty() || name.len() >= libc::IFNAMSIZ {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    let mut request = empty();
    for (place, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *place = byte as libc::c_char;
    }
    Ok(request)
}

fn ask(socket: &OwnedFd, call: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: every call made here reads and writes one `struct ifreq`, which is `request` and ours alone; SIOCETHTOOL also
    // the command behind `ifru_data`, which is as long as its first word says (`ethtool::Command`).
    match unsafe { libc::ioctl(socket.as_raw_fd(), call, std::ptr::from_mut(request)) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_known_without_rights() {
        let interface = Interface::find("lo").unwrap();
        assert_eq!(interface.hardware().unwrap().kind, libc::ARPHRD_LOOPBACK);
        assert!(interface.mtu().unwrap() > 0);
        assert!(interface.exists());
    }

    #[test]
    fn an_index_that_no_device_has_is_gone() {
        let interface = Interface { index: i32::MAX, ..Interface::find("lo").unwrap() };
        assert!(!interface.exists());
        assert_eq!(interface.flags().unwrap_err().raw_os_error(), Some(libc::ENODEV));
    }

    #[test]
    fn names_that_cannot_be_are_no_device() {
        for name in ["", "no-such-device", "a-name-of-more-than-sixteen-bytes"] {
            assert_eq!(Interface::find(name).unwrap_err().raw_os_error(), Some(libc::ENODEV), "{name}");
        }
    }
}
