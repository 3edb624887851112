//! The receive ring that the kernel and this driver share.
//!
//! A slot is the kernel's while its status is `TP_STATUS_KERNEL` and ours while `TP_STATUS_USER` is set: whoever hands it over
//! stores the status last (release), whoever takes it loads the status first (acquire). Slices are lent only of slots
//! that are ours.

use super::socket::Socket;
use crate::offload::VnetHeader;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes that the kernel puts before a frame in its slot: the header, the address, the virtio-net header and alignment.
const SLOT_OVERHEAD: usize = 128;
/// Bytes of a block: the kernel allocates rings in blocks of whole pages.
const BLOCK: usize = 1 << 16;

/// What a slot holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot<'a> {
    /// The frame, as far as it fitted.
    pub frame: &'a [u8],
    /// What the sender left open.
    pub offload: VnetHeader,
    /// The VLAN tag that the kernel took off: type and control, host byte order.
    pub tag: Option<(u16, u16)>,
    /// Bytes of the whole frame.
    pub whole: usize,
    /// The whole frame waits in the socket.
    pub kept: bool,
}

/// The mapped ring and our place in it.
#[derive(Debug)]
pub(super) struct Ring {
    base: NonNull<u8>,
    len: usize,
    slot_bytes: usize,
    slots: u32,
    next: u32,
}

// SAFETY: the mapping has one owner; nothing in it belongs to a thread.
unsafe impl Send for Ring {}

impl Ring {
    /// Makes and maps a ring of `slots` slots for frames of up to `frame` bytes.
    pub fn new(socket: &Socket, slots: u32, frame: usize) -> io::Result<Self> {
        let slot_bytes = (frame + SLOT_OVERHEAD).next_power_of_two();
        let block = BLOCK.max(slot_bytes);
        let in_block = block / slot_bytes;
        let blocks = (slots as usize).div_ceil(in_block);
        let slots = blocks * in_block;
        socket.receive_ring(&libc::tpacket_req {
            tp_block_size: block as u32,
            tp_block_nr: blocks as u32,
            tp_frame_size: slot_bytes as u32,
            tp_frame_nr: slots as u32,
        })?;
        let len = blocks * block;
        // SAFETY: a new mapping of the socket's ring at an address of the kernel's choice touches no existing memory.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_POPULATE,
                socket.raw(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::other("the kernel mapped address 0"))?;
        Ok(Self { base, len, slot_bytes, slots: slots as u32, next: 0 })
    }

    fn header(&self) -> *mut libc::tpacket2_hdr {
        // SAFETY: next < slots, and slots * slot_bytes == len: the slot lies inside the mapping. Slots are aligned to
        // their size, a power of two of at least 128, which is more than the header asks for.
        unsafe { self.base.as_ptr().add(self.next as usize * self.slot_bytes).cast() }
    }

    fn status(&self) -> &AtomicU32 {
        // SAFETY: `tp_status` is the first, aligned word of the slot, shared with the kernel, which only accesses it atomically.
        unsafe { AtomicU32::from_ptr(&raw mut (*self.header()).tp_status) }
    }

    /// The oldest slot that is ours, if there is one; [`Ring::release`] gives it back.
    pub fn front(&self) -> Option<Slot<'_>> {
        let status = self.status().load(Ordering::Acquire);
        if status & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: the slot is ours (acquire above), so the kernel does not write it; all bits are a valid header.
        let header = unsafe { self.header().read() };
        let start = usize::from(header.tp_mac).min(self.slot_bytes);
        let len = (header.tp_snaplen as usize).min(self.slot_bytes - start);
        // SAFETY: start + len <= slot_bytes: inside the slot, which is ours until `release`, which needs `&mut self`.
        let frame = unsafe { std::slice::from_raw_parts(self.header().cast::<u8>().add(start), len) };
        let offload = match start.checked_sub(VnetHeader::LEN) {
            Some(before) if before >= size_of::<libc::tpacket2_hdr>() => {
                // SAFETY: before + LEN == start <= slot_bytes: inside the slot; any bytes are a header.
                VnetHeader::parse(unsafe { &*self.header().cast::<u8>().add(before).cast::<[u8; VnetHeader::LEN]>() })
            }
            _ => VnetHeader::default(),
        };
        let tag = (status & libc::TP_STATUS_VLAN_VALID != 0).then(|| {
            let known = status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
            (if known { header.tp_vlan_tpid } else { libc::ETH_P_8021Q as u16 }, header.tp_vlan_tci)
        });
        let kept = status & libc::TP_STATUS_COPY != 0;
        Some(Slot { frame, offload, tag, whole: header.tp_len as usize, kept })
    }

    /// Gives the slot that [`Ring::front`] lent back to the kernel.
    pub fn release(&mut self) {
        self.status().store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = if self.next + 1 == self.slots { 0 } else { self.next + 1 };
    }

    /// Slots in all.
    pub fn slots(&self) -> u32 {
        self.slots
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and every slice into it borrowed this ring.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}
