//! The time-stamp counter: what the data path reads instead of a clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The counter's value now: on x86-64 the invariant TSC, on AArch64 the generic timer; elsewhere nanoseconds.
#[inline]
pub fn cycles() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: reading the counter touches no memory; every x86-64 processor has it.
        unsafe { core::arch::x86_64::_rdtsc() }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let value: u64;
        // SAFETY: reading the counter touches no memory; Linux lets user space read it.
        unsafe { core::arch::asm!("mrs {}, cntvct_el0", out(reg) value, options(nomem, nostack)) };
        value
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        static START: OnceLock<Instant> = OnceLock::new();
        u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The counter's rate in ticks a second, measured once against the system clock (takes about 20 ms).
pub fn cycles_per_second() -> u64 {
    static RATE: OnceLock<u64> = OnceLock::new();
    *RATE.get_or_init(|| {
        let (start, first) = (Instant::now(), cycles());
        while start.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        let ticks = u128::from(cycles() - first);
        u64::try_from(ticks * 1_000_000_000 / start.elapsed().as_nanos()).unwrap_or(1).max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_advances_at_its_rate() {
        let before = cycles();
        assert!(cycles_per_second() > 0);
        assert!(cycles() > before);
    }
}
