//! `show drops`.

use serde::Serialize;

use super::View;

/// What was dropped, by reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drops {
    /// One a reason.
    pub drops: Vec<DropCount>,
    /// Whether the reasons that have counted nothing are shown too.
    #[serde(skip)]
    pub all: bool,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DropCount {
    /// The reason's name, one word.
    pub reason: String,
    /// What it means, in a sentence.
    pub description: String,
    /// Packets since the last `clear drops`, one count a worker.
    pub workers: Vec<u64>,
    /// Packets since ringway started, in all workers.
    pub since_start: u64,
}

impl DropCount {
    /// Packets since the last `clear drops`, in all workers.
    pub fn sum(&self) -> u64 {
        self.workers.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl Drops {
    fn shown(&self) -> impl Iterator<Item = &DropCount> {
        self.drops.iter().filter(|drop| self.all || drop.sum() > 0)
    }
}

impl View for Drops {
    fn text(&self) -> String {
        let width = self.shown().map(|drop| drop.reason.len()).max().unwrap_or(0).max("reason".len());
        let workers = self.drops.iter().map(|drop| drop.workers.len()).max().unwrap_or(0);
        // With one worker its count is the sum.
        let columns = if workers > 1 { workers } else { 0 };
        let heads = (0..columns).map(|worker| format!("{:>14}", format!("worker {worker}")));
        let mut lines = vec![format!(
            "{:width$}{:>14}{}{:>14}  meaning",
            "reason",
            "packets",
            heads.collect::<String>(),
            "since start"
        )];
        for drop in self.shown() {
            let counts = drop.workers.iter().take(columns).map(|count| format!("{count:>14}"));
            lines.push(format!(
                "{:width$}{:>14}{}{:>14}  {}",
                drop.reason,
                drop.sum(),
                counts.collect::<String>(),
                drop.since_start,
                drop.description
            ));
        }
        if lines.len() == 1 {
            return "nothing was dropped".into();
        }
        lines.join("\n")
    }

    fn json(&self) -> serde_json::Value {
        let drops = self.shown().map(|drop| {
            let mut json = serde_json::json!(drop);
            json["packets"] = drop.sum().into();
            json
        });
        serde_json::json!({ "drops": drops.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drops(all: bool) -> Drops {
        let count = |reason: &str, workers: &[u64], since_start| DropCount {
            reason: reason.into(),
            description: "why".into(),
            workers: workers.to_vec(),
            since_start,
        };
        Drops { drops: vec![count("no_route", &[2, 3], 9), count("bad_checksum", &[0, 0], 4)], all }
    }

    #[test]
    fn a_reason_shows_its_workers_and_their_sum() {
        let text = drops(false).text();
        let row: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(row, ["no_route", "5", "2", "3", "9", "why"]);
        assert_eq!(drops(false).json()["drops"][0]["packets"], 5);
    }

    #[test]
    fn a_reason_at_zero_is_shown_only_when_asked_for() {
        assert_eq!(drops(false).text().lines().count(), 2);
        assert_eq!(drops(true).text().lines().count(), 3);
        assert_eq!(drops(true).json()["drops"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn no_drop_at_all_says_so() {
        assert_eq!(Drops { drops: Vec::new(), all: false }.text(), "nothing was dropped");
    }
}
