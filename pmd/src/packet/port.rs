//! The control side of an AF_PACKET port, and how one is opened.

use super::ring::Ring;
use super::rx::PacketRx;
use super::socket::Socket;
use super::tx::PacketTx;
use crate::control::PortControl;
use crate::linux::{Device, Interface};
use crate::{Counter, LentPools, Limits, Link, OffloadFacts, Opened, Port, PortError, PortInfo, PortSettings};
use crate::{PortStats, Queues, Rx, RxStats, Tx, TxStats};
use crossbeam_utils::CachePadded;
use macaddr::MacAddr6;
use ringway_mempool::Pool;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a packet socket and changes of its interface take.
const CAPABILITIES: &str = "CAP_NET_RAW and CAP_NET_ADMIN";
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

/// Control side of an AF_PACKET port.
#[derive(Debug)]
pub struct PacketPort {
    info: PortInfo,
    device: Device,
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
    let (device, notices) = take_over(settings, device)?;
    let mut control = PacketPort {
        info: info_of(&device, settings),
        device,
        sockets: Vec::new(),
        groups: Vec::new(),
        gone: Arc::new(AtomicBool::new(false)),
        missed: AtomicU64::new(0),
        counters: Vec::new(),
        rx: Vec::new(),
        tx: Vec::new(),
    };
    let queues = control.open_queues(settings)?;
    control.receive_more(settings.promiscuous, settings.all_multicast)?;
    Ok(Opened { port: Port::Packet(Box::new(control)), rx: queues.rx, tx: queues.tx, notices })
}

/// Gives the interface the settings of a port; the lines are for the operator.
fn take_over(settings: &PortSettings, name: &str) -> Result<(Device, Vec<String>), PortError> {
    let mut device = Device::open(settings, name, CAPABILITIES)?;
    let mut notices = Vec::new();
    if device.lro_off()? {
        notices.push(format!(
            "port {}: large receive offload of `{name}` is off while ringway runs: what it merges cannot be forwarded",
            settings.name
        ));
    }
    Ok((device, notices))
}

/// What there is to tell of a port whose interface was just taken over.
fn info_of(device: &Device, settings: &PortSettings) -> PortInfo {
    let range = device.mtu_range();
    PortInfo {
        name: settings.name.clone(),
        driver: "af_packet",
        device: device.name().into(),
        mac: device.mac(),
        mtu: device.mtu(),
        mtu_min: *range.start(),
        mtu_max: *range.end(),
        rx_queues: 0,
        tx_queues: 0,
        rx_ring: settings.rx_ring,
        tx_ring: settings.tx_ring,
        promiscuous: false,
        all_multicast: false,
        numa_node: device.interface().numa_node(),
        limits: Limits::default(),
        rss: None,
        rx_offloads: OffloadFacts::default(),
        tx_offloads: OffloadFacts::default(),
        facts: vec![("offloads", "checksums and superframes of a virtual peer are finished here".into())],
    }
}

impl PacketPort {
    /// Receives frames for others, as far as it is asked for.
    fn receive_more(&mut self, promiscuous: bool, all_multicast: bool) -> Result<(), PortError> {
        self.set_promiscuous(promiscuous)?;
        self.set_all_multicast(all_multicast)
    }

    fn open_queues(&mut self, settings: &PortSettings) -> Result<Queues, PortError> {
        let mut queues = Queues::default();
        let mut group = None;
        for number in 0..usize::from(settings.rx_queues) {
            let opened = self.open_queue(settings, group);
            let (socket, ring, joined) = opened.map_err(|source| {
                self.device.failed(format!("opening packet socket {number} on `{}`", self.info.device), source)
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
            let sender = open_sender(self.device.interface()).map_err(|source| {
                self.device
                    .failed(format!("opening packet socket {number} on `{}` for sending", self.info.device), source)
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
        socket.bind(self.device.interface().index(), true)?;
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

    fn join(&self, kind: libc::c_int, on: bool, what: &str) -> Result<(), PortError> {
        // One socket is enough: the setting is the device's, held as long as somebody asks for it.
        let Some(socket) = self.sockets.first() else { return Ok(()) };
        self.device.changing(what, socket.membership(self.device.interface().index(), kind, on))
    }

    /// Adds up what the kernel had no room for since it was last asked.
    fn count_missed(&self) -> u64 {
        let missed: u64 = self.sockets.iter().map(|socket| socket.statistics().drops).sum();
        self.missed.fetch_add(missed, Ordering::Relaxed) + missed
    }

    /// Takes the interface over anew when the one that was taken is gone: another of the same name. What is to be said of it.
    fn find_again(&mut self, settings: &PortSettings) -> Result<Vec<String>, PortError> {
        if self.device.interface().exists() {
            return Ok(Vec::new());
        }
        let (device, notices) = take_over(settings, &self.info.device)?;
        let (promiscuous, all_multicast) = (self.info.promiscuous, self.info.all_multicast);
        self.info = PortInfo { promiscuous, all_multicast, ..info_of(&device, settings) };
        self.device = device;
        self.gone = Arc::new(AtomicBool::new(false));
        Ok(notices)
    }
}

impl PortControl for PacketPort {
    fn info(&self) -> PortInfo {
        self.info.clone()
    }

    fn link(&self) -> Link {
        let link = self.device.link();
        if link.gone {
            self.gone.store(true, Ordering::Relaxed);
        } else if !link.up {
            self.sockets.iter().for_each(|socket| socket.clear_error());
        }
        link
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
        self.device.set_mtu(mtu)?;
        self.info.mtu = mtu;
        Ok(())
    }

    fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        self.device.set_mac(mac)?;
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
        let followed = socket.follow_groups(self.device.interface().index(), &mut self.groups, groups);
        self.device.changing("joining multicast groups", followed)
    }

    fn set_link(&mut self, up: bool) -> Result<(), PortError> {
        self.device.changing("changing the link", self.device.interface().set_up(up).map(|_| ()))
    }

    fn start(&mut self, settings: &PortSettings, _lent: LentPools<'_>) -> Result<Queues, PortError> {
        let mut notices = self.find_again(settings)?;
        self.device.look_again();
        (self.info.mtu, self.info.mac) = (self.device.mtu(), self.device.mac());
        if let Some(mtu) = settings.mtu.filter(|mtu| *mtu != self.device.mtu()) {
            self.set_mtu(mtu)?;
        }
        if let Some(mac) = settings.mac.filter(|mac| *mac != self.device.mac()) {
            self.set_mac(mac)?;
        }
        self.device.changing("bringing up the link", self.device.interface().set_up(true).map(|_| ()))?;
        let mut queues = self.open_queues(settings)?;
        queues.notices.append(&mut notices);
        // The memberships went with the sockets.
        let (promiscuous, all_multicast) = (self.info.promiscuous, self.info.all_multicast);
        (self.info.promiscuous, self.info.all_multicast) = (false, false);
        self.groups.clear();
        self.receive_more(promiscuous, all_multicast)?;
        Ok(queues)
    }

    /// The interface stays up; nothing is received from it or sent to it any more.
    fn stop(&mut self, _pools: &mut [Pool]) -> Result<(), PortError> {
        self.count_missed();
        self.sockets.clear();
        Ok(())
    }

    fn is_back(&self) -> bool {
        !self.device.interface().exists() && Interface::find(&self.info.device).is_ok()
    }

    fn reset(&mut self) -> Result<(), PortError> {
        Ok(())
    }

    fn close(&mut self) {
        self.sockets.clear();
        self.device.restore();
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
