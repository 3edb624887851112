//! The first cache line of an `rte_mbuf`, the only one that the data path reads and writes.
//!
//! Written by hand, because releases of DPDK wrap these fields in different unnamed unions; held against the headers at
//! hand, field by field, when it is compiled.

use crate::bindings as sys;
use std::ffi::c_void;
use std::mem::offset_of;

/// The first 64 bytes of an `rte_mbuf`.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct MbufLine {
    /// The data room.
    pub buf_addr: *mut c_void,
    /// Its address for the device.
    pub buf_iova: u64,
    /// Bytes from the start of the data room to the frame.
    pub data_off: u16,
    /// References to the buffer: 1.
    pub refcnt: u16,
    /// Segments of the frame: 1.
    pub nb_segs: u16,
    /// The port it came from.
    pub port: u16,
    /// What the port found out, or is asked to do.
    pub ol_flags: u64,
    /// The protocols the port recognized.
    pub packet_type: u32,
    /// Bytes of the frame.
    pub pkt_len: u32,
    /// Bytes of the frame in this segment.
    pub data_len: u16,
    /// The tag that the port took out, or is to put in.
    pub vlan_tci: u16,
    /// The hash of the flow, where the port computes one.
    pub hash: [u32; 2],
    /// The outer one of two tags.
    pub vlan_tci_outer: u16,
    /// Bytes of the data room.
    pub buf_len: u16,
    /// The pool it belongs to.
    pub pool: *mut sys::rte_mempool,
}

const _: () = {
    assert!(size_of::<MbufLine>() == 64);
    assert!(sys::RINGWAY_MBUF_SIZE == 128);
    assert!(offset_of!(MbufLine, buf_addr) == sys::RINGWAY_MBUF_BUF_ADDR as usize);
    assert!(offset_of!(MbufLine, data_off) == sys::RINGWAY_MBUF_DATA_OFF as usize);
    assert!(offset_of!(MbufLine, refcnt) == sys::RINGWAY_MBUF_REFCNT as usize);
    assert!(offset_of!(MbufLine, nb_segs) == sys::RINGWAY_MBUF_NB_SEGS as usize);
    assert!(offset_of!(MbufLine, port) == sys::RINGWAY_MBUF_PORT as usize);
    assert!(offset_of!(MbufLine, ol_flags) == sys::RINGWAY_MBUF_OL_FLAGS as usize);
    assert!(offset_of!(MbufLine, pkt_len) == sys::RINGWAY_MBUF_PKT_LEN as usize);
    assert!(offset_of!(MbufLine, data_len) == sys::RINGWAY_MBUF_DATA_LEN as usize);
    assert!(offset_of!(MbufLine, vlan_tci) == sys::RINGWAY_MBUF_VLAN_TCI as usize);
    assert!(offset_of!(MbufLine, vlan_tci_outer) == sys::RINGWAY_MBUF_VLAN_TCI_OUTER as usize);
    assert!(offset_of!(MbufLine, buf_len) == sys::RINGWAY_MBUF_BUF_LEN as usize);
    assert!(offset_of!(MbufLine, pool) == sys::RINGWAY_MBUF_POOL as usize);
    assert!(sys::RINGWAY_MBUF_NEXT >= 64 && sys::RINGWAY_MBUF_TX_OFFLOAD >= 64);
};
