//! The few commands of bpf(2) that steering frames into sockets takes: maps, a program, a link.
//!
//! A link, not a netlink request, attaches the program: it is a descriptor, and the kernel detaches the program when the last
//! copy is closed. So an interface is as before after any end of the process, a kill -9 included.
//!
//! Read first: bpf(2), `include/uapi/linux/bpf.h` (`union bpf_attr`).

use super::instruction::Instruction;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Commands (`enum bpf_cmd`).
const MAP_CREATE: libc::c_int = 0;
const MAP_UPDATE: libc::c_int = 2;
const MAP_DELETE: libc::c_int = 3;
const PROG_LOAD: libc::c_int = 5;
const LINK_CREATE: libc::c_int = 28;
/// `BPF_PROG_TYPE_XDP` and `BPF_XDP`.
const PROGRAM_XDP: u32 = 6;
const ATTACH_XDP: u32 = 37;
/// `BPF_F_XDP_DEV_BOUND_ONLY`: the program may ask the device for a packet's metadata (kernel 6.3 and later).
const BOUND_TO_DEVICE: u32 = 1 << 6;
/// The verifier's words are cut to this.
const LOG: usize = 1 << 16;
/// What the loaded program may be used under. Calls of the kernel's functions ask for a license compatible with the GPL.
const LICENSE: &CStr = c"Dual MIT/GPL";
const NAME: [u8; 16] = *b"ringway_steer\0\0\0";

/// The kinds of map in use (`enum bpf_map_type`).
#[derive(Debug, Clone, Copy)]
pub(super) enum MapKind {
    Hash = 1,
    Array = 2,
    Sockets = 17,
}

/// How a program is attached (`XDP_FLAGS_...`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attachment {
    /// In the device's driver.
    Native = 1 << 2,
    /// In the network stack, behind any driver.
    Generic = 1 << 1,
}

/// The members of `union bpf_attr` for one command: plain old data, no padding, all of it initialized.
///
/// # Safety
/// Of the layout that the kernel reads for the command it is passed with, pointers in it valid for that command.
unsafe trait Attribute {}

#[repr(C)]
struct MapCreate {
    kind: u32,
    key_size: u32,
    value_size: u32,
    entries: u32,
    flags: u32,
    inner: u32,
    numa: u32,
    name: [u8; 16],
}
// SAFETY: the first members of BPF_MAP_CREATE, integers only.
unsafe impl Attribute for MapCreate {}

#[repr(C)]
struct MapElement {
    map: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}
// SAFETY: the members of BPF_MAP_UPDATE_ELEM and BPF_MAP_DELETE_ELEM; `Map` checks the lengths behind the pointers.
unsafe impl Attribute for MapElement {}

#[repr(C)]
struct ProgramLoad {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attach_type: u32,
}
// SAFETY: the first members of BPF_PROG_LOAD; `load` keeps what the pointers name alive during the call.
unsafe impl Attribute for ProgramLoad {}

#[repr(C)]
struct LinkCreate {
    program: u32,
    interface: u32,
    attach_type: u32,
    flags: u32,
}
// SAFETY: the first members of BPF_LINK_CREATE, integers only.
unsafe impl Attribute for LinkCreate {}

fn bpf<T: Attribute>(command: libc::c_int, attribute: &T) -> io::Result<libc::c_long> {
    // SAFETY: the kernel reads `size_of::<T>()` bytes of an attribute laid out for the command (`Attribute`).
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attribute), size_of::<T>()) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A command that makes a descriptor.
fn make<T: Attribute>(command: libc::c_int, attribute: &T) -> io::Result<OwnedFd> {
    let descriptor = bpf(command, attribute)?;
    // SAFETY: the descriptor was just made and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor as RawFd) })
}

/// A map.
#[derive(Debug)]
pub(super) struct Map {
    descriptor: OwnedFd,
    key_size: usize,
    value_size: usize,
}

impl Map {
    pub fn new(kind: MapKind, key_size: usize, value_size: usize, entries: u32) -> io::Result<Self> {
        let descriptor = make(
            MAP_CREATE,
            &MapCreate {
                kind: kind as u32,
                key_size: key_size as u32,
                value_size: value_size as u32,
                entries,
                flags: 0,
                inner: 0,
                numa: 0,
                name: NAME,
            },
        )?;
        Ok(Self { descriptor, key_size, value_size })
    }

    pub fn raw(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }

    pub fn insert(&self, key: &[u8], value: &[u8]) -> io::Result<()> {
        assert!(key.len() == self.key_size && value.len() == self.value_size, "of the map's sizes");
        let (key, value) = (key.as_ptr().addr() as u64, value.as_ptr().addr() as u64);
        bpf(MAP_UPDATE, &MapElement { map: self.raw() as u32, padding: 0, key, value, flags: 0 }).map(|_| ())
    }

    pub fn remove(&self, key: &[u8]) -> io::Result<()> {
        assert!(key.len() == self.key_size, "of the map's size");
        let key = key.as_ptr().addr() as u64;
        bpf(MAP_DELETE, &MapElement { map: self.raw() as u32, padding: 0, key, value: 0, flags: 0 }).map(|_| ())
    }
}

/// Loads an XDP program; with an interface, one that is bound to it. The error carries what the verifier said.
pub(super) fn load(instructions: &[Instruction], interface: Option<i32>) -> io::Result<OwnedFd> {
    let attempt = |log: &mut [u8]| {
        make(
            PROG_LOAD,
            &ProgramLoad {
                kind: PROGRAM_XDP,
                count: instructions.len() as u32,
                instructions: instructions.as_ptr().addr() as u64,
                license: LICENSE.as_ptr().addr() as u64,
                log_level: u32::from(!log.is_empty()),
                log_size: log.len() as u32,
                log: if log.is_empty() { 0 } else { log.as_mut_ptr().expose_provenance() as u64 },
                kernel_version: 0,
                flags: if interface.is_some() { BOUND_TO_DEVICE } else { 0 },
                name: NAME,
                interface: interface.unwrap_or(0) as u32,
                attach_type: ATTACH_XDP,
            },
        )
    };
    attempt(&mut []).or_else(|error| {
        if matches!(error.raw_os_error(), Some(libc::EPERM)) {
            return Err(error);
        }
        let mut log = vec![0; LOG];
        attempt(&mut log).map_err(|error| {
            let end = log.iter().position(|byte| *byte == 0).unwrap_or(0);
            let said = String::from_utf8_lossy(&log[..end]);
            let reason = said.lines().rev().find(|line| !line.starts_with("processed")).unwrap_or_default();
            if reason.is_empty() { error } else { io::Error::new(error.kind(), format!("{error}: {reason}")) }
        })
    })
}

/// Attaches a program to an interface, until the link is dropped.
pub(super) fn attach(program: &OwnedFd, interface: i32, how: Attachment) -> io::Result<OwnedFd> {
    make(
        LINK_CREATE,
        &LinkCreate {
            program: program.as_raw_fd() as u32,
            interface: interface as u32,
            attach_type: ATTACH_XDP,
            flags: how as u32,
        },
    )
}
