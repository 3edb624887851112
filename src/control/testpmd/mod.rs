//! What only testpmd's commands know of: settings of its modes, what it records and shows.
//!
//! A change of the modes' settings is desired state like any other: it goes into the configuration at once, and into force at the
//! next `start`.

use super::router::Router;
use crate::dataplane::modes::ModeSettings;
use ringway_config::{Config, Modes};

/// The state behind testpmd's commands.
pub(super) struct Testpmd {
    /// What the workers go by now.
    pub in_force: ModeSettings,
    /// The level of `set verbose`.
    pub verbose: u16,
}

impl Testpmd {
    /// As configured.
    pub fn new(config: &Config) -> Self {
        Self { in_force: ModeSettings::of(config, 0), verbose: 0 }
    }
}

impl Router {
    /// Brings the settings of the modes into force: `start` does.
    pub(super) fn adopt_mode_settings(&mut self) {
        self.testpmd.in_force = ModeSettings::of(&self.config, self.testpmd.verbose);
    }

    /// `set fwd MODE retry`, or without: the first asks for testpmd's retries unless some are set, the second for none.
    pub(super) fn set_retry(&mut self, retry: bool) {
        let modes = &mut self.config.modes;
        if !retry {
            modes.retries = 0;
        } else if modes.retries == 0 {
            modes.retries = Modes::RETRY.0;
        }
    }
}
