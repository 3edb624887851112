//! Multicast listener reports for the groups that we listen to, so that switches that snoop send them here.

use super::Router;
use crate::wire::ipv6::{ALL_MLDV2_ROUTERS, Ipv6, group_mac};
use crate::wire::mld;
use std::net::Ipv6Addr;
use std::time::Instant;

/// Longest report: what every link carries.
const LONGEST: usize = 1280;
/// Records of a report that long.
const RECORDS: usize = 60;

impl Router {
    /// Reports what is due.
    ///
    /// RFC 9777 5.2.13: reports come from our link-local address; while that is tentative (RFC 3590), from the unspecified
    /// one.
    pub(super) fn report_groups(&mut self, number: u16, now: Instant) {
        let link = &mut self.ip6[usize::from(number)];
        let records = link.listener.take(now);
        let source = link.claims.link_local().unwrap_or(Ipv6Addr::UNSPECIFIED);
        for records in records.chunks(RECORDS) {
            let mut packet = [0; LONGEST];
            if let Some(len) = mld::emit_report(&mut packet, source, records) {
                self.send_on_link(number, group_mac(ALL_MLDV2_ROUTERS), &packet[..len]);
            }
        }
    }

    /// Takes a packet that may be a query; says whether it was one.
    pub(in crate::control) fn receive_query(&mut self, now: Instant, number: u16, view: &Ipv6<'_>) -> bool {
        let Some(query) = mld::query(view) else { return false };
        if let Some(link) = self.ip6.get_mut(usize::from(number)) {
            link.listener.asked(now, query);
        }
        true
    }
}
