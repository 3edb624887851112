//! The few commands of ethtool that a port needs. All numbers are in the byte order of the machine.

use crate::Duplex;

/// `ETHTOOL_GFLAGS` and `ETHTOOL_SFLAGS`.
const GET_FLAGS: u32 = 0x25;
const SET_FLAGS: u32 = 0x26;
/// `ETH_FLAG_LRO` and `ETH_FLAG_RXVLAN`.
pub(super) const FLAG_LRO: u32 = 1 << 15;
pub(super) const FLAG_RX_VLAN: u32 = 1 << 8;
/// `ETHTOOL_GGRO` and `ETHTOOL_SGRO`.
const GET_GRO: u32 = 0x2b;
const SET_GRO: u32 = 0x2c;
/// `ETHTOOL_GDRVINFO`.
const GET_DRIVER: u32 = 0x03;
/// `ETHTOOL_GCHANNELS`.
const GET_CHANNELS: u32 = 0x3c;
/// `ETHTOOL_GLINKSETTINGS`.
const GET_LINK_SETTINGS: u32 = 0x4c;
/// `SPEED_UNKNOWN`.
const SPEED_UNKNOWN: u32 = u32::MAX;
/// Words of a link-mode mask at most: the count is an `i8`.
const MASK_WORDS: usize = i8::MAX as usize;

/// A command as the kernel expects it in memory.
///
/// # Safety
/// An implementor is `repr(C)`, holds integers only, starts with its command number, and is as large as the kernel
/// reads and writes for that number.
pub(super) unsafe trait Command {}

/// `struct ethtool_value` with the flags that both commands carry.
#[repr(C)]
pub(super) struct Flags {
    command: u32,
    flags: u32,
}

// SAFETY: ETHTOOL_GFLAGS and ETHTOOL_SFLAGS use a `struct ethtool_value`: two 32-bit words.
unsafe impl Command for Flags {}

impl Flags {
    pub(super) fn read() -> Self {
        Self { command: GET_FLAGS, flags: 0 }
    }

    pub(super) fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The command that changes only this flag.
    pub(super) fn with(&self, flag: u32, on: bool) -> Self {
        let others = self.flags & !flag;
        Self { command: SET_FLAGS, flags: if on { others | flag } else { others } }
    }
}

/// `struct ethtool_value` with generic receive offload on (1) or off (0).
#[repr(C)]
pub(super) struct Gro {
    command: u32,
    on: u32,
}

// SAFETY: ETHTOOL_GGRO and ETHTOOL_SGRO use a `struct ethtool_value`: two 32-bit words.
unsafe impl Command for Gro {}

impl Gro {
    pub(super) fn read() -> Self {
        Self { command: GET_GRO, on: 0 }
    }

    pub(super) fn write(on: bool) -> Self {
        Self { command: SET_GRO, on: on.into() }
    }

    pub(super) fn is_on(&self) -> bool {
        self.on != 0
    }
}

/// `struct ethtool_drvinfo`.
#[repr(C)]
pub(super) struct Driver {
    command: u32,
    driver: [u8; 32],
    version: [u8; 32],
    firmware: [u8; 32],
    bus: [u8; 32],
    rom: [u8; 32],
    reserved: [u8; 12],
    counts: [u32; 5],
}

const _: () = assert!(size_of::<Driver>() == 196, "as in include/uapi/linux/ethtool.h");

// SAFETY: ETHTOOL_GDRVINFO writes one `struct ethtool_drvinfo`.
unsafe impl Command for Driver {}

impl Driver {
    pub(super) fn read() -> Self {
        let (text, counts) = ([0; 32], [0; 5]);
        Self {
            command: GET_DRIVER,
            driver: text,
            version: text,
            firmware: text,
            bus: text,
            rom: text,
            reserved: [0; 12],
            counts,
        }
    }

    /// The driver's name, and the device's address on its bus, empty for a device without hardware.
    pub(super) fn names(&self) -> (String, String) {
        let text = |bytes: &[u8; 32]| {
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        };
        (text(&self.driver), text(&self.bus))
    }
}

/// `struct ethtool_channels`.
#[repr(C)]
pub(super) struct Channels {
    command: u32,
    most: [u32; 4],
    receive: u32,
    transmit: u32,
    other: u32,
    combined: u32,
}

// SAFETY: ETHTOOL_GCHANNELS writes one `struct ethtool_channels`: nine 32-bit words.
unsafe impl Command for Channels {}

impl Channels {
    pub(super) fn read() -> Self {
        Self { command: GET_CHANNELS, most: [0; 4], receive: 0, transmit: 0, other: 0, combined: 0 }
    }

    pub(super) fn receive(&self) -> u32 {
        self.receive.saturating_add(self.combined)
    }
}

/// `struct ethtool_link_settings` with room for the longest masks.
#[repr(C)]
pub(super) struct LinkSettings {
    command: u32,
    speed: u32,
    duplex: u8,
    port: u8,
    phy_address: u8,
    autonegotiation: u8,
    mdio_support: u8,
    mdix: u8,
    mdix_control: u8,
    mask_words: i8,
    transceiver: u8,
    master_slave: [u8; 2],
    rate_matching: u8,
    reserved: [u32; 7],
    masks: [u32; 3 * MASK_WORDS],
}

const _: () = assert!(std::mem::offset_of!(LinkSettings, masks) == 48, "as in include/uapi/linux/ethtool.h");

// SAFETY: ETHTOOL_GLINKSETTINGS writes the structure and three masks of `mask_words` words, which is at most MASK_WORDS.
unsafe impl Command for LinkSettings {}

impl LinkSettings {
    /// With `mask_words` 0 the kernel answers how many words the masks have, as a negative number.
    pub(super) fn ask_for_size() -> Self {
        Self {
            command: GET_LINK_SETTINGS,
            speed: 0,
            duplex: 0,
            port: 0,
            phy_address: 0,
            autonegotiation: 0,
            mdio_support: 0,
            mdix: 0,
            mdix_control: 0,
            mask_words: 0,
            transceiver: 0,
            master_slave: [0; 2],
            rate_matching: 0,
            reserved: [0; 7],
            masks: [0; 3 * MASK_WORDS],
        }
    }

    /// Turns the answer about the size into the real request; false when there was no such answer.
    pub(super) fn prepare_for_answer(&mut self) -> bool {
        self.command = GET_LINK_SETTINGS;
        let words = self.mask_words.checked_neg().filter(|words| *words > 0);
        self.mask_words = words.unwrap_or(0);
        words.is_some()
    }

    /// Speed in Mbit/s and duplex; 0 and all ones both mean that the device does not know.
    pub(super) fn speed(&self) -> (Option<u32>, Option<Duplex>) {
        let speed = Some(self.speed).filter(|speed| *speed != 0 && *speed != SPEED_UNKNOWN);
        let duplex = match self.duplex {
            0 => Some(Duplex::Half),
            1 => Some(Duplex::Full),
            _ => None,
        };
        (speed, duplex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_flags_stay_when_one_changes() {
        let flags = Flags { command: GET_FLAGS, flags: FLAG_LRO | 0x180 };
        assert_eq!(flags.with(FLAG_LRO, false).flags, 0x180);
        assert_eq!(flags.with(FLAG_LRO, false).with(FLAG_LRO, true).flags, FLAG_LRO | 0x180);
        assert_eq!(flags.with(FLAG_RX_VLAN, false).flags, FLAG_LRO | 0x80);
    }

    #[test]
    fn a_size_that_is_no_answer_is_refused() {
        let mut settings = LinkSettings::ask_for_size();
        assert!(!settings.prepare_for_answer());
        settings.mask_words = i8::MIN;
        assert!(!settings.prepare_for_answer());
        settings.mask_words = -4;
        assert!(settings.prepare_for_answer());
        assert_eq!(settings.mask_words, 4);
    }

    #[test]
    fn an_unknown_speed_is_none() {
        let known = LinkSettings { speed: 10_000, duplex: 1, ..LinkSettings::ask_for_size() };
        assert_eq!(known.speed(), (Some(10_000), Some(Duplex::Full)));
        let unknown = LinkSettings { speed: SPEED_UNKNOWN, duplex: 0xff, ..LinkSettings::ask_for_size() };
        assert_eq!(unknown.speed(), (None, None));
    }
}
