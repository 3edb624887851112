//! AF_XDP: any Linux interface, its frames in our own buffers, without a driver of our own.
//!
//! * A small **program** of ours ([`program`](self)) runs in the interface's driver, or behind it, and puts each frame into the
//!   socket of the queue it came in on, before the kernel's network stack sees it.
//! * A **socket** is one queue of the device: four rings shared with the kernel. The fill ring takes empty buffers and the
//!   receive ring brings them back full; the transmit ring takes full ones and the completion ring brings them back.
//! * The buffers are the worker's **pool** itself, registered as a UMEM that all ports of the worker share, in chunks that may
//!   start anywhere: a frame goes from port to port without a copy of ours. Where the driver has zero-copy the device
//!   reads and writes them itself, else the kernel copies each frame once.
//! * **Custody is exact**: what the kernel has for receiving is `filled - received`, what it has for sending is `submitted -
//!   completed`, four free-running counters that only we write.
//!
//! ```text
//!   Pool --take--> fill ring --> kernel --> receive ring --> Burst
//!   Pool <--give-- completion ring <-- kernel <-- transmit ring <-- Burst
//! ```
//!
//! Invariants of this module, cited by its SAFETY comments:
//!
//! | name | what holds |
//! |---|---|
//! | `INV-RING-LAYOUT` | every part of a ring lies, aligned, inside its mapping (checked when the ring is made) |
//! | `INV-CUSTODY` | the kernel touches only buffers lent to it, and an address becomes an mbuf once (checked by the pool) |
//!
//! Nothing of this outlasts the process: program, maps, sockets and memory hang on descriptors. Read first:
//! `Documentation/networking/af_xdp.rst` of the kernel.

mod attach;
mod bpf;
mod btf;
mod features;
mod half;
mod instruction;
mod pace;
mod port;
mod program;
mod queues;
mod ring;
mod rx;
mod settings;
mod shared;
mod socket;
mod steer;
mod tx;
mod umem;

pub use attach::{buffer_frame, mtu_most, supported};
pub use features::{Features, features};
pub use port::{XdpPort, open};
pub use rx::XdpRx;
pub use settings::{Batching, Mode, Steer, XdpSettings};
pub use tx::XdpTx;
pub use umem::ZeroCopy;
