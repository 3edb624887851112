//! What the commands for whole ports, cores and streams do, with testpmd's order of effects: most changes are for stopped ports,
//! and the lists of ports and cores come into force at the next `start`.

use super::dealing::Choice;
use super::ports::{device_settings, open_one, port_settings};
use super::router::Router;
use super::state::PortState;
use crate::cli::command::PortSelector;
use crate::cli::port_command::{Direction, List, PortAction, PortCommand};
use crate::cli::reply::Reply;
use ringway_config::{Mode, Port as PortConfig, RssPackets};
use ringway_pmd::{PortError, Rss, RssTypes};

/// Ethernet header and FCS: what testpmd's `max-pkt-len` counts beside the IP packet.
const FRAME_OVERHEAD: u16 = 18;
/// Ports that there can be: as many as the workers count for.
pub(super) const PORTS_MAX: usize = 64;

impl Router {
    pub(super) fn execute_port_command(&mut self, command: PortCommand) -> Result<Reply, String> {
        match command {
            PortCommand::Act(action, port) => self.act_on_ports(action, &port),
            PortCommand::Attach(device) => self.attach_port(&device),
            PortCommand::Queues(direction, count) => {
                self.all_stopped()?;
                self.check_queues(direction, count)?;
                for port in &mut self.config.ports {
                    match direction {
                        Direction::Rx => port.rx_queues = Some(count),
                        Direction::Tx => port.tx_queues = Some(count),
                    }
                }
                self.reshape(|settings| match direction {
                    Direction::Rx => settings.rx_queues = count,
                    Direction::Tx => settings.tx_queues = count,
                })
            }
            PortCommand::Descriptors(direction, count) => {
                self.check_descriptors(direction, count)?;
                for port in &mut self.config.ports {
                    match direction {
                        Direction::Rx => port.rx_ring = count,
                        Direction::Tx => port.tx_ring = count,
                    }
                }
                self.reshape(|settings| match direction {
                    Direction::Rx => settings.rx_ring = count,
                    Direction::Tx => settings.tx_ring = count,
                })
            }
            PortCommand::LongestFrame(bytes) => {
                let mtu = bytes - FRAME_OVERHEAD;
                self.check_frame(mtu)?;
                let reply = self.reshape(|settings| settings.mtu = Some(mtu))?;
                self.config.ports.iter_mut().for_each(|port| port.mtu = Some(mtu));
                Ok(reply)
            }
            PortCommand::Mtu(port, mtu) => self.set_port_mtu(&port, mtu),
            PortCommand::Rss(types) => self.set_rss(&types),
            PortCommand::Queue { port, direction, queue, start } => self.each_port(&port, |managed| match direction {
                Direction::Rx => managed.port.set_rx_queue(queue, start),
                Direction::Tx => managed.port.set_tx_queue(queue, start),
            }),
            PortCommand::Link { port, up } => {
                let reply = self.each_port(&port, |managed| managed.port.set_link(up))?;
                self.watch_links();
                Ok(reply)
            }
            PortCommand::CoreCount(count) => {
                let most = self.chosen.workers.as_ref().map_or(self.workers.len(), Vec::len);
                if usize::from(count) > most {
                    return Err(format!("there are {most} cores to forward on, not {count}"));
                }
                self.chosen.worker_count = Some(count.into());
                self.config.modes.core_count = Some(count);
                Ok(self.at_next_start(format!("Number of forwarding cores set to {count}")))
            }
            PortCommand::Cores(cores) | PortCommand::CoreMask(cores) => {
                let workers = self.workers_on(&cores)?;
                (self.chosen.workers, self.chosen.worker_count) = (Some(workers), None);
                let modes = &mut self.config.modes;
                (modes.cores, modes.core_count) = (cores.clone(), None);
                Ok(self.at_next_start(format!("forwarding cores {}", List(&cores))))
            }
            PortCommand::PortCount(count) => {
                self.chosen.port_count = Some(count.into());
                self.config.modes.port_count = Some(count);
                Ok(self.at_next_start(format!("Number of forwarding ports set to {count}")))
            }
            PortCommand::Ports(ports) | PortCommand::PortMask(ports) => {
                let known = self.ports_in(&[PortState::Started, PortState::Stopped]);
                if let Some(port) = ports.iter().find(|port| !known.contains(port)) {
                    return Err(format!("Invalid port {port}"));
                }
                let said = format!("forwarding ports {}", List(&ports));
                let modes = &mut self.config.modes;
                modes.ports = ports.iter().map(|port| self.ports[usize::from(*port)].name.clone()).collect();
                modes.port_count = None;
                (self.chosen.ports, self.chosen.port_count) = (Some(ports), None);
                Ok(self.at_next_start(said))
            }
            PortCommand::Topology(topology) => {
                (self.chosen.topology, self.config.modes.topology) = (topology, topology);
                Ok(self.at_next_start(format!("port topology {}", topology.word())))
            }
        }
    }

    fn at_next_start(&self, said: String) -> Reply {
        let when = if self.forwarding { "; takes effect at the next `start`" } else { "" };
        Reply::said(format!("{said}{when}"))
    }

    /// The workers on these cores.
    pub(super) fn workers_on(&self, cores: &[u16]) -> Result<Vec<u16>, String> {
        let on = |core: &u16| {
            let found = self.workers.iter().position(|worker| worker.core == Some(usize::from(*core)));
            found.map(|worker| worker as u16).ok_or_else(|| {
                let cores: Vec<_> = self.workers.iter().filter_map(|worker| worker.core).map(|c| c as u16).collect();
                format!("no worker runs on core {core}; they run on {}", List(&cores))
            })
        };
        cores.iter().map(on).collect()
    }

    /// The lists chosen by commands come into force; queues move to the workers that they ask for.
    pub(super) fn adopt_choice(&mut self) -> Result<(), String> {
        self.in_force = self.chosen.clone();
        self.deal_again()
    }

    /// The choice that the configuration makes.
    pub(super) fn configured_choice(&self) -> Result<Choice, String> {
        let modes = &self.config.modes;
        let number = |name: &String| self.ports.iter().position(|port| port.name == *name).map(|number| number as u16);
        let ports: Vec<u16> = modes.ports.iter().filter_map(number).collect();
        Ok(Choice {
            ports: (!ports.is_empty()).then_some(ports),
            port_count: modes.port_count.map(usize::from),
            workers: if modes.cores.is_empty() { None } else { Some(self.workers_on(&modes.cores)?) },
            worker_count: modes.core_count.map(usize::from),
            topology: modes.topology,
        })
    }

    fn each_port(
        &mut self,
        selector: &PortSelector,
        mut change: impl FnMut(&mut super::state::ManagedPort) -> Result<(), PortError>,
    ) -> Result<Reply, String> {
        for number in self.select_ports(selector)? {
            change(&mut self.ports[number]).map_err(|error| error.to_string())?;
        }
        Ok(Reply::done())
    }

    fn all_stopped(&self) -> Result<(), String> {
        if self.ports_in(&[PortState::Started]).is_empty() {
            return Ok(());
        }
        Err("Please stop all ports first".into())
    }

    /// Changes what ports start with; all have to be stopped.
    fn reshape(&mut self, change: impl Fn(&mut ringway_pmd::PortSettings)) -> Result<Reply, String> {
        self.all_stopped()?;
        self.ports.iter_mut().for_each(|managed| change(&mut managed.settings));
        Ok(Reply::done())
    }

    fn check_queues(&self, direction: Direction, count: u16) -> Result<(), String> {
        for number in self.ports_in(&[PortState::Started, PortState::Stopped]) {
            let limits = self.ports[usize::from(number)].port.info().limits;
            let most = match direction {
                Direction::Rx => limits.rx_queues,
                Direction::Tx => limits.tx_queues,
            };
            if count > most {
                return Err(format!(
                    "Fail: input {direction}q ({count}) can't be greater than max_{direction}_queues ({most}) of port {number}"
                ));
            }
        }
        Ok(())
    }

    fn check_descriptors(&self, direction: Direction, count: u32) -> Result<(), String> {
        for managed in self.ports.iter().filter(|port| port.state != PortState::Closed) {
            let limits = managed.port.info().limits;
            let ring = match direction {
                Direction::Rx => limits.rx_ring,
                Direction::Tx => limits.tx_ring,
            };
            let possible = (ring.min..=ring.max).contains(&count) && count.is_multiple_of(ring.align.max(1));
            if !possible || !count.is_power_of_two() {
                return Err(format!(
                    "port {}: {count} {direction} descriptors cannot be had; a power of two from {} to {}",
                    managed.name, ring.min, ring.max
                ));
            }
        }
        Ok(())
    }

    fn set_port_mtu(&mut self, selector: &PortSelector, mtu: u16) -> Result<Reply, String> {
        self.check_frame(mtu)?;
        for number in self.select_ports(selector)? {
            let over = self.interfaces.iter().find(|over| usize::from(over.port) == number && over.mtu > mtu);
            if let Some(interface) = over {
                let (name, its) = (&interface.name, interface.mtu);
                return Err(format!(
                    "interface {name} has an MTU of {its}; lower it first: `interface set {name} mtu {mtu}`"
                ));
            }
            let managed = &mut self.ports[number];
            managed.port.set_mtu(mtu).map_err(|error| error.to_string())?;
            managed.settings.mtu = Some(mtu);
            self.config.ports[number].mtu = Some(mtu);
        }
        Ok(Reply::done())
    }

    fn set_rss(&mut self, word: &str) -> Result<Reply, String> {
        let types = RssTypes::named(word).ok_or_else(|| format!("`{word}` names no packets to spread"))?;
        let mut lines = Vec::new();
        for number in self.ports_in(&[PortState::Started, PortState::Stopped]) {
            let managed = &mut self.ports[usize::from(number)];
            let able = managed.port.info().rss.map_or(types, |facts| types & facts.types);
            let rss = Rss { types: able, key: Vec::new() };
            match managed.port.set_rss(&rss) {
                Ok(()) => {
                    managed.settings.rss = Some(rss);
                    self.config.ports[usize::from(number)].rss = RssPackets::from_word(word);
                }
                Err(error) => lines.push(error.to_string()),
            }
        }
        if lines.is_empty() { Ok(Reply::done()) } else { Err(lines.join("\n")) }
    }

    fn act_on_ports(&mut self, action: PortAction, selector: &PortSelector) -> Result<Reply, String> {
        let numbers = self.select_ports(selector)?;
        let mut lines = Vec::new();
        if action == PortAction::Start {
            return self.start_selected(&numbers);
        }
        for number in numbers {
            match action {
                // Those start together, above.
                PortAction::Start => {}
                PortAction::Stop => {
                    // Who stops it by hand starts it by hand.
                    self.ports[number].lost = None;
                    if self.ports[number].state != PortState::Started {
                        lines.push(format!("Port {number} is already stopped"));
                        continue;
                    }
                    if self.forwarding && self.mode != Mode::L3 && self.stream_targets()[number].is_some() {
                        return Err(format!("Please remove port {number} from forwarding configuration: `stop` first"));
                    }
                    lines.push("Stopping ports...".into());
                    self.stop_port(number).map_err(|error| format!("Fail to stop port {number}: {error}"))?;
                }
                PortAction::Reset => {
                    self.is_stopped(number)?;
                    self.ports[number].port.reset().map_err(|error| error.to_string())?;
                    lines.push(format!("Port {number} is reset"));
                }
                PortAction::Close | PortAction::Detach => {
                    self.is_stopped(number)?;
                    if action == PortAction::Detach
                        && let Some(over) = self.interfaces.iter().find(|over| usize::from(over.port) == number)
                    {
                        return Err(format!("interface {} is on port {number}; it cannot be detached", over.name));
                    }
                    self.ports[number].port.close();
                    self.ports[number].state = PortState::Closed;
                    self.publish();
                    lines.push(if action == PortAction::Close {
                        format!("Port {number} is closed")
                    } else {
                        let left = self.ports_in(&[PortState::Started, PortState::Stopped]).len();
                        format!("Port {number} is detached. Now total ports is {left}")
                    });
                }
            }
        }
        lines.push("Done".into());
        Ok(Reply::said(lines.join("\n")))
    }

    fn start_selected(&mut self, numbers: &[usize]) -> Result<Reply, String> {
        let mut lines = Vec::new();
        for number in numbers {
            let managed = &self.ports[*number];
            lines.push(match managed.state {
                PortState::Stopped => format!("Configuring Port {number} (socket 0)"),
                _ => format!("Port {number} is already started"),
            });
        }
        lines.extend(self.start_ports(numbers).map_err(|error| format!("Fail to start ports: {error}"))?);
        for number in numbers {
            lines.push(format!("Port {number}: {}", self.ports[*number].port.info().mac));
        }
        lines.push("Checking link statuses...\nDone".into());
        Ok(Reply::said(lines.join("\n")))
    }

    fn is_stopped(&self, number: usize) -> Result<(), String> {
        match self.ports[number].state {
            PortState::Started => Err(format!("Please stop port {number} first")),
            PortState::Stopped | PortState::Closed => Ok(()),
        }
    }

    /// Opens one more device as a port, with the number of one that was detached or the next.
    fn attach_port(&mut self, device: &str) -> Result<Reply, String> {
        let driver = device_settings(device)?;
        let free = self.ports.iter().position(|port| port.state == PortState::Closed);
        let number = free.unwrap_or(self.ports.len());
        if number >= PORTS_MAX {
            return Err(format!("there are {PORTS_MAX} ports already"));
        }
        let taken = |name: &str| self.ports.iter().any(|port| port.name == name && port.state != PortState::Closed);
        let name = (number..).map(|number| format!("p{number}")).find(|name| !taken(name)).unwrap_or_default();
        let mut config = PortConfig::new(name, driver);
        config.rx_queues = self.launch.rx_queues;
        let settings = port_settings(&config, self.workers.len() as u16);
        let mut managed = open_one(&self.config, &config, settings).map_err(|error| error.to_string())?;
        self.check_frame(managed.port.info().mtu)?;
        managed.state = PortState::Stopped;
        if number == self.ports.len() {
            self.ports.push(managed);
            self.config.ports.push(config);
        } else {
            self.ports[number] = managed;
            self.config.ports[number] = config;
        }
        self.publish();
        // testpmd leaves an attached port stopped.
        let total = self.ports_in(&[PortState::Started, PortState::Stopped]).len();
        Ok(Reply::said(format!(
            "Attaching a new port...\nPort {number} is attached. Now total ports is {total}\nDone\n\
             `port start {number}` starts it"
        )))
    }
}
