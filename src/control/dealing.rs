//! Which worker serves which queue: testpmd's streams in the modes that do not route, the router's own dealing in `l3`.
//!
//! A stream leads from a receive queue to a transmit queue of the same number on another port. Streams are numbered queue by
//! queue, port by port, and go to the cores in equal runs, the longer ones last, as testpmd's `rss_fwd_config_setup` deals
//! them. All a stream needs belongs to one worker, so a packet never changes pools.

use ringway_config::Topology;

/// What the operator has chosen for the next `start`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// Ports that forward, in their order (`set portlist`); `None` for all.
    pub ports: Option<Vec<u16>>,
    /// How many of them (`set nbport`).
    pub port_count: Option<usize>,
    /// Workers that forward, in their order (`set corelist`); `None` for all.
    pub workers: Option<Vec<u16>>,
    /// How many of them (`set nbcore`).
    pub worker_count: Option<usize>,
    /// Which port sends what another receives.
    pub topology: Topology,
}

impl Choice {
    /// Everything forwards.
    pub fn new(topology: Topology) -> Self {
        Self { ports: None, port_count: None, workers: None, worker_count: None, topology }
    }

    /// The ports that forward, of those that could.
    pub fn ports(&self, usable: &[u16]) -> Vec<u16> {
        let listed = self.ports.clone().unwrap_or_else(|| usable.to_vec());
        let count = self.port_count.unwrap_or(usize::MAX);
        listed.into_iter().filter(|port| usable.contains(port)).take(count).collect()
    }

    /// The workers that forward, of so many.
    pub fn workers(&self, running: u16) -> Vec<u16> {
        let listed = self.workers.clone().unwrap_or_else(|| (0..running).collect());
        listed.into_iter().filter(|worker| *worker < running).take(self.worker_count.unwrap_or(usize::MAX)).collect()
    }
}

/// The port that sends what each port of the list receives.
pub(super) fn targets(ports: &[u16], topology: Topology) -> Vec<u16> {
    let count = ports.len();
    let target = |at: usize| match topology {
        // A last odd port has no partner and sends to itself.
        Topology::Paired => {
            if at ^ 1 < count {
                at ^ 1
            } else {
                at
            }
        }
        Topology::Chained => (at + 1) % count,
        Topology::Loop => at,
    };
    (0..count).map(|at| ports[target(at)]).collect()
}

/// From a receive queue to a transmit queue, by one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stream {
    /// Port that receives.
    pub rx_port: u16,
    /// Number of the queue on both.
    pub queue: u16,
    /// Port that sends.
    pub tx_port: u16,
    /// The worker.
    pub worker: u16,
}

/// The streams of these ports with so many queues each, over these workers.
pub(super) fn streams(ports: &[u16], topology: Topology, queues: u16, workers: &[u16]) -> Vec<Stream> {
    let targets = targets(ports, topology);
    let count = ports.len() * usize::from(queues);
    let cores = workers.len().min(count).max(1);
    let (each, longer) = (count / cores, count % cores);
    let mut streams = Vec::with_capacity(count);
    for queue in 0..queues {
        for (rx_port, tx_port) in ports.iter().zip(&targets) {
            let at = streams.len();
            // The first cores have `each` streams, the last ones have one more.
            let short = (cores - longer) * each;
            let core = if at < short { at / each.max(1) } else { cores - longer + (at - short) / (each + 1) };
            let worker = workers.get(core).copied().unwrap_or(0);
            streams.push(Stream { rx_port: *rx_port, queue, tx_port: *tx_port, worker });
        }
    }
    streams
}

/// By queue: the worker that serves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dealt {
    /// Receive queues.
    pub rx: Vec<u16>,
    /// Transmit queues.
    pub tx: Vec<u16>,
}

impl Dealt {
    /// The workers that receive, each once, in their order.
    pub fn receivers(&self) -> Vec<u16> {
        once(self.rx.clone())
    }

    /// The workers that have any queue, each once, in their order.
    pub fn workers(&self) -> Vec<u16> {
        once([self.rx.as_slice(), &self.tx].concat())
    }
}

fn once(mut workers: Vec<u16>) -> Vec<u16> {
    workers.sort_unstable();
    workers.dedup();
    workers
}

/// The router's dealing: receive queue `i` to worker `i`; a port with fewer queues than there are workers starts at another one
/// than the port before, so that the first worker does not get them all. Each worker sends on each port.
pub(super) fn for_router(port: u16, (rx, tx): (u16, u16), workers: u16) -> Dealt {
    let first = if rx < workers { port } else { 0 };
    Dealt {
        rx: (0..rx).map(|queue| (first + queue) % workers).collect(),
        tx: (0..tx).map(|queue| queue % workers).collect(),
    }
}

/// The dealing by streams. A transmit queue that no stream fills goes to the first worker that has none on this port, since
/// answers and made packets leave by any worker.
pub(super) fn for_streams(port: u16, (rx, tx): (u16, u16), workers: u16, streams: &[Stream]) -> Dealt {
    let of = |queue: u16, is: fn(&Stream) -> u16| {
        streams.iter().find(|stream| stream.queue == queue && is(stream) == port).map(|stream| stream.worker)
    };
    let filled: Vec<Option<u16>> = (0..tx).map(|queue| of(queue, |stream| stream.tx_port)).collect();
    let mut without = (0..workers).filter(|worker| !filled.contains(&Some(*worker)));
    Dealt {
        rx: (0..rx).map(|queue| of(queue, |stream| stream.rx_port).unwrap_or(0)).collect(),
        tx: filled.iter().map(|worker| worker.or_else(|| without.next()).unwrap_or(0)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_joined_as_the_topology_says() {
        assert_eq!(targets(&[0, 1, 2], Topology::Paired), [1, 0, 2]);
        assert_eq!(targets(&[0, 1, 2], Topology::Chained), [1, 2, 0]);
        assert_eq!(targets(&[4, 2], Topology::Paired), [2, 4]);
        assert_eq!(targets(&[0, 1], Topology::Loop), [0, 1]);
        assert!(targets(&[], Topology::Chained).is_empty());
    }

    #[test]
    fn streams_go_to_the_cores_in_runs_the_longer_ones_last() {
        let dealt = |ports: &[u16], queues, workers: &[u16]| -> Vec<u16> {
            streams(ports, Topology::Paired, queues, workers).iter().map(|stream| stream.worker).collect()
        };
        assert_eq!(dealt(&[0, 1], 1, &[0]), [0, 0]);
        assert_eq!(dealt(&[0, 1], 1, &[0, 1]), [0, 1]);
        assert_eq!(dealt(&[0, 1, 2], 1, &[0, 1]), [0, 1, 1]);
        assert_eq!(dealt(&[0, 1], 2, &[3, 1, 2]), [3, 1, 2, 2]);
        assert_eq!(dealt(&[0, 1], 1, &[0, 1, 2]), [0, 1], "a core without stream idles");
    }

    #[test]
    fn a_stream_has_all_it_needs_on_one_worker() {
        let streams = streams(&[0, 1], Topology::Paired, 1, &[0, 1]);
        let (p0, p1) = (for_streams(0, (1, 2), 2, &streams), for_streams(1, (1, 2), 2, &streams));
        assert_eq!((p0.rx[0], p1.tx[0]), (0, 0));
        assert_eq!((p1.rx[0], p0.tx[0]), (1, 1));
        assert_eq!((p0.tx[1], p1.tx[1]), (0, 1), "the other queue goes to the worker that has none");
    }

    #[test]
    fn the_router_deals_short_ports_from_different_workers_on() {
        assert_eq!(for_router(1, (1, 2), 2), Dealt { rx: vec![1], tx: vec![0, 1] });
        assert_eq!(for_router(1, (2, 2), 2), Dealt { rx: vec![0, 1], tx: vec![0, 1] });
    }

    #[test]
    fn lists_and_counts_choose_among_what_is_there() {
        let mut choice = Choice::new(Topology::Paired);
        assert_eq!(choice.ports(&[0, 1, 2]), [0, 1, 2]);
        choice.ports = Some(vec![2, 0, 7]);
        assert_eq!(choice.ports(&[0, 1, 2]), [2, 0]);
        choice.port_count = Some(1);
        assert_eq!(choice.ports(&[0, 1, 2]), [2]);
        choice.worker_count = Some(1);
        assert_eq!(choice.workers(2), [0]);
    }
}
