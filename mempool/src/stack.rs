//! The free stack of a pool, at an address that does not move, so that a C library can take from it and give to it.
//!
//! A driver's library that manages its receive and transmit rings by itself (DPDK) fetches buffers in the midst of a call of
//! ours. It reaches the stack by a [`StackHandle`] while the pool is *open*: within [`Pool::open`], on the thread that called
//! it. Nothing is locked for that; whose turn it is follows from who holds the pool:
//!
//! `INV-OPEN`: the stack is touched by whoever holds `&mut Pool`, or, between the begin and the end of [`Pool::open`], by the
//! calls that the opened library makes on the same thread. `open` holds `&mut Pool` and touches nothing itself meanwhile, so
//! there is one at a time. What the library gives back on any other thread waits in a list behind a lock, until
//! [`Pool::absorb`].

use crate::memory::Region;
#[cfg(debug_assertions)]
use crate::shadow::Shadow;
use crate::{CACHE_LINE, Custody, Pool};
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Entries at the bottom of the free stack that are never used, and room at its top that is never filled: two cache lines
/// each, so that the stacks of two workers share no line wherever the allocator puts them.
const PADDING: usize = 2 * CACHE_LINE / size_of::<u32>();

/// What of a pool stays at one address: its memory and its free stack.
#[derive(Debug)]
pub(crate) struct Shared {
    region: Region,
    stride: u32,
    slots: u32,
    /// Multiplied with a distance in cache lines it gives the buffer's number: the inverse of the stride in lines modulo 2^32. It
    /// exists because that is odd, and spares a division for each buffer.
    inverse: u32,
    stack: UnsafeCell<FreeStack>,
    /// Of the thread that has the pool open; 0 when it is closed.
    open_on: AtomicUsize,
    /// Numbers given back on another thread.
    returned: Mutex<Vec<u32>>,
    returned_count: AtomicU32,
    /// Buffers on the stack when the pool was closed last, for whoever asks without holding it.
    level: AtomicU32,
}

// SAFETY: `region` is plain memory and `stack` is touched by one thread at a time (INV-OPEN); the rest is atomic or locked.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn new(region: Region, stack: FreeStack, stride: u32, slots: u32) -> Self {
        let lines = stride / CACHE_LINE as u32;
        // Newton's iteration doubles the bits that are right; an odd number is its own inverse to 3 bits.
        let inverse =
            (0..4).fold(lines, |inverse, _| inverse.wrapping_mul(2u32.wrapping_sub(lines.wrapping_mul(inverse))));
        assert!(lines.wrapping_mul(inverse) == 1, "the stride is an odd number of cache lines");
        Self {
            region,
            stride,
            slots,
            inverse,
            open_on: AtomicUsize::new(0),
            returned: Mutex::default(),
            returned_count: AtomicU32::new(0),
            level: AtomicU32::new(stack.len()),
            stack: UnsafeCell::new(stack),
        }
    }

    #[inline]
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    /// The number of the buffer that starts at an address.
    ///
    /// # Panics
    /// When the address is not of this pool (`INV-HOME`).
    #[inline]
    fn number_at(&self, start: NonNull<u8>) -> u32 {
        let distance = start.as_ptr().addr().wrapping_sub(self.region.base().as_ptr().addr());
        assert!(distance < self.slots as usize * self.stride as usize, "INV-HOME: a buffer of another pool");
        let number = ((distance / CACHE_LINE) as u32).wrapping_mul(self.inverse);
        debug_assert!(number as usize * self.stride as usize == distance, "INV-HOME: not the start of a buffer");
        number
    }

    #[inline]
    fn start_of(&self, number: u32) -> NonNull<u8> {
        debug_assert!(number < self.slots);
        // SAFETY: numbers are below `slots` (INV-HOME), and slots * stride bytes are inside the region.
        unsafe { self.region.base().add(number as usize * self.stride as usize) }
    }
}

/// The numbers of the buffers that are free, the last one given back on top.
#[derive(Debug)]
pub(crate) struct FreeStack {
    /// [`PADDING`] unused entries, then the numbers.
    entries: Vec<u32>,
    lowest: u32,
    /// Buffers that the library has drawn and not put back, less those adopted, plus those surrendered.
    drawn: i64,
    /// The number of free buffers that the library keeps at hand, where it does.
    idle: Option<NonNull<u32>>,
    #[cfg(debug_assertions)]
    shadow: Shadow,
}

// SAFETY: `idle` is the only field that is not plain data; whoever sets it promises that it stays readable wherever the
// pool goes (`StackHandle::set_idle`).
unsafe impl Send for FreeStack {}

impl FreeStack {
    #[cfg_attr(not(debug_assertions), expect(unused_variables, reason = "only debug builds check"))]
    pub(crate) fn new(numbers: &[u32], slots: u32) -> Self {
        let mut entries = Vec::with_capacity(numbers.len() + 2 * PADDING);
        entries.resize(PADDING, 0);
        entries.extend_from_slice(numbers);
        Self {
            lowest: numbers.len() as u32,
            entries,
            drawn: 0,
            idle: None,
            #[cfg(debug_assertions)]
            shadow: Shadow::new(slots),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> u32 {
        (self.entries.len() - PADDING) as u32
    }

    /// Takes a free buffer into a burst.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<u32> {
        if self.entries.len() == PADDING {
            return None;
        }
        let number = self.entries.pop()?;
        self.lowest = self.lowest.min(self.len());
        self.transfer(number, Custody::Pool, Custody::Burst);
        Some(number)
    }

    /// Takes a buffer back from a burst.
    #[inline]
    pub(crate) fn push(&mut self, number: u32) {
        self.transfer(number, Custody::Burst, Custody::Pool);
        self.entries.push(number);
    }

    #[inline]
    #[cfg_attr(
        not(debug_assertions),
        expect(clippy::unused_self, unused_variables, reason = "only debug builds check")
    )]
    pub(crate) fn transfer(&mut self, number: u32, from: Custody, to: Custody) {
        #[cfg(debug_assertions)]
        self.shadow.transfer(number, from, to);
    }

    /// As `transfer`, from whichever ring the library had it in: it moves buffers between its rings without asking.
    #[inline]
    #[cfg_attr(
        not(debug_assertions),
        expect(clippy::unused_self, unused_variables, reason = "only debug builds check")
    )]
    fn transfer_from_library(&mut self, number: u32, to: Custody) {
        #[cfg(debug_assertions)]
        self.shadow.transfer_from_ring(number, to);
    }

    /// Free buffers that the library keeps at hand.
    #[inline]
    fn idle(&self) -> u32 {
        // SAFETY: `StackHandle::set_idle` was promised that it is readable by whoever holds the pool.
        self.idle.map_or(0, |idle| unsafe { idle.read_volatile() })
    }

    /// Buffers in the library's rings.
    #[inline]
    fn in_rings(&self) -> i64 {
        self.drawn - i64::from(self.idle())
    }
}

thread_local! {
    /// Its address tells one thread from another.
    static THREAD: u8 = const { 0 };
}

#[inline]
fn this_thread() -> usize {
    THREAD.with(|thread| std::ptr::from_ref(thread).addr())
}

/// The way to a pool's free stack for a driver's library; the memory stays as long as one of these.
#[derive(Debug, Clone)]
pub struct StackHandle(Arc<Shared>);

impl StackHandle {
    /// Takes `count` buffers and tells the place of each and its start; false, and none taken, when there are not as many or the pool
    /// is not open on this thread.
    #[inline]
    pub fn draw(&self, count: usize, mut each: impl FnMut(usize, NonNull<u8>)) -> bool {
        if self.0.open_on.load(Ordering::Relaxed) != this_thread() {
            return false;
        }
        // SAFETY: INV-OPEN: the pool is open on this thread, so this is the one who touches the stack.
        let stack = unsafe { &mut *self.0.stack.get() };
        let Some(rest) = (stack.len() as usize).checked_sub(count) else { return false };
        stack.drawn += count as i64;
        stack.lowest = stack.lowest.min(rest as u32);
        for place in 0..count {
            let number = stack.entries[PADDING + rest + count - 1 - place];
            stack.transfer(number, Custody::Pool, Custody::ReceiveRing);
            each(place, self.0.start_of(number));
        }
        stack.entries.truncate(PADDING + rest);
        true
    }

    /// Gives buffers back, each by its start.
    ///
    /// # Safety
    /// Each was drawn from this pool or surrendered by it, and is used by nobody after.
    ///
    /// # Panics
    /// When one is of another pool (`INV-HOME`).
    #[inline]
    pub unsafe fn put(&self, buffers: impl ExactSizeIterator<Item = NonNull<u8>>) {
        if self.0.open_on.load(Ordering::Relaxed) != this_thread() {
            let mut returned = self.0.returned.lock().unwrap_or_else(PoisonError::into_inner);
            returned.extend(buffers.map(|start| self.0.number_at(start)));
            self.0.returned_count.store(returned.len() as u32, Ordering::Release);
            return;
        }
        // SAFETY: INV-OPEN: the pool is open on this thread, so this is the one who touches the stack.
        let stack = unsafe { &mut *self.0.stack.get() };
        stack.drawn -= buffers.len() as i64;
        // INV-CUSTODY: each was drawn, so there is room for all.
        debug_assert!(stack.entries.len() + buffers.len() <= stack.entries.capacity());
        for start in buffers {
            let number = self.0.number_at(start);
            stack.transfer_from_library(number, Custody::Pool);
            stack.entries.push(number);
        }
    }

    /// Buffers on the stack when the pool was closed last: for the library's own statistics, not for the audit.
    pub fn level(&self) -> u32 {
        self.0.level.load(Ordering::Relaxed)
    }

    /// The start of each buffer, in the order of their numbers, those that are never used included.
    pub fn starts(&self) -> impl ExactSizeIterator<Item = NonNull<u8>> + '_ {
        (0..self.0.slots).map(|number| self.0.start_of(number))
    }

    /// Tells where the library counts the free buffers that it keeps at hand; the audit counts them as free.
    ///
    /// # Safety
    /// The place stays readable as long as the pool exists, and only the thread that holds the pool changes it. The pool is
    /// held by the caller and is not open.
    pub unsafe fn set_idle(&self, idle: NonNull<u32>) {
        // SAFETY: the caller holds the pool, so nobody else touches the stack (INV-OPEN).
        unsafe { &mut *self.0.stack.get() }.idle = Some(idle);
    }
}

impl Pool {
    /// The way to the free stack for a driver's library.
    pub fn stack_handle(&self) -> StackHandle {
        StackHandle(self.shared.clone())
    }

    /// Bytes of each buffer in front of the headroom that belong to a driver's library.
    pub fn front(&self) -> u16 {
        self.front
    }

    /// Calls into the library: meanwhile it may draw and put buffers on this thread.
    #[inline]
    pub fn open<T>(&mut self, call: impl FnOnce() -> T) -> T {
        // Only the holder of the pool writes the mark; another thread that reads it finds that it is not its own.
        self.shared.open_on.store(this_thread(), Ordering::Relaxed);
        let result = call();
        self.shared.open_on.store(0, Ordering::Relaxed);
        self.shared.level.store(self.stack().len(), Ordering::Relaxed);
        result
    }

    /// As [`Pool::open`], for a call that may touch several pools.
    pub fn open_all<T>(pools: &mut [Pool], call: impl FnOnce() -> T) -> T {
        match pools {
            [] => call(),
            [pool, rest @ ..] => pool.open(|| Self::open_all(rest, call)),
        }
    }

    /// Makes handles of buffers that the library has filled: start of each, offset and length of its frame. As many as the
    /// burst has room for have to be told.
    ///
    /// # Safety
    /// The library has given each up: it was drawn from this pool or surrendered by it, and is used by nobody else.
    ///
    /// # Panics
    /// When a buffer is of another pool, or a frame leaves its buffer (`INV-HOME`, `INV-FRAME`).
    #[inline]
    pub unsafe fn adopt(
        &mut self,
        burst: &mut crate::Burst,
        frames: impl ExactSizeIterator<Item = (NonNull<u8>, u16, u16)>,
    ) {
        let room = self.room();
        self.stack_mut().drawn -= frames.len() as i64;
        for (start, offset, len) in frames {
            let number = self.shared.number_at(start);
            assert!(u32::from(offset) + u32::from(len) <= room, "INV-FRAME: a frame ends in its buffer");
            self.stack_mut().transfer_from_library(number, Custody::Burst);
            let pushed = burst.push(crate::Mbuf::new(self.first | number, offset, len));
            debug_assert!(pushed.is_ok(), "the library was asked for as many as fit");
            if let Err(mbuf) = pushed {
                self.give(mbuf);
            }
        }
    }

    /// Hands the first `count` buffers of a burst to the library's transmit rings, once `told` has told it start, offset and
    /// length of each and it has said how many it takes. The rest stays in the burst. Returns how many were taken.
    ///
    /// The library may send and put back what it takes within the call: the pool is open to it.
    #[inline]
    pub fn surrender(
        &mut self,
        burst: &mut crate::Burst,
        mut tell: impl FnMut(usize, NonNull<u8>, u16, u16),
        send: impl FnOnce(usize) -> usize,
    ) -> usize {
        let count = burst.len();
        for (place, mbuf) in burst.as_slice().iter().enumerate() {
            let number = self.number(mbuf);
            #[cfg(debug_assertions)]
            self.transfer(number, Custody::Burst, Custody::TransmitRing);
            tell(place, self.shared.start_of(number), mbuf.offset(), mbuf.len());
        }
        let before = self.stack_mut().in_rings();
        // From here on the library may put any of them back; those that it leaves are taken out of the account again.
        self.stack_mut().drawn += count as i64;
        let taken = self.open(|| send(count)).min(count);
        self.stack_mut().drawn -= (count - taken) as i64;
        self.surrendered += self.stack_mut().in_rings() - before;
        for mbuf in burst.drain_front(taken) {
            mbuf.into_index();
        }
        #[cfg(debug_assertions)]
        for mbuf in burst.as_slice() {
            self.mark(mbuf, Custody::TransmitRing, Custody::Burst);
        }
        taken
    }

    /// Counts a call that completes transmissions as [`Pool::surrender`] does: the pool is open to it.
    #[inline]
    pub fn complete<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let before = self.stack_mut().in_rings();
        let result = self.open(call);
        self.surrendered += self.stack_mut().in_rings() - before;
        result
    }

    /// Takes what the library gave back on other threads; returns how many.
    #[inline]
    pub fn absorb(&mut self) -> usize {
        if self.shared.returned_count.load(Ordering::Acquire) == 0 {
            return 0;
        }
        let shared = self.shared.clone();
        let mut returned = shared.returned.lock().unwrap_or_else(PoisonError::into_inner);
        shared.returned_count.store(0, Ordering::Release);
        let stack = self.stack_mut();
        stack.drawn -= returned.len() as i64;
        for number in returned.iter().copied() {
            stack.transfer_from_library(number, Custody::Pool);
            stack.entries.push(number);
        }
        let count = returned.len();
        returned.clear();
        count
    }

    /// Buffers in the receive and in the transmit rings of the library, for the audit. Their sum is exact; a buffer that the
    /// library moved from one to the other by itself counts where it came from as far as that goes.
    pub fn in_rings(&self) -> (u32, u32) {
        let all = self.stack().in_rings().max(0);
        let transmit = self.surrendered.clamp(0, all);
        ((all - transmit) as u32, transmit as u32)
    }

    /// Buffers on the free stack, and those that a driver's library keeps at hand.
    pub fn available(&self) -> u32 {
        self.stack().len() + self.stack().idle()
    }

    /// Fewest buffers that were ever on the free stack.
    pub fn lowest(&self) -> u32 {
        self.stack().lowest
    }

    #[inline]
    fn stack(&self) -> &FreeStack {
        // SAFETY: INV-OPEN: `&Pool` keeps every `&mut Pool` away, and with it every opening.
        unsafe { &*self.shared.stack.get() }
    }

    #[inline]
    pub(crate) fn stack_mut(&mut self) -> &mut FreeStack {
        // SAFETY: INV-OPEN: the caller holds the pool; inside `open` nobody calls this, since `open` holds `&mut Pool`.
        unsafe { &mut *self.shared.stack.get() }
    }
}

#[cfg(test)]
mod tests;
