//! A socket is shared by a receive and a transmit queue of one worker. The kernel lets go of the buffers when both are closed, so
//! whichever is closed last brings them home.

use super::socket::Socket;
use ringway_mempool::{Custody, Lender, Pool};
use std::sync::Arc;
use std::time::Duration;

/// How long the kernel gets to stop a device that reads and writes our memory itself, before the buffers are used again.
const ZERO_COPY_GRACE: Duration = Duration::from_millis(100);

/// A bound socket and those to whom its buffers are lent.
#[derive(Debug)]
pub(super) struct Halves {
    socket: Arc<Socket>,
    receiver: Lender,
    sender: Lender,
}

/// One of the two.
pub(super) type Half = Arc<Halves>;

impl Halves {
    pub fn new(socket: Arc<Socket>, receiver: Lender, sender: Lender) -> Half {
        Arc::new(Self { socket, receiver, sender })
    }

    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    #[inline]
    pub fn receiver(&self) -> Lender {
        self.receiver
    }

    #[inline]
    pub fn sender(&self) -> Lender {
        self.sender
    }

    /// Closes a half whose rings are gone. With the last one the socket ends and every buffer that was lent comes back.
    pub fn close(half: Half, pool: &mut Pool) {
        let Some(Self { socket, receiver, sender }) = Arc::into_inner(half) else { return };
        let zero_copy = socket.is_zero_copy();
        drop(socket);
        if zero_copy {
            // The kernel stops the device's queue shortly after, in a task of its own.
            std::thread::sleep(ZERO_COPY_GRACE);
        }
        pool.recall(receiver, Custody::ReceiveRing);
        pool.recall(sender, Custody::TransmitRing);
    }
}
