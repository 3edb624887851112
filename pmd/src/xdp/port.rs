//! The control side of an AF_XDP port, and how one is opened.

use super::bpf::{self, Attachment, Map, MapKind};
use super::btf;
use super::program::{self, Steering};
use super::socket::Socket;
use super::steer::HostAddresses;
use super::umem::{FRAME_EXTRA, FRAME_MAX, FRAME_MIN, ZeroCopy};
use crate::control::PortControl;
use crate::linux::Device;
use crate::packet;
use crate::{
    Counter, LentPools, Limits, Link, OffloadFacts, Opened, Port, PortError, PortInfo, PortSettings, PortStats,
};
use crate::{Queues, RingBuffers, RxStats, TxStats};
use crossbeam_utils::CachePadded;
use macaddr::MacAddr6;
use ringway_mempool::Pool;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// Longest Ethernet header: addresses, two VLAN tags, type.
const ETHERNET: u32 = 22;
/// What all of AF_XDP takes.
const CAPABILITIES: &str = "CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF";
/// The kernel's function that tells a frame's VLAN tag (kernel 6.8 and later).
const VLAN_TAG_FUNCTION: &str = "bpf_xdp_metadata_rx_vlan_tag";
/// Virtual devices with an address on a bus: their peers leave checksums open too.
const VIRTUAL: [&str; 4] = ["virtio_net", "vif", "hv_netvsc", "vmxnet3"];

/// Where the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// In the driver where it can, else behind it.
    #[default]
    Auto,
    /// In the driver, or the port does not open.
    Native,
    /// Behind any driver, after the kernel has made its own copy of the frame.
    Generic,
}

/// Which frames are taken from the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Steer {
    /// All.
    #[default]
    All,
    /// Not those for other MAC addresses, and not those for the addresses that the kernel has on the interface.
    Ours,
}

/// What only this driver is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct XdpSettings {
    /// Where the program runs.
    pub mode: Mode,
    /// Whether the device may read and write the buffers itself.
    pub zero_copy: ZeroCopy,
    /// Microseconds that the kernel's receive work may take in one call of ours; 0 leaves it to interrupts.
    pub busy_poll: u32,
    /// Which frames are taken.
    pub steer: Steer,
    /// Frames with VLAN tags are expected: a device that hides the tags is refused.
    pub tagged: bool,
    /// Bytes of frame that the packet buffers hold, where they are not made to what the ports need.
    pub frame_size: Option<u16>,
    /// A device with fewer receive queues than workers is refused.
    pub every_worker: bool,
}

/// What the queues of a port share with its control side.
pub(super) struct Shared {
    pub name: String,
    pub device: String,
    pub sockets: Map,
    pub zero_copy: ZeroCopy,
    pub busy_poll: bool,
    /// The sender may have left checksums open.
    pub finish_checksums: bool,
    pub gone: AtomicBool,
}

impl Shared {
    /// The queue's frames go to this socket.
    pub fn steer(&self, queue: u32, socket: &Socket) -> Result<(), PortError> {
        self.sockets
            .insert(&queue.to_ne_bytes(), &socket.raw().to_ne_bytes())
            .map_err(|source| self.failed(format!("steering queue {queue} of `{}`", self.device), source))
    }

    /// The queue's frames go to the kernel again; a socket that is closed leaves the table by itself in the end.
    pub fn unsteer(&self, queue: u32) {
        let _ = self.sockets.remove(&queue.to_ne_bytes());
    }

    pub fn refused(&self, message: String) -> PortError {
        PortError::Refused { port: self.name.clone(), message }
    }

    pub fn failed(&self, call: String, source: io::Error) -> PortError {
        PortError::System { port: self.name.clone(), call, source }
    }

    /// Why a queue could not be bound.
    pub fn bind_failed(&self, queue: u32, source: io::Error) -> PortError {
        let (port, device) = (self.name.clone(), self.device.clone());
        match source.raw_os_error() {
            Some(libc::EBUSY) => {
                let reason = format!("another AF_XDP socket has queue {queue}; end the program that holds it");
                PortError::Busy { port, device, reason }
            }
            Some(libc::EOPNOTSUPP) if self.zero_copy == ZeroCopy::On => {
                let message = format!("the driver of `{device}` has no zero-copy AF_XDP; set zero_copy = \"auto\"");
                PortError::Refused { port, message }
            }
            Some(libc::ENOBUFS | libc::ENOMEM) => {
                let message = format!(
                    "the packet memory could not be registered for `{device}`: locked memory is limited (`ulimit -l`); raise it, \
                     or run with CAP_IPC_LOCK"
                );
                PortError::Refused { port, message }
            }
            _ => self.failed(format!("binding an AF_XDP socket to queue {queue} of `{device}`"), source),
        }
    }
}

/// Control side of an AF_XDP port.
pub struct XdpPort {
    pub(super) info: PortInfo,
    pub(super) device: Device,
    pub(super) shared: Arc<Shared>,
    attachment: Attachment,
    pub(super) settings: XdpSettings,
    /// Receive queues of the device.
    pub(super) device_queues: u32,
    /// Keeps the program on the interface.
    link: Option<OwnedFd>,
    steer: Option<HostAddresses>,
    /// Joins promiscuous and all-multicast reception; they end with it.
    membership: Option<packet::Socket>,
    /// Multicast groups that it has joined.
    groups: Vec<MacAddr6>,
    /// The queues hold the sockets: the kernel lets go of the buffers when they close.
    pub(super) sockets: Vec<Weak<Socket>>,
    pub(super) filled: Vec<Arc<CachePadded<Counter>>>,
    pub(super) rx: Vec<RxStats>,
    pub(super) tx: Vec<TxStats>,
}

impl std::fmt::Debug for XdpPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XdpPort")
            .field("info", &self.info)
            .field("attachment", &self.attachment)
            .finish_non_exhaustive()
    }
}

/// Bytes of frame that the buffers of a worker need so that an AF_XDP port of this MTU can use them; `None` when no buffer
/// that the kernel takes is large enough.
pub fn buffer_frame(mtu: u16) -> Option<u16> {
    let longest = u32::from(mtu) + ETHERNET;
    (longest <= FRAME_MAX).then(|| (longest + FRAME_EXTRA).max(FRAME_MIN) as u16)
}

/// Largest MTU of an AF_XDP port on any device.
pub fn mtu_most() -> u16 {
    (FRAME_MAX - ETHERNET) as u16
}

/// Whether this kernel lets this process make an AF_XDP socket.
///
/// # Errors
/// What the kernel says.
pub fn supported() -> io::Result<()> {
    Socket::new(0, 0).map(|_| ())
}

/// Opens a port on a Linux interface; it is brought up, and given back as it was at the close.
///
/// # Errors
/// [`PortError`], when the interface is not there, AF_XDP does not work on it or a setting is refused. What was changed is
/// undone then.
pub fn open(settings: &PortSettings, device: &str, xdp: XdpSettings) -> Result<Opened, PortError> {
    let port = settings.name.as_str();
    let name = device;
    let mut device = Device::open(settings, name, CAPABILITIES)?;
    let refused = |message: String| PortError::Refused { port: port.into(), message };
    let mtu_most = mtu_most().min(*device.mtu_range().end());
    let Some(buffer_frame) = buffer_frame(device.mtu()) else {
        return Err(refused(format!(
            "an MTU of {} is more than AF_XDP carries, {mtu_most}; lower it, or set driver = \"af_packet\"",
            device.mtu()
        )));
    };
    if xdp.frame_size.is_some_and(|bytes| bytes < buffer_frame) {
        return Err(refused(format!(
            "the packet buffers are too small for AF_XDP; set frame_size in [memory] to {buffer_frame} or more, or remove it"
        )));
    }
    let queues = device.interface().receive_queues();
    if xdp.every_worker && queues < u32::from(settings.rx_queues) {
        return Err(refused(format!("`{name}` has {queues} receive queue(s) for {} workers", settings.rx_queues)));
    }
    let making = |what: &str, source| device.failed(format!("making {what} for AF_XDP on `{name}`"), source);
    let sockets = Map::new(MapKind::Sockets, 4, 4, queues).map_err(|source| making("the table of sockets", source))?;
    let steer = match xdp.steer {
        Steer::All => None,
        Steer::Ours => {
            Some(HostAddresses::new(name, device.mac()).map_err(|source| making("the table of addresses", source))?)
        }
    };
    let (driver, bus) = device.interface().driver();
    let is_virtual = bus.is_empty() || VIRTUAL.contains(&driver.as_str());
    let mut notices = Vec::new();
    if device.lro_off()? {
        notices.push(format!(
            "port {port}: large receive offload of `{name}` is off while ringway runs: what it merges cannot be forwarded"
        ));
    }
    if !is_virtual {
        device.rx_vlan_off();
    }
    let index = device.interface().index();
    let steering = Steering {
        sockets: sockets.raw(),
        ours: steer.as_ref().map(HostAddresses::maps),
        vlan_tag: if is_virtual { btf::kernel_function(VLAN_TAG_FUNCTION) } else { None },
    };
    // Only a program in the driver can ask for the tag, and not every driver tells it.
    let tagging = (xdp.mode != Mode::Generic && steering.vlan_tag.is_some())
        .then(|| bpf::load(&program::program(&steering), Some(index)).ok())
        .flatten();
    let restores_tags = tagging.is_some();
    let plain = Steering { vlan_tag: None, ..steering };
    let load = || {
        bpf::load(&program::program(&plain), None)
            .map_err(|source| device.failed(format!("loading the XDP program for `{name}`"), source))
    };
    let native = match xdp.mode {
        Mode::Generic => None,
        Mode::Native | Mode::Auto => {
            let program = tagging.map_or_else(load, Ok)?;
            Some(bpf::attach(&program, index, Attachment::Native))
        }
    };
    let (link, attachment) = match native {
        Some(Ok(link)) => (link, Attachment::Native),
        Some(Err(source)) if xdp.mode == Mode::Native || source.raw_os_error() == Some(libc::EBUSY) => {
            return Err(attach_failed(&device, port, queues, source));
        }
        native => {
            if let Some(Err(source)) = native {
                let why = attach_failed(&device, port, queues, source);
                notices.push(format!("{why}; the XDP program runs behind the driver (generic mode), which is slower"));
            }
            let link = bpf::attach(&load()?, index, Attachment::Generic)
                .map_err(|source| attach_failed(&device, port, queues, source))?;
            (link, Attachment::Generic)
        }
    };
    if attachment == Attachment::Generic && device.gro_off()? {
        notices.push(format!("port {port}: generic receive offload of `{name}` is off while ringway runs"));
    }
    // A device whose driver leaves tags where they are, as told above, or whose program puts them back.
    let tags_in_place =
        restores_tags && attachment == Attachment::Native || !is_virtual && !device.interface().rx_vlan();
    if xdp.tagged && !tags_in_place {
        return Err(refused(format!(
            "frames of `{name}` come to AF_XDP without their VLAN tags here (kernel 6.8 in native mode puts them back); set driver = \
             \"af_packet\""
        )));
    }
    let range = device.mtu_range();
    let info = PortInfo {
        name: port.into(),
        driver: "af_xdp",
        device: name.into(),
        mac: device.mac(),
        mtu: device.mtu(),
        mtu_min: *range.start(),
        mtu_max: mtu_most,
        rx_queues: 0,
        tx_queues: 0,
        rx_ring: settings.rx_ring,
        tx_ring: settings.tx_ring,
        promiscuous: false,
        all_multicast: false,
        numa_node: device.interface().numa_node(),
        limits: Limits {
            rx_queues: u16::try_from(queues).unwrap_or(u16::MAX),
            rx_buffer_min: u32::from(buffer_frame),
            frame_max: FRAME_MAX,
            ..Limits::default()
        },
        rss: None,
        rx_offloads: OffloadFacts::default(),
        tx_offloads: OffloadFacts::default(),
        facts: Vec::new(),
    };
    let shared = Arc::new(Shared {
        name: port.into(),
        device: name.into(),
        sockets,
        zero_copy: xdp.zero_copy,
        busy_poll: xdp.busy_poll > 0,
        finish_checksums: is_virtual,
        gone: AtomicBool::new(false),
    });
    let mut control = XdpPort {
        info,
        device,
        shared,
        attachment,
        settings: xdp,
        device_queues: queues,
        link: Some(link),
        steer,
        membership: None,
        groups: Vec::new(),
        sockets: Vec::new(),
        filled: Vec::new(),
        rx: Vec::new(),
        tx: Vec::new(),
    };
    if settings.promiscuous {
        control.set_promiscuous(true)?;
    }
    if settings.all_multicast {
        control.set_all_multicast(true)?;
    }
    Ok(Opened { port: Port::Xdp(Box::new(control)), rx: Vec::new(), tx: Vec::new(), notices })
}

/// Why the program could not be attached, and what to do.
fn attach_failed(device: &Device, port: &str, queues: u32, source: io::Error) -> PortError {
    let (port, name) = (port.to_owned(), device.name());
    let message = match source.raw_os_error() {
        Some(libc::EBUSY) => {
            let reason = format!("another XDP program is attached to it; `ip link set dev {name} xdp off` removes it");
            return PortError::Busy { port, device: name.into(), reason };
        }
        // As veth says when its peer's frames do not fit a page behind the headroom.
        Some(libc::ERANGE) => format!(
            "an XDP program in the driver of `{name}` carries no MTU of {}: lower the MTU of both ends to 3498 or less, or set \
             driver = \"af_packet\"",
            device.mtu()
        ),
        Some(libc::ENOSPC) => format!(
            "`{name}` has {queues} receive queue(s), fewer than its peer sends on; `ethtool -L` changes either, or set driver = \
             \"af_packet\""
        ),
        Some(libc::EOPNOTSUPP) => format!("the driver of `{name}` cannot run an XDP program"),
        _ => return device.failed(format!("attaching the XDP program to `{name}`"), source),
    };
    PortError::Refused { port, message }
}

impl XdpPort {
    /// Gives the device the settings of a new start.
    fn apply(&mut self, settings: &PortSettings) -> Result<(), PortError> {
        if let Some(mtu) = settings.mtu.filter(|mtu| *mtu != self.device.mtu()) {
            self.set_mtu(mtu)?;
        }
        if let Some(mac) = settings.mac.filter(|mac| *mac != self.device.mac()) {
            self.set_mac(mac)?;
        }
        Ok(())
    }

    /// What the kernel counted, over all sockets that are open.
    fn kernel_counts(&self) -> (u64, u64) {
        let counted = self.sockets.iter().filter_map(Weak::upgrade).filter_map(|socket| socket.statistics());
        counted.fold((0, 0), |(missed, errors), counted| {
            let full = counted.rx_ring_full + counted.rx_fill_ring_empty_descs;
            // A frame for which there was no buffer is counted as dropped too.
            let dropped = counted.rx_dropped.saturating_sub(counted.rx_fill_ring_empty_descs);
            (missed + full, errors + dropped + counted.rx_invalid_descs)
        })
    }

    fn join(&mut self, kind: libc::c_int, on: bool, what: &str) -> Result<(), PortError> {
        let interface = self.device.interface().index();
        let joined = self.membership().and_then(|(socket, _)| socket.membership(interface, kind, on));
        self.device.changing(what, joined)
    }

    /// The socket that memberships are of, and the groups it has joined.
    fn membership(&mut self) -> io::Result<(&packet::Socket, &mut Vec<MacAddr6>)> {
        let socket = match self.membership.take() {
            Some(socket) => socket,
            None => packet::Socket::new()?,
        };
        Ok((self.membership.insert(socket), &mut self.groups))
    }
}

impl PortControl for XdpPort {
    fn info(&self) -> PortInfo {
        let bound: Vec<Arc<Socket>> = self.sockets.iter().filter_map(Weak::upgrade).collect();
        let zero_copy = !bound.is_empty() && bound.iter().all(|socket| socket.is_zero_copy());
        let mode = match self.attachment {
            Attachment::Native => "native (in the driver)",
            Attachment::Generic => "generic (behind the driver)",
        };
        let busy_poll = match self.settings.busy_poll {
            0 => "off".into(),
            microseconds => format!("{microseconds} us a call"),
        };
        let steer = match &self.steer {
            None => "all frames".into(),
            Some(host) => format!("ours; {} address(es) are the kernel's", host.count()),
        };
        let checksums =
            if self.shared.finish_checksums { "left open by a virtual peer are finished here" } else { "as received" };
        let facts = vec![
            ("xdp mode", mode.into()),
            ("copy mode", if zero_copy { "zero-copy" } else { "copy" }.into()),
            ("need wakeup", "on".into()),
            ("busy poll", busy_poll),
            ("steer", steer),
            ("checksums", checksums.into()),
        ];
        PortInfo { facts, ..self.info.clone() }
    }

    fn link(&self) -> Link {
        let link = self.device.link();
        self.shared.gone.store(link.gone, Ordering::Relaxed);
        if link.gone {
            self.sockets.iter().filter_map(Weak::upgrade).for_each(|socket| socket.clear_error());
        } else if let Some(steer) = &self.steer {
            steer.refresh();
        }
        link
    }

    fn stats(&self) -> PortStats {
        let queues = PortStats::of_queues(&self.rx, &self.tx);
        let (missed, errors) = self.kernel_counts();
        PortStats { rx_missed: queues.rx_missed + missed, rx_errors: queues.rx_errors + errors, ..queues }
    }

    fn xstats(&self) -> Vec<(String, u64)> {
        let open = || self.sockets.iter().filter_map(Weak::upgrade).filter_map(|socket| socket.statistics());
        let sum = |get: fn(&libc::xdp_statistics) -> u64| open().map(|counted| get(&counted)).sum();
        vec![
            ("rx_checksums_filled".into(), self.filled.iter().map(|filled| filled.get()).sum()),
            ("rx_dropped".into(), sum(|counted| counted.rx_dropped)),
            ("rx_ring_full".into(), sum(|counted| counted.rx_ring_full)),
            ("rx_fill_ring_empty".into(), sum(|counted| counted.rx_fill_ring_empty_descs)),
            ("rx_invalid_descriptors".into(), sum(|counted| counted.rx_invalid_descs)),
            ("tx_invalid_descriptors".into(), sum(|counted| counted.tx_invalid_descs)),
            ("tx_faults".into(), self.tx.iter().map(|queue| queue.faults.get()).sum()),
        ]
    }

    fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        // The buffers were made for the MTU at the start.
        if buffer_frame(mtu).is_none_or(|needed| u32::from(needed) > self.info.limits.rx_buffer_min) {
            let most = self.info.limits.rx_buffer_min - FRAME_EXTRA - ETHERNET;
            let message =
                format!("the packet buffers carry an MTU of up to {most} here; set `mtu` in [[port]] and restart");
            return Err(PortError::Refused { port: self.info.name.clone(), message });
        }
        self.device.set_mtu(mtu)?;
        self.info.mtu = mtu;
        Ok(())
    }

    fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        self.device.set_mac(mac)?;
        self.info.mac = mac;
        match &self.steer {
            Some(steer) => self.device.changing("steering by the MAC address", steer.set_mac(mac)),
            None => Ok(()),
        }
    }

    fn set_promiscuous(&mut self, on: bool) -> Result<(), PortError> {
        if self.info.promiscuous != on {
            self.join(libc::PACKET_MR_PROMISC, on, "promiscuous reception")?;
            self.info.promiscuous = on;
        }
        Ok(())
    }

    fn set_all_multicast(&mut self, on: bool) -> Result<(), PortError> {
        if self.info.all_multicast != on {
            self.join(libc::PACKET_MR_ALLMULTI, on, "reception of every multicast group")?;
            self.info.all_multicast = on;
        }
        Ok(())
    }

    fn set_groups(&mut self, groups: &[MacAddr6]) -> Result<(), PortError> {
        let interface = self.device.interface().index();
        let followed = self.membership().and_then(|(socket, joined)| socket.follow_groups(interface, joined, groups));
        self.device.changing("joining multicast groups", followed)
    }

    /// The device is given its buffers when its queues are made.
    fn wants_pools(&self) -> bool {
        true
    }

    fn ring_buffers(&self, settings: &PortSettings) -> RingBuffers {
        // A queue of the port stands for several of a device that has more.
        let each = self.device_queues.div_ceil(u32::from(settings.rx_queues).max(1));
        RingBuffers { rx: settings.rx_ring * each, tx: settings.tx_ring }
    }

    fn start(&mut self, settings: &PortSettings, lent: LentPools<'_>) -> Result<Queues, PortError> {
        self.apply(settings)?;
        self.open_queues(settings, lent)
    }

    /// The queues have brought every buffer home when they were closed.
    fn stop(&mut self, _pools: &mut [Pool]) -> Result<(), PortError> {
        self.sockets.clear();
        Ok(())
    }

    fn reset(&mut self) -> Result<(), PortError> {
        Ok(())
    }

    fn close(&mut self) {
        self.link = None;
        self.membership = None;
        self.device.restore();
    }
}

impl Drop for XdpPort {
    fn drop(&mut self) {
        self.close();
    }
}
