//! The token bucket of one interface's solicitations.

use std::time::{Duration, Instant};

/// Who asks for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A solicitation to a neighbor that we know and that packets are sent to. It may take the last token.
    Probe,
    /// A solicitation to everybody for a neighbor that we do not know. It leaves a quarter of the bucket alone, so
    /// that a scan cannot keep us from finding out whether the neighbors that we have still live.
    Search,
}

/// A bucket of `rate / 4` tokens, at least 4, that fills at `rate` tokens a second. It starts full.
#[derive(Debug, Clone)]
pub(super) struct SolicitRate {
    interval: Duration,
    burst: u32,
    /// When the bucket will be full again. Each token that is missing pushes it out by one interval.
    full_at: Instant,
}

impl SolicitRate {
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = per_second.max(1);
        Self {
            interval: Duration::from_nanos(1_000_000_000u64.div_ceil(u64::from(per_second))),
            burst: (per_second / 4).max(4),
            full_at: now,
        }
    }

    /// Takes a token, if one is there for this class.
    pub(super) fn take(&mut self, class: Class, now: Instant) -> bool {
        if self.full_at > now + self.slack(class) {
            return false;
        }
        self.full_at = self.full_at.max(now) + self.interval;
        true
    }

    /// When the next token for this class will be there, after [`SolicitRate::take`] has refused one.
    pub(super) fn ready_at(&self, class: Class) -> Instant {
        self.full_at.checked_sub(self.slack(class)).unwrap_or(self.full_at)
    }

    /// How far from full the bucket may be and still have a token for this class.
    fn slack(&self, class: Class) -> Duration {
        let kept = match class {
            Class::Probe => 0,
            Class::Search => self.burst / 4,
        };
        self.interval * (self.burst - 1 - kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(rate: &mut SolicitRate, class: Class, now: Instant) -> usize {
        (0..1000).take_while(|_| rate.take(class, now)).count()
    }

    #[test]
    fn a_full_bucket_gives_its_burst_and_then_the_rate() {
        let start = Instant::now();
        let mut rate = SolicitRate::new(100, start);
        assert_eq!(taken(&mut rate, Class::Probe, start), 25);
        assert_eq!(taken(&mut rate, Class::Probe, start + Duration::from_millis(100)), 10);
        assert_eq!(taken(&mut rate, Class::Probe, start + Duration::from_secs(3600)), 25);
    }

    #[test]
    fn a_search_leaves_a_quarter_for_probes() {
        let start = Instant::now();
        let mut rate = SolicitRate::new(100, start);
        assert_eq!(taken(&mut rate, Class::Search, start), 19);
        assert_eq!(taken(&mut rate, Class::Probe, start), 6);
    }

    #[test]
    fn a_token_is_there_when_it_was_promised_and_not_before() {
        let start = Instant::now();
        let mut rate = SolicitRate::new(10, start);
        for class in [Class::Search, Class::Probe] {
            taken(&mut rate, class, start);
            let ready = rate.ready_at(class);
            assert!(!rate.clone().take(class, ready - Duration::from_nanos(1)));
            assert!(rate.clone().take(class, ready));
        }
    }

    #[test]
    fn a_rate_of_nothing_is_one_a_second() {
        let start = Instant::now();
        let mut rate = SolicitRate::new(0, start);
        assert_eq!(taken(&mut rate, Class::Probe, start), 4);
        assert_eq!(taken(&mut rate, Class::Probe, start + Duration::from_secs(1)), 1);
    }
}
