//! Opening Linux interfaces: AF_XDP where it works, else AF_PACKET.

use ringway_config::{self as config, Config};
use ringway_pmd::xdp::{self, Batching, Mode, Steer, XdpSettings, ZeroCopy};
use ringway_pmd::{Opened, PortError, PortSettings, packet};
use std::time::Duration;

/// What the driver is told: the port's settings, and what the rest of the configuration asks for.
fn xdp_settings(config: &Config, port: &str, wanted: &config::Xdp) -> XdpSettings {
    XdpSettings {
        mode: match wanted.mode {
            config::XdpMode::Auto => Mode::Auto,
            config::XdpMode::Native => Mode::Native,
            config::XdpMode::Generic => Mode::Generic,
        },
        zero_copy: match wanted.zero_copy {
            config::ZeroCopy::Auto => ZeroCopy::Auto,
            config::ZeroCopy::On => ZeroCopy::On,
            config::ZeroCopy::Off => ZeroCopy::Off,
        },
        busy_poll: wanted.busy_poll,
        defer: wanted.defer_us,
        batching: Batching { frames: wanted.batch, wait: Duration::from_micros(wanted.batch_wait_us.into()) },
        steer: match wanted.steer {
            config::Steer::All => Steer::All,
            config::Steer::Ours => Steer::Ours,
        },
        tagged: config.interfaces.iter().any(|interface| interface.port == port && !interface.vlans.is_empty()),
        frame_size: config.memory.frame_size,
        every_worker: false,
    }
}

/// Opens an interface by AF_XDP.
pub(super) fn open_xdp(
    config: &Config,
    settings: &PortSettings,
    device: &str,
    wanted: &config::Xdp,
) -> Result<Opened, PortError> {
    xdp::open(settings, device, xdp_settings(config, &settings.name, wanted))
}

/// Opens an interface by AF_XDP if that serves every worker and runs in the interface's driver: behind it, it would gain
/// little over AF_PACKET, and superframes of a virtual peer would be lost. Else by AF_PACKET, and a notice says why.
pub(super) fn open_auto(config: &Config, settings: &PortSettings, device: &str) -> Result<Opened, PortError> {
    let wanted = xdp_settings(config, &settings.name, &config::Xdp::default());
    let xdp = XdpSettings { mode: Mode::Native, every_worker: true, ..wanted };
    let why = match xdp::open(settings, device, xdp) {
        Ok(mut opened) => {
            opened.notices.push(format!("port {}: `{device}` is driven by AF_XDP", settings.name));
            return Ok(opened);
        }
        Err(error @ (PortError::NoDevice { .. } | PortError::NotAllowed { .. })) => {
            // The same for AF_PACKET, but perhaps with fewer rights.
            return packet::open(settings, device).map_err(|_| error);
        }
        Err(error) => error,
    };
    let mut opened = packet::open(settings, device)?;
    opened.notices.push(format!(
        "port {}: `{device}` is driven by AF_PACKET, not AF_XDP: {}",
        settings.name,
        why.reason()
    ));
    Ok(opened)
}
