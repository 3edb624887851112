//! The options of DPDK's environment layer, those before `--`: the cores and devices that ringway itself has to know of.

use crate::cli::port_command::{list, mask};

/// What the options before `--` say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EalOptions {
    /// The cores, the control thread's first; `None` when the options do not say.
    pub cores: Option<Vec<u16>>,
    /// ringway's own devices: `tap:NAME` and the like.
    pub own_devices: Vec<String>,
    /// Devices that only EAL can open.
    pub eal_devices: Vec<String>,
    /// Packet memory on small pages.
    pub no_huge: bool,
}

/// Options of EAL that take no value; every other short or long one takes one.
const FLAGS: [&str; 15] = [
    "--no-huge",
    "--no-pci",
    "--no-hpet",
    "--no-shconf",
    "--no-telemetry",
    "--in-memory",
    "--huge-unlink",
    "--legacy-mem",
    "--single-file-segments",
    "--match-allocations",
    "--create-uio-dev",
    "--vmware-tsc-map",
    "--telemetry",
    "-v",
    "-h",
];

/// Prefixes of ringway's own devices.
const OWN: [&str; 6] = ["tap:", "auto:", "af_packet:", "af_xdp:", "pcap:", "memory"];

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
                continue;
            }
            let value = match inline {
                Some(value) => value.to_owned(),
                None => words.next().cloned().ok_or_else(|| format!("{name} needs a value"))?,
            };
            let cores = match name {
                "-l" => Some(list(&value).ok_or_else(|| format!("-l {value}: a list names each core once: 0-2,4"))?),
                "-c" => Some(mask(&value).ok_or_else(|| format!("-c {value}: a hexadecimal mask, such as 0x3"))?),
                _ => None,
            };
            if cores.is_some() {
                options.cores = cores;
            }
            match name {
                "--main-lcore" | "--master-lcore" => {
                    main = Some(value.parse::<u16>().map_err(|_| format!("{name} {value}: no core number"))?);
                }
                "--vdev" if OWN.iter().any(|own| value.starts_with(own)) => options.own_devices.push(value),
                "--vdev" | "-a" | "--allow" => options.eal_devices.push(value),
                // The rest of EAL's options has nothing to do for ringway's own devices.
                _ => {}
            }
        }
        if let (Some(main), Some(cores)) = (main, &mut options.cores) {
            let at = cores.iter().position(|core| *core == main);
            let at = at.ok_or_else(|| format!("--main-lcore {main} is not among the cores of -l or -c"))?;
            let main = cores.remove(at);
            cores.insert(0, main);
        }
        Ok(options)
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
    fn cores_and_devices_are_read_and_the_rest_is_passed_over() {
        let options = read("-l 0-2 --no-huge --vdev=net_tap0,iface=lan -m 64 --vdev tap:tap0");
        assert_eq!(options.worker_cores(&[0, 1, 2, 3]), [1, 2]);
        assert_eq!(options.own_devices, ["tap:tap0"]);
        assert_eq!(options.eal_devices, ["net_tap0,iface=lan"]);
        assert!(options.no_huge);
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
    }
}
