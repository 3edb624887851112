//! The control side of an in-memory port.

use super::cable::{Cable, Connector};
use super::queue::{MemoryRx, MemoryTx};
use crate::control::PortControl;
use crate::{
    LentPools, Link, PortError, PortInfo, PortSettings, PortStats, Queues, RingBuffers, Rx, RxStats, Tx, TxStats,
};
use macaddr::MacAddr6;
use ringway_mempool::Pool;

/// Control side of an in-memory port.
#[derive(Debug)]
pub struct MemoryPort {
    pub(super) info: PortInfo,
    pub(super) connector: Connector,
    /// False between `set_link` down and up.
    pub(super) up: bool,
    pub(super) rx: Vec<RxStats>,
    pub(super) tx: Vec<TxStats>,
}

impl PortControl for MemoryPort {
    fn info(&self) -> PortInfo {
        self.info.clone()
    }

    fn link(&self) -> Link {
        Link { up: self.up, ..Link::UP }
    }

    fn stats(&self) -> PortStats {
        PortStats::of_queues(&self.rx, &self.tx)
    }

    fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        if mtu > self.info.mtu_max {
            let message =
                format!("MTU {mtu} does not fit the slots of this in-memory port, made for {}", self.info.mtu_max);
            return Err(PortError::Refused { port: self.info.name.clone(), message });
        }
        self.info.mtu = mtu;
        Ok(())
    }

    fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        self.info.mac = mac;
        Ok(())
    }

    fn set_promiscuous(&mut self, on: bool) -> Result<(), PortError> {
        self.info.promiscuous = on;
        Ok(())
    }

    fn set_all_multicast(&mut self, on: bool) -> Result<(), PortError> {
        self.info.all_multicast = on;
        Ok(())
    }

    /// Every frame is received in any case.
    fn set_groups(&mut self, _groups: &[MacAddr6]) -> Result<(), PortError> {
        Ok(())
    }

    fn set_link(&mut self, up: bool) -> Result<(), PortError> {
        self.up = up;
        Ok(())
    }

    fn ring_buffers(&self, settings: &PortSettings) -> RingBuffers {
        let holds = matches!(self.connector.cable, Cable::Replay(_));
        RingBuffers { rx: 0, tx: if holds { settings.tx_ring } else { 0 } }
    }

    fn start(&mut self, settings: &PortSettings, _lent: LentPools<'_>) -> Result<Queues, PortError> {
        if let Some(mtu) = settings.mtu {
            self.set_mtu(mtu)?;
        }
        if let Some(mac) = settings.mac {
            self.set_mac(mac)?;
        }
        let mut queues = Queues::default();
        for number in 0..usize::from(settings.rx_queues) {
            let Some(source) = self.connector.source(number) else { break };
            // The counters of queue `i` go on over a stop and start.
            let stats = self.rx.get(number).cloned().unwrap_or_default();
            if number == self.rx.len() {
                self.rx.push(stats.clone());
            }
            let shelf = self.connector.shelf.clone();
            queues.rx.push(Rx::Memory(MemoryRx { source, number, shelf, stats }));
        }
        for number in 0..usize::from(settings.tx_queues) {
            let Some(target) = self.connector.target(number, settings.tx_ring) else {
                let message = format!("it is connected by {number} transmit queues, not {}", settings.tx_queues);
                return Err(PortError::Refused { port: self.info.name.clone(), message });
            };
            let stats = self.tx.get(number).cloned().unwrap_or_default();
            if number == self.tx.len() {
                self.tx.push(stats.clone());
            }
            let (shelf, ring_size) = (self.connector.shelf.clone(), settings.tx_ring);
            queues.tx.push(Tx::Memory(MemoryTx { target, number, shelf, ring_size, stats }));
        }
        (self.info.rx_queues, self.info.tx_queues) = (queues.rx.len() as u16, queues.tx.len() as u16);
        (self.info.rx_ring, self.info.tx_ring) = (settings.rx_ring, settings.tx_ring);
        Ok(queues)
    }

    /// Nothing is left to stop: the closed queues have laid down their ends of the cable.
    fn stop(&mut self, _pools: &mut [Pool]) -> Result<(), PortError> {
        Ok(())
    }

    fn reset(&mut self) -> Result<(), PortError> {
        self.up = true;
        Ok(())
    }

    fn close(&mut self) {}
}
