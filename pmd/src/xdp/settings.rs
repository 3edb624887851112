//! What only this driver is told.

use super::umem::ZeroCopy;
use std::time::Duration;

/// Where the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// In the driver where it can, else behind it.
    #[default]
    Auto,
    /// In the driver, or the port does not open.
    Native,
    /// Behind any driver, after the kernel has made its own copy of the frame.
    Generic,
}

/// Which frames are taken from the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Steer {
    /// All.
    #[default]
    All,
    /// Not those for other MAC addresses, and not those for the addresses that the kernel has on the interface.
    Ours,
}

/// How long few frames wait for more, so that a call into the kernel serves several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// Frames that are worth a turn at once; 1 lets none wait.
    pub frames: u32,
    /// How long fewer wait, after others were taken. The first frame after a pause never waits.
    pub wait: Duration,
}

/// What only this driver is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XdpSettings {
    /// Where the program runs.
    pub mode: Mode,
    /// Whether the device may read and write the buffers itself.
    pub zero_copy: ZeroCopy,
    /// Microseconds that the kernel's receive work may take in one call of ours; 0 leaves it to interrupts.
    pub busy_poll: u32,
    /// How long few frames wait for more.
    pub batching: Batching,
    /// Microseconds between two turns of the kernel's receive work under load, on a virtual device in native mode; 0 leaves it at one
    /// a frame.
    pub defer: u32,
    /// Which frames are taken.
    pub steer: Steer,
    /// Frames with VLAN tags are expected: a device that hides the tags is refused.
    pub tagged: bool,
    /// Bytes of frame that the packet buffers hold, where they are not made to what the ports need.
    pub frame_size: Option<u16>,
    /// A device with fewer receive queues than workers is refused.
    pub every_worker: bool,
}
