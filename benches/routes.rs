//! What it costs to load a table, to change it and to lose a link: `cargo bench --bench routes`.
//!
//! One thread does what the control thread does: RIB, path lists, and the tables that workers look up. The table is made up,
//! as long and as nested as the Internet's. Every figure is the median of the rounds, with the spread. Words after `--` choose the
//! figures whose names contain one of them.

use ipnet::{IpNet, Ipv4Net};
use ringway::fib::limits::Limits;
use ringway::fib::next_hop::{NextHop, Path, Paths};
use ringway::fib::rib::{Origin, Rib, Route};
use ringway::fib::tables::Tables;
use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::time::Instant;

const ROUTES: usize = 1_000_000;
const ROUNDS: usize = 9;
const CHANGES: usize = 100_000;
/// Changes that are followed together.
const BATCH: usize = 1_000;

fn gateway(number: usize) -> Paths {
    let address = Ipv4Addr::new(198, 18, (number / 200) as u8, (number % 200) as u8 + 2).into();
    NextHop::Gateway { interface: (number % 4) as u16, address }.into()
}

/// Both gateways of interfaces 0 and 1.
fn both() -> Paths {
    let path = |interface: u16| Path {
        next_hop: NextHop::Gateway { interface, address: Ipv4Addr::new(198, 18, 100, interface as u8 + 2).into() },
        weight: 1,
    };
    Paths::new([path(0), path(1)]).expect("two paths")
}

fn prefixes() -> Vec<IpNet> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut seen = HashSet::new();
    while seen.len() < ROUTES {
        let length = match random.u8(..100) {
            0..63 => 24,
            63..74 => 23,
            74..84 => 22,
            84..89 => 21,
            89..93 => 20,
            93..96 => 19,
            96..98 => 18,
            _ => 16,
        };
        let address = Ipv4Addr::from_bits(random.u32(0x0100_0000..0xdf00_0000));
        seen.insert(Ipv4Net::new(address, length).expect("a length of IPv4").trunc());
    }
    let mut sorted: Vec<Ipv4Net> = seen.into_iter().collect();
    sorted.sort();
    sorted.into_iter().map(IpNet::V4).collect()
}

fn route(prefix: IpNet, paths: Paths) -> Route {
    Route { prefix, paths, origin: Origin::Static, metric: 0 }
}

fn show(name: &str, unit: &str, mut figures: Vec<f64>) {
    figures.sort_by(f64::total_cmp);
    let (low, high) = (figures[0], figures[figures.len() - 1]);
    println!("{name:<52} {:9.2} {unit} ({low:.2}..{high:.2}, n={})", figures[figures.len() / 2], figures.len());
}

/// Runs the rounds, each of which says what it took.
fn rounds(mut round: impl FnMut(usize) -> f64) -> Vec<f64> {
    (0..ROUNDS).map(&mut round).collect()
}

/// Changes any route, again and again; says what a change takes, in nanoseconds.
fn changes(rib: &mut Rib, tables: &mut Tables, prefixes: &[IpNet], (changes, batch): (usize, usize)) -> Vec<f64> {
    let mut random = fastrand::Rng::with_seed(2);
    rounds(|_| {
        let mut draw = || route(prefixes[random.usize(..ROUTES)], gateway(random.usize(..64)));
        let drawn: Vec<Route> = (0..changes).map(|_| draw()).collect();
        let start = Instant::now();
        for batch in drawn.chunks(batch) {
            for route in batch {
                rib.replace(0, route).expect("room");
            }
            tables.follow(rib, &|_| true);
            tables.tend(rib, true);
        }
        start.elapsed().as_secs_f64() * 1e9 / changes as f64
    })
}

/// Takes interface 0 down and up; says what each takes: until nothing goes by it, in microseconds, and until each of its
/// routes has made way, in milliseconds.
fn links(rib: &mut Rib, tables: &mut Tables) -> (Vec<f64>, Vec<f64>) {
    let mut until_all = Vec::new();
    let at_once = rounds(|round| {
        let up = |interface: u16| interface != 0 || round % 2 == 1;
        let start = Instant::now();
        tables.interface_changed(0, rib, &up);
        let took = start.elapsed().as_secs_f64() * 1e6;
        while rib.pending() > 0 {
            tables.follow(rib, &up);
            tables.tend(rib, true);
        }
        until_all.push(start.elapsed().as_secs_f64() * 1e3);
        took
    });
    tables.interface_changed(0, rib, &|_| true);
    while rib.pending() > 0 {
        tables.follow(rib, &|_| true);
    }
    (at_once, until_all)
}

fn main() {
    // Only the figures whose names contain one of the words; all without one.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let asked = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let prefixes = prefixes();
    let up = |_: u16| true;
    println!("{ROUTES} IPv4 routes over 64 gateways on 4 interfaces, a tenth over two; one thread");

    let paths = |at: usize| if at.is_multiple_of(10) { both() } else { gateway(at % 64) };
    let (mut rib, mut tables) = (Rib::new(2 * ROUTES), Tables::new(Limits::default()));
    let start = Instant::now();
    for (at, prefix) in prefixes.iter().enumerate() {
        rib.add(0, &route(*prefix, paths(at))).expect("room");
    }
    println!("{:<52} {:9.2} ms", "into the RIB", start.elapsed().as_secs_f64() * 1e3);
    println!("{:<52} {:9.2} MB", "memory of the RIB", rib.memory_bytes() as f64 / 1e6);
    tables.follow(&mut rib, &up);
    println!("{:<52} {:9.2} MB", "memory of the IPv4 table", tables.memory_bytes().0 as f64 / 1e6);

    let name = "full table from the RIB";
    if asked(name) {
        let load = rounds(|_| {
            let mut tables = Tables::new(Limits::default());
            // Everything is new to these tables.
            let all: Vec<_> = rib.next_hops().iter().map(|(index, _)| index).collect();
            rib.note_users(&all);
            let start = Instant::now();
            let followed = tables.follow(&mut rib, &up);
            assert!(followed.unused.is_empty() && rib.pending() == 0);
            start.elapsed().as_secs_f64() * 1e3
        });
        show(name, "ms", load);
    }
    let name = format!("a change, followed {BATCH} at a time");
    if asked(&name) {
        show(&name, "ns", changes(&mut rib, &mut tables, &prefixes, (CHANGES, BATCH)));
    }
    let name = "a change, followed one by one";
    if asked(name) {
        show(name, "ns", changes(&mut rib, &mut tables, &prefixes, (1000, 1)));
    }
    let name = "a change of a few that flap, coalesced";
    if asked(name) {
        let few = &prefixes[..100];
        let coalesced = rounds(|round| {
            let start = Instant::now();
            for at in 0..CHANGES {
                let paths = gateway((at + round) % 64);
                rib.replace(0, &route(few[at % few.len()], paths)).expect("room");
            }
            tables.follow(&mut rib, &up);
            start.elapsed().as_secs_f64() * 1e9 / CHANGES as f64
        });
        show(name, "ns", coalesced);
    }
    let name = "a link that a quarter of the routes name";
    if asked(name) {
        let (at_once, until_all) = links(&mut rib, &mut tables);
        show(&format!("{name}: at once"), "us", at_once);
        show(&format!("{name}: all moved"), "ms", until_all);
    }
    let name = "a link of a path list goes or comes";
    if asked(name) {
        // Interface 0 of the lists over two: each list stays usable, so no route has to be asked for.
        let mut only_lists = Rib::new(ROUTES + 1);
        for prefix in &prefixes {
            only_lists.add(0, &route(*prefix, both())).expect("room");
        }
        let mut listed = Tables::new(Limits::default());
        listed.follow(&mut only_lists, &up);
        show(name, "us", links(&mut only_lists, &mut listed).0);
    }
}
