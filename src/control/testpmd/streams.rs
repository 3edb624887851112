//! Which receive queue is served by which worker, and where its packets go: testpmd's streams.

use crate::cli::view::testpmd as view;
use crate::control::router::Router;
use crate::dataplane::modes::{ModeSettings, peer};
use ringway_config::Mode;

impl Router {
    /// The worker that serves a receive queue of a port.
    pub(super) fn worker_of(&self, port: usize, queue: u16) -> usize {
        let workers = self.workers.len().max(1);
        let queues = usize::from(self.ports[port].port.info().rx_queues);
        let first = if queues < workers { port } else { 0 };
        (first + usize::from(queue)) % workers
    }

    /// `show config fwd`: what the next `start` does; `start` shows what it has done.
    pub(in crate::control) fn forward_config(&self, mode: Mode) -> view::ForwardConfig {
        let settings = ModeSettings::of(&self.config, self.testpmd.verbose);
        let mut streams = Vec::new();
        for (number, managed) in self.ports.iter().enumerate() {
            for queue in 0..managed.port.info().rx_queues {
                let worker = self.worker_of(number, queue);
                let target = peer(self.ports.len(), number as u16);
                streams.push(view::Stream {
                    core: self.workers.get(worker).and_then(|worker| worker.core).map(|core| core as u16),
                    worker: worker as u16,
                    rx_port: number as u16,
                    rx_queue: queue,
                    tx_port: (mode != Mode::L3).then_some(target),
                    tx_queue: worker as u16,
                    peer: settings.peer(target),
                });
            }
        }
        view::ForwardConfig { mode: mode.to_string(), ports: self.ports.len(), cores: self.workers.len(), streams }
    }
}
