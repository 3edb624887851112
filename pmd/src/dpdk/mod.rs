//! Every DPDK port: a NIC by its PCI address, or a virtual device by its string (`net_tap0,iface=lan`).
//!
//! DPDK's drivers keep their receive rings filled and free what they have sent by themselves, out of an `rte_mempool`. Here that
//! mempool *is* the worker's pool: the memory has an `rte_mbuf` in front of each headroom, and the mempool's operations
//! take from and give to the pool's free stack (`pool.rs`). So a frame crosses between DPDK and any other driver without a copy,
//! and the audit counts DPDK's rings with all others.
//!
//! ```text
//!   control thread                                   worker
//!   Eal ── start, attach, detach                     DpdkRx::poll ─▶ Pool::open ─▶ rte_eth_rx_burst ─▶ rte_mempool ops ─▶ free stack
//!   DpdkPort ── configure, start, stop, statistics   DpdkTx::submit ─▶ Pool::surrender ─▶ rte_eth_tx_burst ─▶ ... ─▶ free stack
//! ```
//!
//! Nothing outside this folder names a DPDK type. Read first: the programmer's guide on the mempool and mbuf libraries, and
//! `rte_ethdev.h`.

mod arguments;
mod calls;
mod capability;
mod checksum;
mod device;
mod eal;
mod eal_error;
mod hotplug;
mod huge_pages;
mod log;
pub mod lookup;
mod pool;
mod port;
mod rss;
mod rx;
mod silence;
mod start;
mod stats;
mod tx;

pub use arguments::{EalSettings, HugePages, completed};
pub use device::full_name as device_name;
pub use eal::{Eal, ProbedPort};
pub use eal_error::EalError;
pub use log::take_lines;
pub use pool::{CACHE_BUFFERS, enter_worker, make_pool};
pub use port::{DpdkPort, open};
pub use rx::DpdkRx;
pub use tx::DpdkTx;

use dpdk_sys as sys;
use std::ffi::CStr;

/// What DPDK says of an error number, positive or negative.
fn error_text(errno: i32) -> String {
    // SAFETY: the text is of DPDK, for this thread, until the next call; it is copied here.
    let text = unsafe { CStr::from_ptr(sys::rte_strerror(errno.abs())) };
    text.to_string_lossy().into_owned()
}

/// A text of DPDK, copied; empty when there is none.
///
/// # Safety
/// `text` is null or a text that ends with a zero byte.
unsafe fn copied(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
