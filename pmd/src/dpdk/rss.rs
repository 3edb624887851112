//! How a device spreads frames over its receive queues: hash types, key, redirection table.

use super::capability::{rss_bits, rss_types};
use super::port::DpdkPort;
use super::sys;
use crate::{PortError, Rss};

/// Longest hash key that a driver has.
const KEY_MOST: usize = 128;
/// Entries of the redirection table in one group of the calls.
const GROUP: usize = sys::RINGWAY_RETA_GROUP_SIZE as usize;

/// Hash types and key in use.
pub(super) fn get(port: &DpdkPort) -> Result<Rss, PortError> {
    let mut key = vec![0u8; KEY_MOST];
    let mut conf =
        sys::rte_eth_rss_conf { rss_key: key.as_mut_ptr(), rss_key_len: KEY_MOST as u8, ..Default::default() };
    // SAFETY: the call writes at most the bytes of the key, whose size it is told.
    port.check("RSS", || unsafe { sys::rte_eth_dev_rss_hash_conf_get(port.number, &raw mut conf) })?;
    let bytes = usize::from(port.dev_info().hash_key_size).min(usize::from(conf.rss_key_len));
    key.truncate(bytes);
    Ok(Rss { types: rss_types(conf.rss_hf), key })
}

/// Sets hash types and, unless it is empty, the key.
pub(super) fn set(port: &DpdkPort, rss: &Rss) -> Result<(), PortError> {
    let info = port.dev_info();
    let mut key = rss.key.clone();
    if !key.is_empty() && key.len() != usize::from(info.hash_key_size) {
        let (have, need) = (key.len(), info.hash_key_size);
        return Err(port.refused(format!("its hash key has {need} bytes, not {have}")));
    }
    #[allow(clippy::needless_update, reason = "later releases have more fields")]
    let mut conf = sys::rte_eth_rss_conf {
        rss_key: if key.is_empty() { std::ptr::null_mut() } else { key.as_mut_ptr() },
        rss_key_len: key.len() as u8,
        rss_hf: rss_bits(rss.types) & info.flow_type_rss_offloads,
        ..Default::default()
    };
    // SAFETY: the key is read within the call.
    port.check("RSS", || unsafe { sys::rte_eth_dev_rss_hash_update(port.number, &raw mut conf) })
}

/// The groups of a table of `entries`, none chosen.
fn groups(entries: usize) -> Vec<sys::rte_eth_rss_reta_entry64> {
    vec![sys::rte_eth_rss_reta_entry64::default(); entries.div_ceil(GROUP)]
}

fn entries(port: &DpdkPort) -> Result<usize, PortError> {
    match port.dev_info().reta_size {
        0 => {
            let (port, driver) = (port.name.clone(), port.driver);
            Err(PortError::NotSupported { port, driver, what: "an RSS redirection table" })
        }
        entries => Ok(usize::from(entries)),
    }
}

/// The queue of each entry.
pub(super) fn table(port: &DpdkPort) -> Result<Vec<u16>, PortError> {
    let entries = entries(port)?;
    let mut groups = groups(entries);
    groups.iter_mut().for_each(|group| group.mask = u64::MAX);
    // SAFETY: the groups cover the number of entries told.
    port.check("an RSS redirection table", || unsafe {
        sys::rte_eth_dev_rss_reta_query(port.number, groups.as_mut_ptr(), entries as u16)
    })?;
    Ok(groups.iter().flat_map(|group| group.reta).take(entries).collect())
}

/// Sets the queues of some entries.
pub(super) fn set_table(port: &DpdkPort, changes: &[(u16, u16)]) -> Result<(), PortError> {
    let entries = entries(port)?;
    let mut groups = groups(entries);
    for (entry, queue) in changes {
        let entry = usize::from(*entry);
        if entry >= entries {
            return Err(port.refused(format!("its redirection table has entries 0 to {}, not {entry}", entries - 1)));
        }
        groups[entry / GROUP].mask |= 1 << (entry % GROUP);
        groups[entry / GROUP].reta[entry % GROUP] = *queue;
    }
    // SAFETY: the groups cover the number of entries told.
    port.check("this RSS redirection table", || unsafe {
        sys::rte_eth_dev_rss_reta_update(port.number, groups.as_mut_ptr(), entries as u16)
    })
}
