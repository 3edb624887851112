//! `show fib zones`.

use serde::Serialize;

use super::View;
use super::columns::Columns;

/// The FIB by prefix length, as the kernel of old kept a zone for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FibZones {
    /// The lengths that have IPv4 routes, in order.
    pub zones: Vec<FibZone>,
    /// The lengths that have IPv6 routes, in order.
    pub zones6: Vec<FibZone>,
    /// Bytes that the compiled lookup takes.
    pub memory_bytes: u64,
    /// How often the FIB has been compiled; caches compare it.
    pub generation: u64,
}

/// One prefix length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FibZone {
    /// The prefix length.
    pub length: u8,
    /// Routes of that length.
    pub routes: u64,
}

impl View for FibZones {
    fn text(&self) -> String {
        let mut table = Columns::new(&["zone", "routes"]);
        for zone in &self.zones {
            table.row(vec![format!("/{}", zone.length), zone.routes.to_string()]);
        }
        for zone in &self.zones6 {
            table.row(vec![format!("ipv6 /{}", zone.length), zone.routes.to_string()]);
        }
        let routes: u64 = self.zones.iter().chain(&self.zones6).map(|zone| zone.routes).sum();
        let zones = table.render("no routes");
        format!("{zones}\nroutes {routes} memory {} bytes generation {}", self.memory_bytes, self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_listed_and_summed() {
        let zones = vec![FibZone { length: 0, routes: 1 }, FibZone { length: 24, routes: 20 }];
        let text = FibZones { zones, zones6: Vec::new(), memory_bytes: 4096, generation: 7 }.text();
        assert_eq!(text, "zone  routes\n/0         1\n/24       20\nroutes 21 memory 4096 bytes generation 7");
    }
}
