//! AF_PACKET: any Linux interface, without a driver of our own and without bypassing the kernel's.
//!
//! * **Receive**: a memory-mapped ring of fixed slots (`TPACKET_V2`). Version 3 packs frames into blocks and hands a block
//!   over when it is full or a timer of at least a millisecond ends; version 2 hands over each frame, so a lone
//!   packet does not wait. No system call a packet.
//! * **Superframes** of a virtual cable's kernel (up to 64 KiB) do not fit a slot; the kernel then keeps a copy in the socket
//!   (`PACKET_COPY_THRESH`), which is fetched with one call and cut into some forty frames by [`crate::offload`]. Checksums
//!   that the sender left open are filled in on the way.
//! * **Transmit**: one `sendmmsg` a burst, past the queueing discipline. A transmit ring would save the copy, but its slots
//!   stay taken until the receiver has read them, so a slow reader at the far end of a veth would stop the port.
//! * **A driver that copies**: no buffer of the pool is ever in flight.
//!
//! Read first: packet(7) and `Documentation/networking/packet_mmap.rst` of the kernel.

mod port;
mod ring;
mod rx;
mod socket;
mod tx;

pub(crate) use port::open_tx;
pub use port::{PacketPort, open};
pub use rx::PacketRx;
pub(crate) use socket::Socket;
pub use tx::PacketTx;
