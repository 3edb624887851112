//! When an interface sends router advertisements: RFC 4861 6.2.4 and 6.2.6.
//!
//! Plain logic with the time and the random numbers passed in; what an advertisement says is the caller's.

use std::time::{Duration, Instant};

/// RFC 4861 10: MAX_INITIAL_RTR_ADVERT_INTERVAL.
const INITIAL_INTERVAL: Duration = Duration::from_secs(16);
/// RFC 4861 10: MAX_INITIAL_RTR_ADVERTISEMENTS.
const INITIAL_COUNT: u8 = 3;
/// RFC 4861 10: MIN_DELAY_BETWEEN_RAS.
const APART: Duration = Duration::from_secs(3);
/// RFC 4861 10: MAX_RA_DELAY_TIME.
const DELAY: Duration = Duration::from_millis(500);

/// The schedule of one interface.
#[derive(Debug, Clone)]
pub struct Advertiser {
    /// MinRtrAdvInterval and MaxRtrAdvInterval.
    interval: (Duration, Duration),
    due: Option<Instant>,
    last: Option<Instant>,
    /// Advertisements sent since the interface came up, as far as they matter.
    sent: u8,
    random: fastrand::Rng,
}

impl Advertiser {
    /// A schedule with MinRtrAdvInterval and MaxRtrAdvInterval; nothing is due before [`Advertiser::start`].
    pub fn new(interval: (Duration, Duration), seed: u64) -> Self {
        Self { interval, due: None, last: None, sent: 0, random: fastrand::Rng::with_seed(seed) }
    }

    /// The interface can send from now on.
    pub fn start(&mut self, now: Instant) {
        (self.due, self.sent) = (Some(now), 0);
    }

    /// It cannot any more.
    pub fn stop(&mut self) {
        self.due = None;
    }

    /// Whether it can.
    pub fn is_running(&self) -> bool {
        self.due.is_some()
    }

    /// When the next advertisement is due.
    pub fn next(&self) -> Option<Instant> {
        self.due
    }

    /// A host has asked: the answer goes to every node, soon, and one answer serves all that have asked by then.
    ///
    /// RFC 4861 6.2.6: "Whenever possible, a router [...] computes a random delay within the range 0 through
    /// MAX_RA_DELAY_TIME. If the computed value corresponds to a time later than the time the next multicast Router
    /// Advertisement is scheduled to be sent, ignore the random delay and send the advertisement at the already-scheduled
    /// time"; "If the router sent a multicast Router Advertisement (solicited or unsolicited) within the last
    /// MIN_DELAY_BETWEEN_RAS seconds, schedule the advertisement to be sent at a time corresponding to
    /// MIN_DELAY_BETWEEN_RAS plus the random value after the previous advertisement was sent."
    pub fn solicited(&mut self, now: Instant) {
        let delay = DELAY.mul_f64(self.random.f64());
        let earliest = self.last.map_or(now, |last| now.max(last + APART));
        self.due = self.due.map(|due| due.min(earliest + delay));
    }

    /// Whether an advertisement is to be sent now. Then the next one is scheduled.
    ///
    /// RFC 4861 6.2.4: "Whenever a multicast advertisement is sent from an interface, the timer is reset to a
    /// uniformly distributed random value between the interface's configured MinRtrAdvInterval and MaxRtrAdvInterval"; "For
    /// the first few advertisements (up to MAX_INITIAL_RTR_ADVERTISEMENTS) [...], if the randomly chosen interval is
    /// greater than MAX_INITIAL_RTR_ADVERT_INTERVAL, the timer SHOULD be set to MAX_INITIAL_RTR_ADVERT_INTERVAL".
    pub fn take(&mut self, now: Instant) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        let (least, most) = self.interval;
        let mut wait = least + most.saturating_sub(least).mul_f64(self.random.f64());
        if self.sent < INITIAL_COUNT {
            self.sent += 1;
            wait = wait.min(INITIAL_INTERVAL);
        }
        (self.last, self.due) = (Some(now), Some(now + wait));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn advertiser() -> Advertiser {
        Advertiser::new((200 * SECOND, 600 * SECOND), 1)
    }

    #[test]
    fn the_first_three_follow_within_sixteen_seconds_and_the_rest_within_the_interval() {
        let (mut advertiser, start) = (advertiser(), Instant::now());
        assert!(!advertiser.take(start), "not started");
        advertiser.start(start);
        let mut now = start;
        for count in 0..20 {
            assert!(advertiser.take(now));
            assert!(!advertiser.take(now), "one at a time");
            let wait = advertiser.next().unwrap() - now;
            let expected = if count < 3 { Duration::ZERO..=16 * SECOND } else { 200 * SECOND..=600 * SECOND };
            assert!(expected.contains(&wait), "{wait:?} after {count}");
            now += wait;
        }
    }

    #[test]
    fn solicitations_are_answered_soon_together_and_three_seconds_apart() {
        let (mut advertiser, start) = (advertiser(), Instant::now());
        advertiser.start(start);
        advertiser.take(start);
        advertiser.solicited(start + SECOND);
        let first = advertiser.next().unwrap();
        assert!((start + 3 * SECOND..=start + 3 * SECOND + DELAY).contains(&first));
        advertiser.solicited(start + 2 * SECOND);
        assert!(advertiser.next().unwrap() <= first, "never later than what was promised");
        advertiser.take(first);
        advertiser.solicited(first + 100 * SECOND);
        assert!(advertiser.next().unwrap() <= first + 100 * SECOND + DELAY);
    }

    #[test]
    fn an_interface_that_cannot_send_owes_nothing() {
        let (mut advertiser, now) = (advertiser(), Instant::now());
        advertiser.start(now);
        advertiser.stop();
        advertiser.solicited(now);
        assert!(!advertiser.is_running() && advertiser.next().is_none());
    }
}
