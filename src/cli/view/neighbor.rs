//! `show neighbor`.

use std::fmt;
use std::net::IpAddr;

use macaddr::MacAddr6;
use serde::Serialize;

use super::View;
use super::columns::{Columns, or_dash};
use super::proc;

/// Who is on the links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Neighbors {
    /// One a neighbor.
    pub neighbors: Vec<Neighbor>,
}

/// One neighbor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Neighbor {
    /// Its on-link address.
    pub address: IpAddr,
    /// Its MAC address, when it is known.
    #[serde(serialize_with = "super::interface::optional_mac")]
    pub mac: Option<MacAddr6>,
    /// The interface it is reached by.
    pub interface: String,
    /// How much is known of it.
    pub state: NeighborState,
    /// Seconds since it was last confirmed; for an incomplete one since it was first asked for. None for a static one.
    pub age_s: Option<u64>,
    /// Packets that wait for its MAC address, in all workers.
    pub held: u32,
    /// It says of itself that it is a router (IPv6 only: ARP does not tell).
    pub router: bool,
}

/// The states of RFC 4861 section 7.3.2, for ARP and ND alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NeighborState {
    /// Asked for, not yet answered.
    Incomplete,
    /// Confirmed a short while ago.
    Reachable,
    /// Known, not confirmed for a while; packets go to it all the same.
    Stale,
    /// Packets went to a stale one; waiting for a sign of life before asking.
    Delay,
    /// Being asked whether it is still there.
    Probe,
    /// Did not answer.
    Failed,
    /// From the configuration or `neighbor add`; never ages.
    Static,
}

impl fmt::Display for NeighborState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Incomplete => "incomplete",
            Self::Reachable => "reachable",
            Self::Stale => "stale",
            Self::Delay => "delay",
            Self::Probe => "probe",
            Self::Failed => "failed",
            Self::Static => "static",
        })
    }
}

impl View for Neighbors {
    fn text(&self) -> String {
        let mut table = Columns::new(&["address", "mac", "interface", "state", "age", "held", "router"]);
        for neighbor in &self.neighbors {
            table.row(vec![
                neighbor.address.to_string(),
                or_dash(neighbor.mac.map(super::interface::mac_text)),
                neighbor.interface.clone(),
                neighbor.state.to_string(),
                or_dash(neighbor.age_s),
                neighbor.held.to_string(),
                or_dash(neighbor.router.then_some("yes")),
            ]);
        }
        table.render("no neighbors")
    }

    fn proc(&self) -> Option<String> {
        let lines = self.neighbors.iter().filter_map(Neighbor::proc_line);
        Some(std::iter::once(proc::ARP_HEADER.to_owned()).chain(lines).collect::<Vec<_>>().join("\n"))
    }
}

impl Neighbor {
    fn proc_line(&self) -> Option<String> {
        let IpAddr::V4(address) = self.address else { return None };
        let flags = match self.state {
            NeighborState::Incomplete | NeighborState::Failed => 0,
            NeighborState::Static => proc::ATF_COM | proc::ATF_PERM,
            NeighborState::Reachable | NeighborState::Stale | NeighborState::Delay | NeighborState::Probe => {
                proc::ATF_COM
            }
        };
        let mac = super::interface::mac_text(self.mac.unwrap_or_default());
        // 0x1 is ARPHRD_ETHER.
        let address = address.to_string();
        Some(format!("{address:16} 0x{:<10x}0x{flags:<10x}{mac:17}     *        {}", 1, self.interface))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbor(state: NeighborState, mac: Option<[u8; 6]>) -> Neighbor {
        Neighbor {
            address: "192.0.2.1".parse().unwrap(),
            mac: mac.map(MacAddr6::from),
            interface: "eth0".into(),
            state,
            age_s: Some(3),
            held: 0,
            router: false,
        }
    }

    fn proc_line(neighbor: Neighbor) -> String {
        Neighbors { neighbors: vec![neighbor] }.proc().unwrap().lines().nth(1).unwrap().to_owned()
    }

    const MAC: Option<[u8; 6]> = Some([0x02, 0xfc, 0, 0, 0, 0x05]);

    /// What a kernel printed for this neighbor.
    #[test]
    fn a_neighbor_looks_as_the_kernel_prints_it() {
        assert_eq!(
            proc_line(neighbor(NeighborState::Reachable, MAC)),
            "192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0"
        );
    }

    #[test]
    fn a_static_neighbor_is_complete_and_permanent() {
        assert_eq!(
            proc_line(neighbor(NeighborState::Static, MAC)),
            "192.0.2.1        0x1         0x6         02:fc:00:00:00:05     *        eth0"
        );
    }

    #[test]
    fn an_incomplete_neighbor_has_no_flags_and_a_zero_mac() {
        assert_eq!(
            proc_line(neighbor(NeighborState::Incomplete, None)),
            "192.0.2.1        0x1         0x0         00:00:00:00:00:00     *        eth0"
        );
    }

    #[test]
    fn text_and_json_show_the_mac_in_lower_case() {
        let view = Neighbors { neighbors: vec![neighbor(NeighborState::Stale, MAC)] };
        assert!(
            view.text().contains("192.0.2.1  02:fc:00:00:00:05  eth0       stale    3     0       -"),
            "{}",
            view.text()
        );
        assert_eq!(view.json()["neighbors"][0]["mac"], "02:fc:00:00:00:05");
        assert_eq!(view.json()["neighbors"][0]["state"], "stale");
    }
}
