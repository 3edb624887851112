//! Tables of atomic words on huge pages: one thread changes them while others read.
//!
//! A lookup structure of some megabytes that all workers share belongs on huge pages, like the pools: a random access to
//! 4 KiB pages misses the translation cache first. Small tables stay on the heap.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64};

use crate::memory::{MapError, PageKind, PagePolicy, Region};
use crate::pool::CACHE_LINE;

/// Tables of at least so many bytes get a mapping of their own: a quarter of a huge page. Below that, their 128 small pages find
/// room in the translation cache beside the rest.
const MAPPED: usize = 512 << 10;

mod sealed {
    pub trait Sealed {}
}

/// What a table holds: an atomic integer, or a cache line of them. All bits zero is a value of it.
pub trait Word: sealed::Sealed + Send + Sync {}

macro_rules! word {
    ($($word:ty),*) => {$(
        impl sealed::Sealed for $word {}
        impl Word for $word {}
    )*};
}

word!(AtomicU16, AtomicU32, AtomicU64, Node);

/// One cache line of sixteen 32-bit words: a node of a search tree.
#[repr(C, align(64))]
#[derive(Debug, Default)]
pub struct Node(pub [AtomicU32; 16]);

const _: () = assert!(size_of::<Node>() == CACHE_LINE);

enum Memory {
    Mapped(Region),
    Heap(Layout),
}

/// A fixed number of words, zero at first, aligned to a cache line. Use it as a slice.
pub struct Table<W: Word> {
    base: NonNull<W>,
    len: usize,
    memory: Memory,
}

// SAFETY: a table owns its memory, and hands out nothing but shared references to atomic words (`Word` is sealed).
unsafe impl<W: Word> Send for Table<W> {}
// SAFETY: as above: whatever several threads do through `&Table` are atomic accesses.
unsafe impl<W: Word> Sync for Table<W> {}

impl<W: Word> Table<W> {
    /// A table of `len` words.
    ///
    /// # Errors
    /// [`MapError`] when a large table can not be mapped.
    ///
    /// # Panics
    /// When `len` words are more than the address space.
    pub fn new(len: usize) -> Result<Self, MapError> {
        let layout = Layout::array::<W>(len.max(1)).and_then(|layout| layout.align_to(CACHE_LINE));
        let layout = layout.expect("a table is smaller than the address space");
        let (base, memory) = if layout.size() >= MAPPED {
            let region = Region::map(layout.size(), PagePolicy::Auto, false)?;
            (region.base(), Memory::Mapped(region))
        } else {
            // SAFETY: the layout's size is at least that of one word, so not zero.
            let base = unsafe { alloc_zeroed(layout) };
            (NonNull::new(base).unwrap_or_else(|| handle_alloc_error(layout)), Memory::Heap(layout))
        };
        Ok(Self { base: base.cast(), len, memory })
    }

    /// Which pages it lies on.
    pub fn kind(&self) -> PageKind {
        match &self.memory {
            Memory::Mapped(region) => region.kind(),
            Memory::Heap(_) => PageKind::Small,
        }
    }
}

impl<W: Word> Deref for Table<W> {
    type Target = [W];

    #[inline]
    fn deref(&self) -> &[W] {
        // SAFETY: `base` points to at least `len` words that live as long as `self`, aligned to a cache line (a mapping to a
        // page), and zeroed at first, which every `Word` takes for a value. Nobody has a `&mut` to them.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.len) }
    }
}

impl<W: Word> Drop for Table<W> {
    fn drop(&mut self) {
        if let Memory::Heap(layout) = self.memory {
            // SAFETY: `base` came from `alloc_zeroed` with this layout and is given back once.
            unsafe { dealloc(self.base.as_ptr().cast(), layout) };
        }
    }
}

/// Asks the processor to bring the cache line of `item` in; it changes nothing.
#[inline]
pub fn prefetch<T>(item: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and faults on no address; SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast()) };
    }
    #[cfg(target_arch = "aarch64")]
    {
        // SAFETY: a prefetch reads nothing and faults on no address.
        unsafe {
            core::arch::asm!("prfm pldl1keep, [{}]", in(reg) std::ptr::from_ref(item),
                             options(nostack, preserves_flags, readonly))
        };
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = item;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn small_and_large_tables_start_with_zeros_on_a_cache_line() {
        for len in [0, 1, 100, MAPPED / 2 + 1] {
            let table = Table::<AtomicU16>::new(len).unwrap();
            assert_eq!(table.len(), len);
            assert!(table.iter().all(|word| word.load(Ordering::Relaxed) == 0));
            assert_eq!(table.as_ptr() as usize % CACHE_LINE, 0);
        }
    }

    #[test]
    fn what_one_thread_writes_another_reads() {
        let table = Table::<AtomicU64>::new(MAPPED / 8).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| table[MAPPED / 8 - 1].store(7, Ordering::Release));
        });
        prefetch(&table[0]);
        assert_eq!(table[MAPPED / 8 - 1].load(Ordering::Acquire), 7);
    }
}
