//! Receiving: slots become frames in buffers, tags back in place, checksums filled in, superframes cut.

use super::port::PacketCounters;
use super::ring::{Ring, Slot};
use super::socket::Socket;
use crate::offload::{Superframe, VnetHeader, fill_checksum};
use crate::{RxQueue, RxStats};
use crossbeam_utils::CachePadded;
use ringway_mempool::{Burst, Mbuf, Pool};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of the two Ethernet addresses, after which a tag is put back.
const ADDRESSES: usize = 12;
/// Bytes of a VLAN tag.
const TAG: usize = 4;
/// Longest frame that a kernel hands over, virtio-net header and tag included.
const LARGEST: usize = VnetHeader::LEN + TAG + 14 + 8 + (1 << 16);

/// Receive queue of an AF_PACKET port; aligned, so that the queues of two workers share no cache line.
#[repr(align(128))]
pub struct PacketRx {
    ring: Option<Ring>,
    socket: Arc<Socket>,
    gone: Arc<AtomicBool>,
    /// A superframe under way: how far it is cut, and its bytes in `large`.
    cutting: Option<(Superframe, usize)>,
    large: Box<[u8]>,
    counters: Arc<CachePadded<PacketCounters>>,
    stats: RxStats,
}

impl PacketRx {
    pub(super) fn new(
        ring: Ring,
        socket: Arc<Socket>,
        gone: Arc<AtomicBool>,
        counters: Arc<CachePadded<PacketCounters>>,
        stats: RxStats,
    ) -> Self {
        let large = vec![0; LARGEST].into_boxed_slice();
        Self { ring: Some(ring), socket, gone, cutting: None, large, counters, stats }
    }

    /// Cuts the next segment of the superframe under way into a buffer.
    fn next_segment(&mut self, pool: &mut Pool) -> Option<Mbuf> {
        let (superframe, len) = self.cutting.as_mut()?;
        let Some(mut mbuf) = pool.take() else {
            self.stats.no_buffer.add(1);
            return None;
        };
        if let Some(segment) = superframe.cut(&self.large[..*len], pool.room_mut(&mbuf)) {
            pool.set_len(&mut mbuf, segment);
            return Some(mbuf);
        }
        // Done, or a segment longer than a buffer, of which all the others are too.
        if superframe.remaining() > 0 {
            self.stats.errors.add(superframe.remaining() as u64);
        }
        self.cutting = None;
        pool.give(mbuf);
        None
    }

    /// Takes one slot; `None` when none waits, else the frame unless it has to be cut or cannot be carried.
    fn next_slot(&mut self, pool: &mut Pool) -> Option<Option<Mbuf>> {
        let ring = self.ring.as_mut()?;
        let slot = ring.front()?;
        if slot.tag.is_some() {
            self.counters.tags_restored.add(1);
        }
        let taken = if slot.kept || slot.offload.is_superframe() {
            let fetched = fetch(&self.socket, &slot, &mut self.large);
            match fetched.map(|(offload, len)| (offload, len, Superframe::parse(&offload, &self.large[..len]))) {
                Some((offload, len, Ok(superframe))) if offload.is_superframe() => {
                    self.counters.superframes.add(1);
                    self.cutting = Some((superframe, len));
                    Ok(None)
                }
                // A frame that is too large for a slot, but whole: the MTU was raised after the ring was made.
                Some((offload, len, _)) if !offload.is_superframe() => {
                    take_frame(pool, &self.large[..len], None, offload, slot.tag.map_or(0, |_| TAG)).map(Some)
                }
                _ => Err(Lost::Unfit),
            }
        } else if slot.frame.len() < slot.whole {
            Err(Lost::Unfit)
        } else {
            take_frame(pool, slot.frame, slot.tag, slot.offload, 0).map(Some)
        };
        let taken = match taken {
            Ok(taken) => taken.map(|(mbuf, filled)| {
                self.counters.checksums_filled.add(u64::from(filled));
                mbuf
            }),
            Err(Lost::Unfit) => {
                self.stats.errors.add(1);
                None
            }
            Err(Lost::NoBuffer) => {
                self.stats.no_buffer.add(1);
                None
            }
        };
        ring.release();
        Some(taken)
    }
}

/// Why a frame was lost.
enum Lost {
    /// Cut short, longer than a buffer, or with a checksum outside of it.
    Unfit,
    NoBuffer,
}

/// Copies a frame into a buffer, puts its tag back and fills in its checksum; says whether it had to. `shift` is how far a
/// tag that is in the frame already has moved what the offload's places count.
fn take_frame(
    pool: &mut Pool,
    frame: &[u8],
    tag: Option<(u16, u16)>,
    offload: VnetHeader,
    shift: usize,
) -> Result<(Mbuf, bool), Lost> {
    let added = if tag.is_some() { TAG } else { 0 };
    if frame.len() + added > pool.longest_frame() || frame.len() < ADDRESSES {
        return Err(Lost::Unfit);
    }
    let mut mbuf = pool.take().ok_or(Lost::NoBuffer)?;
    pool.set_len(&mut mbuf, frame.len() + added);
    let target = pool.frame_mut(&mbuf);
    place(target, frame, tag);
    if !offload.needs_checksum() {
        return Ok((mbuf, false));
    }
    let start = usize::from(offload.checksum_start) + added + shift;
    match fill_checksum(target, start, usize::from(offload.checksum_offset)) {
        Ok(()) => Ok((mbuf, true)),
        Err(_) => {
            pool.give(mbuf);
            Err(Lost::Unfit)
        }
    }
}

/// Writes a frame with its tag, if it has one, to `target`, which is exactly as long.
fn place(target: &mut [u8], frame: &[u8], tag: Option<(u16, u16)>) {
    let Some((kind, control)) = tag else { return target.copy_from_slice(frame) };
    let (addresses, rest) = frame.split_at(ADDRESSES);
    target[..ADDRESSES].copy_from_slice(addresses);
    target[ADDRESSES..ADDRESSES + 2].copy_from_slice(&kind.to_be_bytes());
    target[ADDRESSES + 2..ADDRESSES + TAG].copy_from_slice(&control.to_be_bytes());
    target[ADDRESSES + TAG..].copy_from_slice(rest);
}

/// Brings a superframe into `large`, tag in place; returns what its sender left open and its length.
fn fetch(socket: &Socket, slot: &Slot<'_>, large: &mut [u8]) -> Option<(VnetHeader, usize)> {
    let tag = if slot.tag.is_some() { TAG } else { 0 };
    if !slot.kept {
        let len = slot.frame.len() + tag;
        if slot.frame.len() < slot.whole || slot.frame.len() < ADDRESSES {
            return None;
        }
        place(large.get_mut(..len)?, slot.frame, slot.tag);
        return Some((slot.offload, len));
    }
    let received = socket.receive(large).ok()?;
    let len = received.checked_sub(VnetHeader::LEN)?;
    if len < ADDRESSES || received > large.len() - TAG {
        return None;
    }
    let offload = VnetHeader::parse(large.first_chunk()?);
    // To the front, with a gap for the tag where there is one.
    large.copy_within(VnetHeader::LEN..VnetHeader::LEN + ADDRESSES, 0);
    large.copy_within(VnetHeader::LEN + ADDRESSES..received, ADDRESSES + tag);
    if let Some((kind, control)) = slot.tag {
        large[ADDRESSES..ADDRESSES + 2].copy_from_slice(&kind.to_be_bytes());
        large[ADDRESSES + 2..ADDRESSES + TAG].copy_from_slice(&control.to_be_bytes());
    }
    Some((offload, len + tag))
}

impl RxQueue for PacketRx {
    #[inline]
    fn poll(&mut self, pool: &mut Pool, burst: &mut Burst, limit: usize) -> usize {
        let want = limit.min(burst.room());
        let (mut got, mut bytes) = (0, 0);
        // Each turn adds a frame, takes a slot or ends: at most the burst's room and the ring's slots.
        let mut slots = self.ring.as_ref().map_or(0, Ring::slots);
        while got < want && slots > 0 {
            let mbuf = if self.cutting.is_some() {
                self.next_segment(pool)
            } else {
                slots -= 1;
                let Some(taken) = self.next_slot(pool) else { break };
                taken
            };
            let Some(mbuf) = mbuf else { continue };
            bytes += u64::from(mbuf.len());
            match burst.push(mbuf) {
                Ok(()) => got += 1,
                Err(mbuf) => pool.give(mbuf),
            }
        }
        if got > 0 {
            self.stats.packets.add(got as u64);
            self.stats.bytes.add(bytes);
        }
        got
    }

    fn in_ring(&self) -> u32 {
        0
    }

    fn ring_size(&self) -> u32 {
        0
    }

    fn stats(&self) -> &RxStats {
        &self.stats
    }

    /// None once the device is gone, for its descriptor would always be ready.
    fn fd(&self) -> Option<RawFd> {
        (self.ring.is_some() && !self.gone.load(Ordering::Relaxed)).then(|| self.socket.raw())
    }

    fn close(&mut self, _pool: &mut Pool) {
        self.cutting = None;
        self.ring = None;
    }
}
