//! The route tables: real ones where there are files, else those that ringway makes.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ringway::fib::load::RouteFile;
use ringway::fib::next_hop::NextHopIndex;
use ringway::fib::synthetic;
use std::path::Path;

/// Both tables, sorted, each prefix once.
pub struct Tables {
    pub ipv4: Vec<(Ipv4Net, NextHopIndex)>,
    pub ipv6: Vec<(Ipv6Net, NextHopIndex)>,
    pub ipv4_name: String,
    pub ipv6_name: String,
}

impl Tables {
    pub fn open(folder: &Path, synthetic_only: bool) -> Self {
        let files: Vec<_> = ["bgp4-rotonda-bsd3.txt.xz", "bgp6-bart-mit.txt.xz"].map(|name| folder.join(name)).into();
        if synthetic_only || !files.iter().all(|file| file.exists()) {
            return Self {
                ipv4: synthetic::ipv4(synthetic::IPV4_ROUTES),
                ipv6: synthetic::ipv6(synthetic::IPV6_ROUTES),
                ipv4_name: "made by ringway".into(),
                ipv6_name: "made by ringway".into(),
            };
        }
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        for file in &files {
            let routes = RouteFile::open(file).unwrap_or_else(|error| panic!("{error}"));
            for route in routes {
                let route = route.unwrap_or_else(|error| panic!("{error}"));
                match route.prefix {
                    // An odd one, which hides half of the address space from the lengths that matter.
                    IpNet::V4(prefix) if prefix.prefix_len() < 8 => {}
                    IpNet::V4(prefix) => ipv4.push((prefix, next_hop(route.via.origin_as.unwrap_or_default()))),
                    IpNet::V6(prefix) => {
                        // No AS is known: neighbors under one /32 are taken for one.
                        let owner = (prefix.network().to_bits() >> 96) as u32;
                        ipv6.push((prefix, next_hop(owner)));
                    }
                }
            }
        }
        ipv4.sort_unstable();
        ipv6.sort_unstable();
        let name = |file: &Path| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { ipv4, ipv6, ipv4_name: name(&files[0]), ipv6_name: name(&files[1]) }
    }
}

/// One of 64 next hops, by a hash of the owner.
fn next_hop(owner: u32) -> NextHopIndex {
    NextHopIndex((owner.wrapping_mul(0x9e37_79b1) >> 26) as u16 % synthetic::NEXT_HOPS + 1)
}
