//! What `show` prints: the state of the control thread and the counters of the workers, as views of the command line.

mod explain;
mod port;
mod routes;
mod tables;
mod workers;

pub(super) use workers::{ClearedWorker, ForwardBaseline};
