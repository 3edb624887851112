//! `show workers`: where the cycles go.

use std::fmt::Write as _;

use serde::Serialize;

use super::columns::Columns;
use super::{View, per};

/// What each worker does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Workers {
    /// One a worker.
    pub workers: Vec<Worker>,
}

/// One worker. Counts are since the last `clear workers`; cycles are of the time-stamp counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Worker {
    /// The worker's number.
    pub worker: u16,
    /// The core it is pinned to; none when it is not pinned.
    pub core: Option<u16>,
    /// The forwarding mode.
    pub mode: String,
    /// What it is doing: `running`, `stopped`, `gone`, ...
    pub state: String,
    /// Polls that brought at least one packet.
    pub bursts: u64,
    /// Packets received.
    pub packets: u64,
    /// Turns of its loop.
    pub turns: u64,
    /// Turns that found nothing to do.
    pub idle_turns: u64,
    /// Cycles of the turns that were not idle.
    pub busy_cycles: u64,
    /// One a stage, in the order of the pass.
    pub stages: Vec<Stage>,
    /// Packets in a burst.
    pub burst_sizes: Summary,
    /// Cycles of a turn that was not idle.
    pub turn_cycles: Summary,
}

/// One stage of the pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Cycles spent in it.
    pub cycles: u64,
    /// Packets that went through it.
    pub packets: u64,
}

/// A histogram in four numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
pub struct Summary {
    /// Half of all values are no larger.
    pub p50: u64,
    /// Nine of ten values are no larger.
    pub p90: u64,
    /// All but one of a hundred values are no larger.
    pub p99: u64,
    /// The largest value.
    pub max: u64,
}

impl View for Workers {
    fn text(&self) -> String {
        if self.workers.is_empty() {
            return "no workers".into();
        }
        self.workers.iter().map(Worker::paragraph).collect::<Vec<_>>().join("\n\n")
    }

    fn json(&self) -> serde_json::Value {
        let workers = self.workers.iter().map(|worker| {
            let mut json = serde_json::json!(worker);
            json["cycles_per_packet"] = per(worker.busy_cycles, worker.packets).into();
            for (place, stage) in worker.stages.iter().enumerate() {
                json["stages"][place]["cycles_per_packet"] = per(stage.cycles, stage.packets).into();
            }
            json
        });
        serde_json::json!({ "workers": workers.collect::<Vec<_>>() })
    }
}

impl Worker {
    fn paragraph(&self) -> String {
        let core = self.core.map_or_else(|| "any core".to_owned(), |core| format!("core {core}"));
        let mut text = format!("worker {}: {core}, {} {}\n", self.worker, self.mode, self.state);
        let _ = writeln!(
            text,
            "  bursts {} packets {} turns {} idle turns {} ({:.1}%) cycles/packet {:.1}",
            self.bursts,
            self.packets,
            self.turns,
            self.idle_turns,
            100.0 * per(self.idle_turns, self.turns),
            per(self.busy_cycles, self.packets),
        );
        let mut table = Columns::new(&["  stage", "cycles", "packets", "cycles/packet"]);
        for Stage { name, cycles, packets } in &self.stages {
            let each = format!("{:.1}", per(*cycles, *packets));
            table.row(vec![format!("  {name}"), cycles.to_string(), packets.to_string(), each]);
        }
        let _ = writeln!(text, "{}", table.render("  no stage has run"));
        let mut table = Columns::new(&["  histogram", "p50", "p90", "p99", "max"]);
        for (name, of) in [("  burst size", self.burst_sizes), ("  turn cycles", self.turn_cycles)] {
            let mut cells = vec![name.to_owned()];
            cells.extend([of.p50, of.p90, of.p99, of.max].map(|value| value.to_string()));
            table.row(cells);
        }
        text + &table.render("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker() -> Worker {
        Worker {
            worker: 0,
            core: Some(1),
            mode: "l3".into(),
            state: "running".into(),
            bursts: 10,
            packets: 320,
            turns: 100,
            idle_turns: 90,
            busy_cycles: 32000,
            stages: vec![Stage { name: "input".into(), cycles: 6400, packets: 320 }],
            burst_sizes: Summary { p50: 32, p90: 32, p99: 32, max: 32 },
            turn_cycles: Summary { p50: 3000, p90: 3500, p99: 9000, max: 12000 },
        }
    }

    #[test]
    fn cycles_a_packet_are_shown_of_the_worker_and_of_each_stage() {
        let view = Workers { workers: vec![worker()] };
        let text = view.text();
        assert!(text.contains("idle turns 90 (90.0%) cycles/packet 100.0"), "{text}");
        assert!(text.lines().any(|line| line.split_whitespace().eq(["input", "6400", "320", "20.0"])), "{text}");
        assert_eq!(view.json()["workers"][0]["stages"][0]["cycles_per_packet"], 20.0);
    }

    #[test]
    fn a_worker_that_has_done_nothing_divides_by_nothing() {
        let idle = Worker { packets: 0, turns: 0, idle_turns: 0, busy_cycles: 0, stages: Vec::new(), ..worker() };
        let text = Workers { workers: vec![idle] }.text();
        assert!(text.contains("(0.0%) cycles/packet 0.0") && text.contains("no stage has run"), "{text}");
    }
}
