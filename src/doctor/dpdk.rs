//! What DPDK needs: the library, its drivers as plug-ins, a NIC bound to a driver for user space, an IOMMU.

use super::Finding;
use super::files::{link, names, text};
use std::path::{Path, PathBuf};

/// Drivers that hand a device to user space.
const USER_SPACE: [&str; 3] = ["vfio-pci", "uio_pci_generic", "igb_uio"];
/// Where distributions put libraries.
const LIBRARIES: [&str; 4] = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"];

pub(super) fn examine() -> Vec<Finding> {
    let folders = library_folders();
    let mut findings = vec![built(), library(&folders), plug_ins(&folders), iommu(), vfio()];
    findings.extend(devices());
    findings
}

fn built() -> Finding {
    if cfg!(feature = "dpdk") {
        return Finding::ok("this ringway", "built with DPDK");
    }
    Finding::note("this ringway", "built without DPDK")
        .remedy("install libdpdk's headers and build with the default features")
}

/// The folders above and one below each, as `/usr/lib/x86_64-linux-gnu`.
fn library_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = LIBRARIES.iter().map(PathBuf::from).collect();
    for top in LIBRARIES {
        folders.extend(names(top).into_iter().map(|name| Path::new(top).join(name)).filter(|path| path.is_dir()));
    }
    folders
}

fn library(folders: &[PathBuf]) -> Finding {
    let found = folders.iter().find_map(|folder| {
        let library = names(folder).into_iter().find(|name| name.starts_with("librte_eal.so"))?;
        Some(folder.join(library))
    });
    match found {
        Some(path) => Finding::ok("libdpdk", path.display().to_string()),
        None if cfg!(feature = "dpdk") => Finding::missing("libdpdk", "not found").remedy("`apt-get install dpdk-dev`"),
        None => Finding::note("libdpdk", "not found").remedy("`apt-get install dpdk-dev`"),
    }
}

fn plug_ins(folders: &[PathBuf]) -> Finding {
    for folder in folders {
        for pmds in names(folder.join("dpdk")).into_iter().filter(|name| name.starts_with("pmds-")) {
            let path = folder.join("dpdk").join(pmds);
            let is_net = |name: &String| name.starts_with("librte_net_") && name.ends_with(".so");
            let count = names(&path).iter().filter(|name| is_net(name)).count();
            if count > 0 {
                return Finding::ok("drivers", format!("{count} network drivers in {}", path.display()));
            }
        }
    }
    Finding::note("drivers", "no plug-ins found").remedy("`apt-get install dpdk-dev`, or name them in [dpdk]")
}

fn iommu() -> Finding {
    match names("/sys/kernel/iommu_groups").len() {
        0 => Finding::note("IOMMU", "none in use").remedy(
            "`intel_iommu=on` or `amd_iommu=on` on the kernel's command line; in a machine without one, vfio works with \
             `echo 1 >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode`",
        ),
        groups => Finding::ok("IOMMU", format!("{groups} groups")),
    }
}

fn vfio() -> Finding {
    if Path::new("/sys/bus/pci/drivers/vfio-pci").exists() {
        return Finding::ok("vfio-pci", "loaded");
    }
    Finding::note("vfio-pci", "not loaded").remedy("`modprobe vfio-pci`, before a NIC is bound to it")
}

fn devices() -> Vec<Finding> {
    let bus = Path::new("/sys/bus/pci/devices");
    // Class 02: network controllers.
    let is_nic = |name: &String| text(bus.join(name).join("class")).is_some_and(|class| class.starts_with("0x02"));
    let found: Vec<Finding> =
        names(bus).into_iter().filter(is_nic).map(|name| device(&bus.join(&name), &name)).collect();
    if found.is_empty() {
        return vec![Finding::note(
            "PCI network devices",
            "none; DPDK's virtual devices (net_tap, net_pcap ...) need none",
        )];
    }
    found
}

fn device(path: &Path, name: &str) -> Finding {
    let part = |file: &str| text(path.join(file)).unwrap_or_default().trim_start_matches("0x").to_owned();
    let (subject, model) = (format!("device {name}"), format!("{}:{}", part("vendor"), part("device")));
    let bind = format!("`dpdk-devbind.py -b vfio-pci {name}` takes it from the kernel, if DPDK shall drive it");
    match link(path.join("driver")) {
        Some(driver) if USER_SPACE.contains(&driver.as_str()) => {
            Finding::ok(subject, format!("{model}, bound to {driver}"))
        }
        Some(driver) => Finding::note(subject, format!("{model}, bound to the kernel's {driver}")).remedy(bind),
        None => Finding::note(subject, format!("{model}, bound to no driver")).remedy(bind),
    }
}
