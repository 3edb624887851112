//! What the modes go by: stations, sizes, retries, the load of `noisy`.

use crate::cli::command::PortSelector;
use crate::cli::reply::Reply;
use crate::cli::testpmd::NoisyLoad;
use crate::control::dealing::Choice;
use crate::control::router::Router;
use crate::dataplane::modes::{ModeSettings, Verbose};
use macaddr::MacAddr6;
use ringway_config::{Mode, Modes, Workers};
use ringway_pmd::VlanSettings;

impl Router {
    /// Brings the settings of the modes into force: `start` does.
    pub(in crate::control) fn adopt_mode_settings(&mut self) {
        self.testpmd.in_force = ModeSettings::of(&self.config, self.testpmd.verbose);
        if self.mode == Mode::L3 {
            self.keep_tags();
        }
    }

    /// The router tells interfaces apart by their tags: no device may take them off.
    fn keep_tags(&mut self) {
        for managed in &mut self.ports {
            let vlan = managed.port.vlan();
            if vlan.strip
                && let Err(error) = managed.port.set_vlan(VlanSettings { strip: false, ..vlan })
            {
                tracing::warn!("{error}; frames of VLANs look untagged there");
            }
        }
    }

    /// `set fwd MODE retry`, or without: the first asks for testpmd's retries unless some are set, the second for none.
    pub(in crate::control) fn set_retry(&mut self, retry: bool) {
        let modes = &mut self.config.modes;
        if !retry {
            modes.retries = 0;
        } else if modes.retries == 0 {
            modes.retries = Modes::RETRY.0;
        }
    }

    /// When a change of settings takes effect, to be said behind it.
    pub(super) fn when_in_force(&self) -> &'static str {
        if self.forwarding { "; takes effect at the next `start`" } else { "" }
    }

    pub(super) fn set_retries(&mut self, delay_us: u16, times: u16) -> Reply {
        self.config.modes.retries = times;
        self.config.modes.retry_delay_us = delay_us;
        Reply::said(format!("retry number={times} - delay between retry={delay_us} us{}", self.when_in_force()))
    }

    pub(super) fn set_peer(&mut self, port: &PortSelector, mac: MacAddr6) -> Result<Reply, String> {
        for number in self.select_ports(port)? {
            self.config.ports[number].eth_peer = Some(mac);
        }
        Ok(Reply::said(format!("frames are sent to {mac}{}", self.when_in_force())))
    }

    pub(super) fn set_packet_sizes(&mut self, sizes: &[u64]) -> Result<Reply, String> {
        let [size] = *sizes else {
            return Err(format!(
                "not supported: packets of {} segments; a packet of ringway has one, `set txpkts SIZE` sets it",
                sizes.len()
            ));
        };
        let (least, most) = (u64::from(Modes::TX_BYTES_MIN), self.longest_frame().min(u64::from(Modes::TX_BYTES_MAX)));
        match u16::try_from(size) {
            Ok(bytes) if (least..=most).contains(&size) => {
                self.config.modes.tx_bytes = bytes;
                Ok(Reply::said(format!("packets of {bytes} bytes{}", self.when_in_force())))
            }
            _ => {
                Err(format!("a packet of {size} bytes cannot be made; {least} to {most} are possible with these ports"))
            }
        }
    }

    /// The longest frame that a buffer of every worker holds.
    fn longest_frame(&self) -> u64 {
        self.workers.iter().map(|worker| worker.frame_bytes as u64).min().unwrap_or(0)
    }

    pub(super) fn set_noisy(&mut self, load: NoisyLoad, amount: u16) -> Result<Reply, String> {
        let modes = &mut self.config.modes;
        if load != NoisyLoad::Flush && amount > 1_000 {
            return Err(format!("{amount} accesses a packet are too many; 1000 is the most"));
        }
        match load {
            NoisyLoad::Reads => modes.noisy_reads = amount,
            NoisyLoad::Writes => modes.noisy_writes = amount,
            NoisyLoad::ReadsWrites => modes.noisy_reads_writes = amount,
            NoisyLoad::Flush => modes.noisy_flush_ms = amount,
        }
        let without = load != NoisyLoad::Flush && modes.noisy_memory_mb == 0;
        let hint = if without {
            "; there is no memory to touch: `noisy_memory_mb` of [modes] makes it at the start"
        } else {
            ""
        };
        Ok(Reply::said(format!("noisy {load} {amount}{hint}{}", self.when_in_force())))
    }

    /// `set verbose` acts at once, as in testpmd: what is shown changes nothing of what is done.
    pub(super) fn set_verbose(&mut self, level: u16) -> Reply {
        let before = std::mem::replace(&mut self.testpmd.verbose, level);
        self.testpmd.in_force.verbose = Verbose::level(level);
        self.publish();
        Reply::said(format!("Change verbose level from {before} to {level}"))
    }

    /// `set default`: as without any command, except for what `noisy` was given at the start.
    pub(super) fn set_default(&mut self) -> Reply {
        let kept = &self.config.modes;
        self.config.modes = Modes {
            topology: kept.topology,
            noisy_buffer: kept.noisy_buffer,
            noisy_memory_mb: kept.noisy_memory_mb,
            ..Modes::default()
        };
        // All ports and all cores, in their order; as in testpmd, the topology stays.
        self.chosen = Choice::new(self.config.modes.topology);
        for port in &mut self.config.ports {
            port.eth_peer = None;
        }
        self.burst = Workers::default().burst;
        self.config.workers.burst = self.burst;
        Reply::said(format!("Reset to default forwarding configuration{}", self.when_in_force()))
    }
}
