//! `[interface.ra]`.

use super::port::{IPV6_MTU_MIN, MTU_MAX};
use crate::Advertise;
use crate::reader::Reader;
use crate::value;

/// RFC 4861 6.2.1: MaxRtrAdvInterval "MUST be no less than 4 seconds and no greater than 1800 seconds".
const INTERVAL_S: std::ops::RangeInclusive<u64> = 4..=1800;
/// AdvDefaultLifetime "MUST be either zero or between MaxRtrAdvInterval and 9000 seconds".
const LIFETIME_S: u64 = 9000;
/// AdvReachableTime "MUST be no greater than 3,600,000 milliseconds (1 hour)".
const HOUR_MS: u64 = 3_600_000;

pub(super) fn read(table: &Reader<'_>) -> Advertise {
    let default = Advertise::default();
    let expected = "a list of prefixes, such as [\"2001:db8:1::/64\"]";
    let prefixes = table.texts("prefixes", expected, value::advertised_prefix);
    let expected = "a list of addresses, such as [\"2001:db8::53\"]";
    let name_servers = table.texts("name_servers", expected, value::name_server);
    let max_interval_s = table.integer_or("max_interval_s", INTERVAL_S, default.max_interval_s);
    let min_interval_s = table.integer::<u16>("min_interval_s", 3..=1800);
    let lifetime_s = table.integer::<u16>("lifetime_s", 0..=LIFETIME_S);
    if let Some(min) = min_interval_s.as_ref().filter(|min| min.value > max_interval_s) {
        let message = format!("min_interval_s = {} is more than max_interval_s = {max_interval_s}", min.value);
        table.sink.report(&min.span, message, "lower it, or raise max_interval_s");
    }
    if let Some(found) = lifetime_s.as_ref().filter(|found| found.value != 0 && found.value < max_interval_s) {
        let message = format!("lifetime_s = {} is less than max_interval_s = {max_interval_s}", found.value);
        table.sink.report(&found.span, message, "raise it, or write 0 for a router that is no default router");
    }
    let valid_s = table.integer_or("valid_s", 0..=u64::from(u32::MAX), default.valid_s);
    let preferred = table.integer::<u32>("preferred_s", 0..=u64::from(u32::MAX));
    if let Some(found) = preferred.as_ref().filter(|found| found.value > valid_s) {
        // "The Preferred Lifetime [...] MUST NOT be larger than AdvValidLifetime."
        let message = format!("preferred_s = {} is more than valid_s = {valid_s}", found.value);
        table.sink.report(&found.span, message, "lower it, or raise valid_s");
    }
    Advertise {
        max_interval_s,
        min_interval_s: min_interval_s.map(|found| found.value),
        lifetime_s: lifetime_s.map(|found| found.value),
        preference: table.word_or("preference", default.preference),
        prefixes: prefixes.iter().map(|prefix| prefix.value).collect(),
        valid_s,
        preferred_s: preferred.map_or(default.preferred_s.min(valid_s), |found| found.value),
        autonomous: table.boolean_or("autonomous", default.autonomous),
        mtu: table.integer("mtu", u64::from(IPV6_MTU_MIN)..=MTU_MAX).map(|mtu| mtu.value),
        name_servers: name_servers.iter().map(|server| server.value).collect(),
        hop_limit: table.integer_or("hop_limit", 0..=255, default.hop_limit),
        managed: table.boolean_or("managed", default.managed),
        other: table.boolean_or("other", default.other),
        reachable_ms: table.integer_or("reachable_ms", 0..=HOUR_MS, default.reachable_ms),
        retransmit_ms: table.integer_or("retransmit_ms", 0..=HOUR_MS, default.retransmit_ms),
    }
}
