//! Destinations to look up.

use fastrand::Rng;
use ipnet::{Ipv4Net, Ipv6Net};
use ringway::fib::next_hop::NextHopIndex;
use std::fmt;

/// Lookups of one pass.
const LOOKUPS: usize = 512 << 10;
/// Flows of the skewed traffic.
const FLOWS: usize = 1_000_000;

/// Which destinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// Any address. (IPv6: any address of 2000::/3.)
    Uniform,
    /// A random host of a random route.
    PerPrefix,
    /// Zipf (exponent 1) over a million such hosts.
    Zipf,
    /// One such host.
    OneFlow,
}

impl Traffic {
    pub const ALL: [Self; 4] = [Self::Uniform, Self::PerPrefix, Self::Zipf, Self::OneFlow];

    pub fn ipv4(self, routes: &[(Ipv4Net, NextHopIndex)]) -> Vec<u32> {
        self.destinations(
            |random| random.u32(..),
            |random| {
                let prefix = routes[random.usize(..routes.len())].0;
                prefix.network().to_bits() | (random.u32(..) & prefix.hostmask().to_bits())
            },
        )
    }

    pub fn ipv6(self, routes: &[(Ipv6Net, NextHopIndex)]) -> Vec<u128> {
        self.destinations(
            |random| 1 << 125 | random.u128(..) >> 3,
            |random| {
                let prefix = routes[random.usize(..routes.len())].0;
                prefix.network().to_bits() | (random.u128(..) & prefix.hostmask().to_bits())
            },
        )
    }

    fn destinations<A: Copy>(self, any: impl Fn(&mut Rng) -> A, host: impl Fn(&mut Rng) -> A) -> Vec<A> {
        let mut random = Rng::with_seed(32);
        match self {
            Self::Uniform => (0..LOOKUPS).map(|_| any(&mut random)).collect(),
            Self::PerPrefix => (0..LOOKUPS).map(|_| host(&mut random)).collect(),
            Self::Zipf => {
                let flows: Vec<A> = (0..FLOWS).map(|_| host(&mut random)).collect();
                // The inverse of the distribution's integral: rank n comes with a frequency of 1/n.
                let rank = |random: &mut Rng| (FLOWS as f64).powf(random.f64()) as usize;
                (0..LOOKUPS).map(|_| flows[rank(&mut random).clamp(1, FLOWS) - 1]).collect()
            }
            Self::OneFlow => vec![host(&mut random); LOOKUPS],
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uniform => "uniform",
            Self::PerPrefix => "per-prefix",
            Self::Zipf => "zipf",
            Self::OneFlow => "one-flow",
        })
    }
}
