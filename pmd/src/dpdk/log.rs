//! What EAL and the drivers have to say: kept for the error that it explains, and for the operator.

use dpdk_sys as sys;
use std::collections::VecDeque;
use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lines kept: a driver that complains without end fills this and no more.
const KEPT: usize = 64;
/// Lines that make up the reason of an error.
const REASON: usize = 3;

static LINES: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

fn lines() -> MutexGuard<'static, VecDeque<String>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has everything that is logged from now on kept here.
pub(super) fn capture() {
    // SAFETY: the function handed over lives as long as the program. Without a stream the lines go to stderr, as is DPDK's way.
    let _ = unsafe { sys::ringway_log_to(Some(keep)) };
}

/// Called by the C library with whole lines.
extern "C" fn keep(bytes: *const c_char, count: usize) {
    // SAFETY: the stream hands over `count` bytes that are valid for the call.
    let text = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), count) };
    let mut kept = lines();
    for line in String::from_utf8_lossy(text).lines().map(str::trim).filter(|line| !line.is_empty()) {
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(line.to_owned());
    }
}

/// The lines since the last call, at most the last 64: for the operator's log.
pub fn take_lines() -> Vec<String> {
    lines().drain(..).collect()
}

/// Forgets what was said so far, so that [`reason`] is about what comes next.
pub(super) fn begin() {
    lines().clear();
}

/// What was said since [`begin`], in one line; `or` when nothing was.
pub(super) fn reason(or: impl FnOnce() -> String) -> String {
    let kept = lines();
    if kept.is_empty() {
        return or();
    }
    let first = kept.len().saturating_sub(REASON);
    kept.iter().skip(first).cloned().collect::<Vec<_>>().join("; ")
}
