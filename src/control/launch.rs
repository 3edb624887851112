//! What a start is told beside the configuration: testpmd's options, which are of this run only.

use ringway_config::{Config, Topology};

/// Options of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Launch {
    /// Receive queues of each port; as many as workers unless given.
    pub rx_queues: Option<u16>,
    /// Transmit queues of each port; at least one for each worker in any case.
    pub tx_queues: Option<u16>,
    /// Waits for the command `start`.
    pub wait_for_start: bool,
    /// Which port sends what another receives.
    pub topology: Option<Topology>,
    /// Ports that forward, in their order.
    pub ports: Option<Vec<u16>>,
    /// How many of them.
    pub port_count: Option<usize>,
    /// Cores that forward, in their order.
    pub cores: Option<Vec<u16>>,
    /// How many of them.
    pub core_count: Option<usize>,
    /// Buffers of a worker beyond what its ports need, for those that are attached later, where it is not said how many.
    pub spare_buffers: u32,
    /// What to raise when the buffers do not suffice, where it is not `buffers` of `[memory]`.
    pub buffers_option: Option<&'static str>,
}

impl Launch {
    /// The options as the configuration has them, so that it is all there is to look at from then on.
    pub(super) fn put_into(&self, config: &mut Config) {
        for port in &mut config.ports {
            port.rx_queues = self.rx_queues.or(port.rx_queues);
            port.tx_queues = self.tx_queues.or(port.tx_queues);
        }
        let name = |number: &u16| config.ports.get(usize::from(*number)).map(|port| port.name.clone());
        let modes = &mut config.modes;
        if let Some(ports) = &self.ports {
            modes.ports = ports.iter().filter_map(name).collect();
        }
        if let Some(cores) = &self.cores {
            modes.cores.clone_from(cores);
        }
        modes.topology = self.topology.unwrap_or(modes.topology);
        modes.port_count = self.port_count.map(|count| count as u16).or(modes.port_count);
        modes.core_count = self.core_count.map(|count| count as u16).or(modes.core_count);
    }
}
