//! What connects the queues of in-memory ports, and outlives them: a closed queue lays its end of the cable on a shelf, and
//! the queue that follows it takes it from there with all that still waits in it.

use ringway_mempool::Mbuf;
use ringway_mempool::border::{self, Consumer, Producer};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a queue's frames come from.
pub(super) enum Source {
    /// The other end of the cable.
    Ring(Consumer<()>),
    /// The same frames without end.
    Replay {
        /// In turn.
        frames: Vec<Box<[u8]>>,
        /// Whose turn it is.
        next: usize,
    },
    /// Nowhere: the queue is closed.
    Closed,
}

/// Where a queue's frames go.
pub(super) enum Target {
    /// The other end of the cable.
    Ring(Producer<()>),
    /// A ring that completes later.
    Hold(VecDeque<Mbuf>),
    /// Nowhere: the queue is closed.
    Closed,
}

/// The ends of cables that no queue has now, by number of the queue.
#[derive(Default)]
struct Ends {
    sources: Vec<Option<Source>>,
    targets: Vec<Option<Target>>,
}

/// The shelf of one port.
#[derive(Clone, Default)]
pub(super) struct Shelf(Arc<Mutex<Ends>>);

fn lay<T>(shelf: &mut Vec<Option<T>>, number: usize, end: T) {
    if shelf.len() <= number {
        shelf.resize_with(number + 1, || None);
    }
    shelf[number] = Some(end);
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Ends> {
        // Whoever panicked with the lock left whole ends behind: each change is one assignment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn lay_source(&self, number: usize, end: Source) {
        lay(&mut self.lock().sources, number, end);
    }

    pub fn lay_target(&self, number: usize, end: Target) {
        lay(&mut self.lock().targets, number, end);
    }

    fn take_source(&self, number: usize) -> Option<Source> {
        self.lock().sources.get_mut(number).and_then(Option::take)
    }

    fn take_target(&self, number: usize) -> Option<Target> {
        self.lock().targets.get_mut(number).and_then(Option::take)
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a shelf for cable ends")
    }
}

/// What a port is connected to.
#[derive(Debug)]
pub(super) enum Cable {
    /// Another port, or itself: the other shelf, and the length of the rings that lead from there to here.
    Port(Shelf, u32),
    /// A test's probes, as many as there are.
    Probe,
    /// Frames that come again and again, and a ring that completes later.
    Replay(Vec<Box<[u8]>>),
}

/// A port's own shelf and its cable.
#[derive(Debug)]
pub(super) struct Connector {
    pub shelf: Shelf,
    pub cable: Cable,
    /// Longest frame of a slot.
    pub slot: usize,
}

impl Connector {
    /// The source of a receive queue: the one its predecessor left, else a new piece of cable.
    pub fn source(&self, number: usize) -> Option<Source> {
        if let Some(source) = self.shelf.take_source(number) {
            return Some(source);
        }
        match &self.cable {
            Cable::Port(other, ring) => {
                let (there, here) = border::ring(*ring, self.slot);
                other.lay_target(number, Target::Ring(there));
                Some(Source::Ring(here))
            }
            Cable::Probe => None,
            Cable::Replay(frames) => Some(Source::Replay { frames: frames.clone(), next: 0 }),
        }
    }

    /// The target of a transmit queue with a ring of `ring` frames.
    pub fn target(&self, number: usize, ring: u32) -> Option<Target> {
        if let Some(target) = self.shelf.take_target(number) {
            return Some(target);
        }
        match &self.cable {
            Cable::Port(other, _) => {
                let (here, there) = border::ring(ring, self.slot);
                other.lay_source(number, Source::Ring(there));
                Some(Target::Ring(here))
            }
            Cable::Probe => None,
            Cable::Replay(_) => Some(Target::Hold(VecDeque::with_capacity(ring as usize))),
        }
    }
}
