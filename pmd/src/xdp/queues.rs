//! Making the queues of a port when it starts: a socket for each receive queue of the device, bound over the pool of the worker
//! that serves it.

use super::half::{Half, Halves};
use super::port::XdpPort;
use super::ring::{Consumer, Producer};
use super::rx::{RxSocket, XdpRx};
use super::socket::{Rings, Socket};
use super::tx::{TxSocket, XdpTx};
use super::umem::{self, ZeroCopy};
use crate::packet;
use crate::{LentPools, PortError, PortSettings, Queues, Rx, RxStats, Tx, TxStats};
use ringway_mempool::Pool;
use std::io;
use std::sync::Arc;

/// The transmit rings of a socket that no queue has yet, and the worker whose buffers they take.
struct Sender {
    worker: u16,
    rings: (Producer<libc::xdp_desc>, Consumer<u64>),
    half: Half,
}

impl XdpPort {
    pub(super) fn open_queues(&mut self, settings: &PortSettings, lent: LentPools<'_>) -> Result<Queues, PortError> {
        let mut queues = Queues::default();
        let count = u32::from(settings.rx_queues).min(self.on.queues);
        if count < u32::from(settings.rx_queues) {
            queues.notices.push(format!(
                "port {}: `{}` has {count} receive queue(s) for {} workers: not every worker receives from it",
                self.info.name, self.info.device, settings.rx_queues
            ));
        }
        let mut senders = Vec::new();
        for number in 0..count {
            let worker = lent.rx_workers.get(number as usize).copied().unwrap_or(0);
            let Some(pool) = lent.place(worker).map(|at| &mut lent.pools[at]) else { continue };
            if number as usize == self.rx.len() {
                self.rx.push(RxStats::default());
                self.filled.push(Arc::default());
            }
            let (stats, filled) = (self.rx[number as usize].clone(), self.filled[number as usize].clone());
            let mut sockets = Vec::new();
            // A device with more queues than the port: the rest is spread evenly.
            for queue in (number..self.on.queues).step_by(count as usize) {
                let (receiver, sender) = self.open_socket(settings, queue, pool, &stats, &mut queues.notices)?;
                sockets.push(receiver);
                senders.push(Sender { worker, ..sender });
            }
            queues.rx.push(Rx::Xdp(Box::new(XdpRx::new(
                sockets,
                self.settings.batching,
                self.on.shared.clone(),
                stats,
                filled,
            ))));
        }
        for number in 0..usize::from(settings.tx_queues) {
            if number == self.tx.len() {
                self.tx.push(TxStats::default());
            }
            let stats = self.tx[number].clone();
            let worker = lent.tx_workers.get(number).copied().unwrap_or(0);
            queues.tx.push(match senders.iter().position(|sender| sender.worker == worker) {
                Some(at) => {
                    let Sender { rings, half, .. } = senders.remove(at);
                    let socket = TxSocket::new(rings, settings.tx_ring, half);
                    Tx::Xdp(Box::new(XdpTx::new(socket, self.on.shared.clone(), stats)))
                }
                // A worker without a queue of the device: the device's sockets are over the memory of others.
                None => Tx::Packet(packet::open_tx(self.on.device.interface(), stats).map_err(|source| {
                    self.on.device.failed(format!("opening a packet socket on `{}`", self.info.device), source)
                })?),
            });
        }
        (self.info.rx_queues, self.info.tx_queues) = (queues.rx.len() as u16, settings.tx_queues);
        (self.info.rx_ring, self.info.tx_ring) = (settings.rx_ring, settings.tx_ring);
        Ok(queues)
    }

    /// A socket with its buffers, bound and steered to.
    fn open_socket(
        &mut self,
        settings: &PortSettings,
        queue: u32,
        pool: &mut Pool,
        stats: &RxStats,
        notices: &mut Vec<String>,
    ) -> Result<(RxSocket, Sender), PortError> {
        let needed = self.info.limits.rx_buffer_min;
        if pool.longest_frame() < needed as usize {
            return Err(self.on.shared.refused(format!(
                "AF_XDP needs larger packet buffers; set frame_size in [memory] to {needed} or remove it, or set driver = \"af_packet\""
            )));
        }
        let (socket, rings) = self.make_socket(settings, queue).map_err(|source| self.socket_failed(queue, source))?;
        let socket = Arc::new(socket);
        self.sockets.push(Arc::downgrade(&socket));
        let lender = |pool: &mut Pool| pool.lender().map_err(|error| self.on.shared.refused(error.to_string()));
        let half = Halves::new(socket.clone(), lender(pool)?, lender(pool)?);
        let mut receiver = RxSocket::new((rings.fill, rings.receive), settings.rx_ring, half.clone());
        // Some drivers want to see buffers when a zero-copy socket is bound.
        receiver.refill(pool, stats);
        let sender = Sender { worker: 0, rings: (rings.transmit, rings.completion), half };
        let bound = umem::bind(&socket, pool, self.on.shared.zero_copy).and_then(|waited| {
            if self.on.shared.zero_copy == ZeroCopy::On && !socket.is_zero_copy() {
                return Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP));
            }
            Ok(waited)
        });
        drop(socket);
        let steered = bound.map_err(|source| self.on.shared.bind_failed(queue, source)).and_then(|waited| {
            if let Some(waited) = waited {
                notices.push(format!(
                    "port {}: queue {queue} of `{}` was still busy: the kernel took {} ms to take an earlier socket apart",
                    self.info.name,
                    self.info.device,
                    waited.as_millis(),
                ));
            }
            self.on.shared.steer(queue, receiver.socket())
        });
        match steered {
            Ok(()) => Ok((receiver, sender)),
            Err(error) => {
                let Sender { rings, half, .. } = sender;
                drop(rings);
                Halves::close(half, pool);
                receiver.close(pool);
                Err(error)
            }
        }
    }

    fn make_socket(&self, settings: &PortSettings, queue: u32) -> io::Result<(Socket, Rings)> {
        let socket = Socket::new(self.on.device.interface().index(), queue)?;
        if self.settings.busy_poll > 0 {
            socket.busy_poll(self.settings.busy_poll)?;
        }
        let rings = socket.rings(settings.rx_ring, settings.tx_ring)?;
        Ok((socket, rings))
    }

    fn socket_failed(&self, queue: u32, source: io::Error) -> PortError {
        if source.raw_os_error() == Some(libc::EAFNOSUPPORT) {
            let message = "this kernel has no AF_XDP (CONFIG_XDP_SOCKETS); set driver = \"af_packet\"".into();
            return self.on.shared.refused(message);
        }
        self.on.device.failed(format!("opening AF_XDP socket {queue} on `{}`", self.info.device), source)
    }
}
