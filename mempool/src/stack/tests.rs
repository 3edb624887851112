use super::*;
use crate::{Burst, Geometry, HEADROOM, PagePolicy};

const FRONT: u16 = 192;

fn pool(capacity: u32) -> Pool {
    let geometry = Geometry { frame: 1522 };
    let region = Region::map(Pool::bytes(capacity, geometry, FRONT), PagePolicy::Small, false).unwrap();
    Pool::over(region, capacity, geometry, FRONT)
}

/// What a library does when it fills its receive ring.
fn draw(pool: &mut Pool, count: usize) -> Vec<NonNull<u8>> {
    let handle = pool.stack_handle();
    let mut ring = Vec::new();
    assert!(pool.open(|| handle.draw(count, |_, start| ring.push(start))));
    ring
}

fn sum(pool: &Pool) -> u32 {
    let (receive, transmit) = pool.in_rings();
    pool.available() + receive + transmit
}

#[test]
fn a_buffer_goes_round_through_the_library_and_the_audit_stays_exact() {
    let mut pool = pool(8);
    let ring = draw(&mut pool, 4);
    assert_eq!((pool.available(), pool.in_rings()), (4, (4, 0)));
    let mut burst = Burst::new();
    let frames: Vec<_> = ring[..2].iter().map(|start| (*start, HEADROOM, 60)).collect();
    // SAFETY: both were drawn above and are used nowhere else.
    unsafe { pool.adopt(&mut burst, frames.into_iter()) };
    assert_eq!((burst.len(), pool.in_rings()), (2, (2, 0)));
    pool.frame_mut(&burst.as_slice()[0]).fill(7);

    let mut told = Vec::new();
    let handle = pool.stack_handle();
    let mut sent = None;
    let taken = pool.surrender(
        &mut burst,
        |_, start, offset, len| told.push((start, offset, len)),
        |_| {
            sent = Some(ring[0]);
            1
        },
    );
    assert_eq!((taken, burst.len(), pool.in_rings()), (1, 1, (2, 1)));
    assert_eq!(told, [(ring[0], HEADROOM, 60), (ring[1], HEADROOM, 60)]);
    // SAFETY: it was surrendered, and the library is done with it.
    pool.complete(|| unsafe { handle.put(sent.take().into_iter()) });
    assert_eq!((pool.available(), pool.in_rings()), (5, (2, 0)));
    pool.give_burst(&mut burst);
    assert_eq!(sum(&pool), 8);
}

#[test]
fn a_closed_pool_gives_nothing_and_what_comes_back_elsewhere_waits() {
    let mut pool = pool(4);
    let handle = pool.stack_handle();
    assert!(!handle.draw(1, |_, _| panic!("the pool is not open")));
    let ring = draw(&mut pool, 3);
    let start = ring[0].as_ptr().expose_provenance();
    let there = handle.clone();
    std::thread::spawn(move || {
        let start = NonNull::new(std::ptr::with_exposed_provenance_mut(start)).unwrap();
        // SAFETY: it was drawn, and the other thread does not use it.
        unsafe { there.put([start].into_iter()) };
    })
    .join()
    .unwrap();
    assert_eq!((pool.available(), pool.in_rings()), (1, (3, 0)));
    assert_eq!(pool.absorb(), 1);
    assert_eq!((pool.available(), pool.in_rings(), pool.absorb()), (2, (2, 0), 0));
}

#[test]
fn a_library_that_wants_more_than_there_is_gets_nothing() {
    let mut pool = pool(4);
    let handle = pool.stack_handle();
    assert!(!pool.open(|| handle.draw(5, |_, _| panic!("all or none"))));
    assert_eq!((pool.available(), sum(&pool)), (4, 4));
}

#[test]
fn buffers_that_the_library_keeps_at_hand_count_as_free() {
    let mut idle = 2u32;
    let mut pool = pool(8);
    let _drawn = draw(&mut pool, 6);
    // SAFETY: it is made before the pool and so outlives it, and only this thread uses it.
    unsafe { pool.stack_handle().set_idle(NonNull::from(&mut idle)) };
    assert_eq!((pool.available(), pool.in_rings()), (4, (4, 0)));
}

#[test]
fn frames_that_the_library_loops_back_are_still_counted_once() {
    let mut pool = pool(4);
    let mut burst = Burst::new();
    let mut looped = Vec::new();
    burst.push(pool.take_filled(b"round").unwrap()).unwrap();
    for _ in 0..3 {
        looped.clear();
        pool.surrender(&mut burst, |_, start, offset, len| looped.push((start, offset, len)), |count| count);
        assert_eq!((burst.len(), sum(&pool)), (0, 4));
        // SAFETY: it was surrendered, and is used nowhere else.
        unsafe { pool.adopt(&mut burst, looped.iter().copied()) };
        assert_eq!(pool.frame(&burst.as_slice()[0]), b"round");
        assert_eq!((sum(&pool), pool.in_rings()), (3, (0, 0)));
    }
    pool.give_burst(&mut burst);
}

#[test]
#[should_panic(expected = "INV-HOME")]
fn a_buffer_of_another_pool_is_refused() {
    let (mut one, mut other) = (pool(2), pool(2));
    let ring = draw(&mut one, 1);
    // SAFETY: what is tested is that the pool notices.
    unsafe { other.adopt(&mut Burst::new(), [(ring[0], 0, 0)].into_iter()) };
}

#[test]
#[should_panic(expected = "INV-FRAME")]
fn a_frame_that_leaves_its_buffer_is_refused() {
    let mut pool = pool(2);
    let ring = draw(&mut pool, 1);
    // SAFETY: what is tested is that the pool notices.
    unsafe { pool.adopt(&mut Burst::new(), [(ring[0], HEADROOM, u16::MAX - HEADROOM)].into_iter()) };
}

#[test]
fn every_buffer_has_the_number_of_its_place() {
    for frame in [60, 1522, 9018] {
        let geometry = Geometry { frame };
        let region = Region::map(Pool::bytes(500, geometry, FRONT), PagePolicy::Small, false).unwrap();
        let pool = Pool::over(region, 500, geometry, FRONT);
        let handle = pool.stack_handle();
        for (number, start) in handle.starts().enumerate() {
            assert_eq!(pool.shared.number_at(start), number as u32);
        }
    }
}
