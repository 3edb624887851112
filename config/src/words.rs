//! Values that are one word of a few: the forwarding mode, what an idle worker does, the kind of pages.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A value that is one word of a list.
pub(crate) trait Word: Copy + PartialEq + 'static {
    /// Every value with its spelling in the file.
    const WORDS: &'static [(&'static str, Self)];

    /// The spelling in the file.
    fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, value)| *value == self);
        found.expect("INV: WORDS lists every value").0
    }
}

/// What the workers do with a packet. The words are those of testpmd's `--forward-mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The router.
    #[default]
    L3,
    /// Out of the port's partner, unchanged.
    Io,
    /// Out of the port's partner, with new MAC addresses.
    Mac,
    /// Out of the port's partner, with source and destination MAC swapped.
    Macswap,
    /// Received and thrown away.
    Rxonly,
    /// Generated and sent; nothing is received.
    Txonly,
    /// Echo requests answered, everything else thrown away.
    Icmpecho,
    /// Out of the port's partner, with MAC addresses, IP addresses and ports swapped.
    #[serde(rename = "5tswap")]
    FiveTupleSwap,
    /// Out of the port's partner, with new MAC addresses and every checksum computed anew.
    Csum,
    /// Received and thrown away; flows of generated packets are sent.
    Flowgen,
    /// Out of the port's partner after a stay in a buffer and a load on the memory.
    Noisy,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 11] = [
        Self::L3,
        Self::Io,
        Self::Mac,
        Self::Macswap,
        Self::FiveTupleSwap,
        Self::Csum,
        Self::Icmpecho,
        Self::Rxonly,
        Self::Txonly,
        Self::Flowgen,
        Self::Noisy,
    ];
}

impl Word for Mode {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("l3", Self::L3),
        ("io", Self::Io),
        ("mac", Self::Mac),
        ("macswap", Self::Macswap),
        ("rxonly", Self::Rxonly),
        ("txonly", Self::Txonly),
        ("icmpecho", Self::Icmpecho),
        ("5tswap", Self::FiveTupleSwap),
        ("csum", Self::Csum),
        ("flowgen", Self::Flowgen),
        ("noisy", Self::Noisy),
    ];
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A word that is no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown mode `{0}`: expected l3, io, mac, macswap, 5tswap, csum, icmpecho, rxonly, txonly, flowgen or noisy")]
pub struct UnknownMode(String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::WORDS.iter().find(|(word, _)| *word == text);
        found.map(|(_, mode)| *mode).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

/// What becomes of IPv6 packets in transit that carry hop-by-hop options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HopByHop {
    /// The options are looked at: one that is not known is treated as its type asks (RFC 8200 4.2).
    #[default]
    Process,
    /// They are passed over (RFC 8200 4.3), and the packet is forwarded as any other.
    Skip,
    /// The packet is dropped.
    Drop,
}

impl HopByHop {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Process, Self::Skip, Self::Drop];
}

impl Word for HopByHop {
    const WORDS: &'static [(&'static str, Self)] =
        &[("process", Self::Process), ("skip", Self::Skip), ("drop", Self::Drop)];
}

/// What the link-local address of an interface is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InterfaceId {
    /// Its MAC address (RFC 4291, appendix A).
    #[default]
    Eui64,
    /// Its name and a secret: the same at each start, and nothing of the MAC in it (RFC 7217).
    Stable,
}

impl Word for InterfaceId {
    const WORDS: &'static [(&'static str, Self)] = &[("eui64", Self::Eui64), ("stable", Self::Stable)];
}

/// What a worker does when there is nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Idle {
    /// Keeps polling: the lowest latency, one whole core.
    #[default]
    Poll,
    /// Sleeps after a while of silence, and wakes on the next frame.
    Sleep,
}

impl Word for Idle {
    const WORDS: &'static [(&'static str, Self)] = &[("poll", Self::Poll), ("sleep", Self::Sleep)];
}

/// Pages that hold packet buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pages {
    /// The best there is: huge, else transparent, else small.
    #[default]
    Auto,
    /// Huge pages of 2 MiB, set aside beforehand; no start without them.
    Huge,
    /// Ordinary memory that the kernel is asked to back with huge pages.
    Transparent,
    /// Ordinary pages.
    Small,
}

impl Word for Pages {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("huge", Self::Huge), ("transparent", Self::Transparent), ("small", Self::Small)];
}

/// Where the XDP program of an AF_XDP port runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum XdpMode {
    /// In the device's driver where it can, else behind it.
    #[default]
    Auto,
    /// In the driver, or the port does not open.
    Native,
    /// Behind any driver.
    Generic,
}

impl Word for XdpMode {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("native", Self::Native), ("generic", Self::Generic)];
}

/// Whether the device of an AF_XDP port reads and writes packet buffers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ZeroCopy {
    /// Where its driver can.
    #[default]
    Auto,
    /// Or the port does not open.
    On,
    /// The kernel copies.
    Off,
}

impl Word for ZeroCopy {
    const WORDS: &'static [(&'static str, Self)] = &[("auto", Self::Auto), ("on", Self::On), ("off", Self::Off)];
}

/// Which frames an AF_XDP port takes from the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Steer {
    /// All.
    #[default]
    All,
    /// Not those for other MAC addresses, and not those for addresses that the kernel has on the interface.
    Ours,
}

impl Word for Steer {
    const WORDS: &'static [(&'static str, Self)] = &[("all", Self::All), ("ours", Self::Ours)];
}

/// Which sources an interface lets in (RFC 3704).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceCheck {
    /// Any.
    #[default]
    Off,
    /// Those to which a route leads, by whatever interface.
    Loose,
    /// Those to which a route leads by this interface.
    Strict,
}

impl Word for SourceCheck {
    const WORDS: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("loose", Self::Loose), ("strict", Self::Strict)];
}

/// When the route cache is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheMode {
    /// When it pays, by its own measure.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl Word for CacheMode {
    const WORDS: &'static [(&'static str, Self)] = &[("auto", Self::Auto), ("on", Self::On), ("off", Self::Off)];
}

/// Whether DPDK takes huge pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HugePages {
    /// When some are free.
    #[default]
    Auto,
    /// Always; no start without them.
    Always,
    /// Never.
    Never,
}

impl Word for HugePages {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("always", Self::Always), ("never", Self::Never)];
}

/// Which port sends what another receives, in the modes that do not route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topology {
    /// 0 with 1, 2 with 3; a last odd port with itself.
    #[default]
    Paired,
    /// Each to the one after it, the last to the first.
    Chained,
    /// Each to itself.
    Loop,
}

impl Topology {
    /// Its word.
    pub fn word(self) -> &'static str {
        Word::word(self)
    }

    /// The topology of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(text, _)| *text == word).map(|(_, topology)| *topology)
    }
}

impl Word for Topology {
    const WORDS: &'static [(&'static str, Self)] =
        &[("paired", Self::Paired), ("chained", Self::Chained), ("loop", Self::Loop)];
}

/// Which packets a device spreads over its receive queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RssPackets {
    /// All that it can tell apart.
    All,
    /// None: everything is received on one queue.
    None,
    /// By addresses.
    Ip,
    /// By addresses and ports of TCP.
    Tcp,
    /// By addresses and ports of UDP.
    Udp,
    /// By addresses and ports of SCTP.
    Sctp,
    /// By the Ethernet header.
    Ether,
}

impl RssPackets {
    /// Its word, which is testpmd's.
    pub fn word(self) -> &'static str {
        Word::word(self)
    }

    /// The packets of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(text, _)| *text == word).map(|(_, packets)| *packets)
    }
}

impl Word for RssPackets {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("all", Self::All),
        ("none", Self::None),
        ("ip", Self::Ip),
        ("tcp", Self::Tcp),
        ("udp", Self::Udp),
        ("sctp", Self::Sctp),
        ("ether", Self::Ether),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_reads_back_from_its_own_spelling() {
        for mode in Mode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert_eq!(Mode::ALL.len(), Mode::WORDS.len());
    }

    #[test]
    fn unknown_mode_names_the_modes() {
        let message = "fast".parse::<Mode>().unwrap_err().to_string();
        assert!(message.contains("`fast`") && message.contains("macswap"), "{message}");
    }
}
