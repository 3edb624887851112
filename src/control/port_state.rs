//! Ports stop and start while the workers run.

use super::budget::{PortRings, budget};
use super::dealing::{Choice, Dealt, Stream, for_router, for_streams, streams, targets};
use super::router::Router;
use super::state::PortState;
use ringway_config::Mode;
use ringway_pmd::{LentPools, Link, PoolUse, PortSettings, Queues, TxOffloads};

impl Router {
    /// Numbers of the ports that are in one of these states.
    pub(super) fn ports_in(&self, states: &[PortState]) -> Vec<u16> {
        let numbered = self.ports.iter().enumerate();
        numbered.filter(|(_, port)| states.contains(&port.state)).map(|(number, _)| number as u16).collect()
    }

    /// The streams of the mode that runs, or would run; none in `l3`, which deals queues by itself.
    pub(super) fn streams(&self) -> Vec<Stream> {
        if self.mode == Mode::L3 { Vec::new() } else { self.streams_of(&self.in_force) }
    }

    /// The streams of a choice among the started ports.
    pub(super) fn streams_of(&self, choice: &Choice) -> Vec<Stream> {
        let ports = choice.ports(&self.ports_in(&[PortState::Started]));
        let queues = |port: &u16| {
            let managed = &self.ports[usize::from(*port)];
            let limits = managed.port.info().limits;
            let (rx, tx) = (managed.settings.rx_queues, managed.settings.tx_queues);
            rx.min(tx).min(limits.rx_queues).min(limits.tx_queues)
        };
        let queues = ports.iter().map(queues).min().unwrap_or(0);
        streams(&ports, choice.topology, queues, &choice.workers(self.workers.len() as u16))
    }

    /// By port: where its frames go in the modes that do not route.
    pub(super) fn stream_targets(&self) -> Box<[Option<u16>]> {
        let ports = self.in_force.ports(&self.ports_in(&[PortState::Started]));
        let mut by_port = vec![None; self.ports.len()];
        for (port, target) in ports.iter().zip(targets(&ports, self.in_force.topology)) {
            by_port[usize::from(*port)] = Some(target);
        }
        by_port.into_boxed_slice()
    }

    /// What a port is started with: at least one transmit queue for each worker, as far as the device has them.
    fn start_settings(&self, number: usize) -> PortSettings {
        let managed = &self.ports[number];
        let limits = managed.port.info().limits;
        let mut settings = managed.settings.clone();
        settings.rx_queues = settings.rx_queues.min(limits.rx_queues);
        settings.tx_queues = settings.tx_queues.max(self.workers.len() as u16).min(limits.tx_queues);
        settings
    }

    fn deal(&self, number: usize, queues: (u16, u16)) -> Dealt {
        let (port, workers) = (number as u16, self.workers.len() as u16);
        if self.mode == Mode::L3 {
            return for_router(port, queues, workers);
        }
        for_streams(port, queues, workers, &self.streams())
    }

    /// Whether every worker's buffers cover its ports, with this one started like this.
    fn check_budget(&self, starting: usize, settings: &PortSettings, dealt: &Dealt) -> Result<(), String> {
        for worker in 0..self.workers.len() as u16 {
            let share = |(number, managed): (usize, &super::state::ManagedPort)| {
                let (settings, dealt) = match managed.state {
                    _ if number == starting => (settings, dealt),
                    PortState::Started => (&managed.settings, &managed.dealt),
                    PortState::Stopped | PortState::Closed => return None,
                };
                let rings = managed.port.ring_buffers(settings);
                Some(PortRings::of_worker(&managed.name, rings, dealt, worker))
            };
            let rings: Vec<_> = self.ports.iter().enumerate().filter_map(share).collect();
            let budget = budget(&self.config, &rings);
            let capacity = self.workers[usize::from(worker)].pool.capacity;
            if let Err(error) = budget.check(capacity) {
                let option = self.launch.buffers_option.map_or(String::new(), |option| format!("; raise {option}"));
                return Err(format!("worker {worker}: {error}{option}"));
            }
        }
        Ok(())
    }

    /// Takes a started port's queues from the workers and stops its device.
    pub(super) fn stop_port(&mut self, number: usize) -> Result<(), String> {
        if self.ports[number].state != PortState::Started {
            return Ok(());
        }
        self.take_queues(number as u16)?;
        let stopped = if self.ports[number].port.pool_use() == PoolUse::Everyone {
            let workers = self.ports[number].dealt.workers();
            self.with_lent_pools(&workers, |router, pools| router.ports[number].port.stop(pools))?
        } else {
            self.ports[number].port.stop(&mut [])
        };
        self.ports[number].state = PortState::Stopped;
        self.port_changed(number);
        stopped.map_err(|error| error.to_string())
    }

    /// Starts a stopped port and deals its queues to the workers; returns what the driver has to say.
    pub(super) fn start_port(&mut self, number: usize) -> Result<Vec<String>, String> {
        self.start_ports(&[number])
    }

    /// Starts stopped ports together, so that each is dealt with the others in sight.
    pub(super) fn start_ports(&mut self, numbers: &[usize]) -> Result<Vec<String>, String> {
        let starting: Vec<usize> =
            numbers.iter().copied().filter(|number| self.ports[*number].state == PortState::Stopped).collect();
        // The streams are those of the ports that will be there.
        self.set_states(&starting, PortState::Started);
        let plans: Vec<(PortSettings, Dealt)> = starting
            .iter()
            .map(|number| {
                let settings = self.start_settings(*number);
                let dealt = self.deal(*number, (settings.rx_queues, settings.tx_queues));
                (settings, dealt)
            })
            .collect();
        self.set_states(&starting, PortState::Stopped);
        let mut notices = Vec::new();
        for (number, (settings, dealt)) in starting.into_iter().zip(plans) {
            self.check_frame(settings.mtu.unwrap_or(0))?;
            let (mut queues, dealt) = self.open_queues(number, &settings, dealt)?;
            notices.append(&mut queues.notices);
            self.give_queues(number as u16, queues, &dealt);
            self.ports[number].dealt = dealt;
            (self.ports[number].state, self.ports[number].lost) = (PortState::Started, None);
            self.port_changed(number);
        }
        Ok(notices)
    }

    fn set_states(&mut self, numbers: &[usize], state: PortState) {
        numbers.iter().for_each(|number| self.ports[*number].state = state);
    }

    fn open_queues(
        &mut self,
        number: usize,
        settings: &PortSettings,
        mut dealt: Dealt,
    ) -> Result<(Queues, Dealt), String> {
        self.check_budget(number, settings, &dealt)?;
        let wanted = (settings.rx_queues, settings.tx_queues);
        let managed = &mut self.ports[number];
        let fresh = managed.fresh.take();
        let queues = match fresh {
            Some((opened, queues)) if opened == *settings => Ok(queues),
            unfit => {
                if unfit.is_some() {
                    managed.port.stop(&mut []).map_err(|error| error.to_string())?;
                }
                let owners = match managed.port.pool_use() {
                    PoolUse::Never => Vec::new(),
                    PoolUse::Receivers => dealt.receivers(),
                    PoolUse::Everyone => dealt.workers(),
                };
                self.with_lent_pools(&owners, |router, pools| {
                    let lent = LentPools { pools, owners: &owners, rx_workers: &dealt.rx, tx_workers: &dealt.tx };
                    router.ports[number].port.start(settings, lent)
                })?
            }
        };
        let queues = queues.map_err(|error| error.to_string())?;
        if queues.rx.len() < usize::from(wanted.0) {
            self.set_states(&[number], PortState::Started);
            dealt = self.deal(number, (queues.rx.len() as u16, queues.tx.len() as u16));
        }
        Ok((queues, dealt))
    }

    /// Refuses packets that do not fit the buffers, which are as long as they were made.
    pub(super) fn check_frame(&self, mtu: u16) -> Result<(), String> {
        let longest = self.workers.iter().map(|worker| worker.frame_bytes).min().unwrap_or(usize::MAX);
        let frame = usize::from(mtu) + usize::from(super::budget::ETHERNET);
        if frame > longest {
            let option = self.launch.buffers_option.map_or("`frame_size` in [memory]", |_| "--mbuf-size");
            return Err(format!(
                "an MTU of {mtu} needs buffers for frames of {frame} bytes, and they hold {longest}; raise {option}"
            ));
        }
        Ok(())
    }

    /// Has the devices fill in the checksums of `csum set ... hw`, in mode `csum`: in every other one a frame leaves as it came.
    pub(super) fn fill_checksums(&mut self) {
        let csum = self.mode == Mode::Csum;
        for managed in self.ports.iter_mut().filter(|managed| managed.state == PortState::Started) {
            managed.port.fill_checksums(if csum { managed.settings.tx_offloads } else { TxOffloads::empty() });
        }
    }

    /// Follows a port that was started or stopped: its link, its interfaces, the snapshot.
    fn port_changed(&mut self, number: usize) {
        self.fill_checksums();
        let mac = self.ports[number].port.info().mac;
        for interface in self.interfaces.iter_mut().filter(|interface| usize::from(interface.port) == number) {
            interface.mac = mac;
        }
        if self.ports[number].state == PortState::Started {
            self.follow_groups(number);
        }
        self.watch_links();
        self.publish();
    }

    /// The link of a port as the router sees it: down unless the port is started.
    pub(super) fn link_of(&self, number: usize) -> Link {
        let managed = &self.ports[number];
        match managed.state {
            PortState::Started => managed.port.link(),
            PortState::Stopped | PortState::Closed => Link { up: false, ..Link::UP },
        }
    }

    /// Deals the queues anew where the mode or the lists ask for other workers: such a port is stopped and started.
    pub(super) fn deal_again(&mut self) -> Result<(), String> {
        let moved: Vec<usize> = self
            .ports_in(&[PortState::Started])
            .into_iter()
            .map(usize::from)
            .filter(|number| {
                let dealt = &self.ports[*number].dealt;
                *dealt != self.deal(*number, (dealt.rx.len() as u16, dealt.tx.len() as u16))
            })
            .collect();
        for number in &moved {
            self.stop_port(*number)?;
        }
        self.start_ports(&moved).map(|_| ())
    }

    /// Opens ports again whose device was gone and is back. A device that had buffers of ours is let go of at once.
    pub(super) fn revive_ports(&mut self) {
        for number in 0..self.ports.len() {
            let managed = &self.ports[number];
            if managed.state == PortState::Started && managed.link.gone && managed.port.pool_use() != PoolUse::Never {
                let name = managed.name.clone();
                match self.stop_port(number) {
                    Ok(()) => self.ports[number].lost = Some(String::new()),
                    Err(error) => tracing::warn!("port {name}: {error}"),
                }
            }
            let managed = &self.ports[number];
            let waits = match managed.state {
                PortState::Started => managed.link.gone,
                PortState::Stopped => managed.lost.is_some(),
                PortState::Closed => false,
            };
            // One that was found, and could not be started, is there without being back.
            let found = managed.state == PortState::Stopped && !managed.port.link().gone;
            if !waits || !found && !managed.port.is_back() {
                continue;
            }
            let name = managed.name.clone();
            match self.stop_port(number).and_then(|()| self.start_port(number)) {
                Ok(notices) => {
                    tracing::info!("port {name}: its device is back");
                    notices.iter().for_each(|notice| tracing::info!("{notice}"));
                }
                // It is tried again, and said again when the reason is another one.
                Err(error) if self.ports[number].lost.as_ref() != Some(&error) => {
                    tracing::warn!("port {name}: its device is back and could not be opened: {error}");
                    self.ports[number].lost = Some(error);
                }
                Err(_) => {}
            }
        }
    }
}
