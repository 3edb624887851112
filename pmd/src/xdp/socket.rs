//! An AF_XDP socket and what is asked of it.

use super::ring::{Consumer, Entry, Layout, Mapping, Producer};
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// `SO_PREFER_BUSY_POLL` and `SO_BUSY_POLL_BUDGET` of `asm-generic/socket.h` (kernel 5.11 and later).
const SO_PREFER_BUSY_POLL: libc::c_int = 69;
const SO_BUSY_POLL_BUDGET: libc::c_int = 70;
/// Packets that one busy poll handles at most.
const BUSY_POLL_BUDGET: libc::c_int = 64;

/// One socket: a queue of a device, once it is bound.
#[derive(Debug)]
pub(super) struct Socket {
    descriptor: OwnedFd,
    interface: u32,
    queue: u32,
}

/// The four rings of a socket. What they hold is ours or the kernel's as [`super::ring`] says.
#[derive(Debug)]
pub(super) struct Rings {
    pub fill: Producer<u64>,
    pub receive: Consumer<libc::xdp_desc>,
    pub transmit: Producer<libc::xdp_desc>,
    pub completion: Consumer<u64>,
}

impl Socket {
    /// A socket that will be bound to a queue of an interface of this thread's network namespace.
    pub fn new(interface: i32, queue: u32) -> io::Result<Self> {
        // SAFETY: socket() touches no memory of ours.
        let descriptor = unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if descriptor == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and nobody else has it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        let interface = interface.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
        Ok(Self { descriptor, interface, queue })
    }

    pub fn raw(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }

    pub fn queue(&self) -> u32 {
        self.queue
    }

    fn set<T>(&self, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
        let len = size_of::<T>() as libc::socklen_t;
        // SAFETY: the kernel reads `len` bytes, the size of `value`.
        let result = unsafe { libc::setsockopt(self.raw(), level, option, std::ptr::from_ref(value).cast(), len) };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Reads an option; every member of `T` is an integer, and `value` says what the kernel does not write.
    fn get<T>(&self, level: libc::c_int, option: libc::c_int, mut value: T) -> io::Result<T> {
        let mut len = size_of::<T>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `len` bytes, the size of `value`, a plain C value for which all bits are valid.
        let result =
            unsafe { libc::getsockopt(self.raw(), level, option, std::ptr::from_mut(&mut value).cast(), &mut len) };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(value) }
    }

    /// Makes and maps the four rings. The kernel reserves completions for all it takes from the transmit ring, and we
    /// never fill more than the receive ring holds, so each pair has one size.
    pub fn rings(&self, receive: u32, transmit: u32) -> io::Result<Rings> {
        for (option, size) in [
            (libc::XDP_UMEM_FILL_RING, receive),
            (libc::XDP_UMEM_COMPLETION_RING, transmit),
            (libc::XDP_RX_RING, receive),
            (libc::XDP_TX_RING, transmit),
        ] {
            self.set(libc::SOL_XDP, option, &size)?;
        }
        let none = || libc::xdp_ring_offset { producer: 0, consumer: 0, desc: 0, flags: 0 };
        let offsets = libc::xdp_mmap_offsets { rx: none(), tx: none(), fr: none(), cr: none() };
        let offsets = self.get(libc::SOL_XDP, libc::XDP_MMAP_OFFSETS, offsets)?;
        let fill = Layout::from((&offsets.fr, receive));
        let completion = Layout::from((&offsets.cr, transmit));
        let rx = Layout::from((&offsets.rx, receive));
        let tx = Layout::from((&offsets.tx, transmit));
        Ok(Rings {
            fill: Producer::new(self.map::<u64>(&fill, libc::XDP_UMEM_PGOFF_FILL_RING as libc::off_t)?, fill)?,
            receive: Consumer::new(self.map::<libc::xdp_desc>(&rx, libc::XDP_PGOFF_RX_RING)?, rx)?,
            transmit: Producer::new(self.map::<libc::xdp_desc>(&tx, libc::XDP_PGOFF_TX_RING)?, tx)?,
            completion: Consumer::new(
                self.map::<u64>(&completion, libc::XDP_UMEM_PGOFF_COMPLETION_RING as libc::off_t)?,
                completion,
            )?,
        })
    }

    fn map<T: Entry>(&self, layout: &Layout, offset: libc::off_t) -> io::Result<Arc<Mapping>> {
        Mapping::new(Some(self.descriptor.as_fd()), layout.bytes::<T>(), offset).map(Arc::new)
    }

    /// Registers memory as chunks of `chunk` bytes that may start anywhere.
    pub fn register(&self, memory: (usize, usize), chunk: u32) -> io::Result<()> {
        let (address, len) = memory;
        self.set(
            libc::SOL_XDP,
            libc::XDP_UMEM_REG,
            &libc::xdp_umem_reg {
                addr: address as u64,
                len: len as u64,
                chunk_size: chunk,
                headroom: 0,
                flags: libc::XDP_UMEM_UNALIGNED_CHUNK_FLAG,
                tx_metadata_len: 0,
            },
        )
    }

    /// Binds to the queue: frames can come from now on. With `umem_of`, over the memory of that bound socket.
    pub fn bind(&self, flags: u16, umem_of: Option<&Self>) -> io::Result<()> {
        let address = libc::sockaddr_xdp {
            sxdp_family: libc::AF_XDP as u16,
            // A socket that shares a UMEM inherits how the first was bound; saying it again is refused.
            sxdp_flags: if umem_of.is_some() { libc::XDP_SHARED_UMEM } else { flags },
            sxdp_ifindex: self.interface,
            sxdp_queue_id: self.queue,
            sxdp_shared_umem_fd: umem_of.map_or(0, |other| other.raw() as u32),
        };
        let len = size_of::<libc::sockaddr_xdp>() as libc::socklen_t;
        // SAFETY: the kernel reads one `sockaddr_xdp`.
        let result = unsafe { libc::bind(self.raw(), std::ptr::from_ref(&address).cast(), len) };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Lets the kernel's receive work run in our calls instead of in interrupts, for at most `microseconds` a call.
    pub fn busy_poll(&self, microseconds: u32) -> io::Result<()> {
        self.set(libc::SOL_SOCKET, SO_PREFER_BUSY_POLL, &1_i32)?;
        self.set(libc::SOL_SOCKET, libc::SO_BUSY_POLL, &libc::c_int::try_from(microseconds).unwrap_or(i32::MAX))?;
        self.set(libc::SOL_SOCKET, SO_BUSY_POLL_BUDGET, &BUSY_POLL_BUDGET)
    }

    /// Whether the device reads and writes our memory itself. Known once the socket is bound.
    pub fn is_zero_copy(&self) -> bool {
        let options = self.get(libc::SOL_XDP, libc::XDP_OPTIONS, libc::xdp_options { flags: 0 });
        options.is_ok_and(|options| options.flags & libc::XDP_OPTIONS_ZEROCOPY != 0)
    }

    /// What the kernel has counted since the socket was made.
    pub fn statistics(&self) -> Option<libc::xdp_statistics> {
        let zero = libc::xdp_statistics {
            rx_dropped: 0,
            rx_invalid_descs: 0,
            tx_invalid_descs: 0,
            rx_ring_full: 0,
            rx_fill_ring_empty_descs: 0,
            tx_ring_empty_descs: 0,
        };
        self.get(libc::SOL_XDP, libc::XDP_STATISTICS, zero).ok()
    }

    /// Takes a pending error off the socket, which would else make every wait on it end at once.
    pub fn clear_error(&self) {
        let _: io::Result<libc::c_int> = self.get(libc::SOL_SOCKET, libc::SO_ERROR, 0);
    }

    /// Lets the kernel look at the fill ring, and receive when it polls busily.
    pub fn wake_receive(&self) -> io::Result<()> {
        // SAFETY: a null buffer of no bytes: nothing is written.
        let result = unsafe {
            libc::recvfrom(
                self.raw(),
                std::ptr::null_mut(),
                0,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            )
        };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Lets the kernel look at the transmit ring; without zero-copy it sends in this call.
    pub fn wake_transmit(&self) -> io::Result<()> {
        // SAFETY: a null buffer of no bytes: nothing is read.
        let result = unsafe { libc::sendto(self.raw(), std::ptr::null(), 0, libc::MSG_DONTWAIT, std::ptr::null(), 0) };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}
