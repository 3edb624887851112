//! The configuration file of ringway: TOML in, a checked [`Config`] or every mistake of the file out.
//!
//! ```text
//!   text --toml--> spanned tables --decode--> values with their places --check--> Config --write--> text
//!                       |                          |                      |
//!                       +---------- mistakes ------+----------------------+--> Mistakes, all in one run
//! ```
//!
//! Three principles. A person mends a file in one go, so no step stops at the first mistake. A key that is not known
//! is a mistake, never ignored: a typing error in `directed_broadcast` must not quietly leave its default. And a
//! [`Config`] that exists is right: who holds one need not check a range, a name or an address again.
//!
//! ```
//! let config = ringway_config::parse("[[port]]\nname = \"lan\"\ndevice = \"eth0\"", "my.toml").unwrap();
//! assert_eq!(config.ports[0].name, "lan");
//!
//! let mistakes = ringway_config::parse("[[port]]\nnam = \"lan\"\ndevice = \"eth0\"", "my.toml").unwrap_err();
//! assert!(mistakes.to_string().contains("did you mean `name`?"));
//! ```

#![forbid(unsafe_code)]

mod advertise;
mod check;
mod decode;
mod keys;
mod mistake;
mod model;
mod modes;
mod port;
mod reader;
mod sink;
mod suggest;
mod value;
mod words;
mod write;

use std::path::Path;

pub use advertise::{Advertise, Preference};
pub use mistake::{LoadError, Mistake, Mistakes};
pub use model::{
    Cache, Config, Cores, Dpdk, Icmp, Interface, Memory, Neighbor, NeighborSettings, Route, RouteKind, RoutePath,
    Router, Vrf, Workers,
};
pub use modes::Modes;
pub use port::{DriverSettings, Fault, Port, Xdp};
pub use value::is_dpdk_device;
pub use words::{
    CacheMode, HopByHop, HugePages, Idle, InterfaceId, Mode, Pages, RssPackets, SourceCheck, Steer, Topology,
    UnknownMode, XdpMode, ZeroCopy,
};

/// Reads the file at `path` and checks it.
pub fn load(path: &Path) -> Result<Config, LoadError> {
    let read = |source| LoadError::Read { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(read)?;
    Ok(parse(&text, &path.display().to_string())?)
}

/// Checks the text of a file. `file_name` is what the mistakes call it.
pub fn parse(text: &str, file_name: &str) -> Result<Config, Mistakes> {
    let sink = sink::Sink::new(text, file_name);
    let config = decode::document(text, &sink);
    sink.finish(config)
}
