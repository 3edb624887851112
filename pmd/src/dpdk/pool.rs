//! A worker's pool as an `rte_mempool`: the operations, in Rust, and how one is laid out.
//!
//! ```text
//!   one buffer, `stride` bytes, an odd number of cache lines
//!   | rte_mempool_objhdr 64 | rte_mbuf 128 | headroom 128 | frame ...        |
//!   |<--------- front, 192 --------------->|<- Mbuf::offset counts from here |
//! ```
//!
//! So an `Mbuf`'s offset is an `rte_mbuf`'s `data_off`, and from one to the other is an addition. The fields that never change
//! (`buf_addr`, `buf_iova`, `pool` ...) are written once, here.
//!
//! A driver that frees one by one would cost an indirect call for each packet. So DPDK's own cache stays in front of the
//! operations, for the one lcore number that the worker's thread has; its length is read by the audit
//! ([`StackHandle::set_idle`]).

use super::eal::Eal;
use super::{error_text, log, sys};
use ringway_mempool::{Geometry, GiveBack, HUGE_PAGE, MapError, PageKind, PagePolicy, Pool, Region, StackHandle};
use std::ffi::{CString, c_int, c_uint, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// Bytes of a mempool's header before each object, cache-aligned.
const HEADER: usize = 64;
/// Bytes in front of each headroom: mempool header and mbuf.
const FRONT: u16 = (HEADER + sys::RINGWAY_MBUF_SIZE as usize) as u16;
/// Buffers in an lcore's cache of DPDK; it holds half as many more before it spills.
const CACHE: u32 = 256;
/// Most free buffers that DPDK keeps at hand for a worker, for the budget.
pub const CACHE_BUFFERS: u32 = CACHE * 3 / 2;
/// Shortest frame room: drivers of Intel's gigabit cards deal in halves of this, and split a frame that their half does not hold.
const FRAME_LEAST: u16 = 2048;

/// Bytes of a page without huge pages.
const SMALL_PAGE: usize = 4096;

/// The name of the operations: DPDK keeps 31 letters.
const OPS_NAME: &std::ffi::CStr = c"ringway";

/// The place of the mbuf in a buffer, from its start.
#[inline]
pub(super) fn mbuf_of(start: NonNull<u8>) -> *mut sys::rte_mbuf {
    start.as_ptr().wrapping_add(HEADER).cast()
}

/// The start of the buffer of an mbuf.
///
/// # Safety
/// The mbuf is of one of our pools.
#[inline]
pub(super) unsafe fn start_of(mbuf: *mut sys::rte_mbuf) -> NonNull<u8> {
    // SAFETY: HEADER bytes of the same buffer lie before it.
    unsafe { NonNull::new_unchecked(mbuf.cast::<u8>().sub(HEADER)) }
}

/// The mempools of a process, one a worker's pool.
pub(super) struct Mempools {
    entries: Vec<Mempool>,
    /// Held by each region that lies in EAL's memory.
    in_use: Arc<()>,
}

struct Mempool {
    mempool: NonNull<sys::rte_mempool>,
    /// First byte of the pool's memory: what a pool is found by.
    base: usize,
    worker: u16,
    /// Its memory is not EAL's: whether a device's IOMMU was told of it.
    mapped: bool,
    /// Keeps the memory as long as DPDK knows of it.
    _stack: StackHandle,
}

// SAFETY: the mempool is used under the lock around this, or by the worker that has the pool.
unsafe impl Send for Mempool {}

impl Mempools {
    /// Registers the operations.
    ///
    /// After the start of EAL, so that the operations of the plug-ins keep the numbers that they have in every other DPDK program
    /// of the machine: a capture's pool names its operations by number.
    pub(super) fn register() -> Self {
        // SAFETY: EAL copies the structure.
        unsafe { sys::rte_mempool_register_ops(&raw const OPS.0) };
        Self { entries: Vec::new(), in_use: Arc::new(()) }
    }

    /// The mempool that a pool is.
    pub(super) fn of(&self, pool: &Pool) -> Option<NonNull<sys::rte_mempool>> {
        let (base, _) = pool.memory();
        self.entries.iter().find(|entry| entry.base == base).map(|entry| entry.mempool)
    }

    /// Tells the IOMMU of a device about packet memory that is not EAL's; once, since the devices share what it knows.
    pub(super) fn map_for(&mut self, device: *mut sys::rte_device, pools: &[Pool]) -> i32 {
        // SAFETY: EAL runs.
        if unsafe { sys::rte_eal_has_hugepages() } != 0 {
            return 0;
        }
        for pool in pools {
            let (base, len) = pool.memory();
            let Some(entry) = self.entries.iter_mut().find(|entry| entry.base == base && !entry.mapped) else {
                continue;
            };
            let memory: *mut c_void = ptr::with_exposed_provenance_mut(base);
            // SAFETY: the memory stays as long as EAL, since the entry's handle keeps it.
            let result = unsafe {
                sys::rte_extmem_register(memory, len, ptr::null_mut(), (len / SMALL_PAGE) as c_uint, SMALL_PAGE);
                sys::rte_dev_dma_map(device, memory, base as u64, len)
            };
            if result < 0 {
                return result;
            }
            entry.mapped = true;
        }
        0
    }

    /// Brings what the lcores' caches hold back to the free stacks, which are open.
    pub(super) fn flush(&self) {
        for entry in &self.entries {
            // SAFETY: the workers wait, so nobody else uses their caches.
            unsafe { sys::ringway_mempool_cache_flush(entry.mempool.as_ptr(), lcore(entry.worker)) };
        }
    }

    /// Frees every mempool; false when a pool is still there, in memory of EAL.
    pub(super) fn release(&mut self) -> bool {
        for entry in self.entries.drain(..) {
            // SAFETY: every port is closed, so no driver knows the mempool any more.
            unsafe { sys::rte_mempool_free(entry.mempool.as_ptr()) };
        }
        Arc::strong_count(&self.in_use) == 1
    }
}

/// The lcore number that a worker's thread takes: from the end, where EAL does not look for its own.
fn lcore(worker: u16) -> u32 {
    sys::RINGWAY_MAX_LCORE - 1 - u32::from(worker)
}

/// Called by a worker's thread before it polls: from then on DPDK keeps a cache of free buffers for it. Does nothing without EAL.
pub fn enter_worker(worker: u16) {
    if Eal::running().is_some() && u32::from(worker) < sys::RINGWAY_MAX_LCORE {
        // SAFETY: it writes a variable of this thread; no other thread takes this number.
        unsafe { sys::ringway_set_lcore_id(lcore(worker)) };
    }
}

/// Makes the pool of a worker: as [`Pool::new`], and when EAL runs, as a mempool that its ports draw from.
///
/// # Errors
/// [`MapError`], when the memory cannot be had.
pub fn make_pool(
    worker: u16,
    capacity: u32,
    geometry: Geometry,
    policy: PagePolicy,
    lock: bool,
) -> Result<Pool, MapError> {
    let Some(eal) = Eal::running() else { return Pool::new(capacity, geometry, policy, lock) };
    let geometry = Geometry { frame: geometry.frame.max(FRAME_LEAST) };
    let bytes = Pool::bytes(capacity, geometry, FRONT);
    let region = if eal.has_huge_pages() {
        region_of_eal(&eal, worker, bytes)?
    } else {
        Region::map(bytes, if policy == PagePolicy::Huge { PagePolicy::Auto } else { policy }, lock)?
    };
    let pool = Pool::over(region, capacity, geometry, FRONT);
    eal.pools().add(worker, &pool)?;
    Ok(pool)
}

/// Memory of EAL on its huge pages: known to every device, and to secondary processes.
fn region_of_eal(eal: &Eal, worker: u16, bytes: usize) -> Result<Region, MapError> {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let len = bytes.next_multiple_of(HUGE_PAGE);
    let name = CString::new(format!("ringway_memory_{worker}_{number}")).unwrap_or_default();
    log::begin();
    // SAFETY: the name ends with a zero byte and is copied.
    let zone = unsafe {
        sys::rte_memzone_reserve_aligned(name.as_ptr(), len, sys::RINGWAY_SOCKET_ID_ANY, 0, HUGE_PAGE as c_uint)
    };
    let base = NonNull::new(zone.cast_mut())
        // SAFETY: a zone that is there has an address.
        .and_then(|zone| NonNull::new(unsafe { zone.as_ref().__bindgen_anon_1.addr }.cast::<u8>()))
        .ok_or_else(|| {
            let pages = len / HUGE_PAGE;
            MapError::Library(format!(
                "DPDK has no {pages} huge pages in a row for packet buffers; reserve more, `sysctl -w vm.nr_hugepages=N`, or set \
                 `huge_pages = \"never\"` in [dpdk]"
            ))
        })?;
    // SAFETY: the zone has `len` bytes and is ours. Every page is touched once: no packet waits for a page fault.
    unsafe { (0..len).step_by(4096).for_each(|at| base.add(at).write_volatile(0)) };
    let (zone, token) = (zone.expose_provenance(), eal.pools().in_use.clone());
    let give_back: GiveBack = Box::new(move |_, _| {
        // SAFETY: the zone was reserved above; EAL runs as long as the token is held.
        unsafe { sys::rte_memzone_free(ptr::with_exposed_provenance(zone)) };
        drop(token);
    });
    // SAFETY: the zone is nobody else's until it is freed.
    Ok(unsafe { Region::of_library(base, len, PageKind::Huge, give_back) })
}

impl Mempools {
    /// Makes a mempool of a pool.
    fn add(&mut self, worker: u16, pool: &Pool) -> Result<(), MapError> {
        let refused = |what: &str| {
            // SAFETY: it reads a variable of this thread.
            let errno = unsafe { sys::ringway_errno() };
            MapError::Library(format!("DPDK cannot {what}: {}", log::reason(|| error_text(errno))))
        };
        log::begin();
        let (base, len) = pool.memory();
        let stack = pool.stack_handle();
        let name = CString::new(format!("ringway_{worker}_{}", self.entries.len())).unwrap_or_default();
        let elements = stack.starts().len() as c_uint;
        let element = sys::RINGWAY_MBUF_SIZE + pool.room();
        // SAFETY: the name ends with a zero byte and is copied.
        let mempool = unsafe {
            sys::rte_mempool_create_empty(
                name.as_ptr(),
                elements,
                element,
                CACHE.min(elements * 2 / 3),
                size_of::<sys::rte_pktmbuf_pool_private>() as c_uint,
                sys::RINGWAY_SOCKET_ID_ANY,
                sys::RINGWAY_MEMPOOL_F_NO_SPREAD,
            )
        };
        let mempool = NonNull::new(mempool).ok_or_else(|| refused("make a mempool"))?;
        let raw = mempool.as_ptr();
        // SAFETY: the mempool was made just now and nobody else knows it. The handle lives in a box that `free` ends. The
        // memory is the pool's, which `_stack` keeps; each object lies in the front of a buffer, which nobody but DPDK uses.
        unsafe {
            assert!(sys::ringway_mempool_header_size(raw) as usize == HEADER);
            assert!(sys::ringway_mempool_object_stride(raw) == pool.stride());
            let handle = Box::into_raw(Box::new(stack.clone()));
            if sys::rte_mempool_set_ops_byname(raw, OPS_NAME.as_ptr(), handle.cast()) != 0 {
                drop(Box::from_raw(handle));
                sys::rte_mempool_free(raw);
                return Err(refused("find the operations of ringway's pool"));
            }
            let data_room = pool.room() as u16;
            let mut private = sys::rte_pktmbuf_pool_private { mbuf_data_room_size: data_room, ..Default::default() };
            sys::rte_pktmbuf_pool_init(raw, (&raw mut private).cast());
            let memory: *mut c_void = ptr::with_exposed_provenance_mut(base);
            let iova = iova_of(memory);
            if sys::rte_mempool_populate_iova(raw, memory.cast(), iova, len, None, ptr::null_mut()) <= 0 {
                sys::rte_mempool_free(raw);
                return Err(refused("lay its mempool over the packet buffers"));
            }
            sys::rte_mempool_obj_iter(raw, Some(sys::rte_pktmbuf_init), ptr::null_mut());
            let cache = sys::ringway_mempool_cache(raw, lcore(worker));
            if let Some(cache) = NonNull::new(cache) {
                stack.set_idle(NonNull::new_unchecked(&raw mut (*cache.as_ptr()).len));
            }
        }
        self.entries.push(Mempool { mempool, base, worker, mapped: false, _stack: stack });
        Ok(())
    }
}

/// The address with which a device reaches a byte of a pool.
fn iova_of(address: *const c_void) -> u64 {
    // SAFETY: the call looks the address up and touches nothing.
    unsafe {
        if sys::rte_eal_iova_mode() == sys::RTE_IOVA_VA || sys::rte_eal_has_hugepages() == 0 {
            address.addr() as u64
        } else {
            sys::rte_mem_virt2iova(address)
        }
    }
}

struct Ops(sys::rte_mempool_ops);

// SAFETY: the structure is a constant: a name and functions.
unsafe impl Sync for Ops {}

static OPS: Ops = Ops(sys::rte_mempool_ops {
    name: {
        let mut name = [0; 32];
        let bytes = OPS_NAME.to_bytes();
        let mut at = 0;
        while at < bytes.len() {
            name[at] = bytes[at].cast_signed();
            at += 1;
        }
        name
    },
    alloc: Some(alloc),
    free: Some(free),
    enqueue: Some(enqueue),
    dequeue: Some(dequeue),
    get_count: Some(count),
    calc_mem_size: None,
    populate: Some(populate),
    get_info: None,
    dequeue_contig_blocks: None,
});

/// The handle of a mempool.
///
/// # Safety
/// The mempool has our operations.
#[inline]
unsafe fn stack<'a>(mempool: *const sys::rte_mempool) -> &'a StackHandle {
    // SAFETY: `alloc` has put the boxed handle there, and `free` alone ends it.
    unsafe { &*(*mempool).__bindgen_anon_1.pool_data.cast::<StackHandle>() }
}

extern "C" fn alloc(mempool: *mut sys::rte_mempool) -> c_int {
    // SAFETY: DPDK hands over the mempool that `add` makes, with the boxed handle as its configuration.
    unsafe { (*mempool).__bindgen_anon_1.pool_data = (*mempool).pool_config };
    0
}

extern "C" fn free(mempool: *mut sys::rte_mempool) {
    // SAFETY: called once, at the end of the mempool; the handle was boxed by `add`.
    drop(unsafe { Box::from_raw((*mempool).__bindgen_anon_1.pool_data.cast::<StackHandle>()) });
}

extern "C" fn dequeue(mempool: *mut sys::rte_mempool, objects: *mut *mut c_void, count: c_uint) -> c_int {
    // SAFETY: the mempool is ours; `objects` has room for `count` pointers.
    let drawn =
        unsafe { stack(mempool).draw(count as usize, |place, start| objects.add(place).write(mbuf_of(start).cast())) };
    if drawn { 0 } else { -libc::ENOBUFS }
}

extern "C" fn enqueue(mempool: *mut sys::rte_mempool, objects: *const *mut c_void, count: c_uint) -> c_int {
    // SAFETY: the mempool is ours, `objects` has `count` pointers to mbufs of it, and the driver gives each up (INV-CUSTODY).
    unsafe { stack(mempool).put((0..count as usize).map(|place| start_of(objects.add(place).read().cast()))) };
    0
}

extern "C" fn count(mempool: *const sys::rte_mempool) -> c_uint {
    // SAFETY: the mempool is ours.
    unsafe { stack(mempool).level() }
}

/// Tells DPDK of every buffer, in place: all are on our stack already, so none is given to `enqueue`.
extern "C" fn populate(
    mempool: *mut sys::rte_mempool,
    most: c_uint,
    _memory: *mut c_void,
    _iova: u64,
    _len: usize,
    each: Option<unsafe extern "C" fn(*mut sys::rte_mempool, *mut c_void, *mut c_void, u64)>,
    argument: *mut c_void,
) -> c_int {
    let Some(each) = each else { return -libc::EINVAL };
    let mut told = 0;
    // SAFETY: the mempool is ours, and `each` is DPDK's, to be called with objects of it.
    unsafe {
        for start in stack(mempool).starts().take(most as usize) {
            let object: *mut c_void = mbuf_of(start).cast();
            each(mempool, argument, object, iova_of(object));
            told += 1;
        }
    }
    told
}
