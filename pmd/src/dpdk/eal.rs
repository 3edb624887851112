//! DPDK's environment abstraction layer: started once in a process, ended when nobody uses it.

use super::arguments::affinity;
use super::eal_error::EalError;
use super::silence::Silence;
use super::{copied, device, error_text, log, pool, sys};
use crate::PortError;
use std::ffi::{CString, c_char};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A port that a device brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbedPort {
    /// DPDK's number of the port.
    pub number: u16,
    /// The device's name: a PCI address, or the first word of the string of a virtual device.
    pub name: String,
    /// The driver's name.
    pub driver: String,
}

/// A running EAL. It ends when the last of these is gone, and the ports opened with it.
#[derive(Clone)]
pub struct Eal(Arc<Running>);

impl fmt::Debug for Eal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Eal")
    }
}

/// What is undone when nobody uses EAL any more.
pub(super) struct Running {
    pub(super) pools: Mutex<pool::Mempools>,
}

enum State {
    Never,
    Running(Weak<Running>),
    Over,
}

static STATE: Mutex<State> = Mutex::new(State::Never);

impl Eal {
    /// Starts EAL with the arguments of its command line, without the program's name. When it runs already, that one is used
    /// and the arguments are not looked at.
    ///
    /// # Errors
    /// [`EalError`] says what is missing.
    pub fn start(arguments: &[String]) -> Result<Self, EalError> {
        let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Running(running) => return running.upgrade().map(Self).ok_or(EalError::Over),
            State::Over => return Err(EalError::Over),
            State::Never => {}
        }
        // Whatever comes of it, there is no second try.
        *state = State::Over;
        init(arguments)?;
        // Who asks for copies of frames, `dpdk-dumpcap`, is answered from here on.
        // SAFETY: EAL runs. Where it shares nothing with other programs this fails, and nobody can ask.
        unsafe { sys::rte_pdump_init() };
        let running = Arc::new(Running { pools: Mutex::new(pool::Mempools::register()) });
        *state = State::Running(Arc::downgrade(&running));
        Ok(Self(running))
    }

    /// The EAL that runs in this process, if one does.
    pub fn running() -> Option<Self> {
        match &*STATE.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Running(running) => running.upgrade().map(Self),
            State::Never | State::Over => None,
        }
    }

    /// Whether its memory is on huge pages.
    pub fn has_huge_pages(&self) -> bool {
        // SAFETY: EAL runs.
        unsafe { sys::rte_eal_has_hugepages() != 0 }
    }

    /// DPDK's version.
    pub fn version() -> String {
        // SAFETY: a constant text.
        unsafe { copied(sys::rte_version()) }
    }

    /// The ports there are, by number.
    pub fn ports(&self) -> Vec<ProbedPort> {
        let mut ports = Vec::new();
        // SAFETY: EAL runs; the call takes any number and returns the next port's, or the number of ports there can be.
        let mut next = unsafe { sys::rte_eth_find_next(0) };
        while u32::from(next) < sys::RINGWAY_MAX_ETHPORTS {
            let number = next;
            ports.push(ProbedPort { number, name: device::port_name(number), driver: device::driver(number) });
            // SAFETY: as above.
            next = unsafe { sys::rte_eth_find_next(number + 1) };
        }
        ports
    }

    /// Adds a device; returns the ports that came with it.
    ///
    /// # Errors
    /// [`PortError`] says what is wrong with the device; it names the device as the port.
    pub fn attach(&self, device: &str) -> Result<Vec<ProbedPort>, PortError> {
        let before = self.ports();
        device::probe(device, device)?;
        Ok(self.ports().into_iter().filter(|port| !before.contains(port)).collect())
    }

    /// Removes the device of a port that is closed or was never opened.
    ///
    /// # Errors
    /// [`PortError`], when there is no such port or its driver cannot let go of it.
    pub fn detach(&self, number: u16) -> Result<(), PortError> {
        device::remove(number)
    }

    pub(super) fn pools(&self) -> std::sync::MutexGuard<'_, pool::Mempools> {
        self.0.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `rte_eal_init` and undoes what it does to the calling thread.
fn init(arguments: &[String]) -> Result<(), EalError> {
    let words = std::iter::once("ringway").chain(arguments.iter().map(String::as_str));
    let words: Result<Vec<CString>, _> = words.map(CString::new).collect();
    let words = words.map_err(|_| EalError::Refused {
        arguments: arguments.join(" ").replace('\0', "?"),
        reason: "an argument has a zero byte in it".into(),
    })?;
    let mut pointers: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    pointers.push(std::ptr::null_mut());
    log::capture();
    log::begin();
    let processors = affinity();
    let silence = Silence::begin();
    // SAFETY: the words outlive the call and end with a null pointer, as those of `main` do. EAL keeps copies of what it needs.
    let result = unsafe { sys::rte_eal_init(words.len() as i32, pointers.as_mut_ptr()) };
    drop(silence);
    // EAL binds the calling thread to its main lcore; the control thread of ringway runs where it was told to.
    // SAFETY: a set of the size told, as it was read before.
    unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const processors) };
    if result >= 0 {
        // This thread gives and takes no buffers by way of an lcore's cache: those are the workers'.
        // SAFETY: it writes a variable of this thread.
        unsafe { sys::ringway_set_lcore_id(sys::RINGWAY_LCORE_ID_ANY) };
        return Ok(());
    }
    // SAFETY: it reads a variable of this thread.
    let errno = unsafe { sys::ringway_errno() };
    Err(EalError::of(arguments, log::reason(|| error_text(errno)), errno))
}

impl Drop for Running {
    fn drop(&mut self) {
        *STATE.lock().unwrap_or_else(PoisonError::into_inner) = State::Over;
        let pools = self.pools.get_mut().unwrap_or_else(PoisonError::into_inner);
        // A pool that somebody still has lies in EAL's memory: then that stays until the process ends.
        if pools.release() {
            // SAFETY: every port is closed, since a port holds an `Eal`, and every mempool is freed.
            unsafe {
                sys::rte_pdump_uninit();
                sys::rte_eal_cleanup();
            }
        }
    }
}
