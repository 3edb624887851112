use super::*;
use proptest::prelude::*;

fn pool(capacity: u32) -> Pool {
    Pool::new(capacity, Geometry { frame: 1522 }, PagePolicy::Small, false).unwrap()
}

#[test]
fn the_stride_is_an_odd_number_of_lines() {
    for frame in [60, 1514, 1522, 2048, 9018, u16::MAX] {
        let stride = Geometry { frame }.stride();
        assert_eq!(stride as usize % CACHE_LINE, 0);
        assert_eq!(stride as usize / CACHE_LINE % 2, 1, "frame {frame} stride {stride}");
        assert!(stride <= u32::from(u16::MAX));
    }
}

#[test]
fn the_buffer_given_back_last_is_taken_first() {
    let mut pool = pool(4);
    let (first, second) = (pool.take().unwrap(), pool.take().unwrap());
    let index = first.index();
    pool.give(second);
    pool.give(first);
    let again = pool.take().unwrap();
    assert_eq!(again.index(), index);
    pool.give(again);
}

#[test]
fn a_dry_pool_says_none_and_recovers() {
    let mut pool = pool(2);
    let (a, b) = (pool.take().unwrap(), pool.take().unwrap());
    assert!(pool.take().is_none());
    assert_eq!(pool.lowest(), 0);
    pool.give(a);
    pool.give(b);
    assert_eq!(pool.available(), 2);
}

#[test]
fn prepending_stops_at_the_headroom() {
    let mut pool = pool(1);
    let mut mbuf = pool.take_filled(b"payload").unwrap();
    assert!(pool.prepend(&mut mbuf, HEADROOM));
    assert!(!pool.prepend(&mut mbuf, 1));
    assert_eq!(mbuf.len(), HEADROOM + 7);
    assert_eq!(&pool.frame(&mbuf)[HEADROOM as usize..], b"payload");
    pool.give(mbuf);
}

#[test]
fn a_frame_longer_than_the_room_is_refused() {
    let mut pool = pool(1);
    assert!(pool.take_filled(&vec![0; pool.longest_frame() + 1]).is_none());
    let mbuf = pool.take_filled(&vec![1; pool.longest_frame()]).unwrap();
    assert_eq!(mbuf.len() as usize, pool.longest_frame());
    pool.give(mbuf);
}

#[test]
fn bytes_of_another_frame_are_appended_or_nothing_is() {
    let mut pool = pool(2);
    let from = pool.take_filled(b"0123456789").unwrap();
    let mut to = pool.take_filled(b"ab").unwrap();
    assert!(pool.append_from(&mut to, &from, 3, 4));
    assert!(pool.append(&mut to, b"!"));
    assert!(!pool.append_from(&mut to, &from, 8, 3));
    assert!(!pool.append(&mut to, &[0; 4096]));
    assert_eq!(pool.frame(&to), b"ab3456!");
    pool.give(from);
    pool.give(to);
}

#[test]
#[should_panic(expected = "INV-HOME")]
fn an_mbuf_of_another_pool_is_refused() {
    let (mut one, two) = (pool(1), pool(1));
    let mbuf = one.take().unwrap();
    let _ = two.frame(&mbuf);
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "INV-CUSTODY")]
fn a_stale_completion_panics_in_debug_builds() {
    let mut pool = pool(1);
    let mbuf = pool.take().unwrap();
    pool.mark(&mbuf, Custody::TransmitRing, Custody::Burst);
}

/// What the model does to one of the buffers it holds.
#[derive(Debug, Clone)]
enum Step {
    Take(Vec<u8>),
    Give(usize),
    Append(usize, Vec<u8>),
    AppendFrom(usize, usize, usize, usize),
    Prepend(usize, u16),
    TrimFront(usize, u16),
    Truncate(usize, u16),
    Overwrite(usize, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let at = 0..8usize;
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    let step = prop_oneof![
        3 => bytes.clone().prop_map(Step::Take),
        2 => at.clone().prop_map(Step::Give),
        1 => (at.clone(), bytes).prop_map(|(at, bytes)| Step::Append(at, bytes)),
        1 => (at.clone(), at.clone(), 0..300usize, 0..300usize).prop_map(|(to, from, start, len)| Step::AppendFrom(to, from, start, len)),
        1 => (at.clone(), 0..200u16).prop_map(|(at, bytes)| Step::Prepend(at, bytes)),
        1 => (at.clone(), 0..300u16).prop_map(|(at, bytes)| Step::TrimFront(at, bytes)),
        1 => (at.clone(), 0..300u16).prop_map(|(at, len)| Step::Truncate(at, len)),
        1 => (at, any::<u8>()).prop_map(|(at, value)| Step::Overwrite(at, value)),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    /// The model is a list of byte strings: whatever is done to one buffer, no other changes, and none is lost.
    #[test]
    fn buffers_behave_like_byte_strings_of_their_own(steps in steps()) {
        const BUFFERS: u32 = 8;
        let mut pool = Pool::new(BUFFERS, Geometry { frame: 256 }, PagePolicy::Small, false).unwrap();
        let mut held: Vec<(Mbuf, Vec<u8>)> = Vec::new();
        for step in steps {
            match step {
                Step::Take(bytes) => match pool.take_filled(&bytes) {
                    Some(mbuf) => held.push((mbuf, bytes)),
                    None => prop_assert_eq!(held.len(), BUFFERS as usize),
                },
                Step::Give(at) if at < held.len() => pool.give(held.swap_remove(at).0),
                Step::Append(at, bytes) if at < held.len() => {
                    let (mbuf, model) = &mut held[at];
                    if pool.append(mbuf, &bytes) {
                        model.extend(bytes);
                    }
                }
                Step::AppendFrom(to, from, start, len) if to < held.len() && from < held.len() && to != from => {
                    let source = held[from].1.get(start..start + len).map(<[u8]>::to_vec);
                    let (mut mbuf, mut model) = held.swap_remove(to);
                    // What was last has taken the place of what was removed.
                    let from = if from == held.len() { to } else { from };
                    if pool.append_from(&mut mbuf, &held[from].0, start, len) {
                        model.extend(source.expect("only bytes that are there are copied"));
                    }
                    held.push((mbuf, model));
                }
                Step::Prepend(at, bytes) if at < held.len() => {
                    let (mbuf, model) = &mut held[at];
                    if pool.prepend(mbuf, bytes) {
                        pool.frame_mut(mbuf)[..usize::from(bytes)].fill(0xaa);
                        model.splice(0..0, std::iter::repeat_n(0xaa, usize::from(bytes)));
                    }
                }
                Step::TrimFront(at, bytes) if at < held.len() => {
                    let (mbuf, model) = &mut held[at];
                    mbuf.trim_front(bytes);
                    model.drain(..usize::from(bytes).min(model.len()));
                }
                Step::Truncate(at, len) if at < held.len() => {
                    let (mbuf, model) = &mut held[at];
                    mbuf.truncate(len);
                    model.truncate(usize::from(len));
                }
                Step::Overwrite(at, value) if at < held.len() => {
                    let (mbuf, model) = &mut held[at];
                    pool.frame_mut(mbuf).fill(value);
                    model.fill(value);
                }
                _ => {}
            }
            for (mbuf, model) in &held {
                prop_assert_eq!(pool.frame(mbuf), &model[..]);
            }
            prop_assert_eq!(pool.available() as usize + held.len(), BUFFERS as usize);
        }
        for (mbuf, _) in held {
            pool.give(mbuf);
        }
        prop_assert_eq!(pool.available(), BUFFERS);
    }
}
