//! What a device counts.

use super::{copied, sys};
use crate::PortStats;

/// Adds what only the device knows to what the queues have counted.
pub(super) fn add_device(number: u16, mut sum: PortStats) -> PortStats {
    let mut stats = sys::rte_eth_stats::default();
    // SAFETY: fills in the structure for a valid port.
    if unsafe { sys::rte_eth_stats_get(number, &raw mut stats) } == 0 {
        sum.rx_missed += stats.imissed;
        sum.rx_errors += stats.ierrors;
        sum.rx_no_buffer += stats.rx_nombuf;
        sum.tx_errors += stats.oerrors;
    }
    sum
}

/// The extended statistics, by the names that DPDK gives them.
pub(super) fn extended(number: u16) -> Vec<(String, u64)> {
    // SAFETY: without an array the call tells how many there are.
    let count = unsafe { sys::rte_eth_xstats_get_names(number, std::ptr::null_mut(), 0) };
    let Ok(most) = u32::try_from(count) else { return Vec::new() };
    let mut names = vec![sys::rte_eth_xstat_name::default(); most as usize];
    let mut values = vec![sys::rte_eth_xstat::default(); most as usize];
    // SAFETY: each call fills in at most `most` entries.
    let (named, valued) = unsafe {
        (
            sys::rte_eth_xstats_get_names(number, names.as_mut_ptr(), most),
            sys::rte_eth_xstats_get(number, values.as_mut_ptr(), most),
        )
    };
    if named != count || valued != count {
        return Vec::new();
    }
    values
        .iter()
        .filter_map(|value| {
            let name = names.get(value.id as usize)?;
            // SAFETY: a name ends with a zero byte.
            Some((unsafe { copied(name.name.as_ptr()) }, value.value))
        })
        .collect()
}
