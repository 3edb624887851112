//! Commands that stop, start and reshape ports and choose what forwards; their words are testpmd's.

use std::fmt;

use super::command::PortSelector;
use super::grammar::words::Quoted;
use ringway_config::Topology;

/// A direction of queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Receive.
    Rx,
    /// Transmit.
    Tx,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rx => "rx",
            Self::Tx => "tx",
        })
    }
}

/// What is done to a whole port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortAction {
    /// Gives it fresh queues as they are configured now.
    Start,
    /// Takes its queues from the workers and stops the device.
    Stop,
    /// Gives the device back.
    Close,
    /// Brings the device back to how it was first.
    Reset,
    /// Gives the device back and forgets it.
    Detach,
}

impl PortAction {
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Close => "close",
            Self::Reset => "reset",
            Self::Detach => "detach",
        }
    }
}

/// One of these commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortCommand {
    /// `port start|stop|close|reset|detach PORT|all`
    Act(PortAction, PortSelector),
    /// `port attach DEVICE`
    Attach(String),
    /// `port config all rxq|txq NUMBER`
    Queues(Direction, u16),
    /// `port config all rxd|txd NUMBER`
    Descriptors(Direction, u32),
    /// `port config mtu PORT BYTES`
    Mtu(PortSelector, u16),
    /// `port config all max-pkt-len BYTES`: of a frame, with FCS.
    LongestFrame(u16),
    /// `port config all rss TYPES`
    Rss(String),
    /// `port PORT rxq|txq NUMBER start|stop`
    Queue {
        /// Of which port.
        port: PortSelector,
        /// Receive or transmit.
        direction: Direction,
        /// Which.
        queue: u16,
        /// Started, otherwise stopped.
        start: bool,
    },
    /// `set link-up|link-down port PORT`
    Link {
        /// Of which port.
        port: PortSelector,
        /// Up, otherwise down.
        up: bool,
    },
    /// `set nbcore NUMBER`
    CoreCount(u16),
    /// `set corelist CORE,CORE...`
    Cores(Vec<u16>),
    /// `set coremask MASK`
    CoreMask(Vec<u16>),
    /// `set nbport NUMBER`
    PortCount(u16),
    /// `set portlist PORT,PORT...`
    Ports(Vec<u16>),
    /// `set portmask MASK`
    PortMask(Vec<u16>),
    /// `set port-topology paired|chained|loop`
    Topology(Topology),
}

/// Numbers joined by commas.
pub struct List<'a>(pub &'a [u16]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, number) in self.0.iter().enumerate() {
            write!(f, "{}{number}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Display for PortCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Act(action, port) => write!(f, "port {} {port}", action.word()),
            Self::Attach(device) => write!(f, "port attach {}", Quoted(device)),
            Self::Queues(direction, count) => write!(f, "port config all {direction}q {count}"),
            Self::Descriptors(direction, count) => write!(f, "port config all {direction}d {count}"),
            Self::Mtu(port, mtu) => write!(f, "port config mtu {port} {mtu}"),
            Self::LongestFrame(bytes) => write!(f, "port config all max-pkt-len {bytes}"),
            Self::Rss(types) => write!(f, "port config all rss {types}"),
            Self::Queue { port, direction, queue, start } => {
                write!(f, "port {port} {direction}q {queue} {}", if *start { "start" } else { "stop" })
            }
            Self::Link { port, up } => write!(f, "set link-{} port {port}", if *up { "up" } else { "down" }),
            Self::CoreCount(count) => write!(f, "set nbcore {count}"),
            Self::Cores(cores) => write!(f, "set corelist {}", List(cores)),
            Self::CoreMask(cores) => write!(f, "set coremask {:#x}", bits(cores)),
            Self::PortMask(ports) => write!(f, "set portmask {:#x}", bits(ports)),
            Self::PortCount(count) => write!(f, "set nbport {count}"),
            Self::Ports(ports) => write!(f, "set portlist {}", List(ports)),
            Self::Topology(topology) => write!(f, "set port-topology {}", topology.word()),
        }
    }
}

/// The mask of these numbers.
fn bits(numbers: &[u16]) -> u128 {
    numbers.iter().filter(|number| **number < 128).fold(0, |mask, number| mask | 1 << number)
}

/// Reads numbers joined by commas, each once; `a-b` is a range.
pub fn list(text: &str) -> Option<Vec<u16>> {
    let mut numbers = Vec::new();
    for piece in text.split(',') {
        let (from, to) = piece.split_once('-').unwrap_or((piece, piece));
        let (from, to): (u16, u16) = (from.parse().ok()?, to.parse().ok()?);
        if from > to || to > 1023 {
            return None;
        }
        numbers.extend(from..=to);
    }
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == numbers.len()).then_some(numbers)
}

/// Reads the numbers whose bits are set in a hexadecimal mask, with or without `0x`.
pub fn mask(text: &str) -> Option<Vec<u16>> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let bits = u128::from_str_radix(digits, 16).ok().filter(|bits| *bits != 0)?;
    Some((0..128).filter(|bit| bits >> bit & 1 != 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_masks_name_numbers_once() {
        assert_eq!(list("0,2,4"), Some(vec![0, 2, 4]));
        assert_eq!(list("1-3,0"), Some(vec![1, 2, 3, 0]));
        assert_eq!((list("1,1"), list(""), list("a"), list("3-1")), (None, None, None, None));
        assert_eq!(mask("0x5"), Some(vec![0, 2]));
        assert_eq!(mask("6"), Some(vec![1, 2]));
        assert_eq!((mask("0"), mask("xyz")), (None, None));
    }
}
