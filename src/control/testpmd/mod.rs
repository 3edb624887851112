//! What only testpmd's commands know of: settings of its modes, what it records and shows.
//!
//! A change of the modes' settings is desired state like any other: it goes into the configuration at once, and into force at the
//! next `start`.

mod checksums;
mod execute;
mod observed;
mod ports;
mod settings;
mod streams;

use crate::dataplane::modes::ModeSettings;
use ringway_config::Config;
use std::time::Instant;

/// The state behind testpmd's commands.
pub(super) struct Testpmd {
    /// What the workers go by now.
    pub in_force: ModeSettings,
    /// The level of `set verbose`.
    pub verbose: u16,
    /// The forward statistics tell cycles a packet.
    pub record_cycles: bool,
    /// The forward statistics tell how full bursts were.
    pub record_bursts: bool,
    /// Packets not shown, as far as it was said, and when.
    not_shown: (u64, Instant),
}

impl Testpmd {
    /// As configured. Cycles are counted in any case, so they are shown unless told otherwise.
    pub fn new(config: &Config) -> Self {
        Self {
            in_force: ModeSettings::of(config, 0),
            verbose: 0,
            record_cycles: true,
            record_bursts: false,
            not_shown: (0, Instant::now()),
        }
    }
}
