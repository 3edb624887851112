//! From TOML tables to values with their places. The checks over several tables come after, in `check`.

mod advertise;
mod interface;
mod port;
mod route;
mod settings;

use toml::de::DeTable;

use crate::keys;
use crate::reader::Reader;
use crate::sink::{Located, Sink};
use crate::{Config, Vrf, check};

pub(crate) use interface::InterfaceDraft;
pub(crate) use port::{IPV6_MTU_MIN, PortDraft};
pub(crate) use route::{NeighborDraft, RouteDraft};

/// What the lists of the file say, each entry with its places. An entry that is wrong is kept with what is right of
/// it, so that one mistake does not make others of those that refer to it.
pub(crate) struct Drafts {
    pub(crate) ports: Vec<PortDraft>,
    pub(crate) vrfs: Vec<Located<String>>,
    pub(crate) interfaces: Vec<InterfaceDraft>,
    pub(crate) routes: Vec<RouteDraft>,
    pub(crate) neighbors: Vec<NeighborDraft>,
}

/// Reads the whole text, reporting every mistake. What comes back is the configuration only if there was none.
pub(crate) fn document(text: &str, sink: &Sink<'_>) -> Config {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        sink.report_syntax(error.span().unwrap_or(0..0), error.message());
    }
    let file = Reader::new(table.get_ref(), 0..0, &keys::FILE, sink);
    let mut config = settings::read(&file);
    let drafts = Drafts {
        ports: file.tables("port", &keys::PORT, port::read),
        vrfs: file.tables("vrf", &keys::VRF, route::read_vrf).into_iter().flatten().collect(),
        interfaces: file.tables("interface", &keys::INTERFACE, interface::read),
        routes: file.tables("route", &keys::ROUTE, route::read),
        neighbors: file.tables("neighbor", &keys::NEIGHBOR, route::read_neighbor),
    };
    let hint = "a router needs one: add `[[port]]` with a `name` and a `device`";
    file.report_missing("port", hint);
    if file.is_empty_list("port") {
        sink.report(&file.key_span("port"), "the file has no port", hint);
    }
    if !sink.is_guess() {
        check::all(&drafts, &config, sink);
    }
    forwarding_ports(&file, &config, &drafts, sink);
    config.neighbors = drafts.neighbors.iter().filter_map(|draft| draft.resolve(&drafts.interfaces)).collect();
    config.ports = drafts.ports.into_iter().filter_map(|draft| draft.port).collect();
    config.vrfs = drafts.vrfs.into_iter().map(|name| Vrf { name: name.value }).collect();
    config.interfaces = drafts.interfaces.into_iter().filter_map(|draft| draft.interface).collect();
    config.routes = drafts.routes.into_iter().filter_map(|draft| draft.route).collect();
    config
}

/// Reports a port in `ports` of `[modes]` that is not there, and one that is there twice.
fn forwarding_ports(file: &Reader<'_>, config: &Config, drafts: &Drafts, sink: &Sink<'_>) {
    let names: Vec<&str> = drafts.ports.iter().filter_map(|port| port.name.as_ref()).map(|name| &*name.value).collect();
    let listed = &config.modes.ports;
    for (at, port) in listed.iter().enumerate() {
        let message = match names.contains(&port.as_str()) {
            false if names.len() < drafts.ports.len() => continue,
            false => format!("[modes] ports: there is no port `{port}`"),
            true if listed[..at].contains(port) => format!("[modes] ports: port `{port}` is named twice"),
            true => continue,
        };
        sink.report(&file.key_span("modes"), message, format!("the ports are: {}", names.join(", ")));
    }
}
