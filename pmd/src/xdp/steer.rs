//! What is left to the kernel when only our frames are taken: the addresses that the host itself has on the interface.

use super::bpf::{Map, MapKind};
use super::program::{ADDRESS_KEY, MAC_VALUE};
use macaddr::MacAddr6;
use std::collections::BTreeSet;
use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Addresses of one interface that are told apart at most.
const MOST: u32 = 1024;
/// Time between two looks at the interface's addresses.
const REFRESH: Duration = Duration::from_secs(1);

/// The tables that the program reads, kept as the interface's addresses are.
#[derive(Debug)]
pub(super) struct HostAddresses {
    device: String,
    mac: Map,
    addresses: Map,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    addresses: BTreeSet<[u8; ADDRESS_KEY]>,
    looked: Instant,
}

impl HostAddresses {
    pub fn new(device: &str, mac: MacAddr6) -> io::Result<Self> {
        let host = Self {
            device: device.into(),
            mac: Map::new(MapKind::Array, 4, MAC_VALUE, 1)?,
            addresses: Map::new(MapKind::Hash, ADDRESS_KEY, 1, MOST)?,
            known: Mutex::new(Known { addresses: BTreeSet::new(), looked: Instant::now() }),
        };
        host.set_mac(mac)?;
        host.update(of_interface(device)?)?;
        Ok(host)
    }

    /// The descriptors of the two tables.
    pub fn maps(&self) -> (i32, i32) {
        (self.mac.raw(), self.addresses.raw())
    }

    pub fn set_mac(&self, mac: MacAddr6) -> io::Result<()> {
        let mut value = [0; MAC_VALUE];
        value[..6].copy_from_slice(mac.as_bytes());
        self.mac.insert(&[0; 4], &value)
    }

    /// Addresses of the host.
    pub fn count(&self) -> usize {
        self.known.lock().map_or(0, |known| known.addresses.len())
    }

    /// Follows what `ip address` has changed, once in a while.
    pub fn refresh(&self) {
        let due = self.known.lock().is_ok_and(|known| known.looked.elapsed() >= REFRESH);
        if due {
            // What cannot be had now is asked for again.
            let _ = of_interface(&self.device).and_then(|addresses| self.update(addresses));
        }
    }

    fn update(&self, addresses: BTreeSet<[u8; ADDRESS_KEY]>) -> io::Result<()> {
        let Ok(mut known) = self.known.lock() else { return Ok(()) };
        for added in addresses.difference(&known.addresses).take(MOST as usize) {
            self.addresses.insert(added, &[1])?;
        }
        for removed in known.addresses.difference(&addresses) {
            self.addresses.remove(removed)?;
        }
        *known = Known { addresses, looked: Instant::now() };
        Ok(())
    }
}

/// An address as the program looks it up: IPv4 behind twelve zeros.
fn key(address: IpAddr) -> [u8; ADDRESS_KEY] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut key = [0; ADDRESS_KEY];
            key[12..].copy_from_slice(&address.octets());
            key
        }
    }
}

/// The addresses that an interface of this thread's network namespace has; see getifaddrs(3).
fn of_interface(device: &str) -> io::Result<BTreeSet<[u8; ADDRESS_KEY]>> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: getifaddrs writes one pointer, to a list that is freed below.
    if unsafe { libc::getifaddrs(&raw mut list) } == -1 {
        return Err(io::Error::last_os_error());
    }
    let mut found = BTreeSet::new();
    let mut entry = list;
    while !entry.is_null() {
        // SAFETY: a non-null entry of the list, which is not freed yet; getifaddrs gives every entry a name.
        let (name, address) = unsafe { (CStr::from_ptr((*entry).ifa_name), (*entry).ifa_addr) };
        if name.to_bytes() == device.as_bytes() && !address.is_null() {
            // SAFETY: `ifa_addr` points at a socket address as long as its family, which stands first, says.
            unsafe {
                match i32::from((*address).sa_family) {
                    libc::AF_INET => {
                        let address = address.cast::<libc::sockaddr_in>().read_unaligned();
                        found.insert(key(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into()));
                    }
                    libc::AF_INET6 => {
                        let address = address.cast::<libc::sockaddr_in6>().read_unaligned();
                        found.insert(key(Ipv6Addr::from(address.sin6_addr.s6_addr).into()));
                    }
                    _ => {}
                }
            }
        }
        // SAFETY: as above.
        entry = unsafe { (*entry).ifa_next };
    }
    // SAFETY: the list came from getifaddrs and nothing points into it any more.
    unsafe { libc::freeifaddrs(list) };
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_its_address() {
        assert!(of_interface("lo").unwrap().contains(&key(Ipv4Addr::LOCALHOST.into())));
        assert!(of_interface("no-such-device").unwrap().is_empty());
    }
}
