//! `[interface.ra]`: what an interface's router advertisements say, and how often (RFC 4861 6.2.1).

use std::net::Ipv6Addr;

use ipnet::Ipv6Net;
use serde::Serialize;

use crate::words::Word;

/// Router advertisements of one interface. The names in parentheses are those of RFC 4861 6.2.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advertise {
    /// Most seconds between two of them (MaxRtrAdvInterval).
    pub max_interval_s: u16,
    /// Fewest seconds between two; `None` is a third of the most (MinRtrAdvInterval).
    pub min_interval_s: Option<u16>,
    /// Seconds for which hosts take the router as a default router; `None` is three times `max_interval_s`; 0: they do
    /// not (AdvDefaultLifetime).
    pub lifetime_s: Option<u16>,
    /// Which of several default routers hosts prefer (RFC 4191).
    pub preference: Preference,
    /// Prefixes to form addresses of; empty: every /64 of the interface's own addresses.
    pub prefixes: Vec<Ipv6Net>,
    /// Seconds for which addresses of the prefixes work (AdvValidLifetime).
    pub valid_s: u32,
    /// Seconds for which they are preferred (AdvPreferredLifetime).
    pub preferred_s: u32,
    /// Whether hosts form addresses of the prefixes by themselves (AdvAutonomousFlag).
    pub autonomous: bool,
    /// MTU told to the hosts; `None` tells the interface's (AdvLinkMTU).
    pub mtu: Option<u16>,
    /// Recursive name servers (RFC 8106).
    pub name_servers: Vec<Ipv6Addr>,
    /// Hop limit told to the hosts; 0 tells none (AdvCurHopLimit).
    pub hop_limit: u8,
    /// Whether addresses come by DHCPv6 (AdvManagedFlag).
    pub managed: bool,
    /// Whether other settings come by DHCPv6 (AdvOtherConfigFlag).
    pub other: bool,
    /// Milliseconds for which hosts take a neighbor as reachable; 0 tells none (AdvReachableTime).
    pub reachable_ms: u32,
    /// Milliseconds between two solicitations of a host; 0 tells none (AdvRetransTimer).
    pub retransmit_ms: u32,
}

impl Default for Advertise {
    fn default() -> Self {
        Self {
            max_interval_s: 600,
            min_interval_s: None,
            lifetime_s: None,
            preference: Preference::Medium,
            prefixes: Vec::new(),
            valid_s: 2_592_000,
            preferred_s: 604_800,
            autonomous: true,
            mtu: None,
            name_servers: Vec::new(),
            hop_limit: 64,
            managed: false,
            other: false,
            reachable_ms: 0,
            retransmit_ms: 0,
        }
    }
}

impl Advertise {
    /// MinRtrAdvInterval. RFC 4861 6.2.1: "Default: 0.33 * MaxRtrAdvInterval If MaxRtrAdvInterval >= 9 seconds; otherwise, the
    /// Default is MaxRtrAdvInterval", as erratum 3154 reads it, and never less than 3 seconds.
    pub fn min_interval_s(&self) -> u16 {
        let third = if self.max_interval_s >= 9 { self.max_interval_s / 3 } else { self.max_interval_s };
        self.min_interval_s.unwrap_or(third.max(3).min(self.max_interval_s))
    }

    /// AdvDefaultLifetime. "Default: 3 * MaxRtrAdvInterval", at most 9000.
    pub fn lifetime_s(&self) -> u16 {
        self.lifetime_s.unwrap_or(self.max_interval_s.saturating_mul(3).min(9000))
    }
}

/// A default router preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Preference {
    /// Taken when nothing else is there.
    Low,
    /// The ordinary one.
    #[default]
    Medium,
    /// Taken before others.
    High,
}

impl Preference {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];
}

impl Word for Preference {
    const WORDS: &'static [(&'static str, Self)] =
        &[("low", Self::Low), ("medium", Self::Medium), ("high", Self::High)];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_follows_the_longest_interval() {
        let default = Advertise::default();
        assert_eq!((default.min_interval_s(), default.lifetime_s()), (200, 1800));
        let short = Advertise { max_interval_s: 4, ..Advertise::default() };
        assert_eq!((short.min_interval_s(), short.lifetime_s()), (4, 12));
        let ten = Advertise { max_interval_s: 10, ..Advertise::default() };
        assert_eq!(ten.min_interval_s(), 3);
        let long = Advertise { max_interval_s: 9000, ..Advertise::default() };
        assert_eq!(long.lifetime_s(), 9000);
    }
}
