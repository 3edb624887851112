//! Gratuitous ARP: an interface that comes up tells its neighbors whose addresses are whose.
//!
//! RFC 5227 2.3: "The host [...] broadcasts ANNOUNCE_NUM ARP Announcements, spaced ANNOUNCE_INTERVAL seconds apart." The
//! same packets make stale entries of a replaced router go away.

use super::router::Router;
use crate::neighbor::arp::Local;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// RFC 5227 1.1: ANNOUNCE_NUM.
const TIMES: u8 = 2;
/// RFC 5227 1.1: ANNOUNCE_INTERVAL.
const INTERVAL: Duration = Duration::from_secs(2);

struct Announcement {
    due: Instant,
    interface: u16,
    address: Ipv4Addr,
    left: u8,
}

/// Announcements that are still to be sent.
#[derive(Default)]
pub(super) struct Announcements {
    waiting: Vec<Announcement>,
}

impl Announcements {
    /// When the next one is due.
    pub fn next(&self) -> Option<Instant> {
        self.waiting.iter().map(|announcement| announcement.due).min()
    }

    /// Forgets those of an interface.
    pub fn cancel(&mut self, interface: u16) {
        self.waiting.retain(|announcement| announcement.interface != interface);
    }
}

impl Router {
    /// Announces every address of an interface, from now on.
    pub(super) fn schedule_announcements(&mut self, interface: u16, now: Instant) {
        self.announcements.cancel(interface);
        for net in &self.interfaces[usize::from(interface)].addresses {
            let announcement = Announcement { due: now, interface, address: net.addr(), left: TIMES };
            self.announcements.waiting.push(announcement);
        }
    }

    /// Sends what is due.
    pub(super) fn announce(&mut self, now: Instant) {
        let mut due = Vec::new();
        self.announcements.waiting.retain_mut(|announcement| {
            if announcement.due > now {
                return true;
            }
            due.push((announcement.interface, announcement.address));
            announcement.due = now + INTERVAL;
            announcement.left -= 1;
            announcement.left > 0
        });
        for (interface, address) in due {
            let there = &self.interfaces[usize::from(interface)];
            let packet = Local { mac: there.mac, addresses: &there.addresses }.announcement(address);
            self.send_arp(interface, &packet, None);
        }
    }
}
