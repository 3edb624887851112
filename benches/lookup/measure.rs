//! Samples in CPU time of the thread, in turn, and what is printed of them.

use crate::tables::Tables;
use std::hint::black_box;

/// Destinations looked up by one call.
pub const BURST: usize = 32;

/// CPU time of this thread that `work` takes.
pub fn cpu_nanoseconds<R>(work: impl FnOnce() -> R) -> f64 {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    };
    let start = now();
    black_box(work());
    now() - start
}

/// Says what is being measured; the results alone go to standard output.
pub fn progress(what: &str) {
    eprintln!("lookup: {what}");
}

/// Calls `lookup` with each burst, the burst after it (empty at the end) and a lane, whose answer it returns. The sum of the answers
/// keeps every lookup in, and tells contestants apart that do not answer alike.
#[inline(always)]
pub fn in_bursts<A>(all: &[A], mut lookup: impl FnMut(&[A], &[A], usize) -> u64) -> u64 {
    let bursts = all.len() / BURST;
    (0..bursts).fold(0, |sum, number| {
        let (burst, rest) = all[number * BURST..].split_at(BURST);
        sum + lookup(burst, &rest[..rest.len().min(BURST)], number % BURST)
    })
}

/// Looks every address up and adds answers.
type Run<'a, A> = dyn Fn(&[A]) -> u64 + 'a;

/// One way to look up.
pub struct Contestant<'a, A> {
    name: &'static str,
    run: Box<Run<'a, A>>,
}

impl<'a, A> Contestant<'a, A> {
    pub fn new(name: &'static str, run: impl Fn(&[A]) -> u64 + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// One figure with all its samples.
#[derive(Debug, serde::Serialize)]
pub struct Figure {
    what: String,
    of: &'static str,
    unit: &'static str,
    median: f64,
    least: f64,
    most: f64,
    samples: Vec<f64>,
}

impl Figure {
    pub fn new(what: &str, of: &'static str, unit: &'static str, samples: Vec<f64>) -> Self {
        let (median, least, most) = spread(&samples);
        Self { what: what.to_owned(), of, unit, median, least, most, samples }
    }
}

#[derive(Debug, serde::Serialize)]
struct Ratio {
    name: String,
    median: f64,
    least: f64,
    most: f64,
    rounds: usize,
}

/// All that was measured.
#[derive(Debug, serde::Serialize)]
pub struct Results {
    machine: String,
    ipv4_table: String,
    ipv6_table: String,
    burst: usize,
    notes: Vec<String>,
    figures: Vec<Figure>,
    ratios: Vec<Ratio>,
}

impl Results {
    pub fn new(tables: &Tables) -> Self {
        Self {
            machine: machine(),
            ipv4_table: format!("{} ({} routes)", tables.ipv4_name, tables.ipv4.len()),
            ipv6_table: format!("{} ({} routes)", tables.ipv6_name, tables.ipv6.len()),
            burst: BURST,
            notes: Vec::new(),
            figures: Vec::new(),
            ratios: Vec::new(),
        }
    }

    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub fn figure(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    /// Measures every contestant once a round, each time another one first; the first contestant is ours.
    pub fn race<A>(&mut self, what: &str, rounds: usize, destinations: &[A], contestants: Vec<Contestant<'_, A>>) {
        progress(what);
        let answers: Vec<u64> = contestants.iter().map(|contestant| (contestant.run)(destinations)).collect();
        for (contestant, answer) in contestants.iter().zip(&answers) {
            assert_eq!(*answer, answers[0], "{} answers otherwise than {}", contestant.name, contestants[0].name);
        }
        let mut samples = vec![Vec::new(); contestants.len()];
        for round in 0..rounds {
            for turn in 0..contestants.len() {
                let which = (round + turn) % contestants.len();
                let run = &contestants[which].run;
                black_box(run(destinations));
                samples[which].push(cpu_nanoseconds(|| run(destinations)) / destinations.len() as f64);
            }
        }
        for (contestant, theirs) in contestants.iter().zip(&samples).skip(1) {
            self.ratio(format!("{what}-over-{}", contestant.name), &samples[0], theirs);
        }
        for (contestant, samples) in contestants.iter().zip(samples) {
            self.figure(Figure::new(what, contestant.name, "ns", samples));
        }
    }

    /// Ours over theirs, round by round.
    pub fn ratio(&mut self, name: String, ours: &[f64], theirs: &[f64]) {
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        let (median, least, most) = spread(&ratios);
        self.ratios.push(Ratio { name, median, least, most, rounds: ratios.len() });
    }

    /// The samples of a figure.
    pub fn samples(&self, what: &str, of: &str) -> Option<Vec<f64>> {
        self.figures.iter().find(|figure| figure.what == what && figure.of == of).map(|figure| figure.samples.clone())
    }

    pub fn print(&self, json: bool) {
        if json {
            println!("{}", serde_json::to_string_pretty(self).expect("the results are plain values"));
            return;
        }
        println!("{}\nIPv4: {}\nIPv6: {}", self.machine, self.ipv4_table, self.ipv6_table);
        self.notes.iter().for_each(|note| println!("{note}"));
        for Figure { what, of, unit, median, least, most, samples } in &self.figures {
            println!("{what:<28} {of:<10} {median:>10.2} {unit} ({least:.2}..{most:.2}, n={})", samples.len());
        }
        for Ratio { name, median, least, most, rounds } in &self.ratios {
            println!("ratio {name} {median:.3} ({least:.3}..{most:.3}, n={rounds})");
        }
    }
}

/// Median, least and most.
fn spread(samples: &[f64]) -> (f64, f64, f64) {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    (sorted[sorted.len() / 2], sorted[0], sorted[sorted.len() - 1])
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let level = ringway_mempool::simd::Level::best();
    format!("{}, {cores} cores, instructions: {level}, burst {BURST}", model.trim_start_matches([' ', '\t', ':']))
}
