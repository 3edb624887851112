use std::time::Duration;

use super::*;

mod advertised;
mod bounds;
mod model;
mod transitions;

const A: MacAddr6 = MacAddr6::new(2, 0, 0, 0, 0, 0xa);
const B: MacAddr6 = MacAddr6::new(2, 0, 0, 0, 0, 0xb);
const SECOND: Duration = Duration::from_secs(1);

fn key(host: u8) -> Key {
    Key { interface: 1, address: Ipv4Addr::new(192, 0, 2, host).into() }
}

/// A table with a clock that moves when it is told to.
struct Lab {
    table: Table,
    now: Instant,
}

impl Lab {
    fn new(settings: Settings) -> Self {
        Self { table: Table::new(settings, 1), now: Instant::now() }
    }

    /// Moves the clock, with a tick at every deadline on the way, and returns what happened.
    fn pass(&mut self, time: Duration) -> Vec<Event> {
        let end = self.now + time;
        while let Some(at) = self.table.next_deadline()
            && at <= end
        {
            self.now = at;
            self.table.tick(at);
            assert!(self.table.next_deadline().is_none_or(|next| next > at));
        }
        self.now = end;
        self.events()
    }

    fn events(&mut self) -> Vec<Event> {
        self.table.events().collect()
    }

    fn need(&mut self, key: Key) -> Vec<Event> {
        self.table.need(self.now, key);
        self.events()
    }

    fn used(&mut self, key: Key) -> Vec<Event> {
        self.table.used(self.now, key);
        self.events()
    }

    /// An answer to us.
    fn answer(&mut self, key: Key, mac: MacAddr6) -> Vec<Event> {
        self.observe(key, mac, true, true)
    }

    /// A request to us, which is a reason to know its sender.
    fn request(&mut self, key: Key, mac: MacAddr6) -> Vec<Event> {
        self.observe(key, mac, false, true)
    }

    /// A frame between others, or a gratuitous one.
    fn overhear(&mut self, key: Key, mac: MacAddr6) -> Vec<Event> {
        self.observe(key, mac, false, false)
    }

    fn observe(&mut self, key: Key, mac: MacAddr6, answered: bool, may_create: bool) -> Vec<Event> {
        let Key { interface, address } = key;
        self.table.observe(self.now, interface, address, mac, answered, may_create);
        self.events()
    }

    fn resolve(&mut self, key: Key, mac: MacAddr6) {
        self.need(key);
        self.answer(key, mac);
        assert_eq!(self.state(key), Some(State::Reachable));
    }

    /// Resolves and lets the reachable time pass.
    fn make_stale(&mut self, key: Key, mac: MacAddr6) {
        self.resolve(key, mac);
        self.pass(Settings::default().reachable * 3 / 2);
        assert_eq!(self.state(key), Some(State::Stale));
    }

    fn state(&self, key: Key) -> Option<State> {
        self.row(key).map(|row| row.state)
    }

    fn mac(&self, key: Key) -> Option<MacAddr6> {
        self.row(key)?.mac
    }

    fn row(&self, key: Key) -> Option<Neighbor> {
        self.table.iter(self.now).find(|row| row.interface == key.interface && row.address == key.address)
    }
}

fn search(key: Key) -> Event {
    Event::Solicit { interface: key.interface, target: key.address, to: None }
}

fn probe(key: Key, mac: MacAddr6) -> Event {
    Event::Solicit { interface: key.interface, target: key.address, to: Some(mac) }
}

fn update(key: Key, mac: MacAddr6, report_use: bool) -> Event {
    Event::Update { key, mac, report_use }
}
