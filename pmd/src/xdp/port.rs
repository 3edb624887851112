//! The control side of an AF_XDP port, and how one is opened.

use super::attach::{Attached, ETHERNET, buffer_frame, mtu_most};
use super::bpf::Attachment;
use super::pace::Pace;
use super::settings::XdpSettings;
use super::socket::Socket;
use super::umem::{FRAME_EXTRA, FRAME_MAX};
use crate::control::PortControl;
use crate::linux::Interface;
use crate::packet;
use crate::{
    Counter, LentPools, Limits, Link, OffloadFacts, Opened, PoolUse, Port, PortError, PortInfo, PortSettings, PortStats,
};
use crate::{Queues, RingBuffers, RxStats, TxStats};
use crossbeam_utils::CachePadded;
use macaddr::MacAddr6;
use ringway_mempool::Pool;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

/// Control side of an AF_XDP port.
pub struct XdpPort {
    pub(super) info: PortInfo,
    pub(super) on: Attached,
    pub(super) settings: XdpSettings,
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
            .field("attachment", &self.on.attachment)
            .finish_non_exhaustive()
    }
}

/// Opens a port on a Linux interface; it is brought up, and given back as it was at the close.
///
/// # Errors
/// [`PortError`], when the interface is not there, AF_XDP does not work on it or a setting is refused. What was changed is
/// undone then.
pub fn open(settings: &PortSettings, device: &str, xdp: XdpSettings) -> Result<Opened, PortError> {
    let (on, notices) = Attached::new(settings, device, &xdp)?;
    let info = info_of(&on, settings);
    let (sockets, filled, rx, tx) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut control =
        XdpPort { info, on, settings: xdp, membership: None, groups: Vec::new(), sockets, filled, rx, tx };
    control.receive_more(settings.promiscuous, settings.all_multicast)?;
    Ok(Opened { port: Port::Xdp(Box::new(control)), rx: Vec::new(), tx: Vec::new(), notices })
}

/// What there is to tell of a port whose interface was just taken over.
fn info_of(on: &Attached, settings: &PortSettings) -> PortInfo {
    let (device, range) = (&on.device, on.device.mtu_range());
    PortInfo {
        name: settings.name.clone(),
        driver: "af_xdp",
        device: device.name().into(),
        mac: device.mac(),
        mtu: device.mtu(),
        mtu_min: *range.start(),
        mtu_max: mtu_most().min(*range.end()),
        rx_queues: 0,
        tx_queues: 0,
        rx_ring: settings.rx_ring,
        tx_ring: settings.tx_ring,
        promiscuous: false,
        all_multicast: false,
        numa_node: device.interface().numa_node(),
        limits: Limits {
            rx_queues: u16::try_from(on.queues).unwrap_or(u16::MAX),
            rx_buffer_min: u32::from(on.buffer_frame),
            frame_max: FRAME_MAX,
            ..Limits::default()
        },
        rss: None,
        rx_offloads: OffloadFacts::default(),
        tx_offloads: OffloadFacts::default(),
        facts: Vec::new(),
    }
}

impl XdpPort {
    /// Takes the interface over anew when the one that was taken is gone: another of the same name. What is to be said of it.
    fn find_again(&mut self, settings: &PortSettings) -> Result<Vec<String>, PortError> {
        if self.on.device.interface().exists() {
            return Ok(Vec::new());
        }
        let (promiscuous, all_multicast) = (self.info.promiscuous, self.info.all_multicast);
        let (on, notices) = Attached::new(settings, &self.info.device, &self.settings)?;
        (self.info, self.on, self.membership) = (info_of(&on, settings), on, None);
        self.groups.clear();
        self.receive_more(promiscuous, all_multicast)?;
        Ok(notices)
    }

    /// Receives frames for others, as far as it is asked for.
    fn receive_more(&mut self, promiscuous: bool, all_multicast: bool) -> Result<(), PortError> {
        self.set_promiscuous(promiscuous)?;
        self.set_all_multicast(all_multicast)
    }

    /// Gives the device the settings of a new start.
    fn apply(&mut self, settings: &PortSettings) -> Result<(), PortError> {
        self.on.device.look_again();
        (self.info.mtu, self.info.mac) = (self.on.device.mtu(), self.on.device.mac());
        if let Some(mtu) = settings.mtu.filter(|mtu| *mtu != self.on.device.mtu()) {
            self.set_mtu(mtu)?;
        }
        if let Some(mac) = settings.mac.filter(|mac| *mac != self.on.device.mac()) {
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
        let interface = self.on.device.interface().index();
        let joined = self.membership().and_then(|(socket, _)| socket.membership(interface, kind, on));
        self.on.device.changing(what, joined)
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
        let mode = match self.on.attachment {
            Attachment::Native => "native (in the driver)",
            Attachment::Generic => "generic (behind the driver)",
        };
        let busy_poll = match self.settings.busy_poll {
            0 => "off".into(),
            microseconds => format!("{microseconds} us a call"),
        };
        let steer = match &self.on.steer {
            None => "all frames".into(),
            Some(host) => format!("ours; {} address(es) are the kernel's", host.count()),
        };
        let checksums = if self.on.shared.finish_checksums {
            "left open by a virtual peer are finished here"
        } else {
            "as received"
        };
        let receive_work = self.on.pace.as_ref().map_or("as the kernel has it".into(), Pace::fact);
        let facts = vec![
            ("receive work", receive_work),
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
        let link = self.on.device.link();
        self.on.shared.gone.store(link.gone, Ordering::Relaxed);
        if link.gone {
            self.sockets.iter().filter_map(Weak::upgrade).for_each(|socket| socket.clear_error());
            return link;
        }
        if let Some(steer) = &self.on.steer {
            steer.refresh();
        }
        if let Some(pace) = &self.on.pace {
            pace.follow(&self.on.device, self.rx.iter().map(|queue| queue.packets.get()).sum());
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
        self.on.device.set_mtu(mtu)?;
        self.info.mtu = mtu;
        Ok(())
    }

    fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        self.on.device.set_mac(mac)?;
        self.info.mac = mac;
        match &self.on.steer {
            Some(steer) => self.on.device.changing("steering by the MAC address", steer.set_mac(mac)),
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
        let interface = self.on.device.interface().index();
        let followed = self.membership().and_then(|(socket, joined)| socket.follow_groups(interface, joined, groups));
        self.on.device.changing("joining multicast groups", followed)
    }

    /// The device is given its buffers when its queues are made.
    fn pool_use(&self) -> PoolUse {
        PoolUse::Receivers
    }

    fn ring_buffers(&self, settings: &PortSettings) -> RingBuffers {
        // A queue of the port stands for several of a device that has more.
        let each = self.on.queues.div_ceil(u32::from(settings.rx_queues).max(1));
        RingBuffers { rx: settings.rx_ring * each, tx: settings.tx_ring }
    }

    fn start(&mut self, settings: &PortSettings, lent: LentPools<'_>) -> Result<Queues, PortError> {
        let mut notices = self.find_again(settings)?;
        self.apply(settings)?;
        let mut queues = self.open_queues(settings, lent)?;
        queues.notices.append(&mut notices);
        Ok(queues)
    }

    /// The queues have brought every buffer home when they were closed.
    fn stop(&mut self, _pools: &mut [Pool]) -> Result<(), PortError> {
        self.sockets.clear();
        Ok(())
    }

    fn is_back(&self) -> bool {
        !self.on.device.interface().exists() && Interface::find(&self.info.device).is_ok()
    }

    fn reset(&mut self) -> Result<(), PortError> {
        Ok(())
    }

    fn close(&mut self) {
        self.membership = None;
        self.on.detach();
    }
}

impl Drop for XdpPort {
    fn drop(&mut self) {
        self.close();
    }
}
