//! What a worker counts. One writer, the worker; any number of readers, who disturb nothing.

use super::drop_reason::{DROP_REASONS, DropReason};
use super::icmp_class::{ICMP_CLASSES, IcmpClass};
use super::stage::{STAGES, Stage};
use ringway_mempool::BURST;
use ringway_pmd::Counter;

/// Buckets of the turn histogram: 8 a power of two, so a value is known to within an eighth.
pub const TURN_BUCKETS: usize = 64 * 8;

/// Counters of one interface, as seen by one worker.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct InterfaceCounters {
    /// Packets received.
    pub rx_packets: Counter,
    /// Bytes received, from the IP header on.
    pub rx_bytes: Counter,
    /// Packets handed to the port.
    pub tx_packets: Counter,
    /// Bytes handed to the port, from the Ethernet header on.
    pub tx_bytes: Counter,
    /// Packets dropped after they were received here.
    pub drops: Counter,
}

/// Counters of one port, as seen by one worker: testpmd's forward statistics.
#[derive(Debug)]
#[repr(align(64))]
pub struct ForwardCounters {
    /// Frames taken from the port.
    pub rx_packets: Counter,
    /// Frames handed to the port.
    pub tx_packets: Counter,
    /// Frames for the port that it did not take.
    pub tx_dropped: Counter,
    /// Polls by the frames that they brought.
    pub rx_bursts: [Counter; BURST + 1],
    /// Bursts handed to the port by their size.
    pub tx_bursts: [Counter; BURST + 1],
    /// Received packets whose IPv4 header checksum mode `csum` put right.
    pub bad_ip_checksums: Counter,
    /// Received packets whose UDP or TCP checksum mode `csum` put right.
    pub bad_l4_checksums: Counter,
}

impl Default for ForwardCounters {
    fn default() -> Self {
        Self {
            rx_packets: Counter::default(),
            tx_packets: Counter::default(),
            tx_dropped: Counter::default(),
            rx_bursts: std::array::from_fn(|_| Counter::default()),
            tx_bursts: std::array::from_fn(|_| Counter::default()),
            bad_ip_checksums: Counter::default(),
            bad_l4_checksums: Counter::default(),
        }
    }
}

/// What a route cache is asked.
#[derive(Debug, Default)]
pub struct CacheCounters {
    /// Packets that it knew.
    pub hits: Counter,
    /// Packets that it did not.
    pub misses: Counter,
}

/// All counters of one worker, on cache lines that only it writes: aligned and padded to two lines (processors fetch them
/// in pairs), and so is each slice behind it to one.
#[derive(Debug)]
#[repr(align(128))]
pub struct WorkerCounters {
    /// Drops by reason.
    drops: [Counter; DROP_REASONS],
    /// Turns of the loop.
    pub turns: Counter,
    /// Turns that found nothing to do.
    pub idle_turns: Counter,
    /// Times that the worker slept.
    pub sleeps: Counter,
    /// Bursts received.
    pub bursts: Counter,
    /// Packets received.
    pub packets: Counter,
    /// Cycles of turns that had packets.
    pub busy_cycles: Counter,
    /// Cycles by stage.
    pub stage_cycles: [Counter; STAGES],
    /// Packets by stage.
    pub stage_packets: [Counter; STAGES],
    /// Bursts by size.
    pub burst_sizes: [Counter; BURST + 1],
    /// Turns that had packets, by their cycles; see [`turn_bucket`].
    pub turn_cycles: [Counter; TURN_BUCKETS],
    /// The route cache of IPv4.
    pub cache4: CacheCounters,
    /// The route cache of IPv6.
    pub cache6: CacheCounters,
    /// Packets whose neighbor was unknown and that were kept for it.
    pub held: Counter,
    /// ICMP errors sent, by [`IcmpClass`].
    pub icmp_sent: [Counter; ICMP_CLASSES],
    /// ICMP errors not sent because of the rate limit, by [`IcmpClass`].
    pub icmp_limited: [Counter; ICMP_CLASSES],
    /// ICMP errors not sent because RFC 1812 4.3.2.7 forbids them.
    pub icmp_forbidden: Counter,
    /// Echo replies sent.
    pub echo_replies: Counter,
    /// Packets that were cut into fragments.
    pub fragmented: Counter,
    /// Fragments made of them.
    pub fragments: Counter,
    /// Packets copied to the control thread.
    pub punted: Counter,
    /// Packets that the control thread injected.
    pub injected: Counter,
    /// Packets that `set verbose` asked for and that were not shown: too many a second.
    pub not_shown: Counter,
    /// Generation of the snapshot in use.
    pub generation: Counter,
    /// Fewest buffers that were ever free, as of the last audit.
    pub pool_lowest: Counter,
    /// By interface.
    pub interfaces: Box<[InterfaceCounters]>,
    /// By port.
    pub forward: Box<[ForwardCounters]>,
}

const _: () = assert!(size_of::<WorkerCounters>().is_multiple_of(128), "no other worker's data shares a line");

impl WorkerCounters {
    /// All zero, for so many interfaces and ports.
    pub fn new(interfaces: usize, ports: usize) -> Self {
        Self {
            drops: std::array::from_fn(|_| Counter::default()),
            turns: Counter::default(),
            idle_turns: Counter::default(),
            sleeps: Counter::default(),
            bursts: Counter::default(),
            packets: Counter::default(),
            busy_cycles: Counter::default(),
            stage_cycles: std::array::from_fn(|_| Counter::default()),
            stage_packets: std::array::from_fn(|_| Counter::default()),
            burst_sizes: std::array::from_fn(|_| Counter::default()),
            turn_cycles: std::array::from_fn(|_| Counter::default()),
            cache4: CacheCounters::default(),
            cache6: CacheCounters::default(),
            held: Counter::default(),
            icmp_sent: std::array::from_fn(|_| Counter::default()),
            icmp_limited: std::array::from_fn(|_| Counter::default()),
            icmp_forbidden: Counter::default(),
            echo_replies: Counter::default(),
            fragmented: Counter::default(),
            fragments: Counter::default(),
            punted: Counter::default(),
            injected: Counter::default(),
            not_shown: Counter::default(),
            generation: Counter::default(),
            pool_lowest: Counter::default(),
            interfaces: (0..interfaces).map(|_| InterfaceCounters::default()).collect(),
            forward: (0..ports).map(|_| ForwardCounters::default()).collect(),
        }
    }

    /// Counts a drop; `ingress` is the interface it came in on, where there is one.
    #[inline]
    pub fn count_drop(&self, reason: DropReason, ingress: Option<u16>) {
        self.drops[reason as usize].add(1);
        if let Some(interface) = ingress.and_then(|index| self.interfaces.get(index as usize)) {
            interface.drops.add(1);
        }
    }

    /// Counts an ICMP error that was sent.
    pub fn icmp_sent(&self, class: IcmpClass) {
        self.icmp_sent[class as usize].add(1);
    }

    /// Counts an ICMP error that the rate limit held back.
    pub fn icmp_limited(&self, class: IcmpClass) {
        self.icmp_limited[class as usize].add(1);
    }

    /// Drops so far for one reason.
    pub fn drops(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize].get()
    }

    /// Adds the cycles of a stage over a burst.
    #[inline]
    pub fn stage(&self, stage: Stage, cycles: u64, packets: usize) {
        self.stage_cycles[stage as usize].add(cycles);
        self.stage_packets[stage as usize].add(packets as u64);
    }
}

/// The bucket of a number of cycles: the exponent in eights, the three bits below the leading one in units.
#[inline]
pub fn turn_bucket(cycles: u64) -> usize {
    if cycles < 8 {
        return cycles as usize;
    }
    let exponent = 63 - cycles.leading_zeros();
    let fraction = (cycles >> (exponent - 3)) & 7;
    ((exponent as usize - 2) << 3) + fraction as usize
}

/// The smallest number of cycles that falls into a bucket.
pub fn turn_bucket_floor(bucket: usize) -> u64 {
    if bucket < 8 {
        return bucket as u64;
    }
    let exponent = (bucket >> 3) + 2;
    (8 + (bucket as u64 & 7)) << (exponent - 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_value_lies_in_its_bucket(cycles in any::<u64>()) {
            let bucket = turn_bucket(cycles);
            prop_assert!(bucket < TURN_BUCKETS);
            prop_assert!(turn_bucket_floor(bucket) <= cycles);
            if bucket + 1 < turn_bucket(u64::MAX) {
                prop_assert!(cycles < turn_bucket_floor(bucket + 1));
            }
        }
    }
}
