//! One worker's buffers as AF_XDP knows them: a UMEM over the memory of its pool, shared by all its ports.
//!
//! The first socket registers the memory, every further one is bound over it, so a frame received on one port is sent on
//! another without being copied. The kernel binds all sockets of a UMEM the same way, with zero-copy or without; where
//! devices differ, the same memory is registered once more for the other kind, and frames still need no copy of ours.

use super::socket::Socket;
use ringway_mempool::{PageKind, Pool};
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Bytes of a chunk that the kernel accepts: `XDP_UMEM_MIN_CHUNK_SIZE` to a page.
const CHUNK_MIN: u32 = 2048;
const CHUNK_MAX: u32 = 4096;
/// Bytes that the kernel keeps free before a frame in its chunk (`XDP_PACKET_HEADROOM`).
const HEADROOM: u32 = 256;
/// The longest frame that fits a chunk.
pub(super) const FRAME_MAX: u32 = CHUNK_MAX - HEADROOM;
/// A pool whose frames are this long has buffers that the kernel takes as chunks.
pub(super) const FRAME_MIN: u32 = CHUNK_MIN - ringway_mempool::HEADROOM as u32;
/// Bytes of a buffer that a received frame cannot use, beyond those that every pool keeps free.
pub(super) const FRAME_EXTRA: u32 = HEADROOM - ringway_mempool::HEADROOM as u32;
/// How long a queue may stay busy that another socket, perhaps of a process just killed, had until now: the kernel takes it apart
/// after the socket is gone.
const BUSY: Duration = Duration::from_secs(5);
const BUSY_STEP: Duration = Duration::from_millis(10);

/// Whether a device may read and write the buffers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZeroCopy {
    /// Where the driver can.
    #[default]
    Auto,
    /// Or the port does not open.
    On,
    /// The kernel copies.
    Off,
}

/// The bound sockets of all workers, by the memory they are bound over; those that are still open can be shared.
static BOUND: Mutex<Vec<(usize, Weak<Socket>)>> = Mutex::new(Vec::new());

/// Binds a socket over the memory of a pool, by a UMEM that exists where that is possible. Returns how long the queue was busy, if it
/// was.
pub(super) fn bind(socket: &Arc<Socket>, pool: &Pool, zero_copy: ZeroCopy) -> io::Result<Option<Duration>> {
    let memory = pool.memory();
    let mut bound = BOUND.lock().unwrap_or_else(PoisonError::into_inner);
    bound.retain(|(_, socket)| socket.strong_count() > 0);
    let others: Vec<Arc<Socket>> =
        bound.iter().filter(|(start, _)| *start == memory.0).filter_map(|(_, socket)| socket.upgrade()).collect();
    let mut waited = None;
    let mut shared = false;
    for other in &others {
        let suits = match zero_copy {
            ZeroCopy::Auto => true,
            ZeroCopy::On => other.is_zero_copy(),
            ZeroCopy::Off => !other.is_zero_copy(),
        };
        if !suits {
            continue;
        }
        match patiently(&mut waited, || socket.bind(0, Some(other))) {
            Ok(()) => {
                shared = true;
                break;
            }
            // The device cannot be bound as the other one is.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EINVAL)) => {}
            Err(error) => return Err(error),
        }
    }
    if !shared {
        socket.register(memory, pool.room().min(CHUNK_MAX))?;
        // Buffers that lie across pages are one piece for a device only within a huge page.
        let contiguous = pool.page_kind() == PageKind::Huge;
        let how = match zero_copy {
            ZeroCopy::On if !contiguous => {
                return Err(io::Error::other("zero-copy needs packet buffers on huge pages"));
            }
            ZeroCopy::On => libc::XDP_ZEROCOPY,
            // Tries zero-copy, then copies.
            ZeroCopy::Auto if contiguous => 0,
            ZeroCopy::Auto | ZeroCopy::Off => libc::XDP_COPY,
        };
        patiently(&mut waited, || socket.bind(how | libc::XDP_USE_NEED_WAKEUP, None))?;
    }
    bound.push((memory.0, Arc::downgrade(socket)));
    Ok(waited)
}

/// Repeats a call while it says that the queue is busy, for at most [`BUSY`] in all.
fn patiently(waited: &mut Option<Duration>, mut call: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match call() {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) && start.elapsed() < BUSY => {
                std::thread::sleep(BUSY_STEP);
                *waited = Some(start.elapsed());
            }
            result => return result,
        }
    }
}
