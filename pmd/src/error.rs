//! What can go wrong with a port.

use std::io;

/// What can go wrong with a port. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The device is not there.
    #[error("port {port}: there is no interface `{device}`; `ip link` lists them")]
    NoDevice {
        /// The port.
        port: String,
        /// The device.
        device: String,
    },
    /// Rights are missing.
    #[error("port {port}: {what} needs {capability}; run as root or grant it with setcap")]
    NotAllowed {
        /// The port.
        port: String,
        /// What was tried.
        what: String,
        /// The capability.
        capability: &'static str,
    },
    /// The device is in use.
    #[error("port {port}: `{device}` is busy: {reason}")]
    Busy {
        /// The port.
        port: String,
        /// The device.
        device: String,
        /// Who has it, what to do.
        reason: String,
    },
    /// The driver cannot do this.
    #[error("port {port}: the {driver} driver does not support {what}")]
    NotSupported {
        /// The port.
        port: String,
        /// The driver.
        driver: &'static str,
        /// The call.
        what: &'static str,
    },
    /// A value the device refuses.
    #[error("port {port}: {message}")]
    Refused {
        /// The port.
        port: String,
        /// What was refused, why, what to do.
        message: String,
    },
    /// The system refused a call.
    #[error("port {port}: {call} failed: {source}")]
    System {
        /// The port.
        port: String,
        /// The call and its object.
        call: String,
        /// What the kernel said.
        source: io::Error,
    },
}

impl PortError {
    /// What is wrong, without the port's name before it.
    pub fn reason(&self) -> String {
        let text = self.to_string();
        text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason).to_owned()
    }
}
