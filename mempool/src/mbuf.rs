//! The handle to one packet buffer.
//!
//! Eight bytes are the whole state of a packet: no header lies in front of the data, so a packet costs no
//! metadata cache line. The handle lives on the worker's stack and moves with the packet.

use std::mem::ManuallyDrop;

/// A handle to one buffer: which buffer, where the frame starts in it, how long the frame is.
///
/// Whoever holds it owns the bytes (`INV-CUSTODY`). It is given back with [`crate::Pool::give`]; debug builds
/// panic when one is dropped instead.
#[must_use = "an mbuf is a buffer in custody: forward, hold or give it back"]
#[derive(Debug)]
pub struct Mbuf {
    /// Pool number in the top 8 bits, number of the buffer below (`INV-HOME`).
    index: u32,
    /// Bytes from the start of the buffer to the first byte of the frame.
    offset: u16,
    /// Bytes of the frame.
    len: u16,
}

impl Mbuf {
    /// Only a pool makes handles, one for each index it takes from its free stack (`INV-CUSTODY`).
    #[inline]
    pub(crate) fn new(index: u32, offset: u16, len: u16) -> Self {
        Self { index, offset, len }
    }

    /// Ends the handle without the drop bomb; the caller has taken over the index.
    #[inline]
    pub(crate) fn into_index(self) -> u32 {
        ManuallyDrop::new(self).index
    }

    /// The buffer's number, with the pool's number in the top 8 bits.
    #[inline]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Bytes from the start of the buffer to the frame: the headroom left.
    #[inline]
    pub fn offset(&self) -> u16 {
        self.offset
    }

    /// Bytes of the frame.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "an empty frame is no useful notion here")]
    pub fn len(&self) -> u16 {
        self.len
    }

    /// Moves the start of the frame forward by `bytes`: the next layer's view.
    ///
    /// Takes at most what is there, so `INV-FRAME` holds for any argument.
    #[inline]
    pub fn trim_front(&mut self, bytes: u16) {
        let bytes = bytes.min(self.len);
        self.offset += bytes;
        self.len -= bytes;
    }

    /// Cuts the frame to `len` bytes; does nothing when it is shorter already.
    #[inline]
    pub fn truncate(&mut self, len: u16) {
        self.len = self.len.min(len);
    }

    /// Used by the pool, which has checked `INV-FRAME` against its stride.
    #[inline]
    pub(crate) fn set_span(&mut self, offset: u16, len: u16) {
        self.offset = offset;
        self.len = len;
    }
}

#[cfg(debug_assertions)]
impl Drop for Mbuf {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("INV-CUSTODY: mbuf {:#x} was dropped on the floor; give it back to its pool", self.index);
        }
    }
}

const _: () = assert!(size_of::<Mbuf>() == 8, "the handle is the whole state of a packet");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trimming_never_passes_the_end() {
        let mut mbuf = Mbuf::new(0, 128, 60);
        mbuf.trim_front(14);
        assert_eq!((mbuf.offset(), mbuf.len()), (142, 46));
        mbuf.trim_front(100);
        assert_eq!((mbuf.offset(), mbuf.len()), (188, 0));
        mbuf.into_index();
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "dropped on the floor")]
    fn a_dropped_mbuf_panics_in_debug_builds() {
        drop(Mbuf::new(7, 0, 0));
    }
}
