//! Bindings to DPDK, for ringway.
//!
//! Generated at build time from the headers that are installed (22.11 or later), over an allow-list
//! (`shim/functions.txt`, `shim/types.txt`), so that the layouts are those of the libraries that will be loaded. What is inline,
//! a macro or thread-local in DPDK is a function of the shim (`shim/shim.c`), named `ringway_...`; it takes whole bursts.
//!
//! # Plug-ins
//!
//! PMDs are not linked: `rte_eal_init` of a DPDK built as shared libraries loads every plug-in of the directory it was
//! built with (Debian: `/usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0`). `-d PATH` among its arguments names others.
//!
//! # Without DPDK
//!
//! The feature `libdpdk` is on by default. Without it the crate is empty and needs no C library.

#[cfg(feature = "libdpdk")]
mod bindings;
#[cfg(feature = "libdpdk")]
mod mbuf;
#[cfg(feature = "libdpdk")]
pub use bindings::*;
#[cfg(feature = "libdpdk")]
pub use mbuf::MbufLine;
