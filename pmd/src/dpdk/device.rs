//! Devices: probing and removing them, and what is wrong with one that cannot be had.

use super::{copied, error_text, hotplug, log, sys};
use crate::PortError;
use std::ffi::{CString, c_char};
use std::path::Path;

/// Kernel drivers under which a DPDK driver can have a PCI device: those that hand it to user space, then those that share it.
const USABLE: [&str; 6] = ["vfio-pci", "uio_pci_generic", "igb_uio", "mlx4_core", "mlx5_core", "mana"];
/// How many of them hand it to user space.
const FOR_USER_SPACE: usize = 3;
/// Where the kernel lists the PCI devices.
const PCI: &str = "/sys/bus/pci/devices";
/// What the class of a network device begins with (PCI Code and ID Assignment, base class 02h).
const NETWORK: &str = "0x02";

/// Whether a device is named by a PCI address (`01:00.0` or `0000:01:00.0`, with or without arguments).
pub(super) fn is_pci(device: &str) -> bool {
    let address = name(device);
    let (rest, function) = address.rsplit_once('.').unwrap_or((address, ""));
    let parts: Vec<&str> = rest.split(':').collect();
    let hex = |part: &&str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    matches!(parts.len(), 2 | 3) && parts.iter().all(hex) && matches!(function.as_bytes(), [b'0'..=b'7'])
}

/// The device's name without its arguments.
pub(super) fn name(device: &str) -> &str {
    device.split(',').next().unwrap_or(device)
}

/// The name with which DPDK knows the device: without its arguments, and PCI addresses get their domain.
pub fn full_name(device: &str) -> String {
    let name = name(device);
    if is_pci(device) && name.matches(':').count() == 1 { format!("0000:{name}") } else { name.to_owned() }
}

/// Addresses of the network devices that somebody has bound to a driver for user space.
pub(super) fn bound_for_user_space() -> Vec<String> {
    let devices = std::fs::read_dir(PCI).into_iter().flatten().flatten();
    let is_bound = |device: &std::fs::DirEntry| {
        let class = std::fs::read_to_string(device.path().join("class"));
        let bound = kernel_driver(&device.path()).is_some_and(|driver| USABLE[..FOR_USER_SPACE].contains(&&*driver));
        bound && class.is_ok_and(|class| class.starts_with(NETWORK))
    };
    let mut addresses: Vec<String> =
        devices.filter(is_bound).map(|device| device.file_name().to_string_lossy().into_owned()).collect();
    addresses.sort();
    addresses
}

/// Whether a PCI device is there, under a driver that leaves it to DPDK.
pub(super) fn is_usable(device: &str) -> bool {
    kernel_driver(&Path::new(PCI).join(full_name(device))).is_some_and(|driver| USABLE.contains(&&*driver))
}

/// The kernel driver that a PCI device is bound to, if it is to one.
fn kernel_driver(device: &Path) -> Option<String> {
    let driver = std::fs::read_link(device.join("driver")).ok()?;
    Some(driver.file_name()?.to_string_lossy().into_owned())
}

/// The name of a port's device.
pub(super) fn port_name(number: u16) -> String {
    let mut name = [0 as c_char; sys::RINGWAY_ETH_NAME_LEN as usize];
    // SAFETY: the call writes at most as many bytes as a name has, with a zero at the end, or nothing.
    unsafe {
        sys::rte_eth_dev_get_name_by_port(number, name.as_mut_ptr());
        copied(name.as_ptr())
    }
}

/// What the driver tells of a port.
pub(super) fn info(number: u16) -> Option<sys::rte_eth_dev_info> {
    let mut info = sys::rte_eth_dev_info::default();
    // SAFETY: the call fills in the structure it is given, for a valid port; others are refused.
    (unsafe { sys::rte_eth_dev_info_get(number, &raw mut info) } == 0).then_some(info)
}

/// The name of a port's driver.
pub(super) fn driver(number: u16) -> String {
    // SAFETY: the driver's name is a constant of the plug-in.
    info(number).map_or_else(String::new, |info| unsafe { copied(info.driver_name) })
}

/// The number of the port of a device that is there.
pub(super) fn find(device: &str) -> Option<u16> {
    let name = CString::new(full_name(device)).ok()?;
    let mut number = 0;
    // SAFETY: the name ends with a zero byte; the number is written when it is found.
    (unsafe { sys::rte_eth_dev_get_port_by_name(name.as_ptr(), &raw mut number) } == 0).then_some(number)
}

/// Brings a device in for `port`, unless it is there; returns the number of its port.
pub(super) fn probe(port: &str, device: &str) -> Result<u16, PortError> {
    if is_pci(device) {
        hotplug::watch();
    }
    if let Some(number) = find(device) {
        return Ok(number);
    }
    let refused = |message: String| Err(PortError::Refused { port: port.into(), message });
    hotplug::forget(&full_name(device));
    let Ok(words) = CString::new(device) else {
        return refused(format!("`{device}` has a zero byte in it"));
    };
    log::begin();
    // SAFETY: the text ends with a zero byte and is only read.
    let result = unsafe { sys::rte_dev_probe(words.as_ptr()) };
    if let Some(number) = find(device) {
        return Ok(number);
    }
    let reason = log::reason(|| if result == 0 { "it brings no Ethernet port".into() } else { error_text(result) });
    refused(if is_pci(device) { explain_pci(&full_name(device), &reason) } else { explain_virtual(device, &reason) })
}

/// What is wrong with a PCI device, and what to do.
fn explain_pci(address: &str, reason: &str) -> String {
    let directory = Path::new(PCI).join(address);
    if !directory.exists() {
        return format!("there is no PCI device {address}; `lspci -D` lists them");
    }
    let driver = kernel_driver(&directory);
    let bind = format!("`modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci {address}`");
    match driver {
        None => format!("PCI device {address} is bound to no driver; bind it to one that DPDK can use: {bind}"),
        Some(driver) if !USABLE.contains(&driver.as_str()) => {
            let interface = std::fs::read_dir(directory.join("net")).ok().and_then(|mut found| found.next()?.ok());
            let interface = interface.map_or_else(String::new, |entry| {
                format!(" (its interface `{}` leaves the kernel then)", entry.file_name().to_string_lossy())
            });
            format!(
                "PCI device {address} is bound to the kernel's driver `{driver}`; give it to DPDK: {bind}{interface}"
            )
        }
        Some(driver) => format!(
            "no driver of DPDK takes PCI device {address} from `{driver}`: is it a NIC, is its plug-in installed, is the IOMMU on? ({reason})"
        ),
    }
}

/// What is wrong with the string of a virtual device, and what to do.
fn explain_virtual(device: &str, reason: &str) -> String {
    let driver = name(device).trim_end_matches(|sign: char| sign.is_ascii_digit());
    let there = drivers();
    if there.is_empty() || there.iter().any(|known| known == driver) {
        return format!("DPDK refuses `{device}`: check its arguments, `{driver}` exists ({reason})");
    }
    let near = there.iter().min_by_key(|known| distance(known, driver)).filter(|known| distance(known, driver) <= 3);
    match near {
        Some(near) => format!("there is no DPDK driver `{driver}`; do you mean `{near}`?"),
        None => format!("there is no DPDK driver `{driver}`; those of this machine are {}", there.join(", ")),
    }
}

/// The drivers of virtual devices whose plug-ins are in the distribution's place.
fn drivers() -> Vec<String> {
    const VIRTUAL: [&str; 13] = [
        "af_packet",
        "af_xdp",
        "bonding",
        "failsafe",
        "memif",
        "null",
        "pcap",
        "ring",
        "softnic",
        "tap",
        "vdev_netvsc",
        "vhost",
        "virtio",
    ];
    let there = |driver: &&str| match std::str::from_utf8(sys::RINGWAY_PMD_PATH).map(|path| path.trim_end_matches('\0'))
    {
        Ok(path) if !path.is_empty() => Path::new(path).join(format!("librte_net_{}.so", driver_file(driver))).exists(),
        _ => false,
    };
    VIRTUAL.iter().filter(|driver| there(driver)).map(|driver| format!("net_{}", driver_name(driver))).collect()
}

/// The name of a driver's devices, where it differs from its plug-in's.
fn driver_name(driver: &str) -> &str {
    if driver == "virtio" { "virtio_user" } else { driver }
}

fn driver_file(driver: &str) -> &str {
    if driver == "bonding" { "bond" } else { driver }
}

/// The value of an argument of a device.
pub(super) fn argument<'a>(device: &'a str, key: &str) -> Option<&'a str> {
    device.split(',').find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

/// Buffers that `net_pcap` keeps for itself to repeat a capture from (`infinite_rx=1`): one a frame of the file.
pub(super) fn frames_kept(device: &str) -> u32 {
    if argument(device, "infinite_rx") != Some("1") {
        return 0;
    }
    let Some(file) = argument(device, "rx_pcap") else { return 0 };
    let frames = std::fs::read(file).map_or(0, |bytes| pcap_frames(&bytes));
    u32::try_from(frames).unwrap_or(u32::MAX)
}

/// Frames of a capture file: 24 bytes, then each frame behind 16 bytes, of which the third word is its length.
fn pcap_frames(bytes: &[u8]) -> usize {
    let swapped = matches!(bytes, [0xa1, 0xb2, ..]);
    let (mut rest, mut frames) = (bytes.get(24..).unwrap_or_default(), 0);
    while let Some(length) = rest.get(8..12).and_then(|word| <[u8; 4]>::try_from(word).ok()) {
        let length = if swapped { u32::from_be_bytes(length) } else { u32::from_le_bytes(length) };
        frames += 1;
        rest = rest.get(16 + length as usize..).unwrap_or_default();
    }
    frames
}

/// Levenshtein's distance: how many letters differ.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, left) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, right) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

/// Removes the device of a port.
pub(super) fn remove(number: u16) -> Result<(), PortError> {
    let name = port_name(number);
    let refused = |message: String| PortError::Refused { port: name.clone(), message };
    let device = info(number).map(|info| info.device).filter(|device| !device.is_null());
    let device = device.ok_or_else(|| refused(format!("DPDK has no port {number}")))?;
    log::begin();
    // SAFETY: the device is the one that DPDK has just named, and this thread alone adds and removes devices.
    let result = unsafe { sys::rte_dev_remove(device) };
    if result < 0 {
        let reason = log::reason(|| error_text(result));
        return Err(refused(format!("its driver does not let go of it: {reason}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pci_addresses_are_told_from_virtual_devices() {
        assert!(["01:00.0", "0000:01:00.0", "0000:01:00.1,mprq_en=1"].iter().all(|device| is_pci(device)));
        assert!(["net_tap0", "net_pcap0,iface=a", "eth0.1", "lan", "1.1"].iter().all(|device| !is_pci(device)));
        assert_eq!(full_name("01:00.0,a=b"), "0000:01:00.0");
    }

    #[test]
    fn a_typo_is_told_the_driver_that_is_near() {
        assert_eq!(distance("net_tap", "net_tpa"), 2);
        assert_eq!(distance("net_tap", "net_tap"), 0);
    }
}
