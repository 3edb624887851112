//! What a start is told beside the configuration: testpmd's options, which are of this run only.

use crate::cli::port_command::Topology;

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
    pub topology: Topology,
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
