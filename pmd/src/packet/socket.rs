//! AF_PACKET sockets: the options of packet(7) as calls that say what they do.

use macaddr::MacAddr6;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// The same interface's frames dealt to several sockets by a hash of the flow (`PACKET_FANOUT_HASH`).
const FANOUT_HASH: u32 = libc::PACKET_FANOUT_HASH;
/// The kernel picks a group number that nobody else uses (`PACKET_FANOUT_FLAG_UNIQUEID`).
const FANOUT_UNIQUE: u32 = 0x2000;

/// Frames that the kernel counted since the last question.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Statistics {
    /// Frames that found the ring or the socket full.
    pub drops: u64,
}

/// A raw packet socket.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
}

impl Socket {
    /// A socket that receives nothing yet.
    pub fn new() -> io::Result<Self> {
        // Protocol 0: nothing arrives before the socket is bound, so the ring never starts with another port's frames.
        // SAFETY: socket() touches no memory of ours.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0) };
        if fd == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and nobody else has it.
        Ok(Self { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Its descriptor.
    pub fn raw(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    fn set<T>(&self, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
        // SAFETY: the kernel reads `size_of::<T>()` bytes of `value`, a plain C value.
        let result = unsafe {
            libc::setsockopt(
                self.raw(),
                level,
                option,
                std::ptr::from_ref(value).cast(),
                size_of::<T>() as libc::socklen_t,
            )
        };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn get<T: Default>(&self, level: libc::c_int, option: libc::c_int) -> io::Result<T> {
        let mut value = T::default();
        let mut len = size_of::<T>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `len` bytes, the size of `value`, a plain C value for which all bits are valid.
        let result =
            unsafe { libc::getsockopt(self.raw(), level, option, std::ptr::from_mut(&mut value).cast(), &mut len) };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(value) }
    }

    /// Version 2 of the ring's slots.
    pub fn version_2(&self) -> io::Result<()> {
        self.set(libc::SOL_PACKET, libc::PACKET_VERSION, &libc::tpacket_versions::TPACKET_V2)
    }

    /// A virtio-net header stands before every frame.
    pub fn virtio_headers(&self) -> io::Result<()> {
        self.set(libc::SOL_PACKET, libc::PACKET_VNET_HDR, &1_i32)
    }

    /// Frames that we send are not shown to us.
    pub fn ignore_outgoing(&self) -> io::Result<()> {
        // Kernel 4.20 and later; before, such frames are told apart by their type (`PACKET_OUTGOING`).
        self.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1_i32)
    }

    /// Frames too large for a slot are kept in the socket, as far as `bytes` reach.
    pub fn keep_large(&self, bytes: i32) -> io::Result<()> {
        self.set(libc::SOL_PACKET, libc::PACKET_COPY_THRESH, &1_i32)?;
        // Beyond the system's limit where we may, else as far as it goes.
        self.set(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &bytes)
            .or_else(|_| self.set(libc::SOL_SOCKET, libc::SO_RCVBUF, &bytes))
    }

    /// Makes the receive ring; [`super::ring::Ring`] maps it.
    pub fn receive_ring(&self, request: &libc::tpacket_req) -> io::Result<()> {
        self.set(libc::SOL_PACKET, libc::PACKET_RX_RING, request)
    }

    /// Sends go straight to the device, past the queueing discipline.
    pub fn bypass_queueing(&self) -> io::Result<()> {
        self.set(libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, &1_i32)
    }

    /// Room for frames on their way out.
    pub fn send_buffer(&self, bytes: i32) -> io::Result<()> {
        self.set(libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &bytes)
            .or_else(|_| self.set(libc::SOL_SOCKET, libc::SO_SNDBUF, &bytes))
    }

    /// Binds to an interface; with `receive`, frames of every protocol arrive from now on.
    pub fn bind(&self, interface: i32, receive: bool) -> io::Result<()> {
        let protocol = if receive { (libc::ETH_P_ALL as u16).to_be() } else { 0 };
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: protocol,
            sll_ifindex: interface,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        // SAFETY: the kernel reads one `sockaddr_ll`.
        let result = unsafe {
            libc::bind(
                self.raw(),
                std::ptr::from_ref(&address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Begins a group of sockets that share the interface's frames; returns its number.
    pub fn begin_fanout(&self) -> io::Result<u16> {
        self.set(libc::SOL_PACKET, libc::PACKET_FANOUT, &((FANOUT_HASH | FANOUT_UNIQUE) << 16))?;
        let value: u32 = self.get(libc::SOL_PACKET, libc::PACKET_FANOUT)?;
        Ok(value as u16)
    }

    /// Joins a group.
    pub fn join_fanout(&self, group: u16) -> io::Result<()> {
        self.set(libc::SOL_PACKET, libc::PACKET_FANOUT, &(u32::from(group) | FANOUT_HASH << 16))
    }

    /// Joins or leaves promiscuous or all-multicast reception; it ends with the socket, so a crash leaves nothing behind.
    pub fn membership(&self, interface: i32, kind: libc::c_int, on: bool) -> io::Result<()> {
        self.member(
            libc::packet_mreq { mr_ifindex: interface, mr_type: kind as u16, mr_alen: 0, mr_address: [0; 8] },
            on,
        )
    }

    /// Joins those of `wanted` that are not in `joined`, leaves the others, and takes down in `joined` how far it came.
    pub fn follow_groups(&self, interface: i32, joined: &mut Vec<MacAddr6>, wanted: &[MacAddr6]) -> io::Result<()> {
        let request = |group: MacAddr6| {
            let mut mr_address = [0; 8];
            mr_address[..6].copy_from_slice(group.as_bytes());
            libc::packet_mreq {
                mr_ifindex: interface,
                mr_type: libc::PACKET_MR_MULTICAST as u16,
                mr_alen: 6,
                mr_address,
            }
        };
        for group in wanted {
            if !joined.contains(group) {
                self.member(request(*group), true)?;
                joined.push(*group);
            }
        }
        for group in joined.extract_if(.., |group| !wanted.contains(group)) {
            self.member(request(group), false)?;
        }
        Ok(())
    }

    fn member(&self, request: libc::packet_mreq, on: bool) -> io::Result<()> {
        let option = if on { libc::PACKET_ADD_MEMBERSHIP } else { libc::PACKET_DROP_MEMBERSHIP };
        self.set(libc::SOL_PACKET, option, &request)
    }

    /// What the kernel counted since the last question.
    pub fn statistics(&self) -> Statistics {
        let counted: [u32; 2] = self.get(libc::SOL_PACKET, libc::PACKET_STATISTICS).unwrap_or_default();
        Statistics { drops: u64::from(counted[1]) }
    }

    /// Takes a pending error off the socket, which would else make every wait on it end at once.
    pub fn clear_error(&self) {
        let _: io::Result<i32> = self.get(libc::SOL_SOCKET, libc::SO_ERROR);
    }

    /// Fetches a frame that was too large for its slot, virtio-net header first.
    pub fn receive(&self, bytes: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the kernel writes at most `bytes.len()` bytes into `bytes`.
        let len = unsafe { libc::recv(self.raw(), bytes.as_mut_ptr().cast(), bytes.len(), libc::MSG_TRUNC) };
        usize::try_from(len).map_err(|_| io::Error::last_os_error())
    }

    /// Sends frames; returns how many were taken.
    pub fn send(&self, messages: &mut [libc::mmsghdr]) -> io::Result<usize> {
        // SAFETY: every message points at one iovec of the caller, which points at bytes that the caller lends for the
        // duration of the call (see `super::tx`); the kernel only reads them.
        let sent =
            unsafe { libc::sendmmsg(self.raw(), messages.as_mut_ptr(), messages.len() as u32, libc::MSG_DONTWAIT) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}
