//! What testpmd's own commands show, with its labels.

mod checksums;
mod config;
mod cores;
mod macs;
mod mempool;
mod offloads;
mod queue;
mod rss;

pub use checksums::{Checksums, PortChecksums};
pub use config::{ForwardConfig, PacketSizes, RxtxConfig, RxtxPort, Stream};
pub use cores::{Core, Cores, ForwardingCores};
pub use macs::Macs;
pub use mempool::{Mempool, Mempools};
pub use offloads::Offloads;
pub use queue::{Descriptors, Queue};
pub use rss::{Reta, RssHash};

use serde::Serialize;

use super::View;

/// The same view of some ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Each<T> {
    /// One a port.
    pub ports: Vec<T>,
}

impl<T: View> View for Each<T> {
    fn text(&self) -> String {
        self.ports.iter().map(View::text).collect::<Vec<_>>().join("\n\n")
    }
}
