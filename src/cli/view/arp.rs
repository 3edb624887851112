//! `show arp`.

use serde::Serialize;

use super::View;
use super::columns::Columns;

/// What address resolution has done since the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arp {
    /// By name.
    pub counts: Vec<ArpCount>,
}

/// One count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArpCount {
    /// What is counted.
    pub name: String,
    /// How often.
    pub count: u64,
}

impl View for Arp {
    fn text(&self) -> String {
        let mut table = Columns::new(&["address resolution", "count"]);
        for count in &self.counts {
            table.row(vec![count.name.clone(), count.count.to_string()]);
        }
        table.render("nothing counted")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_has_a_line() {
        let counts = vec![ArpCount { name: "requests-sent".into(), count: 3 }];
        assert!(Arp { counts }.text().lines().nth(1).unwrap().split_whitespace().eq(["requests-sent", "3"]));
    }
}
