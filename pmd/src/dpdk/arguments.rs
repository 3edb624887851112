//! The arguments with which EAL is started.

use super::{device, huge_pages};

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

/// An address that no device has. A list of devices, even of none that exists, keeps EAL from taking every NIC that it has a
/// driver for, the machine's own among them.
const NO_DEVICE: &str = "ffff:ff:1f.7";
/// Memory of EAL without huge pages, in MiB: for its own tables; packets are elsewhere. Pages are taken as they are touched.
const NO_HUGE_MIB: &str = "128";
/// Options that say which PCI devices EAL takes.
const OF_PCI: [&str; 5] = ["-a", "--allow", "-b", "--block", "--no-pci"];

impl EalSettings {
    /// The arguments of EAL, without the program's name.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = Vec::new();
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
        let given = |names: &[&str]| has(&self.args, names);
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
            HugePages::Auto => huge_pages::free() > 0,
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
            // Nothing of the huge pages stays behind, whatever happens to the program; without a file system for them there are
            // no files to begin with.
            add(&[if huge_pages::are_mounted() { "--huge-unlink" } else { "--in-memory" }]);
        }
        if !given(&OF_PCI) {
            let pci: Vec<&str> =
                self.devices.iter().map(String::as_str).filter(|device| device::is_pci(device)).collect();
            match pci.as_slice() {
                [] => add(&["-a", NO_DEVICE]),
                pci => pci.iter().for_each(|device| add(&["-a", device])),
            }
        }
        arguments.extend(self.args.iter().cloned());
        arguments
    }
}

/// What an operator gave EAL on a command line, with what it takes to keep EAL quiet and off the machine's own devices: unless the
/// arguments choose among the PCI devices, those are taken that were bound to a driver for user space.
pub fn completed(given: &[String]) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    if !has(given, &["--log-level"]) {
        arguments.extend(["--log-level".into(), "notice".into()]);
    }
    if !has(given, &OF_PCI) {
        let mut bound = device::bound_for_user_space();
        if bound.is_empty() {
            bound.push(NO_DEVICE.into());
        }
        arguments.extend(bound.into_iter().flat_map(|address| ["-a".into(), address]));
    }
    arguments.extend(given.iter().cloned());
    arguments
}

/// Whether one of the options is among the arguments.
fn has(arguments: &[String], names: &[&str]) -> bool {
    let is = |argument: &str, name: &str| {
        let rest = argument.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('=') || !name.starts_with("--"))
    };
    arguments.iter().any(|argument| names.iter().any(|name| is(argument, name)))
}

/// The processors that this thread may run on.
pub(super) fn affinity() -> libc::cpu_set_t {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_machines_own_devices_are_left_alone_unless_they_are_named() {
        let arguments = completed(&words("--no-huge --log-level=debug -a 0000:01:00.0"));
        assert_eq!(arguments, words("--no-huge --log-level=debug -a 0000:01:00.0"));
        assert!(completed(&words("--no-huge")).iter().any(|word| word == "-a"));
        assert!(!completed(&words("-a0000:01:00.0")).contains(&"-a".to_owned()), "the value may be in the same word");
        let settings = EalSettings { args: words("-l 0"), ..Default::default() };
        assert!(settings.arguments().contains(&NO_DEVICE.to_owned()));
    }
}
