//! The four rings that an AF_XDP socket shares with the kernel, seen from our side.
//!
//! A ring has a producer and a consumer index, each written by one side only (`INV-SINGLE-WRITER`), both free-running 32-bit
//! numbers: what is in the ring is their wrapping difference, and a mask is applied only where an entry is touched. Whoever
//! fills entries stores his index after them (release); whoever reads them loads the other's index before (acquire). An entry
//! between the two indices belongs to the consumer, any other to the producer.
//!
//! Read first: `Documentation/networking/af_xdp.rst`, section "Rings", and `include/uapi/linux/if_xdp.h`.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// An entry of a ring: plain data that the kernel may write with any bits.
///
/// # Safety
/// Every bit pattern is a value, and the alignment is at most 8.
pub(super) unsafe trait Entry: Copy {}

// SAFETY: an address is an integer.
unsafe impl Entry for u64 {}
// SAFETY: `struct xdp_desc` is an address, a length and flags: integers.
unsafe impl Entry for libc::xdp_desc {}

/// Memory that the kernel shares with us, unmapped on drop. It keeps the socket alive: a socket ends when its descriptor is
/// closed and all of these are gone.
#[derive(Debug)]
pub(super) struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping is plain memory that belongs to no thread.
unsafe impl Send for Mapping {}
// SAFETY: all access goes through the rings, which touch indices atomically and entries by their rule of ownership.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes of a descriptor from `offset` on; without a descriptor, memory of our own, for tests.
    pub fn new(descriptor: Option<BorrowedFd<'_>>, len: usize, offset: libc::off_t) -> io::Result<Self> {
        let (flags, fd) = match descriptor {
            Some(descriptor) => (libc::MAP_SHARED | libc::MAP_POPULATE, descriptor.as_raw_fd()),
            None => (libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1),
        };
        // SAFETY: a new mapping at an address of the kernel's choice touches no existing memory.
        let base =
            unsafe { libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, flags, fd, offset) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::other("the kernel mapped address 0"))?;
        Ok(Self { base, len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and every ring into it holds a reference to it.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// Where a ring's parts are in its mapping.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub producer: usize,
    pub consumer: usize,
    pub flags: usize,
    pub entries: usize,
    /// Entries; a power of two.
    pub size: u32,
}

impl From<(&libc::xdp_ring_offset, u32)> for Layout {
    fn from((offsets, size): (&libc::xdp_ring_offset, u32)) -> Self {
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        Self {
            producer: place(offsets.producer),
            consumer: place(offsets.consumer),
            flags: place(offsets.flags),
            entries: place(offsets.desc),
            size,
        }
    }
}

impl Layout {
    /// Bytes to map.
    pub fn bytes<T>(&self) -> usize {
        self.entries.saturating_add(self.size as usize * size_of::<T>())
    }
}

/// A ring in its mapping.
#[derive(Debug)]
struct Ring<T> {
    mapping: Arc<Mapping>,
    layout: Layout,
    entry: PhantomData<T>,
}

impl<T: Entry> Ring<T> {
    /// Checks that every part lies in the mapping, aligned: what the accessors rely on (`INV-RING-LAYOUT`).
    fn new(mapping: Arc<Mapping>, layout: Layout) -> io::Result<Self> {
        let fits = |at: usize, bytes: usize| at.checked_add(bytes).is_some_and(|end| end <= mapping.len);
        let words = [layout.producer, layout.consumer, layout.flags];
        let sound = layout.size.is_power_of_two()
            && words.iter().all(|at| at.is_multiple_of(4) && fits(*at, 4))
            && layout.entries.is_multiple_of(align_of::<T>())
            && fits(layout.entries, layout.size as usize * size_of::<T>());
        if !sound {
            return Err(io::Error::other(format!(
                "the kernel describes a ring that does not fit its memory: {layout:?}"
            )));
        }
        Ok(Self { mapping, layout, entry: PhantomData })
    }

    #[inline]
    fn word(&self, at: usize) -> &AtomicU32 {
        // SAFETY: INV-RING-LAYOUT: `at` is one of the three offsets checked in `new`; the kernel accesses these words
        // atomically, and the mapping lives as long as `self`.
        unsafe { AtomicU32::from_ptr(self.mapping.base.as_ptr().add(at).cast()) }
    }

    #[inline]
    fn producer(&self) -> &AtomicU32 {
        self.word(self.layout.producer)
    }

    #[inline]
    fn consumer(&self) -> &AtomicU32 {
        self.word(self.layout.consumer)
    }

    #[inline]
    fn entry(&self, index: u32) -> *mut T {
        let slot = (index & (self.layout.size - 1)) as usize;
        // SAFETY: INV-RING-LAYOUT: slot < size, and all entries lie in the mapping.
        unsafe { self.mapping.base.as_ptr().add(self.layout.entries).cast::<T>().add(slot) }
    }

    /// Whether the kernel waits to be told about the ring.
    #[inline]
    fn needs_wakeup(&self) -> bool {
        self.word(self.layout.flags).load(Ordering::Relaxed) & libc::XDP_RING_NEED_WAKEUP != 0
    }
}

/// A ring that we fill: the fill ring and the transmit ring.
#[derive(Debug)]
pub(super) struct Producer<T> {
    ring: Ring<T>,
    /// Entries written so far; the kernel sees them at [`Producer::publish`].
    at: u32,
    /// The kernel's index when it was last looked at.
    seen: u32,
}

impl<T: Entry> Producer<T> {
    pub fn new(mapping: Arc<Mapping>, layout: Layout) -> io::Result<Self> {
        let ring = Ring::new(mapping, layout)?;
        let (at, seen) = (ring.producer().load(Ordering::Relaxed), ring.consumer().load(Ordering::Acquire));
        Ok(Self { ring, at, seen })
    }

    /// Appends an entry; false, and nothing happens, when the ring is full.
    #[inline]
    #[must_use]
    pub fn push(&mut self, entry: T) -> bool {
        let size = self.ring.layout.size;
        if self.at.wrapping_sub(self.seen) >= size {
            self.seen = self.ring.consumer().load(Ordering::Acquire);
            if self.at.wrapping_sub(self.seen) >= size {
                return false;
            }
        }
        // SAFETY: the slot is inside the ring (`entry`), aligned, and not between the indices: it is the producer's, ours.
        unsafe { self.ring.entry(self.at).write(entry) };
        self.at = self.at.wrapping_add(1);
        true
    }

    /// Hands what was pushed to the kernel.
    #[inline]
    pub fn publish(&mut self) {
        self.ring.producer().store(self.at, Ordering::Release);
    }

    /// Entries pushed since the beginning, wrapping.
    #[inline]
    pub fn pushed(&self) -> u32 {
        self.at
    }

    /// Entries that the kernel has not yet taken.
    #[inline]
    pub fn waiting(&self) -> u32 {
        self.at.wrapping_sub(self.ring.consumer().load(Ordering::Acquire)).min(self.ring.layout.size)
    }

    #[inline]
    pub fn needs_wakeup(&self) -> bool {
        self.ring.needs_wakeup()
    }
}

/// A ring that we empty: the receive ring and the completion ring.
#[derive(Debug)]
pub(super) struct Consumer<T> {
    ring: Ring<T>,
    /// Entries taken so far; the kernel may use their slots again from [`Consumer::release`] on.
    at: u32,
    /// The kernel's index when it was last looked at.
    seen: u32,
}

impl<T: Entry> Consumer<T> {
    pub fn new(mapping: Arc<Mapping>, layout: Layout) -> io::Result<Self> {
        let ring = Ring::new(mapping, layout)?;
        let (at, seen) = (ring.consumer().load(Ordering::Relaxed), ring.producer().load(Ordering::Acquire));
        Ok(Self { ring, at, seen })
    }

    /// Entries that can be taken, at least `wanted` if there are so many: the kernel's index is looked at only when those
    /// known are fewer.
    #[inline]
    pub fn available(&mut self, wanted: u32) -> u32 {
        if self.seen.wrapping_sub(self.at) < wanted {
            self.seen = self.ring.producer().load(Ordering::Acquire);
        }
        // A kernel that claims more than the ring holds is not followed beyond it.
        self.seen.wrapping_sub(self.at).min(self.ring.layout.size)
    }

    /// Takes the oldest entry known.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if self.seen == self.at {
            return None;
        }
        // SAFETY: the slot is inside the ring, aligned, and between the indices (acquired in `available`): it is the
        // consumer's, ours; any bits are a value (`Entry`).
        let entry = unsafe { self.ring.entry(self.at).read() };
        self.at = self.at.wrapping_add(1);
        Some(entry)
    }

    /// Gives the slots of what was taken back to the kernel.
    #[inline]
    pub fn release(&mut self) {
        self.ring.consumer().store(self.at, Ordering::Release);
    }

    /// Entries taken since the beginning, wrapping.
    #[inline]
    pub fn popped(&self) -> u32 {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    const LAYOUT: Layout = Layout { producer: 0, consumer: 64, flags: 128, entries: 192, size: 8 };

    /// Both ends of one ring, whose indices start at `start`.
    fn ends(start: u32) -> (Producer<u64>, Consumer<u64>) {
        let mapping = Arc::new(Mapping::new(None, LAYOUT.bytes::<u64>(), 0).unwrap());
        let ring = Ring::<u64>::new(mapping.clone(), LAYOUT).unwrap();
        ring.producer().store(start, Ordering::Relaxed);
        ring.consumer().store(start, Ordering::Relaxed);
        (Producer::new(mapping.clone(), LAYOUT).unwrap(), Consumer::new(mapping, LAYOUT).unwrap())
    }

    #[test]
    fn a_full_ring_refuses_and_an_empty_one_has_nothing() {
        let (mut producer, mut consumer) = ends(u32::MAX - 3);
        assert!((0..8).all(|entry| producer.push(entry)));
        assert!(!producer.push(8));
        assert_eq!(consumer.available(1), 0, "not published yet");
        producer.publish();
        assert_eq!((producer.waiting(), consumer.available(1)), (8, 8));
        assert_eq!((0..9).map_while(|_| consumer.pop()).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
        assert!(!producer.push(8), "the slots are not given back yet");
        consumer.release();
        assert!(producer.push(8));
    }

    #[test]
    fn an_index_beyond_the_ring_is_not_followed() {
        let (producer, mut consumer) = ends(7);
        producer.ring.producer().store(7 + 1000, Ordering::Release);
        assert_eq!(consumer.available(1), 8);
    }

    #[test]
    fn a_layout_outside_of_its_memory_is_refused() {
        let mapping = Arc::new(Mapping::new(None, LAYOUT.bytes::<u64>(), 0).unwrap());
        for layout in [
            Layout { entries: 200, ..LAYOUT },
            Layout { entries: usize::MAX, ..LAYOUT },
            Layout { producer: 2, ..LAYOUT },
            Layout { size: 7, ..LAYOUT },
            Layout { size: 1 << 20, ..LAYOUT },
        ] {
            assert!(Ring::<u64>::new(mapping.clone(), layout).is_err(), "{layout:?}");
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(u64),
        Publish,
        Look(u32),
        Pop,
        Release,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => any::<u64>().prop_map(Step::Push),
            2 => Just(Step::Publish),
            2 => (0..10_u32).prop_map(Step::Look),
            4 => Just(Step::Pop),
            2 => Just(Step::Release),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        /// A ring is a bounded queue whose entries show at `publish` and whose room shows at `release`, wherever the
        /// indices wrap.
        #[test]
        fn a_ring_behaves_like_a_queue(start in prop_oneof![Just(u32::MAX - 20), any::<u32>()], steps in steps()) {
            let (mut producer, mut consumer) = ends(start);
            let (mut hidden, mut shown, mut known, mut unreleased) = (VecDeque::new(), VecDeque::new(), 0, 0);
            for step in steps {
                match step {
                    Step::Push(entry) => {
                        let room = hidden.len() + shown.len() + unreleased < 8;
                        prop_assert_eq!(producer.push(entry), room);
                        if room { hidden.push_back(entry); }
                    }
                    Step::Publish => {
                        producer.publish();
                        shown.append(&mut hidden);
                    }
                    Step::Look(wanted) => {
                        if (known as u32) < wanted { known = shown.len(); }
                        prop_assert_eq!(consumer.available(wanted), known as u32);
                    }
                    Step::Pop => {
                        let expected = if known > 0 { known -= 1; unreleased += 1; shown.pop_front() } else { None };
                        prop_assert_eq!(consumer.pop(), expected);
                    }
                    Step::Release => {
                        consumer.release();
                        unreleased = 0;
                    }
                }
                let inside = (hidden.len() + shown.len()) as u32;
                prop_assert_eq!(producer.pushed().wrapping_sub(consumer.popped()), inside);
            }
        }
    }
}
