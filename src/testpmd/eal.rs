//! The options of DPDK's environment layer, those before `--`: the cores and devices that ringway itself has to know of.

use crate::cli::port_command::{list, mask};
use crate::control::device_settings;
use ringway_config::is_dpdk_device;

/// What the options before `--` say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EalOptions {
    /// The cores, the control thread's first; `None` when the options do not say.
    pub cores: Option<Vec<u16>>,
    /// The devices of `--vdev`, in their order: ringway's own (`tap:NAME` and the like), and DPDK's (`net_null0`).
    pub devices: Vec<String>,
    /// The devices of `-a`.
    pub allowed: Vec<String>,
    /// Packet memory on small pages.
    pub no_huge: bool,
    /// What EAL gets: everything but the network devices of `--vdev`, which are brought in one by one after its start, so that an
    /// error is about one of them.
    pub arguments: Vec<String>,
}

/// Options of EAL that take no value, or only in the same word; every other short or long one takes one.
const FLAGS: [&str; 17] = [
    "--no-huge",
    "--no-pci",
    "--no-hpet",
    "--no-shconf",
    "--no-telemetry",
    "--in-memory",
    "--huge-unlink",
    "--huge-worker-stack",
    "--legacy-mem",
    "--single-file-segments",
    "--match-allocations",
    "--create-uio-dev",
    "--vmware-tsc-map",
    "--telemetry",
    "-v",
    "-h",
    "--version",
];

impl EalOptions {
    /// Reads the options before `--`.
    ///
    /// # Errors
    /// What is wrong with one that ringway has to understand.
    pub fn read(words: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut main = None;
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, inline) = split(word);
            if FLAGS.contains(&name) {
                options.no_huge |= name == "--no-huge";
                options.arguments.push(word.clone());
                continue;
            }
            if !name.starts_with('-') {
                return Err(format!("`{word}` is no option; those of testpmd itself go behind `--`"));
            }
            let value = match inline {
                Some(value) => value.to_owned(),
                None => words.next().cloned().ok_or_else(|| format!("{name} needs a value"))?,
            };
            match name {
                "-l" | "--lcores" => {
                    let cores = list(&value);
                    options.cores =
                        Some(cores.ok_or_else(|| format!("{name} {value}: a list names each core once: 0-2,4"))?);
                }
                "-c" => {
                    let cores = mask(&value);
                    options.cores = Some(cores.ok_or_else(|| format!("-c {value}: a hexadecimal mask, such as 0x3"))?);
                }
                "--main-lcore" | "--master-lcore" => {
                    main = Some(value.parse::<u16>().map_err(|_| format!("{name} {value}: no core number"))?);
                }
                "--proc-type" if value == "secondary" => {
                    return Err("--proc-type=secondary is not supported: ringway owns its ports".into());
                }
                "-a" | "-w" | "--allow" if is_dpdk_device(&value) => options.allowed.push(value.clone()),
                "--vdev" if device_settings(&value).is_ok() => {
                    options.devices.push(value);
                    continue;
                }
                _ => {}
            }
            // Releases before 20.11 had another letter for what is allowed.
            options.arguments.push(if name == "-w" { "-a".into() } else { name.to_owned() });
            options.arguments.push(value);
        }
        if let (Some(main), Some(cores)) = (main, &mut options.cores) {
            let at = cores.iter().position(|core| *core == main);
            let at = at.ok_or_else(|| format!("--main-lcore {main} is not among the cores of -l or -c"))?;
            let main = cores.remove(at);
            cores.insert(0, main);
        }
        Ok(options)
    }

    /// Whether DPDK is to be started: a device of its own is named, or none at all, and then EAL may know of some.
    pub fn wants_dpdk(&self) -> bool {
        let named = |device: &String| is_dpdk_device(device);
        !self.allowed.is_empty() || self.devices.iter().any(named) || self.devices.is_empty()
    }

    /// Cores of the workers: all but the first, which is the control thread's; the only one where there is no other.
    pub fn worker_cores(&self, available: &[usize]) -> Vec<usize> {
        let cores: Vec<usize> = match &self.cores {
            Some(cores) => cores.iter().map(|core| usize::from(*core)).collect(),
            None => available.to_vec(),
        };
        if cores.len() > 1 { cores[1..].to_vec() } else { cores }
    }
}

/// An option's name, and its value where both are one word: `--vdev=net_null0`, `-l0,1`.
fn split(word: &str) -> (&str, Option<&str>) {
    if word.starts_with("--") {
        return word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    }
    match word.char_indices().nth(2) {
        Some((at, _)) if word.starts_with('-') => (&word[..at], Some(&word[at..])),
        _ => (word, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> EalOptions {
        EalOptions::read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn cores_and_devices_are_read_and_the_rest_is_handed_on() {
        let options = read("-l 0-2 --no-huge --vdev=net_tap0,iface=lan -m 64 --vdev tap:tap0 -w 01:00.0");
        assert_eq!(options.worker_cores(&[0, 1, 2, 3]), [1, 2]);
        assert_eq!(options.devices, ["net_tap0,iface=lan", "tap:tap0"]);
        assert_eq!(options.allowed, ["01:00.0"]);
        assert_eq!(options.arguments, ["-l", "0-2", "--no-huge", "-m", "64", "-a", "01:00.0"]);
        assert!(options.no_huge && options.wants_dpdk());
        assert!(!read("--vdev tap:tap0").wants_dpdk(), "ringway's own devices need no DPDK");
        assert!(read("-l 0,1").wants_dpdk(), "without any device EAL looks for some");
    }

    #[test]
    fn the_main_core_is_the_control_threads() {
        assert_eq!(read("-l0,1 --main-lcore 1").worker_cores(&[]), [0]);
        assert_eq!(read("-c 3").worker_cores(&[]), [1]);
        assert_eq!(read("-l 1").worker_cores(&[]), [1], "the only core does both");
        assert_eq!(read("").worker_cores(&[0, 1]), [1]);
    }

    #[test]
    fn a_list_with_a_typo_is_refused() {
        assert!(EalOptions::read(&["-l".into(), "0,x".into()]).is_err_and(|error| error.contains("-l 0,x")));
        assert!(EalOptions::read(&["--vdev".into()]).is_err_and(|error| error.contains("needs a value")));
        assert!(EalOptions::read(&["-n".into(), "4".into(), "lan".into()]).is_err_and(|error| error.contains("`lan`")));
    }
}
