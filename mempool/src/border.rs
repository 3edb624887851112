//! A ring of fixed slots that carries bytes across a border: between worker and control thread, or between two pools.
//!
//! Buffers never change worker. Whoever sends copies into a slot; whoever receives copies out. The ring is
//! bounded, has one producer and one consumer, neither waits for the other, and nothing is allocated after [`ring`].
//! `crossbeam-queue` would hold boxed slots and need a second queue to bring them back; writing in place saves both.
//!
//! `tail` counts what was sent, `head` what was received: free-running u32, masked only at access. The
//! producer owns the slots from `tail` to `head + capacity`, the consumer those from `head` to `tail` (`INV-SLOT`).

#[cfg(loom)]
use loom::{
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
#[cfg(not(loom))]
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

#[cfg(not(loom))]
mod cell {
    /// The standard cell behind loom's interface, so that the model checker runs the very code below.
    #[derive(Debug)]
    pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(super) fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        #[inline]
        pub(super) fn with_mut<R>(&self, use_it: impl FnOnce(*mut T) -> R) -> R {
            use_it(self.0.get())
        }
    }
}
#[cfg(not(loom))]
use cell::UnsafeCell;

/// What one slot carries: the bytes and a small value of the user's (which port, why).
struct Slot<M> {
    meta: M,
    len: usize,
    bytes: Box<[u8]>,
}

#[cfg_attr(not(loom), repr(align(128)))]
struct Index(AtomicU32);

struct Shared<M> {
    tail: Index,
    head: Index,
    slots: Box<[UnsafeCell<Slot<M>>]>,
}

// SAFETY: INV-SLOT: producer and consumer touch disjoint slots; what they hand over is published by a release
// store of the index and read after an acquire load of it.
unsafe impl<M: Send> Sync for Shared<M> {}
// SAFETY: the slots are owned data; `M: Send` lets them move.
unsafe impl<M: Send> Send for Shared<M> {}

/// The sending side.
pub struct Producer<M> {
    shared: Arc<Shared<M>>,
    tail: u32,
    /// The last `head` seen: the shared line is read only when the ring looks full.
    head: u32,
}

/// The receiving side.
pub struct Consumer<M> {
    shared: Arc<Shared<M>>,
    head: u32,
    /// The last `tail` seen.
    tail: u32,
}

/// Why a slot could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// All slots are taken: the other side is slow.
    #[error("the ring is full")]
    Full,
    /// More bytes than a slot holds.
    #[error("the bytes are longer than a slot")]
    TooLong,
}

/// Makes a ring of `slots` (rounded up to a power of two) of `slot_bytes` bytes each.
pub fn ring<M: Default + Copy + Send>(slots: u32, slot_bytes: usize) -> (Producer<M>, Consumer<M>) {
    let count = slots.clamp(1, 1 << 20).next_power_of_two();
    let slots = (0..count)
        .map(|_| UnsafeCell::new(Slot { meta: M::default(), len: 0, bytes: vec![0; slot_bytes].into_boxed_slice() }))
        .collect();
    let shared = Arc::new(Shared { tail: Index(AtomicU32::new(0)), head: Index(AtomicU32::new(0)), slots });
    (Producer { shared: shared.clone(), tail: 0, head: 0 }, Consumer { shared, head: 0, tail: 0 })
}

impl<M> Shared<M> {
    fn capacity(&self) -> u32 {
        self.slots.len() as u32
    }

    fn slot(&self, index: u32) -> &UnsafeCell<Slot<M>> {
        &self.slots[(index & (self.capacity() - 1)) as usize]
    }
}

impl<M: Copy> Producer<M> {
    /// Copies `bytes` into the next slot.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent then.
    pub fn send(&mut self, meta: M, bytes: &[u8]) -> Result<(), SendError> {
        if self.tail.wrapping_sub(self.head) == self.shared.capacity() {
            self.head = self.shared.head.0.load(Ordering::Acquire);
            if self.tail.wrapping_sub(self.head) == self.shared.capacity() {
                return Err(SendError::Full);
            }
        }
        self.shared.slot(self.tail).with_mut(|slot| {
            // SAFETY: INV-SLOT: `tail` is not yet published and the consumer has left this slot (`head` above was
            // loaded with acquire), so it is the producer's alone.
            let slot = unsafe { &mut *slot };
            let target = slot.bytes.get_mut(..bytes.len()).ok_or(SendError::TooLong)?;
            target.copy_from_slice(bytes);
            slot.len = bytes.len();
            slot.meta = meta;
            Ok(())
        })?;
        self.tail = self.tail.wrapping_add(1);
        self.shared.tail.0.store(self.tail, Ordering::Release);
        Ok(())
    }
}

impl<M: Copy> Consumer<M> {
    /// Lends the oldest slot to `use_it` and frees it after; `None` when nothing waits.
    pub fn receive<R>(&mut self, use_it: impl FnOnce(M, &[u8]) -> R) -> Option<R> {
        if self.head == self.tail {
            self.tail = self.shared.tail.0.load(Ordering::Acquire);
            if self.head == self.tail {
                return None;
            }
        }
        let result = self.shared.slot(self.head).with_mut(|slot| {
            // SAFETY: INV-SLOT: `head` is below the published `tail` (acquire), and the producer does not touch the
            // slot before it sees the release store below.
            let slot = unsafe { &*slot };
            use_it(slot.meta, &slot.bytes[..slot.len])
        });
        self.head = self.head.wrapping_add(1);
        self.shared.head.0.store(self.head, Ordering::Release);
        Some(result)
    }

    /// Slots that wait, at least; more may have come since.
    pub fn waiting(&self) -> u32 {
        self.shared.tail.0.load(Ordering::Acquire).wrapping_sub(self.head)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[test]
    fn a_full_ring_refuses_and_keeps_what_it_has() {
        let (mut producer, mut consumer) = ring::<u8>(2, 8);
        assert_eq!(producer.send(1, b"a"), Ok(()));
        assert_eq!(producer.send(2, b"bb"), Ok(()));
        assert_eq!(producer.send(3, b"c"), Err(SendError::Full));
        assert_eq!(consumer.receive(|meta, bytes| (meta, bytes.to_vec())), Some((1, b"a".to_vec())));
        assert_eq!(producer.send(3, b"c"), Ok(()));
        assert_eq!(consumer.waiting(), 2);
    }

    #[test]
    fn bytes_longer_than_a_slot_are_refused() {
        let (mut producer, mut consumer) = ring::<()>(1, 4);
        assert_eq!(producer.send((), b"12345"), Err(SendError::TooLong));
        assert_eq!(consumer.receive(|(), _| ()), None);
    }

    proptest! {
        #[test]
        fn behaves_like_a_bounded_queue(steps in prop::collection::vec(prop::option::of(any::<u16>()), 0..200)) {
            let (mut producer, mut consumer) = ring::<u16>(4, 2);
            let mut model = VecDeque::new();
            for step in steps {
                match step {
                    Some(value) => {
                        let sent = producer.send(value, &value.to_be_bytes()).is_ok();
                        prop_assert_eq!(sent, model.len() < 4);
                        if sent { model.push_back(value); }
                    }
                    None => {
                        let got = consumer.receive(|meta, bytes| (meta, bytes.to_vec()));
                        prop_assert_eq!(got, model.pop_front().map(|v: u16| (v, v.to_be_bytes().to_vec())));
                    }
                }
            }
        }
    }

    #[test]
    fn two_threads_see_every_message_once_and_in_order() {
        let (mut producer, mut consumer) = ring::<u32>(8, 4);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for n in 0..10_000u32 {
                    while producer.send(n, &n.to_le_bytes()).is_err() {
                        std::thread::yield_now();
                    }
                }
            });
            let mut next = 0;
            while next < 10_000 {
                if let Some(n) = consumer.receive(|meta, bytes| {
                    assert_eq!(bytes, meta.to_le_bytes());
                    meta
                }) {
                    assert_eq!(n, next);
                    next += 1;
                } else {
                    std::thread::yield_now();
                }
            }
        });
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;

    #[test]
    fn no_interleaving_shows_a_half_written_slot() {
        loom::model(|| {
            let (mut producer, mut consumer) = ring::<u8>(1, 1);
            let sender = loom::thread::spawn(move || (1..=2u8).filter(|n| producer.send(*n, &[*n]).is_ok()).count());
            let mut got = Vec::new();
            for _ in 0..2 {
                if let Some(n) = consumer.receive(|meta, bytes| {
                    assert_eq!(bytes, [meta]);
                    meta
                }) {
                    got.push(n);
                }
            }
            let sent = sender.join().unwrap();
            while let Some(n) = consumer.receive(|meta, _| meta) {
                got.push(n);
            }
            assert_eq!(got.len(), sent, "every slot that was sent arrives once");
            assert!(got.is_sorted());
        });
    }
}
