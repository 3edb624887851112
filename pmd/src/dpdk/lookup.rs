//! DPDK's longest-prefix matches, to measure ringway's own against: the router does not use them.
//!
//! Addresses are numbers in host byte order. See the programmer's guide on the FIB and LPM libraries.

use super::{Eal, error_text};
use dpdk_sys as sys;
use std::ffi::CString;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// DPDK refused; what it said.
#[derive(Debug, thiserror::Error)]
#[error("DPDK's {library} refused to {what}: {reason}; give EAL more memory (`-m`), or fewer routes")]
pub struct LookupError {
    library: &'static str,
    what: &'static str,
    reason: String,
}

/// A name that no other table of this process has.
fn fresh_name() -> CString {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    CString::new(format!("lookup{}", NEXT.fetch_add(1, Ordering::Relaxed))).expect("has no zero byte")
}

fn made<T>(library: &'static str, table: *mut T) -> Result<NonNull<T>, LookupError> {
    NonNull::new(table).ok_or_else(|| {
        // SAFETY: reads this thread's error number.
        let errno = unsafe { sys::ringway_errno() };
        LookupError { library, what: "make a table", reason: error_text(errno) }
    })
}

fn done(library: &'static str, what: &'static str, result: i32) -> Result<(), LookupError> {
    if result == 0 { Ok(()) } else { Err(LookupError { library, what, reason: error_text(result) }) }
}

/// How wide the entries of an `rte_fib` are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Next hops of 15 bits, at most 32767 /24s with longer routes.
    TwoBytes,
    /// Next hops of 31 bits.
    FourBytes,
}

/// `rte_fib` with DIR-24-8. It looks up with AVX-512 where the processor has it and EAL may use it (`--force-max-simd-bitwidth`).
pub struct Fib(NonNull<sys::rte_fib>);

impl Fib {
    /// A table for so many routes, of which so many /24s have longer ones.
    ///
    /// # Errors
    /// [`LookupError`] when there is no memory.
    pub fn new(_eal: &Eal, entry: Entry, routes: u32, longer: u32) -> Result<Self, LookupError> {
        let mut config = sys::rte_fib_conf { default_nh: 0, max_routes: routes as i32, ..Default::default() };
        config.type_ = sys::RTE_FIB_DIR24_8;
        config.__bindgen_anon_1.dir24_8.nh_sz = match entry {
            Entry::TwoBytes => sys::RTE_FIB_DIR24_8_2B,
            Entry::FourBytes => sys::RTE_FIB_DIR24_8_4B,
        };
        config.__bindgen_anon_1.dir24_8.num_tbl8 = longer;
        // SAFETY: EAL runs; name and configuration live through the call.
        made("rte_fib", unsafe { sys::rte_fib_create(fresh_name().as_ptr(), -1, &mut config) }).map(Self)
    }

    /// Adds a route or replaces its next hop.
    ///
    /// # Errors
    /// [`LookupError`].
    pub fn add(&mut self, network: u32, length: u8, next_hop: u16) -> Result<(), LookupError> {
        // SAFETY: the table is ours until drop.
        let result = unsafe { sys::rte_fib_add(self.0.as_ptr(), network, length, u64::from(next_hop)) };
        done("rte_fib", "add a route", result)
    }

    /// Removes a route.
    ///
    /// # Errors
    /// [`LookupError`].
    pub fn delete(&mut self, network: u32, length: u8) -> Result<(), LookupError> {
        // SAFETY: the table is ours until drop.
        done("rte_fib", "delete a route", unsafe { sys::rte_fib_delete(self.0.as_ptr(), network, length) })
    }

    /// Looks up a burst.
    #[inline]
    pub fn lookup(&self, destinations: &[u32], next_hops: &mut [u64]) {
        let count = destinations.len().min(next_hops.len()) as i32;
        // SAFETY: both arrays have at least `count` items. The library takes the addresses as mutable and only reads them.
        unsafe {
            sys::rte_fib_lookup_bulk(self.0.as_ptr(), destinations.as_ptr().cast_mut(), next_hops.as_mut_ptr(), count)
        };
    }
}

impl Drop for Fib {
    fn drop(&mut self) {
        // SAFETY: made by us, freed once.
        unsafe { sys::rte_fib_free(self.0.as_ptr()) };
    }
}

/// `rte_fib6`, a trie with next hops of 4 bytes.
pub struct Fib6(NonNull<sys::rte_fib6>);

impl Fib6 {
    /// A table for so many routes, with so many blocks of 256 entries.
    ///
    /// # Errors
    /// [`LookupError`] when there is no memory.
    pub fn new(_eal: &Eal, routes: u32, blocks: u32) -> Result<Self, LookupError> {
        let mut config = sys::rte_fib6_conf { default_nh: 0, max_routes: routes as i32, ..Default::default() };
        config.type_ = sys::RTE_FIB6_TRIE;
        config.__bindgen_anon_1.trie.nh_sz = sys::RTE_FIB6_TRIE_4B;
        config.__bindgen_anon_1.trie.num_tbl8 = blocks;
        // SAFETY: EAL runs; name and configuration live through the call.
        made("rte_fib6", unsafe { sys::rte_fib6_create(fresh_name().as_ptr(), -1, &mut config) }).map(Self)
    }

    /// Adds a route or replaces its next hop.
    ///
    /// # Errors
    /// [`LookupError`].
    pub fn add(&mut self, network: u128, length: u8, next_hop: u16) -> Result<(), LookupError> {
        // SAFETY: the table is ours until drop; the address has 16 bytes.
        let result = unsafe {
            sys::ringway_fib6_add(self.0.as_ptr(), network.to_be_bytes().as_ptr(), length, u64::from(next_hop))
        };
        done("rte_fib6", "add a route", result)
    }

    /// Removes a route.
    ///
    /// # Errors
    /// [`LookupError`].
    pub fn delete(&mut self, network: u128, length: u8) -> Result<(), LookupError> {
        // SAFETY: the table is ours until drop; the address has 16 bytes.
        let result = unsafe { sys::ringway_fib6_delete(self.0.as_ptr(), network.to_be_bytes().as_ptr(), length) };
        done("rte_fib6", "delete a route", result)
    }

    /// Looks up a burst of addresses as they are in packets.
    #[inline]
    pub fn lookup(&self, destinations: &[[u8; 16]], next_hops: &mut [u64]) {
        let count = destinations.len().min(next_hops.len()) as i32;
        // SAFETY: both arrays have at least `count` items.
        unsafe {
            sys::ringway_fib6_lookup_bulk(self.0.as_ptr(), destinations.as_ptr().cast(), next_hops.as_mut_ptr(), count)
        };
    }
}

impl Drop for Fib6 {
    fn drop(&mut self) {
        // SAFETY: made by us, freed once.
        unsafe { sys::rte_fib6_free(self.0.as_ptr()) };
    }
}

/// `rte_lpm`.
pub struct Lpm {
    table: NonNull<sys::rte_lpm>,
    /// Blocks of 256 entries that are taken, of how many.
    blocks: u32,
    most: u32,
    longest: u8,
}

impl Lpm {
    /// A table that is filled directly, without `rte_lpm`'s list of rules, with room for so many /24s with longer routes.
    ///
    /// # Errors
    /// [`LookupError`] when there is no memory.
    pub fn new(_eal: &Eal, longer: u32) -> Result<Self, LookupError> {
        let config = sys::rte_lpm_config { max_rules: 1, number_tbl8s: longer, ..Default::default() };
        // SAFETY: EAL runs; name and configuration live through the call.
        let table = made("rte_lpm", unsafe { sys::rte_lpm_create(fresh_name().as_ptr(), -1, &config) })?;
        Ok(Self { table, blocks: 0, most: longer, longest: 0 })
    }

    /// Writes a route into what lookups read: the library's own call takes time in proportion to the routes that are there.
    ///
    /// # Errors
    /// [`LookupError`] when there is no room.
    ///
    /// # Panics
    /// When a shorter route comes after a longer one, or a prefix is none of IPv4.
    pub fn fill(&mut self, network: u32, length: u8, next_hop: u16) -> Result<(), LookupError> {
        assert!((self.longest.max(1)..=32).contains(&length), "routes come shorter before longer");
        self.longest = length;
        let network = network & (u32::MAX << (32 - length));
        // SAFETY: the table is ours until drop and was made with `most` blocks; a prefix of 1 to 32 bits lies within it.
        let result = unsafe {
            let blocks = &raw mut self.blocks;
            sys::ringway_lpm_fill(self.table.as_ptr(), network, length, next_hop.into(), blocks, self.most)
        };
        done("rte_lpm", "add a route", result)
    }

    /// Looks up a burst, four at a time, as l3fwd does.
    #[inline]
    pub fn lookup(&self, destinations: &[u32], next_hops: &mut [u32]) {
        let count = destinations.len().min(next_hops.len()) as u32;
        // SAFETY: both arrays have at least `count` items.
        unsafe {
            sys::ringway_lpm_lookup_x4(self.table.as_ptr(), destinations.as_ptr(), next_hops.as_mut_ptr(), count, 0)
        };
    }
}

impl Drop for Lpm {
    fn drop(&mut self) {
        // SAFETY: made by us, freed once.
        unsafe { sys::rte_lpm_free(self.table.as_ptr()) };
    }
}

/// `rte_lpm6`.
pub struct Lpm6(NonNull<sys::rte_lpm6>);

impl Lpm6 {
    /// A table for so many routes, with so many blocks of 256 entries.
    ///
    /// # Errors
    /// [`LookupError`] when there is no memory.
    pub fn new(_eal: &Eal, routes: u32, blocks: u32) -> Result<Self, LookupError> {
        let config = sys::rte_lpm6_config { max_rules: routes, number_tbl8s: blocks, ..Default::default() };
        // SAFETY: EAL runs; name and configuration live through the call.
        made("rte_lpm6", unsafe { sys::rte_lpm6_create(fresh_name().as_ptr(), -1, &config) }).map(Self)
    }

    /// Adds a route.
    ///
    /// # Errors
    /// [`LookupError`].
    pub fn add(&mut self, network: u128, length: u8, next_hop: u16) -> Result<(), LookupError> {
        // SAFETY: the table is ours until drop; the address has 16 bytes.
        let result = unsafe {
            sys::ringway_lpm6_add(self.0.as_ptr(), network.to_be_bytes().as_ptr(), length, u32::from(next_hop))
        };
        done("rte_lpm6", "add a route", result)
    }

    /// Looks up a burst of addresses as they are in packets; -1 where there is no route.
    #[inline]
    pub fn lookup(&self, destinations: &[[u8; 16]], next_hops: &mut [i32]) {
        let count = destinations.len().min(next_hops.len()) as u32;
        // SAFETY: both arrays have at least `count` items.
        unsafe {
            sys::ringway_lpm6_lookup_bulk(self.0.as_ptr(), destinations.as_ptr().cast(), next_hops.as_mut_ptr(), count)
        };
    }
}

impl Drop for Lpm6 {
    fn drop(&mut self) {
        // SAFETY: made by us, freed once.
        unsafe { sys::rte_lpm6_free(self.0.as_ptr()) };
    }
}
