//! Devices that are pulled out while they are in use.
//!
//! The kernel asks whoever has a PCI device by VFIO to let go of it, and waits for that; for other devices it sends a uevent. EAL
//! turns both into a call here, on its interrupt thread, which notes the name. The control thread finds it when it asks for the link.

use super::{copied, sys};
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// Names of devices that were pulled out and have not been opened again.
static REMOVED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn removed() -> MutexGuard<'static, Vec<String>> {
    REMOVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to watch, once; where the kernel has no uevents for us, devices only cannot be pulled out under way.
pub(super) fn watch() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(begin);
}

fn begin() {
    // SAFETY: the function lives as long as the program. The handler of bus errors that is enabled here maps other memory where the
    // registers of a device were, so that a driver in the midst of a burst reads nonsense instead of ending the program.
    unsafe {
        sys::rte_dev_event_callback_register(ptr::null(), Some(on_event), ptr::null_mut());
        sys::rte_dev_hotplug_handle_enable();
        sys::rte_dev_event_monitor_start();
    }
}

/// Whether a device was pulled out.
pub(super) fn is_removed(name: &str) -> bool {
    removed().iter().any(|other| other == name)
}

/// The device is let go of, or there again.
pub(super) fn forget(name: &str) {
    removed().retain(|other| other != name);
}

extern "C" fn on_event(name: *const c_char, event: sys::rte_dev_event_type, _argument: *mut c_void) {
    if event == sys::RTE_DEV_EVENT_REMOVE {
        // SAFETY: EAL hands over a name that ends with a zero byte, for the call.
        let name = unsafe { copied(name) };
        let mut removed = removed();
        if !removed.contains(&name) {
            removed.push(name);
        }
    }
}
