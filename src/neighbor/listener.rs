//! The multicast groups that an interface listens to, and when it says so: the listener's side of MLDv2 (RFC 9777 6).

use std::net::Ipv6Addr;
use std::time::{Duration, Instant};

use crate::wire::mld::{Query, Record, is_reported};

/// RFC 9777 9.1: Robustness Variable, how often a change is reported.
const ROBUSTNESS: u8 = 2;
/// RFC 9777 9.11: Unsolicited Report Interval, the most between two reports of a change.
const UNSOLICITED: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    group: Ipv6Addr,
    record: Record,
    left: u8,
}

/// The groups of one interface.
#[derive(Debug, Clone)]
pub struct Listener {
    groups: Vec<Ipv6Addr>,
    changes: Vec<Change>,
    change_due: Option<Instant>,
    /// The answer to a query: when, and about which group (all of them, if none).
    answer: Option<(Instant, Option<Ipv6Addr>)>,
    random: fastrand::Rng,
}

impl Listener {
    /// Listens to nothing.
    pub fn new(seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { groups: Vec::new(), changes: Vec::new(), change_due: None, answer: None, random }
    }

    /// The groups listened to.
    pub fn groups(&self) -> &[Ipv6Addr] {
        &self.groups
    }

    /// Listens to these groups from now on and reports what changed.
    pub fn set(&mut self, now: Instant, groups: Vec<Ipv6Addr>) {
        let left: Vec<_> = self.groups.iter().filter(|group| !groups.contains(group)).copied().collect();
        let joined: Vec<_> = groups.iter().filter(|group| !self.groups.contains(group)).copied().collect();
        self.groups = groups;
        let changes = left.into_iter().map(|group| (group, Record::Left));
        for (group, record) in changes.chain(joined.into_iter().map(|group| (group, Record::Joined))) {
            if is_reported(group) {
                self.changes.retain(|change| change.group != group);
                self.changes.push(Change { group, record, left: ROBUSTNESS });
                self.change_due = Some(now);
            }
        }
    }

    /// Reports every group anew: RFC 3590 4: "Once a valid link-local address is available, a node SHOULD generate new MLD Report
    /// messages for all multicast addresses joined on the interface." Until then reports came from nobody, and routers pass over
    /// those.
    pub fn report_again(&mut self, now: Instant) {
        let reported = self.groups.iter().filter(|group| is_reported(**group));
        self.changes = reported.map(|&group| Change { group, record: Record::Joined, left: ROBUSTNESS }).collect();
        self.change_due = (!self.changes.is_empty()).then_some(now);
    }

    /// The interface went down: nobody is told anything.
    pub fn stop(&mut self) {
        self.groups.clear();
        self.changes.clear();
        (self.change_due, self.answer) = (None, None);
    }

    /// A router asks. RFC 9777 6.2: the answer waits "a random delay in the range (0, [Maximum Response Delay])"; one
    /// answer about everything serves several questions.
    pub fn asked(&mut self, now: Instant, query: Query) {
        if query.group.is_some_and(|group| !self.groups.contains(&group)) {
            return;
        }
        let due = now + query.within.min(Duration::from_secs(60)).mul_f64(self.random.f64());
        self.answer = Some(match self.answer {
            None => (due, query.group),
            Some((earlier, group)) => (due.min(earlier), if group == query.group { group } else { None }),
        });
    }

    /// When [`Listener::take`] has something to report next.
    pub fn next(&self) -> Option<Instant> {
        self.change_due.into_iter().chain(self.answer.map(|(due, _)| due)).min()
    }

    /// The records to report now; empty when nothing is due.
    pub fn take(&mut self, now: Instant) -> Vec<(Record, Ipv6Addr)> {
        let mut records = Vec::new();
        if self.change_due.is_some_and(|due| due <= now) {
            for change in &mut self.changes {
                records.push((change.record, change.group));
                change.left -= 1;
            }
            self.changes.retain(|change| change.left > 0);
            let wait = UNSOLICITED.mul_f64(self.random.f64());
            self.change_due = (!self.changes.is_empty()).then(|| now + wait);
        }
        if let Some((_, about)) = self.answer.filter(|(due, _)| *due <= now) {
            self.answer = None;
            let asked = self.groups.iter().filter(|group| about.is_none_or(|about| about == **group));
            records.extend(asked.filter(|group| is_reported(**group)).map(|group| (Record::Listening, *group)));
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ipv6::{ALL_NODES, ALL_ROUTERS};

    const SECOND: Duration = Duration::from_secs(1);
    const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 1);

    #[test]
    fn joining_and_leaving_are_reported_twice() {
        let (mut listener, now) = (Listener::new(1), Instant::now());
        listener.set(now, vec![ALL_NODES, ALL_ROUTERS]);
        let joined = vec![(Record::Joined, ALL_ROUTERS)];
        assert_eq!(listener.take(now), joined);
        assert!(listener.next().unwrap() <= now + SECOND);
        assert_eq!(listener.take(now + SECOND), joined);
        assert_eq!(listener.next(), None);
        listener.set(now, vec![ALL_NODES, GROUP]);
        assert_eq!(listener.take(now), [(Record::Left, ALL_ROUTERS), (Record::Joined, GROUP)]);
    }

    #[test]
    fn all_groups_are_reported_again_once_there_is_an_address_to_report_from() {
        let (mut listener, now) = (Listener::new(1), Instant::now());
        listener.set(now, vec![ALL_NODES, ALL_ROUTERS, GROUP]);
        listener.take(now);
        listener.take(now + SECOND);
        listener.report_again(now + SECOND);
        let all = [(Record::Joined, ALL_ROUTERS), (Record::Joined, GROUP)];
        assert_eq!(listener.take(now + SECOND), all);
        assert_eq!(listener.take(now + 2 * SECOND), all);
        assert_eq!(listener.next(), None);
    }

    #[test]
    fn a_query_is_answered_within_its_time_about_what_was_asked() {
        let (mut listener, now) = (Listener::new(1), Instant::now());
        listener.set(now, vec![ALL_NODES, ALL_ROUTERS, GROUP]);
        listener.take(now);
        listener.take(now + SECOND);
        listener.asked(now, Query { group: Some(GROUP), within: 10 * SECOND });
        assert!(listener.next().unwrap() <= now + 10 * SECOND);
        assert_eq!(listener.take(now + 10 * SECOND), [(Record::Listening, GROUP)]);
        listener.asked(now, Query { group: Some("ff05::1".parse().unwrap()), within: SECOND });
        assert_eq!(listener.next(), None, "not our group");
        listener.asked(now, Query { group: Some(GROUP), within: SECOND });
        listener.asked(now, Query { group: None, within: SECOND });
        let all = [(Record::Listening, ALL_ROUTERS), (Record::Listening, GROUP)];
        assert_eq!(listener.take(now + SECOND), all);
    }

    #[test]
    fn an_interface_that_goes_down_says_nothing() {
        let (mut listener, now) = (Listener::new(1), Instant::now());
        listener.set(now, vec![ALL_ROUTERS]);
        listener.stop();
        assert_eq!((listener.next(), listener.take(now)), (None, Vec::new()));
    }
}
