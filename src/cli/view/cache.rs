//! `show cache`.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use serde::Serialize;

use super::columns::{Columns, or_dash};
use super::{View, per, proc};

/// The route caches of every worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caches {
    /// One a worker and family.
    pub caches: Vec<Cache>,
}

/// A family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
    }
}

/// The route cache of one worker for one family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cache {
    /// The worker's number.
    pub worker: u16,
    /// Whose packets it is for.
    pub family: Family,
    /// Entries it has room for.
    pub size: u32,
    /// Lookups that it answered.
    pub hits: u64,
    /// Lookups that it passed on to the FIB.
    pub misses: u64,
    /// Whether it has stepped aside, because it did not pay.
    pub aside: bool,
    /// The valid entries.
    pub entries: Vec<CacheEntry>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CacheEntry {
    /// The destination it is for.
    pub destination: IpAddr,
    /// The source it is for, where the decision depended on it.
    pub source: Option<IpAddr>,
    /// The VRF it is for.
    pub vrf: String,
    /// By which gateway; none when the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// Out of which interface; none when the answer is a drop.
    pub interface: Option<String>,
    /// The MTU of the way, in bytes.
    pub mtu: u16,
    /// Milliseconds since it was filled.
    pub age_ms: u64,
    /// Packets it has served.
    pub uses: u64,
}

impl Cache {
    /// The part of all lookups that it answered, from 0 to 1.
    pub fn hit_rate(&self) -> f64 {
        per(self.hits, self.hits.saturating_add(self.misses))
    }
}

impl View for Caches {
    fn text(&self) -> String {
        let mut text = String::new();
        for cache in &self.caches {
            let state = if cache.aside { "aside, it did not pay" } else { "in use" };
            let family = match cache.family {
                Family::Ipv4 => "IPv4",
                Family::Ipv6 => "IPv6",
            };
            let _ = writeln!(
                text,
                "worker {} {family}: size {} used {} hits {} misses {} hit rate {:.1}% {state}",
                cache.worker,
                cache.size,
                cache.entries.len(),
                cache.hits,
                cache.misses,
                100.0 * cache.hit_rate(),
            );
            let mut table = Columns::new(&["  destination", "source", "vrf", "gateway", "interface", "age ms", "uses"]);
            for entry in &cache.entries {
                table.row(vec![
                    format!("  {}", entry.destination),
                    or_dash(entry.source),
                    entry.vrf.clone(),
                    or_dash(entry.gateway),
                    or_dash(entry.interface.as_ref()),
                    entry.age_ms.to_string(),
                    entry.uses.to_string(),
                ]);
            }
            let _ = writeln!(text, "{}", table.render("  empty"));
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn json(&self) -> serde_json::Value {
        let caches = self.caches.iter().map(|cache| {
            let mut json = serde_json::json!(cache);
            json["hit_rate"] = cache.hit_rate().into();
            json
        });
        serde_json::json!({ "caches": caches.collect::<Vec<_>>() })
    }

    fn proc(&self) -> Option<String> {
        let entries = self.caches.iter().flat_map(|cache| &cache.entries);
        Some(proc::padded(proc::CACHE_HEADER, entries.filter_map(CacheEntry::proc_line)))
    }
}

impl CacheEntry {
    /// The line of `/proc/net/rt_cache`. As there, a destination on the link is its own gateway. What ringway's cache
    /// does not keep is what the kernel printed of an entry that had none: no source, no TOS, HHRef -1.
    fn proc_line(&self) -> Option<String> {
        let IpAddr::V4(destination) = self.destination else { return None };
        let gateway = match self.gateway {
            Some(IpAddr::V4(gateway)) => gateway,
            _ => destination,
        };
        let none = proc::word(Ipv4Addr::UNSPECIFIED);
        Some(format!(
            "{}\t{}\t{}\t{:8X}\t0\t{}\t0\t{none}\t{}\t0\t0\t00\t-1\t0\t{none}",
            self.interface.as_deref().unwrap_or("*"),
            proc::word(destination),
            proc::word(gateway),
            0,
            self.uses,
            self.mtu,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caches() -> Caches {
        let entry = |gateway: Option<&str>| CacheEntry {
            destination: "203.0.113.7".parse().unwrap(),
            source: None,
            vrf: "default".into(),
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
            interface: Some("p1".into()),
            mtu: 1500,
            age_ms: 12,
            uses: 99,
        };
        let entries = vec![entry(Some("198.51.100.2")), entry(None)];
        let family = Family::Ipv4;
        Caches { caches: vec![Cache { worker: 0, family, size: 256, hits: 3, misses: 1, aside: false, entries }] }
    }

    #[test]
    fn an_entry_looks_as_the_kernel_printed_it() {
        let proc = caches().proc().unwrap();
        let lines: Vec<&str> = proc.lines().map(|line| line.trim_end_matches(' ')).collect();
        assert_eq!(
            lines[0],
            "Iface\tDestination\tGateway \tFlags\t\tRefCnt\tUse\tMetric\tSource\t\tMTU\tWindow\tIRTT\tTOS\tHHRef\tHHUptod\tSpecDst"
        );
        assert_eq!(lines[1], "p1\t077100CB\t026433C6\t       0\t0\t99\t0\t00000000\t1500\t0\t0\t00\t-1\t0\t00000000");
    }

    #[test]
    fn a_destination_on_the_link_is_its_own_gateway_in_that_file() {
        let proc = caches().proc().unwrap();
        assert!(proc.lines().nth(2).unwrap().starts_with("p1\t077100CB\t077100CB\t"));
    }

    #[test]
    fn the_hit_rate_is_shown_and_nothing_of_nothing_is_no_panic() {
        assert!(caches().text().contains("hits 3 misses 1 hit rate 75.0% in use"), "{}", caches().text());
        assert_eq!(caches().json()["caches"][0]["hit_rate"], 0.75);
        let empty = Cache { hits: 0, misses: 0, aside: true, entries: Vec::new(), ..caches().caches[0].clone() };
        let text = Caches { caches: vec![empty] }.text();
        assert!(text.contains("hit rate 0.0% aside") && text.contains("empty"), "{text}");
    }
}
