//! `ringway check`: what a configuration needs, against what the machine has.

use super::budget::{DEFAULT_MTU, PortRings, budget, buffers, geometry};
use ringway_config::{Config, Cores, DriverSettings, Pages, Port};
use ringway_mempool::{Budget, BudgetError};
use ringway_pmd::xdp;
use std::fmt;
use std::path::Path;

/// Bytes of a huge page.
const HUGE_PAGE: u64 = 2 << 20;
/// Bytes of a neighbor in a worker's table: one cache line, and its share of the hash table.
const NEIGHBOR: u64 = 64 + 32;

/// What the file needs and what the machine has.
#[derive(Debug)]
pub struct Estimate {
    workers: usize,
    cores: usize,
    budget: Budget,
    buffers: u32,
    stride: u32,
    neighbors: u64,
    routes: usize,
    closes: Result<(), BudgetError>,
    huge_pages: HugePages,
    available_memory: Option<u64>,
    pages: Pages,
    /// Things that will keep `ringway run` from starting on any machine like this one.
    pub problems: Vec<String>,
    /// Devices and files that are not here now; they may be where the router will run.
    pub missing: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default)]
struct HugePages {
    free: Option<u64>,
}

impl Estimate {
    /// Estimates without opening a device. MTUs of devices that the file does not set are taken as 1500.
    pub fn new(config: &Config) -> Self {
        let workers = match &config.workers.cores {
            Cores::Count(count) => usize::from(*count),
            Cores::List(list) => list.len(),
        };
        let available = core_affinity::get_core_ids().unwrap_or_default();
        // AF_PACKET, TAP, capture files and memory copy: their rings hold no buffers of the pool. `auto` may become AF_XDP.
        let is_xdp = |port: &Port| matches!(port.driver, DriverSettings::AfXdp { .. } | DriverSettings::Auto { .. });
        let is_dpdk = |port: &Port| matches!(port.driver, DriverSettings::Dpdk { .. });
        let held = |port: &Port| if is_xdp(port) || is_dpdk(port) { (port.rx_ring, port.tx_ring) } else { (0, 0) };
        let late = |port: &Port| if port.fault.is_some() { 256 } else { 0 };
        let rings: Vec<PortRings> = config
            .ports
            .iter()
            .map(|port| PortRings { name: port.name.clone(), rx: held(port).0, tx: held(port).1 + late(port) })
            .collect();
        let budget = budget(config, &rings);
        let buffers = buffers(config, &budget);
        let mtu = |port: &Port| port.mtu.unwrap_or(DEFAULT_MTU);
        let asked =
            config.ports.iter().filter(|port| is_xdp(port)).filter_map(|port| xdp::buffer_frame(mtu(port))).max();
        let geometry = geometry(config, config.ports.iter().map(mtu), asked.map_or(0, u32::from));
        let (mut problems, mut missing) = (Vec::new(), Vec::new());
        if let Cores::List(list) = &config.workers.cores {
            for core in list.iter().filter(|core| available.iter().all(|there| there.id != **core)) {
                problems.push(format!("core {core} is not available on this machine"));
            }
        }
        for port in &config.ports {
            match &port.driver {
                DriverSettings::Auto { device }
                | DriverSettings::AfXdp { device, .. }
                | DriverSettings::AfPacket { device }
                    if !Path::new("/sys/class/net").join(device).exists() =>
                {
                    problems.push(format!(
                        "port {}: there is no interface `{device}` in this network namespace",
                        port.name
                    ));
                }
                DriverSettings::Dpdk { .. } if cfg!(not(feature = "dpdk")) => {
                    problems.push(format!("port {}: this ringway was built without DPDK", port.name));
                }
                DriverSettings::Pcap { input: Some(input), .. } if !input.exists() => {
                    missing.push(format!("port {}: there is no file {}", port.name, input.display()));
                }
                _ => {}
            }
        }
        let closes = budget.check(buffers);
        if let Err(error) = &closes {
            problems.push(error.to_string());
        }
        let estimate = Self {
            workers,
            cores: available.len(),
            buffers,
            stride: geometry.stride(),
            neighbors: u64::from(config.neighbor.max_per_interface) * config.interfaces.len() as u64,
            routes: config.routes.len()
                + 4 * config.interfaces.iter().map(|interface| interface.addresses.len()).sum::<usize>(),
            closes,
            budget,
            huge_pages: HugePages { free: read_number("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") },
            available_memory: available_memory(),
            pages: config.memory.pages,
            problems,
            missing,
        };
        estimate.with_memory_problems()
    }

    fn with_memory_problems(mut self) -> Self {
        if self.available_memory.is_some_and(|there| there < self.pool_bytes() * self.workers as u64) {
            self.problems
                .push("the pools need more memory than is available; lower `buffers` or the ring sizes".into());
        }
        let free = self.huge_pages.free.unwrap_or(0);
        if self.pages == Pages::Huge && free < self.huge_pages_needed() {
            let needed = self.huge_pages_needed();
            self.problems.push(format!(
                "`pages = \"huge\"` needs {needed} free huge pages and there are {free}; `sysctl -w vm.nr_hugepages={needed}`"
            ));
        }
        self
    }

    fn pool_bytes(&self) -> u64 {
        u64::from(self.buffers) * u64::from(self.stride)
    }

    fn huge_pages_needed(&self) -> u64 {
        self.pool_bytes().div_ceil(HUGE_PAGE) * self.workers as u64
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64);
        writeln!(f, "workers        {} on {} cores", self.workers, self.cores)?;
        writeln!(f, "buffers        {} of {} bytes a worker", self.buffers, self.stride)?;
        writeln!(f, "packet memory  {}", mib(self.pool_bytes() * self.workers as u64))?;
        let free = self.huge_pages.free.map_or_else(|| "unknown".into(), |free| free.to_string());
        let needed = self.huge_pages_needed();
        let else_pages = if self.huge_pages.free.unwrap_or(0) < needed && self.pages == Pages::Auto {
            "; transparent huge pages are taken instead"
        } else {
            ""
        };
        writeln!(f, "huge pages     {needed} would hold it, {free} are free{else_pages}")?;
        writeln!(f, "neighbors      at most {}, {} a worker", self.neighbors, mib(self.neighbors * NEIGHBOR))?;
        writeln!(f, "routes         {} at the start", self.routes)?;
        writeln!(f, "budget of one worker (copying drivers keep no buffers in their rings):")?;
        writeln!(f, "{}", self.budget)?;
        match &self.closes {
            Ok(()) => write!(f, "the budget closes: {} of {} buffers", self.budget.needed(), self.buffers),
            Err(_) => write!(f, "the budget does not close"),
        }
    }
}

fn read_number(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Bytes of MemAvailable in /proc/meminfo.
fn available_memory() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: &str = "[[port]]\nname = \"a\"\ndriver = \"memory\"\n";

    fn estimate(more: &str) -> Estimate {
        Estimate::new(&ringway_config::parse(&format!("{MEMORY}{more}"), "test").unwrap())
    }

    #[test]
    fn a_file_that_fits_has_no_problems_and_says_what_it_takes() {
        let estimate = estimate("");
        assert_eq!(estimate.problems, Vec::<String>::new());
        let text = estimate.to_string();
        assert!(text.contains("the budget closes") && text.contains("hold queue"), "{text}");
    }

    #[test]
    fn too_few_buffers_are_a_problem_with_the_number_to_raise() {
        let estimate = estimate("[memory]\nbuffers = 64\n");
        assert!(estimate.problems.iter().any(|problem| problem.contains("raise `buffers`")), "{:?}", estimate.problems);
        assert!(estimate.to_string().ends_with("the budget does not close"));
    }

    #[test]
    fn a_core_that_is_not_there_is_a_problem() {
        let estimate = estimate("[workers]\ncores = [1000]\n");
        assert!(estimate.problems[0].contains("core 1000"), "{:?}", estimate.problems);
    }
}
