//! The memory under a pool: one mapping, on the largest pages that can be had.
//!
//! Fewer, larger pages mean fewer misses of the translation cache: a pool of 16 MiB is 8 entries on 2 MiB
//! pages and 4096 on 4 KiB pages. See `Documentation/admin-guide/mm/hugetlbpage.rst` and
//! `transhuge.rst` of the Linux kernel.

use std::fmt;
use std::io;
use std::ptr::NonNull;

/// Bytes of a huge page on x86-64 and AArch64.
pub const HUGE_PAGE: usize = 2 << 20;

/// Which pages the operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PagePolicy {
    /// Huge, else transparent huge, else small pages.
    #[default]
    Auto,
    /// Reserved huge pages or an error.
    Huge,
    /// Transparent huge pages, else small pages.
    Transparent,
    /// 4 KiB pages.
    Small,
}

/// Which pages a region has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// Reserved 2 MiB pages (hugetlbfs).
    Huge,
    /// Ordinary memory that the kernel may back with 2 MiB pages.
    Transparent,
    /// 4 KiB pages.
    Small,
}

impl fmt::Display for PageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Huge => "huge pages (2 MiB)",
            Self::Transparent => "transparent huge pages",
            Self::Small => "4 KiB pages",
        })
    }
}

/// The memory could not be mapped.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// Huge pages were demanded and there are not enough.
    #[error(
        "no {pages} free huge pages of 2 MiB ({source}); reserve them with \
         `sysctl -w vm.nr_hugepages={pages}` or set `pages = \"auto\"` in [memory]"
    )]
    NoHugePages {
        /// Pages needed.
        pages: usize,
        /// What the kernel said.
        source: io::Error,
    },
    /// The library that is to have a part in the memory refused.
    #[error("{0}")]
    Library(String),
    /// Not even small pages.
    #[error("cannot map {bytes} bytes for packet buffers ({source}); lower `buffers` in [memory] or the ring sizes")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Gives memory back to whoever it is of.
pub type GiveBack = Box<dyn FnOnce(NonNull<u8>, usize) + Send + Sync>;

/// One private anonymous mapping, zeroed, unmapped on drop; or memory of a driver's library, given back on drop.
pub struct Region {
    base: NonNull<u8>,
    len: usize,
    kind: PageKind,
    locked: bool,
    /// `None` for a mapping of our own.
    give_back: Option<GiveBack>,
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, len, kind, locked, give_back: _ } = self;
        f.debug_struct("Region")
            .field("base", base)
            .field("len", len)
            .field("kind", kind)
            .field("locked", locked)
            .finish()
    }
}

// SAFETY: a region is plain memory with one owner; nothing in it belongs to a thread.
unsafe impl Send for Region {}

impl Region {
    /// Maps at least `bytes` bytes, touched once so that no packet waits for a page fault.
    ///
    /// With `lock`, the pages are locked into memory where the limit (`ulimit -l`) allows it; see
    /// [`Region::is_locked`].
    ///
    /// # Errors
    /// [`MapError`], when the memory, or the demanded kind of page, cannot be had.
    pub fn map(bytes: usize, policy: PagePolicy, lock: bool) -> Result<Self, MapError> {
        let rounded = bytes.max(1).next_multiple_of(HUGE_PAGE);
        if matches!(policy, PagePolicy::Auto | PagePolicy::Huge) {
            match map_anonymous(rounded, libc::MAP_HUGETLB | libc::MAP_HUGE_2MB) {
                Ok(base) => return Ok(Self::finish(base, rounded, PageKind::Huge, lock)),
                Err(source) if policy == PagePolicy::Huge => {
                    return Err(MapError::NoHugePages { pages: rounded / HUGE_PAGE, source });
                }
                Err(_) => {}
            }
        }
        let base = map_anonymous(rounded, 0).map_err(|source| MapError::OutOfMemory { bytes: rounded, source })?;
        let advice = if policy == PagePolicy::Small { libc::MADV_NOHUGEPAGE } else { libc::MADV_HUGEPAGE };
        // SAFETY: advice on a mapping that this function has just made and nobody else knows; it moves no data.
        let advised = unsafe { libc::madvise(base.as_ptr().cast(), rounded, advice) } == 0;
        let kind = if policy != PagePolicy::Small && advised { PageKind::Transparent } else { PageKind::Small };
        Ok(Self::finish(base, rounded, kind, lock))
    }

    /// Takes over memory that a driver's library has mapped, with what gives it back.
    ///
    /// # Safety
    /// The `len` bytes from `base` on are readable, writable and used by nobody else until `give_back` is called.
    pub unsafe fn of_library(base: NonNull<u8>, len: usize, kind: PageKind, give_back: GiveBack) -> Self {
        Self { base, len, kind, locked: kind == PageKind::Huge, give_back: Some(give_back) }
    }

    fn finish(base: NonNull<u8>, len: usize, kind: PageKind, lock: bool) -> Self {
        // SAFETY: the mapping [base, base + len) is this region's and stays until drop.
        let locked = lock && unsafe { libc::mlock(base.as_ptr().cast(), len) } == 0;
        let mut region = Self { base, len, kind, locked, give_back: None };
        region.touch();
        region
    }

    /// Writes one byte of each small page: later accesses fault no more.
    fn touch(&mut self) {
        for at in (0..self.len).step_by(4096) {
            // SAFETY: `at < len`, and the mapping is writable and exclusively ours.
            unsafe { self.base.add(at).write_volatile(0) };
        }
    }

    /// First byte.
    #[inline]
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Bytes mapped.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Which pages it got.
    pub fn kind(&self) -> PageKind {
        self.kind
    }

    /// Whether the pages are locked into memory.
    pub fn is_locked(&self) -> bool {
        self.locked
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if let Some(give_back) = self.give_back.take() {
            give_back(self.base, self.len);
            return;
        }
        // SAFETY: the mapping is ours, and everything that pointed into it borrowed this region.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// A fresh private mapping of `len` bytes, a multiple of 2 MiB.
fn map_anonymous(len: usize, flags: libc::c_int) -> io::Result<NonNull<u8>> {
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no existing memory.
    let base = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | flags,
            -1,
            0,
        )
    };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(base.cast()).ok_or_else(|| io::Error::other("the kernel mapped address 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pages_can_always_be_had() {
        let region = Region::map(10_000, PagePolicy::Small, false).unwrap();
        assert_eq!(region.kind(), PageKind::Small);
        assert_eq!(region.len(), HUGE_PAGE);
    }

    #[test]
    fn auto_falls_back_without_an_error() {
        let region = Region::map(HUGE_PAGE + 1, PagePolicy::Auto, true).unwrap();
        assert_eq!(region.len(), 2 * HUGE_PAGE);
    }

    #[test]
    fn a_demand_for_too_many_huge_pages_says_how_many() {
        // 64 TiB of reserved huge pages exist nowhere this test runs.
        let error = Region::map(1 << 46, PagePolicy::Huge, false).unwrap_err();
        assert!(error.to_string().contains("vm.nr_hugepages=33554432"), "{error}");
    }
}
