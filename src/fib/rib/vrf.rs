//! The routes of one VRF: a table for each family, as one.

use std::collections::BTreeMap;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::table::{Entry, Table};
use crate::fib::next_hop::NextHop;

/// The tables of one VRF.
pub(super) struct OfVrf {
    pub ipv4: Table<Ipv4Net>,
    pub ipv6: Table<Ipv6Net>,
    /// What [`super::Rib::set_connected`] put in.
    pub connected: BTreeMap<IpNet, NextHop>,
}

impl OfVrf {
    pub fn new() -> Self {
        Self { ipv4: Table::new(), ipv6: Table::new(), connected: BTreeMap::new() }
    }

    pub fn get(&self, prefix: IpNet) -> &[Entry] {
        match prefix {
            IpNet::V4(prefix) => self.ipv4.get(&prefix),
            IpNet::V6(prefix) => self.ipv6.get(&prefix),
        }
    }

    pub fn get_mut(&mut self, prefix: IpNet) -> &mut [Entry] {
        match prefix {
            IpNet::V4(prefix) => self.ipv4.get_mut(&prefix),
            IpNet::V6(prefix) => self.ipv6.get_mut(&prefix),
        }
    }

    pub fn insert(&mut self, prefix: IpNet, entry: Entry) -> usize {
        match prefix {
            IpNet::V4(prefix) => self.ipv4.insert(prefix, entry),
            IpNet::V6(prefix) => self.ipv6.insert(prefix, entry),
        }
    }

    pub fn remove(&mut self, prefix: IpNet, preference: (u8, u32)) -> Option<(Entry, usize)> {
        match prefix {
            IpNet::V4(prefix) => self.ipv4.remove(&prefix, preference),
            IpNet::V6(prefix) => self.ipv6.remove(&prefix, preference),
        }
    }

    pub fn nearest(&self, prefix: IpNet) -> Option<(IpNet, Entry)> {
        match prefix {
            IpNet::V4(prefix) => self.ipv4.nearest(&prefix).map(|(prefix, entry)| (IpNet::V4(prefix), entry)),
            IpNet::V6(prefix) => self.ipv6.nearest(&prefix).map(|(prefix, entry)| (IpNet::V6(prefix), entry)),
        }
    }

    pub fn cover(&self, prefix: IpNet) -> Vec<(IpNet, &[Entry])> {
        match prefix {
            IpNet::V4(prefix) => self.ipv4.cover(&prefix).map(|(net, entries)| (IpNet::V4(net), entries)).collect(),
            IpNet::V6(prefix) => self.ipv6.cover(&prefix).map(|(net, entries)| (IpNet::V6(net), entries)).collect(),
        }
    }

    /// Every prefix that comes after this one, in order, IPv4 first; all without one.
    pub fn after(&self, prefix: Option<IpNet>) -> impl Iterator<Item = (IpNet, &[Entry])> {
        let (ipv4, ipv6) = match prefix {
            None => (Some(self.ipv4.after(None)), self.ipv6.after(None)),
            Some(IpNet::V4(prefix)) => (Some(self.ipv4.after(Some(&prefix))), self.ipv6.after(None)),
            Some(IpNet::V6(prefix)) => (None, self.ipv6.after(Some(&prefix))),
        };
        let ipv4 = ipv4.into_iter().flatten().map(|(prefix, entries)| (IpNet::V4(prefix), entries));
        ipv4.chain(ipv6.map(|(prefix, entries)| (IpNet::V6(prefix), entries)))
    }
}
