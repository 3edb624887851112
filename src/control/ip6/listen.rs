//! Multicast listener reports for the groups that we listen to, so that switches that snoop send them here.

use super::Router;
use crate::wire::ipv6::{ALL_MLDV2_ROUTERS, Ipv6, group_mac};
use crate::wire::mld;
use ringway_pmd::PortError;
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

    /// Has a port receive the frames of the groups that the interfaces above it listen to. One that cannot filter by group takes
    /// every group: the input stage looks at each frame in any case.
    pub(in crate::control) fn follow_groups(&mut self, number: usize) {
        let above = self.interfaces.iter().zip(&self.ip6).filter(|(one, _)| usize::from(one.port) == number);
        let mut groups: Vec<_> = above.flat_map(|(_, link)| link.groups()).map(group_mac).collect();
        groups.sort_unstable();
        groups.dedup();
        if groups.is_empty() {
            return;
        }
        let port = &mut self.ports[number].port;
        let filters = match port.set_groups(&groups) {
            Ok(()) => true,
            Err(error @ PortError::NotSupported { .. }) => {
                tracing::debug!("{error}; it receives every group");
                false
            }
            Err(error) => {
                tracing::info!("{error}; it receives every group");
                false
            }
        };
        let all = !filters || self.config.ports[number].all_multicast;
        if let Err(error) = port.set_all_multicast(all)
            && !filters
        {
            tracing::warn!("{error}; IPv6 neighbors there may not be heard");
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
