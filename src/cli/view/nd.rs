//! `show nd`.

use serde::Serialize;

use super::View;
use super::columns::Columns;

/// What Neighbor Discovery has done since the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Nd {
    /// By name.
    pub counts: Vec<NdCount>,
}

/// One count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NdCount {
    /// What is counted.
    pub name: String,
    /// How often.
    pub count: u64,
}

impl View for Nd {
    fn text(&self) -> String {
        let mut table = Columns::new(&["neighbor discovery", "count"]);
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
        let counts = vec![NdCount { name: "solicitations-for-us".into(), count: 3 }];
        assert!(Nd { counts }.text().lines().nth(1).unwrap().split_whitespace().eq(["solicitations-for-us", "3"]));
    }
}
