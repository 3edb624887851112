//! Which receive queue is served by which worker, and where its packets go: testpmd's streams.

use crate::cli::view::testpmd as view;
use crate::control::dealing::Stream;
use crate::control::router::Router;
use crate::dataplane::modes::ModeSettings;
use ringway_config::Mode;

impl Router {
    /// The worker that serves a receive queue of a port.
    pub(super) fn worker_of(&self, port: usize, queue: u16) -> usize {
        self.ports[port].dealt.rx.get(usize::from(queue)).map_or(0, |worker| usize::from(*worker))
    }

    /// `show config fwd`: what the next `start` does; `start` shows what it has done.
    pub(in crate::control) fn forward_config(&self, mode: Mode) -> view::ForwardConfig {
        let settings = ModeSettings::of(&self.config, self.testpmd.verbose);
        let core = |worker: u16| self.workers.get(usize::from(worker)).and_then(|worker| worker.core);
        let streams: Vec<view::Stream> =
            if mode == Mode::L3 { self.routed_queues() } else { self.streams_of(&self.chosen) }
                .into_iter()
                .map(|stream| view::Stream {
                    core: core(stream.worker).map(|core| core as u16),
                    worker: stream.worker,
                    rx_port: stream.rx_port,
                    rx_queue: stream.queue,
                    tx_port: (mode != Mode::L3).then_some(stream.tx_port),
                    tx_queue: stream.queue,
                    peer: settings.peer(stream.tx_port),
                })
                .collect();
        let mut ports: Vec<u16> = streams.iter().map(|stream| stream.rx_port).collect();
        let mut workers: Vec<u16> = streams.iter().map(|stream| stream.worker).collect();
        for numbers in [&mut ports, &mut workers] {
            numbers.sort_unstable();
            numbers.dedup();
        }
        view::ForwardConfig { mode: mode.to_string(), ports: ports.len(), cores: workers.len(), streams }
    }

    /// The receive queues as the router deals them; where a packet leaves is for its route to say.
    fn routed_queues(&self) -> Vec<Stream> {
        let queues = self.ports.iter().enumerate().flat_map(|(port, managed)| {
            managed.dealt.rx.iter().enumerate().map(move |(queue, worker)| Stream {
                rx_port: port as u16,
                queue: queue as u16,
                tx_port: port as u16,
                worker: *worker,
            })
        });
        queues.collect()
    }
}
