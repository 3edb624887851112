//! The control side of an AF_PACKET port, and how one is opened.

use super::ring::Ring;
use super::rx::PacketRx;
use super::socket::Socket;
use super::tx::PacketTx;
use crate::control::PortControl;
use crate::linux::Interface;
use crate::{Counter, Duplex, LentPools, Limits, Link, OffloadFacts, Opened, Port, PortError, PortInfo, PortSettings};
use crate::{PortStats, Queues, Rx, RxStats, Tx, TxStats};
use crossbeam_utils::CachePadded;
use macaddr::MacAddr6;
use ringway_mempool::Pool;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes before the IP packet in a frame that a slot has to hold; a tag is taken off by the kernel.
const ETHERNET: usize = 18;
/// Bytes that wait in the socket: superframes, of up to 64 KiB each.
const KEPT: i32 = 8 << 20;
/// Bytes on their way out.
const SEND_BUFFER: i32 = 4 << 20;

/// What only this driver counts, by queue.
#[derive(Debug, Default)]
pub(super) struct PacketCounters {
    /// Checksums that the sender had left open.
    pub checksums_filled: Counter,
    /// Superframes that were cut.
    pub superframes: Counter,
    /// VLAN tags that the kernel had taken off.
    pub tags_restored: Counter,
}

/// How the device was before us.
#[derive(Debug)]
struct Before {
    up: bool,
    mtu: Option<u32>,
    mac: Option<MacAddr6>,
    lro: bool,
}

/// Control side of an AF_PACKET port.
#[derive(Debug)]
pub struct PacketPort {
    info: PortInfo,
    interface: Interface,
    before: Option<Before>,
    sockets: Vec<Arc<Socket>>,
    /// Multicast groups that the first of them has joined.
    groups: Vec<MacAddr6>,
    gone: Arc<AtomicBool>,
    /// Frames that the kernel had no room for; it forgets them when it is asked, so they are added up here.
    missed: AtomicU64,
    counters: Vec<Arc<CachePadded<PacketCounters>>>,
    rx: Vec<RxStats>,
    tx: Vec<TxStats>,
}

/// Opens a port on a Linux interface; it is brought up, and given back as it was at the close.
///
/// # Errors
/// [`PortError`], when the interface is not there, is no Ethernet device, rights are missing or a setting is refused. What
/// was changed is undone then.
pub fn open(settings: &PortSettings, device: &str) -> Result<Opened, PortError> {
    let port = settings.name.as_str();
    let interface = Interface::find(device).map_err(|source| match source.raw_os_error() {
        Some(libc::ENODEV) => PortError::NoDevice { port: port.into(), device: device.into() },
        _ => system(port, format!("finding `{device}`"), source),
    })?;
    let asking = |source| system(port, format!("asking about `{device}`"), source);
    let hardware = interface.hardware().map_err(asking)?;
    if !matches!(hardware.kind, libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK) {
        let message = format!("`{device}` is no Ethernet interface (hardware type {}); choose another", hardware.kind);
        return Err(PortError::Refused { port: port.into(), message });
    }
    let range = interface.mtu_range().map_err(asking)?;
    let mtu_now = interface.mtu().map_err(asking)?;
    let up = interface.flags().map_err(asking)? & libc::IFF_UP != 0;
    let info = PortInfo {
        name: port.into(),
        driver: "af_packet",
        device: device.into(),
        mac: settings.mac.unwrap_or(hardware.mac),
        mtu: settings.mtu.unwrap_or(u16::try_from(mtu_now).unwrap_or(u16::MAX)),
        mtu_min: *range.start(),
        mtu_max: *range.end(),
        rx_queues: 0,
        tx_queues: 0,
        rx_ring: settings.rx_ring,
        tx_ring: settings.tx_ring,
        promiscuous: false,
        all_multicast: false,
        numa_node: interface.numa_node(),
        limits: Limits::default(),
        rss: None,
        rx_offloads: OffloadFacts::default(),
        tx_offloads: OffloadFacts::default(),
        facts: vec![("offloads", "checksums and superframes of a virtual peer are finished here".into())],
    };
    let lro = interface.lro();
    let mut control = PacketPort {
        info,
        interface,
        before: Some(Before { up, mtu: None, mac: None, lro: false }),
        sockets: Vec::new(),
        groups: Vec::new(),
        gone: Arc::new(AtomicBool::new(false)),
        missed: AtomicU64::new(0),
        counters: Vec::new(),
        rx: Vec::new(),
        tx: Vec::new(),
    };
    let mut notices = Vec::new();
    control.prepare(settings, mtu_now, hardware.mac)?;
    if lro {
        control.changing("switching off large receive offload", control.interface.set_lro(false))?;
        if let Some(before) = &mut control.before {
            before.lro = true;
        }
        notices.push(format!(
            "port {port}: large receive offload of `{device}` is off while ringway runs: what it merges cannot be forwarded"
        ));
    }
    let queues = control.open_queues(settings)?;
    if settings.promiscuous {
        control.set_promiscuous(true)?;
    }
    if settings.all_multicast {
        control.set_all_multicast(true)?;
    }
    Ok(Opened { port: Port::Packet(Box::new(control)), rx: queues.rx, tx: queues.tx, notices })
}

impl PacketPort {
    fn failed(&self, call: String, source: io::Error) -> PortError {
        let port = self.info.name.clone();
        if matches!(source.raw_os_error(), Some(libc::EPERM | libc::EACCES)) {
            return PortError::NotAllowed { port, what: call, capability: "CAP_NET_RAW and CAP_NET_ADMIN" };
        }
        PortError::System { port, call, source }
    }

    fn changing(&self, what: &str, result: io::Result<()>) -> Result<(), PortError> {
        result.map_err(|source| self.failed(format!("{what} of `{}`", self.info.device), source))
    }

    /// Gives the device the settings and brings it up.
    fn prepare(&mut self, settings: &PortSettings, mtu_now: u32, mac_now: MacAddr6) -> Result<(), PortError> {
        if let Some(mac) = settings.mac.filter(|mac| *mac != mac_now) {
            self.changing("setting the MAC address", self.interface.set_mac(mac))?;
            self.remember(|before| before.mac = Some(mac_now));
        }
        if let Some(mtu) = settings.mtu.filter(|mtu| u32::from(*mtu) != mtu_now) {
            self.check_mtu(mtu)?;
            self.changing("setting the MTU", self.interface.set_mtu(mtu.into()))?;
            self.remember(|before| before.mtu = Some(mtu_now));
        }
        self.changing("bringing up the link", self.interface.set_up(true).map(|_| ()))
    }

    fn remember(&mut self, change: impl FnOnce(&mut Before)) {
        if let Some(before) = &mut self.before {
            change(before);
        }
    }

    fn open_queues(&mut self, settings: &PortSettings) -> Result<Queues, PortError> {
        let mut queues = Queues::default();
        let mut group = None;
        for number in 0..usize::from(settings.rx_queues) {
            let opened = self.open_queue(settings, group);
            let (socket, ring, joined) = opened.map_err(|source| {
                self.failed(format!("opening packet socket {number} on `{}`", self.info.device), source)
            })?;
            group = joined;
            if number == self.rx.len() {
                self.rx.push(RxStats::default());
                self.counters.push(Arc::default());
            }
            let (counters, stats) = (self.counters[number].clone(), self.rx[number].clone());
            let queue = PacketRx::new(ring, socket.clone(), self.gone.clone(), counters, stats);
            queues.rx.push(Rx::Packet(Box::new(queue)));
            self.sockets.push(socket);
        }
        for number in 0..usize::from(settings.tx_queues) {
            let sender = open_sender(&self.interface).map_err(|source| {
                self.failed(format!("opening packet socket {number} on `{}` for sending", self.info.device), source)
            })?;
            if number == self.tx.len() {
                self.tx.push(TxStats::default());
            }
            queues.tx.push(Tx::Packet(PacketTx::new(sender, self.tx[number].clone())));
        }
        (self.info.rx_queues, self.info.tx_queues) = (settings.rx_queues, settings.tx_queues);
        (self.info.rx_ring, self.info.tx_ring) = (settings.rx_ring, settings.tx_ring);
        Ok(queues)
    }

    fn open_queue(&self, settings: &PortSettings, group: Option<u16>) -> io::Result<(Arc<Socket>, Ring, Option<u16>)> {
        let socket = Socket::new()?;
        socket.version_2()?;
        socket.virtio_headers()?;
        socket.ignore_outgoing()?;
        socket.keep_large(KEPT)?;
        let ring = Ring::new(&socket, settings.rx_ring, usize::from(self.info.mtu) + ETHERNET)?;
        socket.bind(self.interface.index(), true)?;
        let group = match (settings.rx_queues, group) {
            (0 | 1, _) => None,
            (_, None) => Some(socket.begin_fanout()?),
            (_, Some(group)) => {
                socket.join_fanout(group)?;
                Some(group)
            }
        };
        Ok((Arc::new(socket), ring, group))
    }

    fn check_mtu(&self, mtu: u16) -> Result<(), PortError> {
        let (least, most) = (self.info.mtu_min, self.info.mtu_max);
        if (least..=most).contains(&mtu) {
            return Ok(());
        }
        let message = format!("`{}` takes MTUs from {least} to {most}, not {mtu}", self.info.device);
        Err(PortError::Refused { port: self.info.name.clone(), message })
    }

    fn join(&self, kind: libc::c_int, on: bool, what: &str) -> Result<(), PortError> {
        // One socket is enough: the setting is the device's, held as long as somebody asks for it.
        let Some(socket) = self.sockets.first() else { return Ok(()) };
        self.changing(what, socket.membership(self.interface.index(), kind, on))
    }

    /// Adds up what the kernel had no room for since it was last asked.
    fn count_missed(&self) -> u64 {
        let missed: u64 = self.sockets.iter().map(|socket| socket.statistics().drops).sum();
        self.missed.fetch_add(missed, Ordering::Relaxed) + missed
    }

    /// Finds the device again when the one opened first is gone: another of the same name.
    fn find_again(&mut self) -> Result<(), PortError> {
        if self.interface.exists() {
            return Ok(());
        }
        let (port, device) = (self.info.name.clone(), self.info.device.clone());
        let found = Interface::find(&device);
        self.interface = found.map_err(|_| PortError::NoDevice { port: port.clone(), device: device.clone() })?;
        self.gone = Arc::new(AtomicBool::new(false));
        let asking = |source| system(&port, format!("asking about `{device}`"), source);
        let up = self.interface.flags().map_err(asking)? & libc::IFF_UP != 0;
        self.info.mac = self.interface.hardware().map_err(asking)?.mac;
        self.before = Some(Before { up, mtu: None, mac: None, lro: false });
        if self.interface.lro() {
            self.changing("switching off large receive offload", self.interface.set_lro(false))?;
            self.remember(|before| before.lro = true);
        }
        Ok(())
    }
}

impl PortControl for PacketPort {
    fn info(&self) -> PortInfo {
        self.info.clone()
    }

    fn link(&self) -> Link {
        let Ok(flags) = self.interface.flags() else {
            // Any failure here means that the index names no device any more.
            self.gone.store(true, Ordering::Relaxed);
            return Link { up: false, gone: true, ..Link::UP };
        };
        let up = flags & libc::IFF_UP != 0 && flags & libc::IFF_RUNNING != 0;
        if !up {
            self.sockets.iter().for_each(|socket| socket.clear_error());
        }
        let (speed, duplex): (Option<u32>, Option<Duplex>) = self.interface.speed();
        Link { up, speed, duplex, ..Link::UP }
    }

    fn stats(&self) -> PortStats {
        PortStats { rx_missed: self.count_missed(), ..PortStats::of_queues(&self.rx, &self.tx) }
    }

    fn xstats(&self) -> Vec<(String, u64)> {
        let sum = |get: fn(&PacketCounters) -> &Counter| self.counters.iter().map(|counters| get(counters).get()).sum();
        let faults = self.tx.iter().map(|queue| queue.faults.get()).sum();
        vec![
            ("rx_checksums_filled".into(), sum(|counters| &counters.checksums_filled)),
            ("rx_superframes_cut".into(), sum(|counters| &counters.superframes)),
            ("rx_tags_restored".into(), sum(|counters| &counters.tags_restored)),
            ("tx_faults".into(), faults),
        ]
    }

    fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        self.check_mtu(mtu)?;
        let now = self.interface.mtu().map_err(|source| self.failed("asking for the MTU".into(), source))?;
        self.changing("setting the MTU", self.interface.set_mtu(mtu.into()))?;
        self.remember(|before| before.mtu = before.mtu.or(Some(now)));
        self.info.mtu = mtu;
        Ok(())
    }

    fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        let now = self.info.mac;
        self.changing("setting the MAC address", self.interface.set_mac(mac))?;
        self.remember(|before| before.mac = before.mac.or(Some(now)));
        self.info.mac = mac;
        Ok(())
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
        let Some(socket) = self.sockets.first() else { return Ok(()) };
        let followed = socket.follow_groups(self.interface.index(), &mut self.groups, groups);
        self.changing("joining multicast groups", followed)
    }

    fn set_link(&mut self, up: bool) -> Result<(), PortError> {
        self.changing("changing the link", self.interface.set_up(up).map(|_| ()))
    }

    fn start(&mut self, settings: &PortSettings, _lent: LentPools<'_>) -> Result<Queues, PortError> {
        self.find_again()?;
        let asking = |source| system(&self.info.name, format!("asking about `{}`", self.info.device), source);
        let mtu_now = self.interface.mtu().map_err(asking)?;
        self.prepare(settings, mtu_now, self.info.mac)?;
        self.info.mtu = settings.mtu.unwrap_or(u16::try_from(mtu_now).unwrap_or(u16::MAX));
        self.info.mac = settings.mac.unwrap_or(self.info.mac);
        let queues = self.open_queues(settings)?;
        // The memberships went with the sockets.
        let (promiscuous, all_multicast) = (self.info.promiscuous, self.info.all_multicast);
        (self.info.promiscuous, self.info.all_multicast) = (false, false);
        self.groups.clear();
        self.set_promiscuous(promiscuous)?;
        self.set_all_multicast(all_multicast)?;
        Ok(queues)
    }

    /// The interface stays up; nothing is received from it or sent to it any more.
    fn stop(&mut self, _pools: &mut [Pool]) -> Result<(), PortError> {
        self.count_missed();
        self.sockets.clear();
        Ok(())
    }

    fn is_back(&self) -> bool {
        !self.interface.exists() && Interface::find(&self.info.device).is_ok()
    }

    fn reset(&mut self) -> Result<(), PortError> {
        Ok(())
    }

    fn close(&mut self) {
        self.sockets.clear();
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
        if !before.up {
            let _ = self.interface.set_up(false);
        }
    }
}

impl Drop for PacketPort {
    fn drop(&mut self) {
        self.close();
    }
}

/// A transmit queue on an interface, past the queueing discipline.
pub(crate) fn open_tx(interface: &Interface, stats: TxStats) -> io::Result<PacketTx> {
    open_sender(interface).map(|sender| PacketTx::new(sender, stats))
}

fn open_sender(interface: &Interface) -> io::Result<Arc<Socket>> {
    let socket = Socket::new()?;
    socket.bypass_queueing()?;
    socket.send_buffer(SEND_BUFFER)?;
    socket.bind(interface.index(), false)?;
    Ok(Arc::new(socket))
}

fn system(port: &str, call: String, source: io::Error) -> PortError {
    PortError::System { port: port.into(), call, source }
}
