//! `show route` and `route get`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde::Serialize;

use super::View;
use super::columns::{Columns, or_dash};
use super::proc;

/// The routes of the RIB, in the order they are to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Routes {
    /// One a route.
    pub routes: Vec<Route>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// What it covers.
    pub prefix: IpNet,
    /// What is done with a packet.
    pub kind: RouteKind,
    /// By which gateway; of several, the first.
    pub gateway: Option<IpAddr>,
    /// Out of which interface.
    pub interface: Option<String>,
    /// Who made it: connected, static, ...
    pub origin: String,
    /// Lower is better.
    pub metric: u32,
    /// Whether it is the one that is used for its prefix.
    pub best: bool,
    /// Its ways, where it has several; or the VRF it is looked up in again.
    pub paths: Vec<String>,
}

/// What a route does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// Forwards it.
    Unicast,
    /// Delivers it to the router itself.
    Local,
    /// It is for everybody on a link.
    Broadcast,
    /// Drops it silently.
    Blackhole,
    /// Drops it with host unreachable.
    Unreachable,
    /// Drops it with communication prohibited.
    Prohibit,
}

impl fmt::Display for RouteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unicast => "unicast",
            Self::Local => "local",
            Self::Broadcast => "broadcast",
            Self::Blackhole => "blackhole",
            Self::Unreachable => "unreachable",
            Self::Prohibit => "prohibit",
        })
    }
}

impl View for Routes {
    fn text(&self) -> String {
        let mut table = Columns::new(&["", "prefix", "kind", "gateway", "interface", "origin", "metric"]);
        for route in &self.routes {
            table.row(vec![
                if route.best { "*" } else { "" }.into(),
                route.prefix.to_string(),
                route.kind.to_string(),
                or_dash(route.gateway),
                or_dash(route.interface.as_ref()),
                route.origin.clone(),
                route.metric.to_string(),
            ]);
            for path in &route.paths {
                let mut cells = vec![String::new(); 5];
                cells[1] = format!("  {path}");
                cells.extend(["".to_owned(), "-".to_owned()]);
                table.row(cells);
            }
        }
        table.render("no routes")
    }

    fn proc(&self) -> Option<String> {
        Some(proc::padded(proc::ROUTE_HEADER, self.routes.iter().filter_map(Route::proc_line)))
    }
}

impl Route {
    /// The line of `/proc/net/route`; that file shows neither the routes to the router itself nor broadcasts.
    fn proc_line(&self) -> Option<String> {
        let IpNet::V4(prefix) = self.prefix else { return None };
        // A silent blackhole has no flag of its own in the kernel; only the two that answer are marked as rejecting.
        let refused = match self.kind {
            RouteKind::Local | RouteKind::Broadcast => return None,
            RouteKind::Unicast | RouteKind::Blackhole => 0,
            RouteKind::Unreachable | RouteKind::Prohibit => proc::RTF_REJECT,
        };
        let gateway = match self.gateway {
            Some(IpAddr::V4(gateway)) => Some(gateway),
            _ => None,
        };
        let by_gateway = if gateway.is_some() { proc::RTF_GATEWAY } else { 0 };
        let host = if prefix.prefix_len() == 32 { proc::RTF_HOST } else { 0 };
        Some(format!(
            "{}\t{}\t{}\t{:04X}\t0\t0\t{}\t{}\t0\t0\t0",
            self.interface.as_deref().unwrap_or("*"),
            proc::word(prefix.network()),
            proc::word(gateway.unwrap_or(Ipv4Addr::UNSPECIFIED)),
            proc::RTF_UP | refused | by_gateway | host,
            self.metric,
            proc::word(prefix.netmask()),
        ))
    }
}

/// Where a packet to one address goes, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteExplanation {
    /// The address that was asked about.
    pub destination: IpAddr,
    /// What was looked at, in order, and what it said.
    pub steps: Vec<String>,
    /// What happens to the packet, in one line.
    pub result: String,
}

impl View for RouteExplanation {
    fn text(&self) -> String {
        let steps = self.steps.iter().enumerate().map(|(place, step)| format!("  {}. {step}\n", place + 1));
        format!("{}\n{}{}", self.destination, steps.collect::<String>(), self.result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(prefix: &str, kind: RouteKind, gateway: Option<&str>, interface: Option<&str>) -> Route {
        Route {
            prefix: prefix.parse().unwrap(),
            kind,
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
            interface: interface.map(str::to_owned),
            origin: "static".into(),
            metric: 0,
            best: true,
            paths: Vec::new(),
        }
    }

    fn proc_lines(routes: Vec<Route>) -> Vec<String> {
        let proc = Routes { routes }.proc().unwrap();
        proc.lines().skip(1).map(|line| line.trim_end_matches(' ').to_owned()).collect()
    }

    /// What a kernel printed for these routes.
    #[test]
    fn routes_look_as_the_kernel_prints_them() {
        let mut prohibited = route("10.3.0.0/16", RouteKind::Prohibit, None, None);
        prohibited.metric = 5;
        let lines = proc_lines(vec![
            route("0.0.0.0/0", RouteKind::Unicast, Some("192.0.2.1"), Some("eth0")),
            route("192.0.2.0/24", RouteKind::Unicast, None, Some("eth0")),
            route("10.1.0.0/16", RouteKind::Blackhole, None, None),
            route("10.2.0.0/16", RouteKind::Unreachable, None, None),
            prohibited,
        ]);
        assert_eq!(lines[0], "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0");
        assert_eq!(lines[1], "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0");
        assert_eq!(lines[2], "*\t0000010A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0");
        assert_eq!(lines[3], "*\t0000020A\t00000000\t0201\t0\t0\t0\t0000FFFF\t0\t0\t0");
        assert_eq!(lines[4], "*\t0000030A\t00000000\t0201\t0\t0\t5\t0000FFFF\t0\t0\t0");
    }

    #[test]
    fn a_host_route_by_a_gateway_has_both_flags() {
        let lines = proc_lines(vec![route("203.0.113.7/32", RouteKind::Unicast, Some("192.0.2.9"), Some("p0"))]);
        assert_eq!(lines, ["p0\t077100CB\t090200C0\t0007\t0\t0\t0\tFFFFFFFF\t0\t0\t0"]);
    }

    #[test]
    fn the_routers_own_addresses_are_not_in_that_file() {
        assert!(proc_lines(vec![route("192.0.2.1/32", RouteKind::Local, None, Some("p0"))]).is_empty());
    }

    #[test]
    fn every_line_of_that_file_is_padded() {
        let routes = Routes { routes: vec![route("10.1.0.0/16", RouteKind::Blackhole, None, None)] };
        assert!(routes.proc().unwrap().lines().all(|line| line.len() == 127));
    }

    #[test]
    fn the_best_route_is_marked() {
        let mut second = route("203.0.113.0/24", RouteKind::Unicast, Some("198.51.100.3"), Some("p1"));
        second.best = false;
        let best = route("203.0.113.0/24", RouteKind::Unicast, Some("198.51.100.2"), Some("p1"));
        let text = Routes { routes: vec![best, second] }.text();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("*  203.0.113.0/24") && lines[2].starts_with("   203.0.113.0/24"), "{text}");
    }

    #[test]
    fn an_explanation_numbers_its_steps() {
        let explanation = RouteExplanation {
            destination: "203.0.113.7".parse().unwrap(),
            steps: vec!["longest match 203.0.113.0/24".into(), "gateway 198.51.100.2 is reachable".into()],
            result: "forwarded by 198.51.100.2 on p1".into(),
        };
        let lines: Vec<String> = explanation.text().lines().map(str::to_owned).collect();
        assert_eq!(lines[2], "  2. gateway 198.51.100.2 is reachable");
        assert_eq!(lines[3], "forwarded by 198.51.100.2 on p1");
    }
}
