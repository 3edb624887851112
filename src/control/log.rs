//! What ringway logs, and how much of it: to the standard error, up to a level that `set log` changes while it runs.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU8, Ordering};
use tracing::Level;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::prelude::*;

/// testpmd's number for what happens, neither trouble nor detail.
const INFORMATION: u8 = 7;

/// The level as testpmd numbers it: 1 emergency to 8 debug.
static LEVEL: AtomicU8 = AtomicU8::new(INFORMATION);

/// Begins to log; called once.
pub fn begin() {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false)
        .without_time()
        .with_ansi(std::io::stderr().is_terminal());
    let up_to_level = dynamic_filter_fn(|event, _| *event.level() <= level(LEVEL.load(Ordering::Relaxed)));
    tracing_subscriber::registry().with(lines.with_filter(up_to_level)).init();
}

/// Logs from now on what is at most so detailed, by testpmd's numbers.
pub fn set_level(number: u8) {
    LEVEL.store(number, Ordering::Relaxed);
}

/// What `tracing` calls it.
fn level(number: u8) -> Level {
    match number {
        0..=4 => Level::ERROR,
        5 => Level::WARN,
        6 | 7 => Level::INFO,
        _ => Level::DEBUG,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn testpmds_levels_are_those_of_the_log() {
        assert_eq!([level(1), level(5), level(7), level(8)], [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG]);
    }
}
