//! What each command does.

use super::router::Router;
use super::state::PortState;
use crate::cli::command::{Command, ForwardMode, PortCounters, PortSelector, PortSubject, RouteGateway, RouteTarget};
use crate::cli::grammar::Options;
use crate::cli::reply::Reply;
use crate::cli::session::Request;
use crate::cli::view::{RunningConfig, Version};
use crate::dataplane::message::Order;
use ringway_config::{Config, Mode, RouteKind, RoutePath};
use std::path::Path;
use std::sync::atomic::Ordering;

/// What a command that was refused says.
type Refusal = String;

impl Router {
    /// Executes a command and answers it; a ping answers when it is over.
    pub(super) fn execute(&mut self, request: Request) {
        let Request { command, options, reply } = request;
        let answer = match command {
            Command::Ping(ping) => return self.begin_ping(ping, options, reply),
            Command::RouteLoad(order) => return self.begin_load(order, options, reply),
            command => self.answer(command, options),
        };
        // Whoever asked may be gone; that is no error.
        let _ = reply.send(answer.unwrap_or_else(Reply::error));
    }

    fn answer(&mut self, command: Command, options: Options) -> Result<Reply, Refusal> {
        // Changes of routes are followed together, at the latest before something is asked of them.
        if !matches!(command, Command::RouteAdd { .. } | Command::RouteDel { .. }) {
            self.follow_routes();
        }
        match command {
            Command::ShowPort { subject, port } => self.answer_show_port(subject, &port, options),
            Command::ShowInterface { name } => Ok(Reply::view(&self.show_interfaces(name.as_deref())?, options)),
            Command::ShowRoute { prefix, longer, vrf } => {
                Ok(Reply::view(&self.show_routes(prefix, longer, vrf.as_deref())?, options))
            }
            Command::ShowRouteSummary => Ok(Reply::view(&self.show_route_summary(), options)),
            Command::ShowNextHop => Ok(Reply::view(&self.show_next_hops(), options)),
            Command::ShowAdjacency => Ok(Reply::view(&self.show_adjacencies(), options)),
            Command::ShowNeighbor { interface, vrf } => {
                Ok(Reply::view(&self.show_neighbors(interface.as_deref(), vrf.as_deref())?, options))
            }
            Command::ShowArp => Ok(Reply::view(&self.show_arp(), options)),
            Command::ShowNd => Ok(Reply::view(&self.show_nd(), options)),
            Command::ShowCache => Ok(Reply::view(&self.show_cache(), options)),
            Command::ShowFibZones { vrf } => Ok(Reply::view(&self.show_fib_zones(vrf.as_deref())?, options)),
            Command::ShowPool => Ok(Reply::view(&self.show_pool()?, options)),
            Command::ShowDrops { all } => Ok(Reply::view(&self.show_drops(all), options)),
            Command::ShowWorkers => Ok(Reply::view(&self.show_workers(), options)),
            Command::ShowConfig => Ok(Reply::view(&self.running_config(), options)),
            Command::ShowIcmp => Ok(Reply::view(&self.show_icmp(), options)),
            Command::ShowVersion => Ok(Reply::view(&version(), options)),
            Command::ClearPort { counters, port } => {
                let numbers = self.select_ports(&port)?;
                match counters {
                    PortCounters::Stats => self.clear_port_stats(&numbers),
                    PortCounters::Xstats => self.clear_port_xstats(&numbers),
                }
                Ok(Reply::done())
            }
            Command::ClearDrops => Ok(self.clear_drops()),
            Command::ClearWorkers => Ok(self.clear_work()),
            Command::ClearCache => Ok(self.clear_cache()),
            Command::ClearAll => {
                let numbers = self.select_ports(&PortSelector::All)?;
                self.clear_port_stats(&numbers);
                self.clear_port_xstats(&numbers);
                self.clear_drops();
                self.clear_work();
                Ok(self.clear_cache())
            }
            Command::RouteGet { address, flow, vrf } => {
                Ok(Reply::view(&self.explain_route(address, &flow, vrf.as_deref())?, options))
            }
            Command::RouteAdd { replace, prefix, target, metric, vrf, lookup } => {
                let vrf = vrf.filter(|name| name != ringway_config::Vrf::DEFAULT);
                let kind = configured_kind(target);
                let route = ringway_config::Route { to: prefix, kind, metric: metric.unwrap_or(0), vrf, lookup };
                self.add_route(route, replace)
            }
            Command::RouteDel { prefix, via, metric, vrf } => self.delete_route(vrf, prefix, via, metric),
            Command::NeighborAdd { address, mac, interface } => self.add_neighbor(address, mac, &interface),
            Command::NeighborDel { address, interface } => self.delete_neighbor(address, interface.as_deref()),
            Command::NeighborFlush { interface } => self.flush_neighbors(interface.as_deref()),
            Command::InterfaceSetState { name, up } => self.set_interface_state(&name, up),
            Command::InterfaceSetMtu { name, mtu } => self.set_interface_mtu(&name, mtu),
            Command::Start => self.start_forwarding(options),
            Command::Testpmd(command) => self.answer_testpmd(command, options),
            Command::Stop => self.stop_forwarding(options),
            Command::SetForwardMode { mode, retry } => Ok(self.set_mode(mode, retry)),
            Command::SetPromiscuous { port, on } => {
                for number in self.select_ports(&port)? {
                    self.ports[number].port.set_promiscuous(on).map_err(|error| error.to_string())?;
                    self.config.ports[number].promiscuous = on;
                }
                Ok(Reply::done())
            }
            Command::SetAllMulticast { port, on } => {
                for number in self.select_ports(&port)? {
                    self.ports[number].port.set_all_multicast(on).map_err(|error| error.to_string())?;
                    self.config.ports[number].all_multicast = on;
                }
                Ok(Reply::done())
            }
            Command::SetBurst { size } => {
                self.burst = size;
                self.config.workers.burst = self.burst;
                self.publish();
                let polls = if size > 32 { "; taken 32 at a poll, and the next poll follows at once" } else { "" };
                Ok(Reply::said(format!("Number of packets per burst set to {size}{polls}")))
            }
            Command::Port(command) => self.execute_port_command(command),
            Command::Write { file } => self.write_config(Path::new(&file)),
            // These are handled before the line gets here; what does arrive is answered all the same.
            Command::Help { .. } => Err("help is answered where the line was typed".into()),
            Command::Load { .. } => Err("load is taken apart where the line was typed".into()),
            Command::NotSupported { asked, .. } => Err(format!("not supported: testpmd's `{asked}`")),
            Command::Ping(_) => Err("ping is answered by its timers".into()),
            Command::RouteLoad(_) => Err("a load is answered when it is over".into()),
            Command::Quit => {
                self.stop.store(true, Ordering::Relaxed);
                Ok(Reply::said("ringway stops"))
            }
        }
    }

    fn answer_show_port(
        &mut self,
        subject: PortSubject,
        port: &PortSelector,
        options: Options,
    ) -> Result<Reply, Refusal> {
        let numbers = self.select_ports(port)?;
        Ok(match subject {
            PortSubject::Info => Reply::view(&self.show_port_info(&numbers), options),
            PortSubject::Stats => Reply::view(&self.show_port_stats(&numbers), options),
            PortSubject::Xstats => Reply::view(&self.show_port_xstats(&numbers), options),
            PortSubject::Summary => Reply::view(&self.show_port_summary(&numbers), options),
        })
    }

    fn clear_drops(&mut self) -> Reply {
        for worker in &mut self.workers {
            worker.cleared.clear_drops(&worker.link.counters);
        }
        Reply::done()
    }

    fn clear_work(&mut self) -> Reply {
        for worker in &mut self.workers {
            worker.cleared.clear_work(&worker.link.counters);
        }
        Reply::done()
    }

    fn clear_cache(&mut self) -> Reply {
        for worker in &mut self.workers {
            worker.cleared.clear_cache(&worker.link.counters);
        }
        self.order_all(|| Order::ClearCache);
        Reply::done()
    }

    pub(super) fn start_forwarding(&mut self, options: Options) -> Result<Reply, Refusal> {
        if self.forwarding && self.mode == self.next_mode {
            return Err("packets are forwarded already; `stop` first to start anew".into());
        }
        let before = self.mode;
        self.mode = self.next_mode;
        if let Err(error) = self.adopt_choice() {
            self.mode = before;
            return Err(error);
        }
        self.forwarding = true;
        self.follow_mode();
        self.adopt_mode_settings();
        self.begin_forward_statistics();
        self.publish();
        Ok(Reply::view(&self.forward_config(self.mode), options))
    }

    fn stop_forwarding(&mut self, options: Options) -> Result<Reply, Refusal> {
        if !self.forwarding {
            return Err("packets are not forwarded; `start` starts".into());
        }
        self.forwarding = false;
        self.publish();
        // The audit's answer comes from the top of the loop: after it no packet is under way any more.
        self.ask_audits();
        Ok(Reply::view(&self.forward_statistics(), options))
    }

    fn set_mode(&mut self, mode: ForwardMode, retry: bool) -> Reply {
        self.next_mode = match mode {
            ForwardMode::L3 => Mode::L3,
            ForwardMode::Io => Mode::Io,
            ForwardMode::Mac => Mode::Mac,
            ForwardMode::MacSwap => Mode::Macswap,
            ForwardMode::RxOnly => Mode::Rxonly,
            ForwardMode::TxOnly => Mode::Txonly,
            ForwardMode::IcmpEcho => Mode::Icmpecho,
            ForwardMode::FiveTupleSwap => Mode::FiveTupleSwap,
            ForwardMode::Csum => Mode::Csum,
            ForwardMode::FlowGen => Mode::Flowgen,
            ForwardMode::Noisy => Mode::Noisy,
        };
        self.config.router.mode = self.next_mode;
        self.set_retry(retry);
        let when =
            if self.forwarding && self.next_mode != self.mode { "; takes effect at the next `start`" } else { "" };
        let how = if retry { " with retry" } else { "" };
        Reply::said(format!("Set {} packet forwarding mode{how}{when}", self.next_mode))
    }

    /// The modes that do not route want every frame, whoever it is addressed to; the router wants its own.
    pub(super) fn follow_mode(&mut self) {
        let wanted = self.mode != Mode::L3;
        self.fill_checksums();
        for (number, managed) in self.ports.iter_mut().enumerate() {
            let asked = self.config.ports[number].promiscuous;
            if !asked && managed.promiscuous_for_mode != wanted {
                match managed.port.set_promiscuous(wanted) {
                    Ok(()) => managed.promiscuous_for_mode = wanted,
                    Err(error) => tracing::warn!("{error}; frames for other stations are not seen there"),
                }
            }
        }
    }

    /// What reproduces the state: ports that are detached, or closed and of no use to an interface, are left out.
    fn present_config(&self) -> Config {
        let mut config = self.config.clone();
        let interfaces = &self.config.interfaces;
        let mut states = self.ports.iter().map(|port| port.state);
        config.ports.retain(|port| {
            let closed = states.next() == Some(PortState::Closed);
            !closed || interfaces.iter().any(|interface| interface.port == port.name)
        });
        config.modes.ports.retain(|listed| config.ports.iter().any(|port| port.name == *listed));
        config
    }

    fn running_config(&self) -> RunningConfig {
        let config = self.present_config();
        RunningConfig { toml: config.to_toml(), config: serde_json::to_value(&config).unwrap_or_default() }
    }

    fn write_config(&self, path: &Path) -> Result<Reply, Refusal> {
        let failed = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
        // Written beside and renamed, so that a full disk or a crash never leaves half a file in the place of a whole one.
        let beside = path.with_extension("ringway-new");
        std::fs::write(&beside, self.present_config().to_toml()).map_err(failed)?;
        std::fs::rename(&beside, path).map_err(failed)?;
        Ok(Reply::said(format!("saved to {}", path.display())))
    }
}

/// A target as the configuration file has it.
fn configured_kind(target: RouteTarget) -> RouteKind {
    match target {
        RouteTarget::Gateways(mut gateways) if gateways.len() == 1 => {
            let RouteGateway { via, interface, .. } = gateways.remove(0);
            RouteKind::Via { gateway: via, interface }
        }
        RouteTarget::Gateways(gateways) => {
            let path = |RouteGateway { via, interface, weight }| RoutePath { gateway: via, interface, weight };
            RouteKind::Paths(gateways.into_iter().map(path).collect())
        }
        RouteTarget::Interface(name) => RouteKind::Interface { name },
        RouteTarget::Lookup => RouteKind::Lookup,
        RouteTarget::Blackhole => RouteKind::Blackhole,
        RouteTarget::Unreachable => RouteKind::Unreachable,
        RouteTarget::Prohibit => RouteKind::Prohibit,
    }
}

/// The drivers of ports in this build.
const DRIVERS: &[&str] = &[
    "memory",
    "pcap",
    "tap",
    "af_packet",
    "af_xdp",
    #[cfg(feature = "dpdk")]
    "dpdk",
];

fn version() -> Version {
    Version {
        version: env!("CARGO_PKG_VERSION").into(),
        features: DRIVERS.iter().map(|driver| (*driver).into()).collect(),
    }
}
