//! Deferred receive work: instead of at each frame's interrupt, or at each frame of a virtual peer, the kernel receives what has
//! come by the end of a timer. `napi_defer_hard_irqs` and `gro_flush_timeout` of the interface tell it so.
//!
//! Read first: `Documentation/networking/napi.rst` of the kernel, "Software IRQ coalescing".

use super::interface::Interface;
use std::io;

/// Rounds without a frame after which the kernel goes back to interrupts.
const ROUNDS: u32 = 2;

/// How the kernel defers the receive work of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deferral {
    /// Rounds of the timer without a frame, before interrupts are used again.
    pub rounds: u32,
    /// Nanoseconds of the timer; 0 for none.
    pub timer_ns: u64,
}

impl Deferral {
    /// By a timer of so many microseconds.
    pub(crate) fn of(microseconds: u32) -> Self {
        Self { rounds: ROUNDS, timer_ns: u64::from(microseconds) * 1000 }
    }
}

impl Interface {
    /// How receive work is deferred; an error where the kernel cannot be asked, before 5.7 or without sysfs.
    pub(crate) fn deferral(&self) -> io::Result<Deferral> {
        Ok(Deferral { rounds: self.attribute("napi_defer_hard_irqs")?, timer_ns: self.attribute("gro_flush_timeout")? })
    }

    pub(crate) fn set_deferral(&self, deferral: Deferral) -> io::Result<()> {
        self.set_attribute("napi_defer_hard_irqs", deferral.rounds.into())?;
        self.set_attribute("gro_flush_timeout", deferral.timer_ns)
    }

    fn attribute<T: std::str::FromStr>(&self, name: &str) -> io::Result<T> {
        let text = std::fs::read_to_string(self.attribute_path(name)?)?;
        text.trim().parse().map_err(|_| io::ErrorKind::InvalidData.into())
    }

    fn set_attribute(&self, name: &str, value: u64) -> io::Result<()> {
        std::fs::write(self.attribute_path(name)?, value.to_string())
    }

    /// The sysfs mounted here may be another namespace's, with another device of that name.
    fn attribute_path(&self, name: &str) -> io::Result<String> {
        let folder = format!("/sys/class/net/{}", self.name()?);
        let index = std::fs::read_to_string(format!("{folder}/ifindex"))?;
        if index.trim() != self.index().to_string() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(format!("{folder}/{name}"))
    }
}
