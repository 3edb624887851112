//! DPDK's environment abstraction layer: started once in a process, ended when nobody uses it.

use super::{copied, device, error_text, hotplug, log, pool, sys};
use crate::PortError;
use std::ffi::{CString, c_char};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Whether EAL takes huge pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HugePages {
    /// When some are free.
    #[default]
    Auto,
    /// Always: without them it does not start.
    On,
    /// Never (`--no-huge`).
    Off,
}

/// How EAL is started for ringway's own configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EalSettings {
    /// Huge pages or not.
    pub huge_pages: HugePages,
    /// Other DPDK programs of this machine may look into this one (`dpdk-proc-info`, `dpdk-dumpcap`): memory and state are in
    /// files that they can map. Needs huge pages.
    pub secondary: bool,
    /// The devices of the ports: PCI addresses and strings of virtual devices.
    pub devices: Vec<String>,
    /// More arguments, as EAL's command line has them; they come last and win.
    pub args: Vec<String>,
}

impl EalSettings {
    /// The arguments of EAL, without the program's name.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = Vec::new();
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
        let given = |names: &[&str]| {
            self.args.iter().any(|arg| names.iter().any(|name| arg == name || arg.starts_with(&format!("{name}="))))
        };
        if !given(&["-l", "-c", "--lcores", "-s"]) {
            // One lcore that sleeps: ringway's workers are its own threads.
            let core = first_core();
            add(&["-l", &core.to_string()]);
        }
        if !given(&["--log-level"]) {
            add(&["--log-level", "notice"]);
        }
        let huge = match self.huge_pages {
            HugePages::On => true,
            HugePages::Off => false,
            HugePages::Auto => free_huge_pages() > 0,
        } && !given(&["--no-huge"]);
        if !huge && !given(&["--no-huge"]) {
            add(&["--no-huge"]);
        }
        if !huge && !given(&["-m"]) {
            add(&["-m", NO_HUGE_MIB]);
        }
        if !given(&["--file-prefix"]) {
            add(&["--file-prefix", "ringway"]);
        }
        if huge && !self.secondary && !given(&["--in-memory", "--huge-unlink", "--huge-dir", "--legacy-mem"]) {
            // Nothing of the huge pages stays behind, whatever happens to the program.
            add(&["--huge-unlink"]);
        }
        if !given(&["-a", "--allow", "-b", "--block", "--no-pci"]) {
            let pci: Vec<&str> =
                self.devices.iter().map(String::as_str).filter(|device| device::is_pci(device)).collect();
            match pci.as_slice() {
                // A list of devices, even of none that exists, keeps EAL from taking every NIC that it has a driver for.
                [] => add(&["-a", "ffff:ff:1f.7"]),
                pci => pci.iter().for_each(|device| add(&["-a", device])),
            }
        }
        arguments.extend(self.args.iter().cloned());
        arguments
    }
}

/// Memory of EAL without huge pages, in MiB: for its own tables; packets are elsewhere. Pages are taken as they are touched.
const NO_HUGE_MIB: &str = "128";

fn free_huge_pages() -> u64 {
    let text = std::fs::read_to_string("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// The processors that this thread may run on.
fn affinity() -> libc::cpu_set_t {
    // SAFETY: a set of processors is plain bits, and the call fills in the one it is given, of the size it is told.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set);
        set
    }
}

fn first_core() -> usize {
    let set = affinity();
    // SAFETY: the number is below the size of the set.
    (0..libc::CPU_SETSIZE as usize).find(|core| unsafe { libc::CPU_ISSET(*core, &set) }).unwrap_or(0)
}

/// Why EAL does not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EalError {
    /// It was started before and has ended: DPDK can do that once in a process.
    #[error("DPDK was started and ended in this process before; start ringway again")]
    Over,
    /// Huge pages are missing.
    #[error(
        "DPDK finds no free huge pages; reserve some, `sysctl -w vm.nr_hugepages=256`, or set `huge_pages = \"never\"` in [dpdk] ({reason})"
    )]
    NoHugePages {
        /// What EAL said.
        reason: String,
    },
    /// A plug-in cannot be loaded.
    #[error(
        "DPDK cannot load a plug-in; install what it misses or take the file out of the directory of plug-ins ({reason})"
    )]
    PlugIn {
        /// What EAL said.
        reason: String,
    },
    /// Rights are missing.
    #[error("DPDK may not start: run as root ({reason})")]
    NotAllowed {
        /// What EAL said.
        reason: String,
    },
    /// Another program has the same files.
    #[error(
        "another DPDK program with the same file prefix runs; end it, or add `--file-prefix=NAME` to `args` in [dpdk] ({reason})"
    )]
    InUse {
        /// What EAL said.
        reason: String,
    },
    /// An argument is wrong, or the machine lacks something.
    #[error("DPDK does not start with `{arguments}`: {reason}")]
    Refused {
        /// The arguments.
        arguments: String,
        /// What EAL said.
        reason: String,
    },
}

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
        if arguments.iter().any(|argument| device::is_pci(argument)) {
            hotplug::watch();
        }
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
    let refused = |reason: String| EalError::Refused { arguments: arguments.join(" "), reason };
    let words = std::iter::once("ringway").chain(arguments.iter().map(String::as_str));
    let words: Result<Vec<CString>, _> = words.map(CString::new).collect();
    let words = words.map_err(|_| refused("an argument has a zero byte in it".into()))?;
    let mut pointers: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    pointers.push(std::ptr::null_mut());
    log::capture();
    log::begin();
    let processors = affinity();
    // SAFETY: the words outlive the call and end with a null pointer, as those of `main` do. EAL keeps copies of what it needs.
    let result = unsafe { sys::rte_eal_init(words.len() as i32, pointers.as_mut_ptr()) };
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
    let reason = log::reason(|| error_text(errno));
    let has = |words: &[&str]| words.iter().any(|word| reason.to_lowercase().contains(word));
    Err(if has(&["hugepage", "hugetlbfs", "not enough memory"]) {
        EalError::NoHugePages { reason }
    } else if has(&["shared object", "dlopen", "plugin", "undefined symbol"]) {
        EalError::PlugIn { reason }
    } else if has(&["another primary", "cannot create lock"]) {
        EalError::InUse { reason }
    } else if errno == libc::EACCES || has(&["permission denied"]) {
        EalError::NotAllowed { reason }
    } else {
        refused(reason)
    })
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
