//! Readers look up while a writer changes the table: every answer is that of before or after a change, by the oracle.
//!
//! The writer takes memory back after each batch, so what it takes out of the readers' reach is soon written to again: a reader that
//! could still see it would answer with something that no state of the table says.

use fastrand::Rng;
use ipnet::{Ipv4Net, Ipv6Net};
use ringway::fib::address::Address;
use ringway::fib::limits::Limits;
use ringway::fib::next_hop::NextHopIndex;
use ringway::fib::oracle::Oracle;
use ringway::fib::prefixes::Prefix;
use ringway::fib::{ipv4, ipv6};
use ringway_mempool::epoch::Epochs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const BATCHES: usize = 150;
const PROBES: usize = 64;
const READERS: usize = 2;
/// Times that the writer goes through all batches, there and back.
const TIMES: usize = 6;

type Batch<A> = Vec<(Prefix<A>, Option<NextHopIndex>)>;

/// What a run needs: routes to start with, batches, and for each probe its answer after each batch.
struct Script<A> {
    start: Vec<(Prefix<A>, NextHopIndex)>,
    batches: Vec<Batch<A>>,
    probes: Vec<A>,
    answers: Vec<Vec<NextHopIndex>>,
}

/// Random batches around the start routes; each is undone by a later one, so that the last state is the first.
fn script<A: Address>(
    start: Vec<(Prefix<A>, NextHopIndex)>,
    change: impl Fn(&mut Rng) -> Prefix<A>,
    host: impl Fn(&mut Rng, Prefix<A>) -> A,
) -> Script<A> {
    let mut random = Rng::with_seed(42);
    let mut oracle = Oracle::default();
    for &(prefix, next_hop) in &start {
        oracle.set(prefix, Some(next_hop));
    }
    let prefixes: Vec<_> = (0..PROBES / 2).map(|_| change(&mut random)).collect();
    let probes: Vec<A> = (0..PROBES).map(|number| host(&mut random, prefixes[number / 2])).collect();
    let answer = |oracle: &Oracle<A>| probes.iter().map(|&probe| oracle.lookup(probe)).collect::<Vec<_>>();
    let mut answers = vec![answer(&oracle)];
    let mut batches: Vec<Batch<A>> = Vec::new();
    for number in 0..BATCHES {
        let batch: Batch<A> = (0..random.usize(1..12))
            .map(|_| {
                let prefix = if random.bool() { prefixes[random.usize(..prefixes.len())] } else { change(&mut random) };
                let last = number + 1 == BATCHES;
                (prefix, (!last && random.u8(..3) > 0).then(|| NextHopIndex(random.u16(1..100))))
            })
            .collect();
        batch.iter().for_each(|&(prefix, next_hop)| oracle.set(prefix, next_hop));
        answers.push(answer(&oracle));
        batches.push(batch);
    }
    // Back to the start: whatever the batches have added goes, whatever they have taken comes.
    let changed: Vec<_> = batches.iter().flatten().map(|&(prefix, _)| prefix).collect();
    let back: Batch<A> = changed
        .into_iter()
        .map(|prefix| (prefix, start.iter().find(|(other, _)| *other == prefix).map(|&(_, next_hop)| next_hop)))
        .collect();
    answers.push(answers[0].clone());
    batches.push(back);
    Script { start, batches, probes, answers }
}

macro_rules! readers_and_a_writer {
    ($family:ident, $net:ident, $address:ident, $script:expr) => {{
        let script = $script;
        let net = |(network, length): Prefix<_>| $net::new_assert($address::from_bits(network), length);
        let mut writer = $family::Writer::new(Limits::default());
        writer.rebuild(script.start.iter().map(|&(prefix, next_hop)| (net(prefix), next_hop)));
        let shared = Mutex::new(writer.reader());
        // States of all times: how many batches have begun, and how many are done.
        let (begun, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let ended = AtomicBool::new(false);
        let mut epochs = Epochs::new();
        let passages: Vec<_> = (0..READERS).map(|_| epochs.join()).collect();
        let states = script.batches.len();
        let checked = std::thread::scope(|scope| {
            let readers: Vec<_> = passages
                .into_iter()
                .map(|mut passage| {
                    let (shared, begun, done, ended, script) = (&shared, &begun, &done, &ended, &script);
                    scope.spawn(move || {
                        let mut checked = 0u64;
                        let mut found = vec![NextHopIndex::NO_ROUTE; PROBES];
                        while !ended.load(Ordering::Acquire) {
                            passage.pass();
                            let first = done.load(Ordering::SeqCst);
                            let fib = shared.lock().unwrap().clone();
                            for (probes, found) in script.probes.chunks(32).zip(found.chunks_mut(32)) {
                                fib.lookup_burst(probes, found);
                            }
                            let last = begun.load(Ordering::SeqCst);
                            for (probe, found) in found.iter().enumerate() {
                                let right = (first..=last).any(|state| script.answers[state % states][probe] == *found);
                                assert!(
                                    right,
                                    "{:x} went to {found:?}, between {first} and {last}",
                                    script.probes[probe]
                                );
                            }
                            checked += PROBES as u64;
                        }
                        checked
                    })
                })
                .collect();
            for state in 0..TIMES * states {
                let batch: Vec<_> =
                    script.batches[state % states].iter().map(|&(prefix, hop)| (net(prefix), hop)).collect();
                begun.store(state + 1, Ordering::SeqCst);
                let applied = writer.apply(&batch);
                assert!(applied.refused.is_empty());
                if applied.republish {
                    *shared.lock().unwrap() = writer.reader();
                }
                done.store(state + 1, Ordering::SeqCst);
                writer.reclaim(&mut epochs);
                if state % 16 == 0 {
                    std::thread::yield_now();
                }
            }
            ended.store(true, Ordering::Release);
            readers.into_iter().map(|reader| reader.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(checked.iter().sum::<u64>() > 0);
        assert_eq!(writer.reclaim(&mut epochs), 0, "all readers are gone");
    }};
}

#[test]
fn ipv4_readers_see_the_answer_before_or_after_a_change() {
    let start = (0..3000u32).map(|number| ((0x0a00_0000 + (number << 9), 24), NextHopIndex(number as u16 % 50 + 1)));
    let lengths = [0u8, 8, 12, 16, 19, 20, 22, 23, 24, 24, 24, 25, 28, 30, 32];
    let change = |random: &mut Rng| {
        let length = lengths[random.usize(..lengths.len())];
        ((0x0a00_0000 | random.u32(..1 << 21)).network(length), length)
    };
    let host =
        |random: &mut Rng, (network, length): Prefix<u32>| network | (random.u32(..) & !u32::LAST.network(length));
    readers_and_a_writer!(ipv4, Ipv4Net, Ipv4Addr, script(start.collect(), change, host));
}

#[test]
fn ipv6_readers_see_the_answer_before_or_after_a_change() {
    let base = 0x2001_0db8u128 << 96;
    let start = (0..3000u128).map(|number| ((base | number << 81, 48), NextHopIndex(number as u16 % 50 + 1)));
    let lengths = [0u8, 12, 16, 32, 40, 44, 46, 47, 48, 48, 48, 49, 56, 64, 64, 112, 127, 128];
    let change = |random: &mut Rng| {
        let length = lengths[random.usize(..lengths.len())];
        ((base | u128::from(random.u64(..1 << 44)) << 49).network(length), length)
    };
    let host =
        |random: &mut Rng, (network, length): Prefix<u128>| network | (random.u128(..) & !u128::LAST.network(length));
    readers_and_a_writer!(ipv6, Ipv6Net, Ipv6Addr, script(start.collect(), change, host));
}
