//! The routes of one family in one VRF, small: 8 bytes a prefix beside what the trie needs, as long as a prefix has one
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

/// The routes of a prefix: nearly always one. So small that the cells of a million prefixes stay near the caches.
#[derive(Debug, Clone, Copy)]
enum Entries {
    One(Entry),
    /// The place of several.
    Many(u32),
}

const _: () = assert!(size_of::<Entries>() == 8);

/// The routes of prefixes that have several, best first.
#[derive(Default)]
struct Several {
    lists: Vec<Vec<Entry>>,
    /// Places without a list.
    free: Vec<u32>,
}

impl Several {
    fn insert(&mut self, list: Vec<Entry>) -> Entries {
        Entries::Many(match self.free.pop() {
            Some(place) => {
                self.lists[place as usize] = list;
                place
            }
            None => {
                self.lists.push(list);
                self.lists.len() as u32 - 1
            }
        })
    }

    fn remove(&mut self, place: u32) -> Vec<Entry> {
        self.free.push(place);
        std::mem::take(&mut self.lists[place as usize])
    }

    fn slice<'a>(&'a self, entries: &'a Entries) -> &'a [Entry] {
        match entries {
            Entries::One(entry) => std::slice::from_ref(entry),
            Entries::Many(place) => &self.lists[*place as usize],
        }
    }

    fn slice_mut<'a>(&'a mut self, entries: &'a mut Entries) -> &'a mut [Entry] {
        match entries {
            Entries::One(entry) => std::slice::from_mut(entry),
            Entries::Many(place) => &mut self.lists[*place as usize],
        }
    }

    fn memory_bytes(&self) -> usize {
        let entries: usize = self.lists.iter().map(Vec::capacity).sum();
        entries * size_of::<Entry>() + self.lists.capacity() * size_of::<Vec<Entry>>()
    }
}

/// The routes by prefix.
pub(super) struct Table<P> {
    routes: PrefixMap<P, Entries>,
    several: Several,
    /// Prefixes of each length.
    by_length: Box<[u32]>,
}

impl<P: Prefix + Copy> Table<P> {
    pub fn new() -> Self {
        let lengths = P::num_bits() as usize + 1;
        Self { routes: PrefixMap::new(), several: Several::default(), by_length: vec![0; lengths].into_boxed_slice() }
    }

    /// The routes of exactly this prefix, best first.
    pub fn get(&self, prefix: &P) -> &[Entry] {
        self.routes.get(prefix).map_or(&[], |entries| self.several.slice(entries))
    }

    /// The routes of exactly this prefix, to change where they point.
    pub fn get_mut(&mut self, prefix: &P) -> &mut [Entry] {
        self.routes.get_mut(prefix).map_or(&mut [], |entries| self.several.slice_mut(entries))
    }

    /// Adds a route; returns how many the prefix has now.
    pub fn insert(&mut self, prefix: P, entry: Entry) -> usize {
        let Some(entries) = self.routes.get_mut(&prefix) else {
            self.routes.insert(prefix, Entries::One(entry));
            self.by_length[usize::from(prefix.prefix_len())] += 1;
            return 1;
        };
        if let Entries::One(old) = *entries {
            *entries = self.several.insert(vec![old]);
        }
        let Entries::Many(place) = *entries else { return 1 };
        let list = &mut self.several.lists[place as usize];
        let at = list.partition_point(|other| other.preference() <= entry.preference());
        list.insert(at, entry);
        list.len()
    }

    /// Takes the route of this preference out; returns how many the prefix has left.
    pub fn remove(&mut self, prefix: &P, preference: (u8, u32)) -> Option<(Entry, usize)> {
        let entries = self.routes.get_mut(prefix)?;
        let at = self.several.slice(entries).iter().position(|entry| entry.preference() == preference)?;
        match *entries {
            Entries::One(entry) => {
                self.routes.remove(prefix);
                self.by_length[usize::from(prefix.prefix_len())] -= 1;
                Some((entry, 0))
            }
            Entries::Many(place) => {
                let list = &mut self.several.lists[place as usize];
                let (entry, left) = (list.remove(at), list.len());
                if left == 1 {
                    *entries = Entries::One(self.several.remove(place)[0]);
                }
                Some((entry, left))
            }
        }
    }

    /// The best route of the longest prefix that covers this one.
    pub fn nearest(&self, prefix: &P) -> Option<(P, Entry)> {
        let (prefix, entries) = self.routes.get_lpm(prefix)?;
        Some((prefix, *self.several.slice(entries).first()?))
    }

    /// Every prefix that covers this one, shortest first.
    pub fn cover(&self, prefix: &P) -> impl Iterator<Item = (P, &[Entry])> {
        self.routes.cover(prefix).map(|(prefix, entries)| (prefix, self.several.slice(entries)))
    }

    /// Every prefix, sorted, shorter ones before the longer ones inside them.
    pub fn iter(&self) -> impl Iterator<Item = (P, &[Entry])> {
        self.routes.iter().map(|(prefix, entries)| (prefix, self.several.slice(entries)))
    }

    /// Every prefix that comes after this one in that order, whether it is there or not; all without one.
    pub fn after(&self, prefix: Option<&P>) -> impl Iterator<Item = (P, &[Entry])> + use<'_, P> {
        let routes = match prefix {
            Some(prefix) => self.routes.iter_from(prefix, false),
            None => self.routes.iter(),
        };
        routes.map(|(prefix, entries)| (prefix, self.several.slice(entries)))
    }

    /// Every prefix inside this one, itself included.
    pub fn within<'a>(&'a self, prefix: &P) -> impl Iterator<Item = (P, &'a [Entry])> + use<'a, P> {
        self.routes.children(prefix).map(|(prefix, entries)| (prefix, self.several.slice(entries)))
    }

    /// Prefixes of each length.
    pub fn by_length(&self) -> &[u32] {
        &self.by_length
    }

    pub fn memory_bytes(&self) -> usize {
        self.routes.mem_size() + self.several.memory_bytes()
    }
}
