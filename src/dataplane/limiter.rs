//! A token bucket in units of the time-stamp counter: bounds what a flood can make the router send.

/// Tokens come at a steady rate up to a burst; each action takes one.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    /// Cycles that earn one token.
    interval: u64,
    /// Cycles of credit at most: burst times interval.
    limit: u64,
    credit: u64,
    last: u64,
}

impl TokenBucket {
    /// A full bucket. A rate of 0 lets nothing pass.
    pub fn new(per_second: u32, burst: u32, cycles_per_second: u64, now: u64) -> Self {
        let interval = if per_second == 0 { u64::MAX } else { (cycles_per_second / u64::from(per_second)).max(1) };
        let limit = if per_second == 0 { 0 } else { interval.saturating_mul(u64::from(burst.max(1))) };
        Self { interval, limit, credit: limit, last: now }
    }

    /// Takes a token if there is one.
    #[inline]
    pub fn take(&mut self, now: u64) -> bool {
        let earned = now.saturating_sub(self.last);
        self.last = self.last.max(now);
        self.credit = self.credit.saturating_add(earned).min(self.limit);
        if self.credit < self.interval {
            return false;
        }
        self.credit -= self.interval;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_the_burst_then_the_rate() {
        let mut bucket = TokenBucket::new(10, 3, 1000, 0);
        assert_eq!((0..10).filter(|_| bucket.take(0)).count(), 3);
        // One second at ten a second, asked every millisecond.
        assert_eq!((1..=1000).filter(|now| bucket.take(*now)).count(), 10);
    }

    #[test]
    fn a_clock_that_steps_back_earns_nothing() {
        let mut bucket = TokenBucket::new(10, 1, 1000, 5000);
        assert!(bucket.take(5000));
        assert!(!bucket.take(10));
        assert!(!bucket.take(5050));
        assert!(bucket.take(5100));
    }

    #[test]
    fn a_rate_of_zero_lets_nothing_pass() {
        assert!(!TokenBucket::new(0, 50, 1000, 0).take(u64::MAX));
    }
}
