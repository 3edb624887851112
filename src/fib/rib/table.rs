//! The routes of one family in one VRF, small: 16 bytes a prefix beside what the trie needs, as long as a prefix has one
//! route.

use super::Origin;
use crate::fib::next_hop::NextHopIndex;
use prefix_trie::{Prefix, PrefixMap};

/// One route of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub metric: u32,
    pub via: NextHopIndex,
    pub origin: Origin,
}

impl Entry {
    pub fn preference(&self) -> (u8, u32) {
        (self.origin.distance(), self.metric)
    }
}

/// The routes of a prefix, best first; never empty.
#[derive(Debug, Clone)]
enum Entries {
    One(Entry),
    Many(Box<[Entry]>),
}

const _: () = assert!(size_of::<Entries>() == 16);

impl Entries {
    fn as_slice(&self) -> &[Entry] {
        match self {
            Self::One(entry) => std::slice::from_ref(entry),
            Self::Many(entries) => entries,
        }
    }

    fn as_mut_slice(&mut self) -> &mut [Entry] {
        match self {
            Self::One(entry) => std::slice::from_mut(entry),
            Self::Many(entries) => entries,
        }
    }
}

/// The routes by prefix.
pub(super) struct Table<P> {
    routes: PrefixMap<P, Entries>,
    /// Prefixes of each length.
    by_length: Box<[u32]>,
    /// Bytes in boxes beside the trie.
    boxed: usize,
}

impl<P: Prefix + Copy> Table<P> {
    pub fn new() -> Self {
        let lengths = P::num_bits() as usize + 1;
        Self { routes: PrefixMap::new(), by_length: vec![0; lengths].into_boxed_slice(), boxed: 0 }
    }

    /// The routes of exactly this prefix, best first.
    pub fn get(&self, prefix: &P) -> &[Entry] {
        self.routes.get(prefix).map_or(&[], Entries::as_slice)
    }

    /// The route of this preference, to change where it points.
    pub fn find_mut(&mut self, prefix: &P, preference: (u8, u32)) -> Option<&mut Entry> {
        self.routes.get_mut(prefix)?.as_mut_slice().iter_mut().find(|entry| entry.preference() == preference)
    }

    pub fn insert(&mut self, prefix: P, entry: Entry) {
        let Some(entries) = self.routes.get_mut(&prefix) else {
            self.routes.insert(prefix, Entries::One(entry));
            self.by_length[usize::from(prefix.prefix_len())] += 1;
            return;
        };
        let old = entries.as_slice();
        let mut all = Vec::with_capacity(old.len() + 1);
        let place = old.partition_point(|other| other.preference() <= entry.preference());
        all.extend_from_slice(&old[..place]);
        all.push(entry);
        all.extend_from_slice(&old[place..]);
        self.boxed += (all.len() - if old.len() == 1 { 0 } else { old.len() }) * size_of::<Entry>();
        *entries = Entries::Many(all.into_boxed_slice());
    }

    /// Takes the route of this preference out.
    pub fn remove(&mut self, prefix: &P, preference: (u8, u32)) -> Option<Entry> {
        let entries = self.routes.get_mut(prefix)?;
        let old = entries.as_slice();
        let entry = *old.iter().find(|entry| entry.preference() == preference)?;
        let left: Vec<Entry> = old.iter().filter(|other| other.preference() != preference).copied().collect();
        if old.len() > 1 {
            self.boxed -= (old.len() - if left.len() == 1 { 0 } else { left.len() }) * size_of::<Entry>();
        }
        match left[..] {
            [] => {
                self.routes.remove(prefix);
                self.by_length[usize::from(prefix.prefix_len())] -= 1;
            }
            [one] => *entries = Entries::One(one),
            _ => *entries = Entries::Many(left.into_boxed_slice()),
        }
        Some(entry)
    }

    /// The best route of the longest prefix that covers this one.
    pub fn nearest(&self, prefix: &P) -> Option<(P, Entry)> {
        let (prefix, entries) = self.routes.get_lpm(prefix)?;
        Some((prefix, *entries.as_slice().first()?))
    }

    /// Every prefix that covers this one, shortest first.
    pub fn cover(&self, prefix: &P) -> impl Iterator<Item = (P, &[Entry])> {
        self.routes.cover(prefix).map(|(prefix, entries)| (prefix, entries.as_slice()))
    }

    /// Every prefix, sorted, shorter ones before the longer ones inside them.
    pub fn iter(&self) -> impl Iterator<Item = (P, &[Entry])> {
        self.routes.iter().map(|(prefix, entries)| (prefix, entries.as_slice()))
    }

    /// Every prefix that comes after this one in that order, whether it is there or not; all without one.
    pub fn after(&self, prefix: Option<&P>) -> impl Iterator<Item = (P, &[Entry])> + use<'_, P> {
        let routes = match prefix {
            Some(prefix) => self.routes.iter_from(prefix, false),
            None => self.routes.iter(),
        };
        routes.map(|(prefix, entries)| (prefix, entries.as_slice()))
    }

    /// Every prefix inside this one, itself included.
    pub fn within<'a>(&'a self, prefix: &P) -> impl Iterator<Item = (P, &'a [Entry])> + use<'a, P> {
        self.routes.children(prefix).map(|(prefix, entries)| (prefix, entries.as_slice()))
    }

    /// Prefixes of each length.
    pub fn by_length(&self) -> &[u32] {
        &self.by_length
    }

    pub fn memory_bytes(&self) -> usize {
        self.routes.mem_size() + self.boxed
    }
}
