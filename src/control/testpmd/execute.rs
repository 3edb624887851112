//! What each of testpmd's own commands does.

use crate::cli::grammar::Options;
use crate::cli::reply::Reply;
use crate::cli::testpmd::{ConfigSubject, TestpmdCommand};
use crate::cli::view;
use crate::control::log;
use crate::control::router::Router;
use crate::dataplane::message::Order;

impl Router {
    /// Executes one.
    pub(in crate::control) fn answer_testpmd(
        &mut self,
        command: TestpmdCommand,
        options: Options,
    ) -> Result<Reply, String> {
        match command {
            TestpmdCommand::ShowConfig(subject) => Ok(self.show_config(subject, options)),
            TestpmdCommand::ShowForward => Ok(Reply::view(&self.forward_statistics(), options)),
            TestpmdCommand::ClearForward => {
                self.begin_forward_statistics();
                Ok(Reply::done())
            }
            TestpmdCommand::ShowRssHash { port, key } => {
                self.show_each(&port, options, |router, number| router.rss_hash(number, key))
            }
            TestpmdCommand::ShowReta { port, size, masks } => {
                self.show_each(&port, options, |router, number| router.reta(number, size, &masks))
            }
            TestpmdCommand::ShowMacs(port) => self.show_each(&port, options, |router, number| Ok(router.macs(number))),
            TestpmdCommand::ShowOffloads { port, way, configuration } => {
                self.show_each(&port, options, |router, number| Ok(router.offloads(number, way, configuration)))
            }
            TestpmdCommand::ShowDescriptors { port, way, queue } => {
                self.show_each(&port, options, |router, number| router.descriptors(number, way, queue))
            }
            TestpmdCommand::ShowQueue { way, port, queue } => {
                self.show_each(&port, options, |router, number| router.queue(number, way, queue))
            }
            TestpmdCommand::ShowChecksums(port) => self.show_checksums(&port, options),
            TestpmdCommand::DumpPools(name) => self.dump_pools(name.as_deref(), options),
            TestpmdCommand::DumpCores => Ok(Reply::view(&self.cores(), options)),
            TestpmdCommand::StartTransmitFirst(bursts) => {
                let reply = self.start_forwarding(options)?;
                // Orders are taken in their order: the snapshot of the start comes first.
                self.order_all(|| Order::TransmitFirst(bursts));
                Ok(reply)
            }
            TestpmdCommand::SetVerbose(level) => Ok(self.set_verbose(level)),
            TestpmdCommand::SetPeer { port, mac } => self.set_peer(&port, mac),
            TestpmdCommand::RecordCycles(on) => {
                self.testpmd.record_cycles = on;
                Ok(Reply::done())
            }
            TestpmdCommand::RecordBursts(on) => {
                self.testpmd.record_bursts = on;
                Ok(Reply::done())
            }
            TestpmdCommand::SetLog { kind, level } if kind == "global" || kind == "ringway" => {
                log::set_level(level);
                Ok(Reply::done())
            }
            TestpmdCommand::SetLog { kind, .. } => {
                Err(format!("not supported: the log type `{kind}`; `set log global LEVEL` is there"))
            }
            TestpmdCommand::SetRetry { delay_us, times } => Ok(self.set_retries(delay_us, times)),
            TestpmdCommand::SetDefault => Ok(self.set_default()),
            TestpmdCommand::SetPacketSizes(sizes) => self.set_packet_sizes(&sizes),
            TestpmdCommand::SetNoisy { load, amount } => self.set_noisy(load, amount),
            TestpmdCommand::SetChecksum { layer, hardware, port } => self.set_checksum(layer, hardware, &port, options),
            TestpmdCommand::ChangeMac { change, port, mac } => self.change_mac(change, &port, mac),
            TestpmdCommand::SetVlan { offload, on, port } => self.set_vlan(offload, on, &port),
            TestpmdCommand::FilterVlan { receive, vlan, port } => self.filter_vlan(receive, vlan, &port),
            TestpmdCommand::InsertVlan { port, vlan } => self.insert_vlan(&port, vlan),
        }
    }

    fn show_config(&self, subject: ConfigSubject, options: Options) -> Reply {
        match subject {
            ConfigSubject::Rxtx => Reply::view(&self.rxtx_config(), options),
            ConfigSubject::Cores => {
                let cores = self.workers.iter().map(|worker| worker.core.map(|core| core as u16)).collect();
                Reply::view(&view::testpmd::ForwardingCores { cores }, options)
            }
            ConfigSubject::Forward => Reply::view(&self.forward_config(self.next_mode), options),
            ConfigSubject::PacketSizes => {
                Reply::view(&view::testpmd::PacketSizes { segments: vec![self.config.modes.tx_bytes] }, options)
            }
        }
    }

    fn rxtx_config(&self) -> view::testpmd::RxtxConfig {
        let modes = &self.config.modes;
        let ports = self.ports.iter().enumerate().map(|(number, managed)| {
            let info = managed.port.info();
            view::testpmd::RxtxPort {
                port: number as u16,
                rx_queues: info.rx_queues,
                tx_queues: info.tx_queues,
                rx_descriptors: info.rx_ring,
                tx_descriptors: info.tx_ring,
                rx_offloads: info.rx_offloads.on.bits(),
                tx_offloads: info.tx_offloads.on.bits(),
            }
        });
        view::testpmd::RxtxConfig {
            mode: self.next_mode.to_string(),
            retries: modes.retries,
            retry_delay_us: modes.retry_delay_us,
            burst: self.burst,
            cores: self.workers.len(),
            ports: ports.collect(),
        }
    }

    /// `dump_mempool [NAME]`: the pools in testpmd's words.
    fn dump_pools(&mut self, name: Option<&str>, options: Options) -> Result<Reply, String> {
        let pools = self.show_pool()?.workers.into_iter().map(|worker| view::testpmd::Mempool {
            name: format!("mb_pool_{}", worker.worker),
            size: worker.capacity,
            common_pool_count: worker.pool,
            in_use: worker.sum() - u64::from(worker.pool),
            elt_size: worker.stride,
            pages: worker.pages,
        });
        let mempools: Vec<_> = pools.filter(|pool| name.is_none_or(|name| pool.name == name)).collect();
        match name {
            Some(name) if mempools.is_empty() => {
                Err(format!("there is no mempool {name}; each worker has one, from mb_pool_0 on"))
            }
            _ => Ok(Reply::view(&view::testpmd::Mempools { mempools }, options)),
        }
    }

    fn cores(&self) -> view::testpmd::Cores {
        let workers = self.workers.iter().enumerate().map(|(number, worker)| view::testpmd::Core {
            core: worker.core.map(|core| core as u16),
            role: format!("worker {number}"),
            state: match (&worker.thread, self.forwarding) {
                (None, _) => "gone",
                (Some(_), true) => "forwarding",
                (Some(_), false) => "stopped",
            }
            .into(),
        });
        let control = view::testpmd::Core { core: None, role: "control".into(), state: "running".into() };
        view::testpmd::Cores { cores: workers.chain([control]).collect() }
    }
}
