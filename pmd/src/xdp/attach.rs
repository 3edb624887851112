//! Taking an interface over: its settings, and the program that steers its frames.

use super::bpf::{self, Attachment, Map, MapKind};
use super::btf;
use super::pace::Pace;
use super::program::{self, Steering};
use super::settings::{Mode, Steer, XdpSettings};
use super::shared::Shared;
use super::socket::Socket;
use super::steer::HostAddresses;
use super::umem::{FRAME_EXTRA, FRAME_MAX, FRAME_MIN};
use crate::linux::Device;
use crate::{PortError, PortSettings};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Longest Ethernet header: addresses, two VLAN tags, type.
pub(super) const ETHERNET: u32 = 22;
/// What all of AF_XDP takes.
const CAPABILITIES: &str = "CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF";
/// The kernel's function that tells a frame's VLAN tag (kernel 6.8 and later).
const VLAN_TAG_FUNCTION: &str = "bpf_xdp_metadata_rx_vlan_tag";
/// Virtual devices with an address on a bus: their peers leave checksums open too.
const VIRTUAL: [&str; 4] = ["virtio_net", "vif", "hv_netvsc", "vmxnet3"];

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

/// An interface with our program on it. It is given back as it was on [`Attached::detach`] and on drop.
pub(super) struct Attached {
    pub device: Device,
    pub shared: Arc<Shared>,
    pub attachment: Attachment,
    pub steer: Option<HostAddresses>,
    /// On a device whose receive work is deferred under load.
    pub pace: Option<Pace>,
    /// Receive queues of the device.
    pub queues: u32,
    /// Bytes of frame that its buffers need.
    pub buffer_frame: u16,
    /// Keeps the program on the interface.
    link: Option<OwnedFd>,
}

impl Attached {
    /// Takes the interface `name` over; the lines are for the operator.
    ///
    /// # Errors
    /// [`PortError`], when it is not there, AF_XDP does not work on it or a setting is refused. What was changed is undone then.
    pub fn new(settings: &PortSettings, name: &str, xdp: &XdpSettings) -> Result<(Self, Vec<String>), PortError> {
        let port = settings.name.as_str();
        let mut device = Device::open(settings, name, CAPABILITIES)?;
        let buffer_frame = check_buffers(&device, port, xdp)?;
        let queues = device.interface().receive_queues();
        if xdp.every_worker && queues < u32::from(settings.rx_queues) {
            let message = format!("`{name}` has {queues} receive queue(s) for {} workers", settings.rx_queues);
            return Err(PortError::Refused { port: port.into(), message });
        }
        let making = |what: &str, source| device.failed(format!("making {what} for AF_XDP on `{name}`"), source);
        let sockets =
            Map::new(MapKind::Sockets, 4, 4, queues).map_err(|source| making("the table of sockets", source))?;
        let steer = match xdp.steer {
            Steer::All => None,
            Steer::Ours => Some(
                HostAddresses::new(name, device.mac()).map_err(|source| making("the table of addresses", source))?,
            ),
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
        let steering = Steering {
            sockets: sockets.raw(),
            ours: steer.as_ref().map(HostAddresses::maps),
            vlan_tag: if is_virtual { btf::kernel_function(VLAN_TAG_FUNCTION) } else { None },
        };
        let on = attach(&device, port, xdp.mode, queues, &steering, &mut notices)?;
        if on.attachment == Attachment::Generic && device.gro_off()? {
            notices.push(format!("port {port}: generic receive offload of `{name}` is off while ringway runs"));
        }
        // A device whose driver leaves tags where they are, as told above, or whose program puts them back.
        let tags_in_place = on.restores_tags || !is_virtual && !device.interface().rx_vlan();
        if xdp.tagged && !tags_in_place {
            let message = format!(
                "frames of `{name}` come to AF_XDP without their VLAN tags here (kernel 6.8 in native mode puts them back); set \
                 driver = \"af_packet\""
            );
            return Err(PortError::Refused { port: port.into(), message });
        }
        let shared = Arc::new(Shared {
            name: port.into(),
            device: name.into(),
            sockets,
            zero_copy: xdp.zero_copy,
            busy_poll: xdp.busy_poll > 0,
            finish_checksums: is_virtual,
            gone: AtomicBool::new(false),
        });
        let (attachment, link) = (on.attachment, Some(on.link));
        let paced = xdp.defer > 0 && bus.is_empty() && attachment == Attachment::Native && device.may_defer();
        let pace = paced.then(|| Pace::new(xdp.defer));
        Ok((Self { device, shared, attachment, steer, pace, queues, buffer_frame, link }, notices))
    }

    /// Takes the program off and gives the interface back.
    pub fn detach(&mut self) {
        self.link = None;
        self.device.restore();
    }
}

/// Bytes of frame that the buffers need, if there can be such buffers.
fn check_buffers(device: &Device, port: &str, xdp: &XdpSettings) -> Result<u16, PortError> {
    let refused = |message: String| PortError::Refused { port: port.into(), message };
    let Some(needed) = buffer_frame(device.mtu()) else {
        let most = mtu_most().min(*device.mtu_range().end());
        return Err(refused(format!(
            "an MTU of {} is more than AF_XDP carries, {most}; lower it, or set driver = \"af_packet\"",
            device.mtu()
        )));
    };
    if xdp.frame_size.is_some_and(|bytes| bytes < needed) {
        return Err(refused(format!(
            "the packet buffers are too small for AF_XDP; set frame_size in [memory] to {needed} or more, or remove it"
        )));
    }
    Ok(needed)
}

/// The program on its interface.
struct On {
    link: OwnedFd,
    attachment: Attachment,
    /// It puts the VLAN tags back that the kernel carries beside the frame.
    restores_tags: bool,
}

/// Attaches the program where the mode says.
fn attach(
    device: &Device,
    port: &str,
    mode: Mode,
    queues: u32,
    steering: &Steering,
    notices: &mut Vec<String>,
) -> Result<On, PortError> {
    let (name, index) = (device.name(), device.interface().index());
    let plain = Steering { vlan_tag: None, ..*steering };
    let load = || {
        bpf::load(&program::program(&plain), None)
            .map_err(|source| device.failed(format!("loading the XDP program for `{name}`"), source))
    };
    if mode != Mode::Generic {
        // Only a program in the driver can ask for the tag, and not every driver tells it.
        let tagging = steering.vlan_tag.and_then(|_| bpf::load(&program::program(steering), Some(index)).ok());
        let restores_tags = tagging.is_some();
        match bpf::attach(&tagging.map_or_else(load, Ok)?, index, Attachment::Native) {
            Ok(link) => return Ok(On { link, attachment: Attachment::Native, restores_tags }),
            Err(source) => {
                let taken = source.raw_os_error() == Some(libc::EBUSY);
                let why = attach_failed(device, port, queues, source);
                if taken || mode == Mode::Native {
                    return Err(why);
                }
                notices.push(format!("{why}; the XDP program runs behind the driver (generic mode), which is slower"));
            }
        }
    }
    let link = bpf::attach(&load()?, index, Attachment::Generic)
        .map_err(|source| attach_failed(device, port, queues, source))?;
    Ok(On { link, attachment: Attachment::Generic, restores_tags: false })
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
