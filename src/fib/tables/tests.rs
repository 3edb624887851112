use super::*;
use crate::fib::next_hop::{NextHop, Paths};
use crate::fib::rib::{Origin, Route};

/// Enough that the tables are not made anew for those of one gateway.
const ROUTES: u32 = 60_000;
/// Each so many routes goes by interface 1, and has a second best by interface 2.
const EACH: u32 = 4;

fn gateway(interface: u16) -> NextHop {
    NextHop::Gateway { interface, address: [192, 0, 2, interface as u8 + 1].into() }
}

fn prefix(number: u32) -> Ipv4Net {
    Ipv4Net::new((0x0a00_0000 + (number << 8)).into(), 24).unwrap()
}

fn add(rib: &mut Rib, number: u32, interface: u16, metric: u32) {
    let paths: Paths = gateway(interface).into();
    rib.add(0, &Route { prefix: prefix(number).into(), paths, origin: Origin::Static, metric }).unwrap();
}

fn loaded() -> (Rib, Tables) {
    let mut rib = Rib::new(2 * ROUTES as usize);
    for number in 0..ROUTES {
        add(&mut rib, number, if number % EACH == 0 { 1 } else { 0 }, 0);
    }
    (0..ROUTES).step_by(EACH as usize).for_each(|number| add(&mut rib, number, 2, 1));
    let mut tables = Tables::new(Limits::default());
    tables.follow(&mut rib, &|_| true);
    (rib, tables)
}

/// Where a packet to this prefix goes now.
fn way(tables: &Tables, number: u32) -> Option<NextHop> {
    let found = tables.ipv4(0).lookup(prefix(number).network().to_bits());
    tables.paths().get(found, 0)
}

#[test]
fn a_next_hop_that_goes_stops_at_once_and_its_routes_are_found_in_pieces() {
    let (mut rib, mut tables) = loaded();
    let users = (ROUTES / EACH) as usize;
    for (is_up, now, then) in [(false, None, gateway(2)), (true, Some(gateway(2)), gateway(1))] {
        let up = |interface| interface != 1 || is_up;
        tables.interface_changed(1, &mut rib, &up);
        assert_eq!(way(&tables, 0), now);
        assert_eq!(rib.pending(), users, "they are counted, and none has been looked at");
        let (mut pieces, mut found) = (0, 0);
        while rib.pending() > 0 {
            let followed = tables.follow(&mut rib, &up);
            assert!(followed.prefixes * 3 < users, "{} at once", followed.prefixes);
            pieces += 1;
            found += followed.prefixes;
        }
        assert!(pieces > 3, "{pieces}");
        assert_eq!(found, users);
        for number in 0..ROUTES {
            let expected = if number % EACH == 0 { then } else { gateway(0) };
            assert_eq!(way(&tables, number), Some(expected), "{number}");
        }
    }
}

#[test]
fn the_tables_are_made_anew_when_most_routes_lose_their_next_hop() {
    let (mut rib, mut tables) = loaded();
    let up = |interface| interface != 0;
    tables.interface_changed(0, &mut rib, &up);
    assert!(tables.follow(&mut rib, &up).republish);
    assert_eq!(rib.pending(), 0);
    assert_eq!((way(&tables, 0), way(&tables, 1)), (Some(gateway(1)), None));
}

#[test]
fn a_number_is_not_given_out_again_while_routes_are_looked_for() {
    let (mut rib, mut tables) = loaded();
    let old = rib.remove(0, prefix(1).into(), Origin::Static, None).unwrap();
    let other = Route { paths: gateway(3).into(), ..old };
    rib.add(0, &other).unwrap();
    tables.follow(&mut rib, &|_| true);
    rib.remove(0, other.prefix, Origin::Static, None).unwrap();
    let up = |interface| interface != 1;
    tables.interface_changed(1, &mut rib, &up);
    tables.follow(&mut rib, &up);
    assert!(rib.pending() > 0);
    let lists = rib.next_hops().len();
    (0..3).for_each(|_| _ = tables.tend(&mut rib, true));
    assert_eq!(rib.next_hops().len(), lists);
    while rib.pending() > 0 {
        tables.follow(&mut rib, &up);
    }
    (0..3).for_each(|_| _ = tables.tend(&mut rib, true));
    assert_eq!(rib.next_hops().len(), lists - 1);
}
