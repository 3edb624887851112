//! The control side of a TAP port, and how one is opened.

use super::device::{self, CLONE_DEVICE};
use super::{Queue, TapRx, TapTx};
use crate::control::PortControl;
use crate::linux::Interface;
use crate::memory::local_mac;
use crate::{
    LentPools, Limits, Link, OffloadFacts, Opened, Port, PortError, PortInfo, PortSettings, PortStats, Queues, Rx,
    RxStats, Tx, TxStats,
};
use macaddr::MacAddr6;
use ringway_mempool::Pool;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Smallest MTU that IPv4 allows (RFC 791, section 3.2), and the kernel on a TAP.
const MTU_MIN: u16 = 68;
/// Largest MTU of a TAP: what is left of 65,535 bytes behind the Ethernet header.
const MTU_MAX: u16 = u16::MAX - 14;
/// Most queues of a TAP device (`MAX_TAP_QUEUES`).
const QUEUES_MAX: u16 = 256;

/// How a device that was there before us is given back.
#[derive(Debug)]
struct Before {
    up: bool,
    mtu: u32,
    queue_length: libc::c_int,
}

/// Control side of a TAP port.
#[derive(Debug)]
pub struct TapPort {
    info: PortInfo,
    /// The kernel side.
    kernel: Interface,
    /// The device's queues, which keep it there between stop and start; the last one closed ends a device of our own.
    queues: Vec<Queue>,
    /// The device was made, or joined, for several queues.
    several: bool,
    /// The cable is plugged in; the kernel's own flags follow a moment later.
    plugged: bool,
    /// Set once, by whoever notices first that the device was deleted.
    gone: Arc<AtomicBool>,
    before: Option<Before>,
    /// Frames that the kernel had dropped before we came.
    dropped_before: u64,
    rx: Vec<RxStats>,
    tx: Vec<TxStats>,
}

/// Opens a port on the TAP device `device`, which is made unless it exists.
///
/// The kernel side is brought up with the MTU of the settings; addresses on it are the operator's business. `rx_ring` becomes
/// the length of the kernel's queue towards us. The settings' MAC is the port's own, not the kernel side's.
///
/// # Errors
/// [`PortError`], when TAP devices cannot be had, the name is taken by another kind of interface, or a setting is refused.
/// A device made by a failed call is gone again.
pub fn open(settings: &PortSettings, device: &str) -> Result<Opened, PortError> {
    let port = settings.name.as_str();
    check_name(port, device)?;
    let existed = Interface::find(device).is_ok();
    let (files, name) = attach(port, device, existed, queue_files(settings)?)?;
    let kernel = Interface::find(&name).map_err(|source| system(port, format!("finding `{name}`"), source))?;
    let asking = |source| system(port, format!("asking about `{name}`"), source);
    let before = Before {
        up: kernel.flags().map_err(asking)? & libc::IFF_UP != 0,
        mtu: kernel.mtu().map_err(asking)?,
        queue_length: kernel.queue_length().map_err(asking)?,
    };
    let theirs = kernel.hardware().map_err(asking)?.mac;
    let mac = settings.mac.unwrap_or_else(|| local_mac(port));
    check_mac(port, &name, mac, theirs)?;
    let info = PortInfo {
        name: port.into(),
        driver: "tap",
        device: name.clone(),
        mac,
        mtu: settings.mtu.unwrap_or(u16::try_from(before.mtu).unwrap_or(MTU_MAX)),
        mtu_min: MTU_MIN,
        mtu_max: MTU_MAX,
        rx_queues: 0,
        tx_queues: 0,
        rx_ring: settings.rx_ring,
        tx_ring: 0,
        promiscuous: settings.promiscuous,
        all_multicast: settings.all_multicast,
        numa_node: None,
        limits: Limits { rx_queues: QUEUES_MAX, tx_queues: QUEUES_MAX, ..Limits::default() },
        rss: None,
        rx_offloads: OffloadFacts::default(),
        tx_offloads: OffloadFacts::default(),
        facts: vec![
            ("kernel address", theirs.to_string()),
            ("offloads", "off: the kernel fills in checksums and cuts segments".into()),
            ("lifetime", if existed { "was there before, stays" } else { "made by this port, goes with it" }.into()),
        ],
    };
    // From here on a failure gives a device that was there before back as it was, when `control` is dropped.
    let mut control = TapPort {
        info,
        dropped_before: device::dropped(&name),
        kernel,
        several: files.len() > 1,
        queues: Vec::new(),
        plugged: true,
        gone: Arc::new(AtomicBool::new(false)),
        before: existed.then_some(before),
        rx: Vec::new(),
        tx: Vec::new(),
    };
    control.add_files(files)?;
    let queues = control.start(settings, LentPools::default())?;
    let made = if existed { "uses the TAP device" } else { "made the TAP device" };
    let notices = vec![format!(
        "port {port}: {made} `{name}`, offloads off; it costs a system call a frame, so use it for tests and for the host, \
         not for speed"
    )];
    Ok(Opened { port: Port::Tap(control), rx: queues.rx, tx: queues.tx, notices })
}

/// Files that the settings need: each is a queue of both directions, and one is kept in any case, to hold the device.
fn queue_files(settings: &PortSettings) -> Result<u16, PortError> {
    let queues = settings.rx_queues.max(settings.tx_queues).max(1);
    if queues > QUEUES_MAX {
        let message = format!("a TAP has at most {QUEUES_MAX} queues; use fewer workers than {queues}");
        return Err(refused(&settings.name, message));
    }
    Ok(queues)
}

/// The rules of `dev_valid_name` in the kernel, and something to call it by.
fn check_name(port: &str, device: &str) -> Result<(), PortError> {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'/' && byte != b':';
    if matches!(device, "" | "." | "..") || device.len() >= libc::IFNAMSIZ || !device.bytes().all(allowed) {
        let message = format!("`{device}` cannot name a TAP: use 1 to 15 letters, digits or signs other than / and :");
        return Err(refused(port, message));
    }
    Ok(())
}

/// Makes or joins the device; returns a file for each queue, and the name that the kernel completed.
fn attach(port: &str, device: &str, existed: bool, queues: u16) -> Result<(Vec<File>, String), PortError> {
    let mut name = device.to_owned();
    // A device for one queue is made as such: a second program cannot join it then.
    let multi = if queues > 1 { libc::IFF_MULTI_QUEUE } else { 0 };
    // A device that another program makes at this moment is not ours to take.
    let fresh = if existed { 0 } else { libc::IFF_TUN_EXCL };
    let mut files: Vec<File> = Vec::new();
    for _ in 0..queues {
        let file = device::open_clone_device().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => {
                refused(port, format!("there is no {CLONE_DEVICE}: load the kernel's TAP driver, `modprobe tun`"))
            }
            io::ErrorKind::PermissionDenied => not_allowed(port, format!("opening {CLONE_DEVICE}")),
            _ => system(port, format!("opening {CLONE_DEVICE}"), source),
        })?;
        let first = files.is_empty();
        let mut attached = device::attach(&file, &name, multi | if first { fresh } else { 0 });
        if existed && queues == 1 && is(&attached, libc::EINVAL) {
            // A device made for several queues is joined as such, also by one.
            attached = device::attach(&file, &name, libc::IFF_MULTI_QUEUE);
        }
        match attached {
            Ok(given) => name = given,
            Err(source) => return Err(explain(port, &name, queues, source)),
        }
        files.push(file);
    }
    Ok((files, name))
}

fn is(result: &io::Result<String>, errno: libc::c_int) -> bool {
    result.as_ref().is_err_and(|error| error.raw_os_error() == Some(errno))
}

fn explain(port: &str, name: &str, queues: u16, source: io::Error) -> PortError {
    match source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => not_allowed(port, format!("the TAP device `{name}`")),
        Some(libc::EBUSY) => PortError::Busy {
            port: port.into(),
            device: name.into(),
            reason: "another program has this TAP open; `ip tuntap` lists them".into(),
        },
        Some(libc::EINVAL) => {
            let several = if queues > 1 { ", or is a TAP without `multi_queue`" } else { "" };
            let message = format!("interface `{name}` exists and is no TAP{several}; name another device");
            refused(port, message)
        }
        _ => system(port, format!("making the TAP device `{name}`"), source),
    }
}

fn check_mac(port: &str, device: &str, ours: MacAddr6, theirs: MacAddr6) -> Result<(), PortError> {
    if ours == theirs {
        let message = format!(
            "{ours} is the address of the kernel side of `{device}`; the port is the other end of the cable, give it another"
        );
        return Err(refused(port, message));
    }
    Ok(())
}

fn refused(port: &str, message: String) -> PortError {
    PortError::Refused { port: port.into(), message }
}

fn not_allowed(port: &str, what: String) -> PortError {
    PortError::NotAllowed { port: port.into(), what, capability: "CAP_NET_ADMIN" }
}

fn system(port: &str, call: String, source: io::Error) -> PortError {
    PortError::System { port: port.into(), call, source }
}

impl TapPort {
    fn add_files(&mut self, files: Vec<File>) -> Result<(), PortError> {
        for file in files {
            device::switch_offloads_off(&file)
                .map_err(|source| self.failed("the offloads, which have to be off,", source))?;
            self.queues.push(Queue { file: Arc::new(file), gone: self.gone.clone() });
        }
        Ok(())
    }

    /// Sees to it that the device is there with as many queues as the settings need. One of our own that was made for one
    /// queue is made anew for several, and so is one that was deleted.
    fn provide_files(&mut self, settings: &PortSettings) -> Result<(), PortError> {
        let wanted = queue_files(settings)?;
        let remake = wanted > 1 && self.before.is_none() && !self.several;
        if self.is_gone() || remake {
            self.queues.clear();
            self.gone = Arc::new(AtomicBool::new(false));
            let (port, device) = (&self.info.name, &self.info.device);
            let existed = Interface::find(device).is_ok();
            let (files, _) = attach(port, device, existed, wanted)?;
            self.kernel =
                Interface::find(device).map_err(|source| system(port, format!("finding `{device}`"), source))?;
            self.dropped_before = device::dropped(device);
            (self.several, self.plugged) = (wanted > 1, true);
            return self.add_files(files);
        }
        self.queues.truncate(usize::from(wanted));
        let missing = usize::from(wanted) - self.queues.len();
        if missing > 0 {
            // Two at least, so that the device is joined as one of several queues.
            let (mut files, _) = attach(&self.info.name, &self.info.device, true, (missing as u16).max(2))?;
            files.truncate(missing);
            self.add_files(files)?;
        }
        Ok(())
    }

    /// Sets what the settings ask for and brings the kernel side up. What is right already is left alone, so a persistent
    /// device that root prepared works without rights.
    fn bring_up(&mut self, settings: &PortSettings) -> Result<(), PortError> {
        if let Some(mtu) = settings.mtu
            && !self.kernel.mtu().is_ok_and(|now| now == u32::from(mtu))
        {
            self.set_mtu(mtu)?;
        }
        let length = libc::c_int::try_from(settings.rx_ring).unwrap_or(libc::c_int::MAX);
        if !self.kernel.queue_length().is_ok_and(|now| now == length) {
            self.kernel.set_queue_length(length).map_err(|source| self.failed("the queue length", source))?;
        }
        self.kernel.set_up(true).map_err(|source| self.failed("the flags", source))?;
        Ok(())
    }

    fn failed(&self, what: &str, source: io::Error) -> PortError {
        let (port, call) = (&self.info.name, format!("setting {what} of `{}`", self.info.device));
        match source.kind() {
            io::ErrorKind::PermissionDenied => not_allowed(port, call),
            _ => system(port, call, source),
        }
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || self.queues.first().is_none_or(|queue| !device::is_attached(&queue.file))
    }
}

impl PortControl for TapPort {
    fn info(&self) -> PortInfo {
        self.info.clone()
    }

    /// Up when the kernel side is up and the cable is plugged in.
    fn link(&self) -> Link {
        if self.is_gone() {
            return Link { up: false, gone: true, ..Link::UP };
        }
        let ready = libc::IFF_UP | libc::IFF_RUNNING;
        // A kernel side that was moved to another network namespace cannot be asked, and still carries frames.
        let up = self.plugged && self.kernel.flags().map_or(true, |flags| flags & ready == ready);
        Link { up, ..Link::UP }
    }

    fn stats(&self) -> PortStats {
        let mut stats = PortStats::of_queues(&self.rx, &self.tx);
        stats.rx_missed += device::dropped(&self.info.device).saturating_sub(self.dropped_before);
        stats
    }

    /// Sets the MTU of the kernel side too: both ends of a cable must agree.
    fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        if !(MTU_MIN..=MTU_MAX).contains(&mtu) {
            let message = format!("MTU {mtu} is not between {MTU_MIN} and {MTU_MAX}");
            return Err(refused(&self.info.name, message));
        }
        self.kernel.set_mtu(mtu.into()).map_err(|source| self.failed("the MTU", source))?;
        self.info.mtu = mtu;
        Ok(())
    }

    /// Sets the port's address; the kernel side keeps its own.
    fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        let theirs = self
            .kernel
            .hardware()
            .map_err(|source| system(&self.info.name, format!("asking about `{}`", self.info.device), source))?;
        check_mac(&self.info.name, &self.info.device, mac, theirs.mac)?;
        self.info.mac = mac;
        Ok(())
    }

    /// A TAP receives all that the kernel sends in any case: this is only recorded.
    fn set_promiscuous(&mut self, on: bool) -> Result<(), PortError> {
        self.info.promiscuous = on;
        Ok(())
    }

    /// As [`PortControl::set_promiscuous`].
    fn set_all_multicast(&mut self, on: bool) -> Result<(), PortError> {
        self.info.all_multicast = on;
        Ok(())
    }

    /// As [`PortControl::set_promiscuous`].
    fn set_groups(&mut self, _groups: &[MacAddr6]) -> Result<(), PortError> {
        Ok(())
    }

    /// Plugs the cable in, or pulls it.
    fn set_link(&mut self, up: bool) -> Result<(), PortError> {
        if self.plugged != up
            && let Some(queue) = self.queues.first()
        {
            device::set_carrier(&queue.file, up).map_err(|source| self.failed("the carrier", source))?;
            self.plugged = up;
        }
        Ok(())
    }

    fn start(&mut self, settings: &PortSettings, _lent: LentPools<'_>) -> Result<Queues, PortError> {
        self.provide_files(settings)?;
        self.bring_up(settings)?;
        self.set_link(true)?;
        let mut queues = Queues::default();
        for (number, queue) in self.queues.iter().enumerate() {
            if number < usize::from(settings.rx_queues) {
                if number == self.rx.len() {
                    self.rx.push(RxStats::default());
                }
                queues.rx.push(Rx::Tap(TapRx { queue: Some(queue.clone()), stats: self.rx[number].clone() }));
            }
            if number < usize::from(settings.tx_queues) {
                if number == self.tx.len() {
                    self.tx.push(TxStats::default());
                }
                queues.tx.push(Tx::Tap(TapTx { queue: Some(queue.clone()), stats: self.tx[number].clone() }));
            }
        }
        (self.info.rx_queues, self.info.tx_queues) = (settings.rx_queues, settings.tx_queues);
        self.info.rx_ring = settings.rx_ring;
        Ok(queues)
    }

    /// Pulls the cable; the device stays.
    fn stop(&mut self, _pools: &mut [Pool]) -> Result<(), PortError> {
        if !self.is_gone() {
            self.set_link(false)?;
        }
        Ok(())
    }

    /// The device is the port's own: one that was deleted is made again.
    fn is_back(&self) -> bool {
        self.is_gone()
    }

    fn reset(&mut self) -> Result<(), PortError> {
        Ok(())
    }

    /// Gives a device that was there before back as it was. One of our own ends here, when the queues are closed too.
    fn close(&mut self) {
        if let Some(before) = self.before.take() {
            // Nobody is left to tell of a failure, and most often it means that the device was deleted.
            let _ = self.kernel.set_queue_length(before.queue_length);
            let _ = self.kernel.set_mtu(before.mtu);
            let _ = self.kernel.set_up(before.up);
            let _ = self.set_link(true);
        }
        self.queues.clear();
    }
}

impl Drop for TapPort {
    fn drop(&mut self) {
        self.close();
    }
}
