//! Every command there is. One row gives its parsing, its help and its completion; `docs/cli.md` is checked against it.
//!
//! To add a command: a row here, a variant of [`Command`], its canonical form, a line in `docs/cli.md`. The tests of the
//! grammar then build it from random lines, and the control thread does not compile until it executes it.

pub mod absent;
mod change;
mod port;
mod show;
mod testpmd;

use std::fmt;
use std::sync::LazyLock;

use super::argument::Arguments;
use super::pattern::{self, Element, Sequence};
use crate::cli::command::Command;

/// A row as it is written down.
struct Spec {
    section: Section,
    pattern: &'static str,
    summary: &'static str,
    example: &'static str,
    proc: bool,
    build: fn(&Arguments) -> Result<Command, String>,
}

impl Spec {
    const fn new(
        section: Section,
        pattern: &'static str,
        summary: &'static str,
        example: &'static str,
        build: fn(&Arguments) -> Result<Command, String>,
    ) -> Self {
        Self { section, pattern, summary, example, proc: false, build }
    }

    /// The command takes `--format proc`.
    const fn with_proc(mut self) -> Self {
        self.proc = true;
        self
    }
}

/// A row, ready to match.
#[derive(Debug)]
pub struct Row {
    /// The heading it stands under in help.
    pub section: Section,
    /// What a line must look like.
    pub elements: Vec<Element>,
    /// What the command is for.
    pub summary: &'static str,
    /// A line that means something.
    pub example: &'static str,
    /// Whether `--format proc` applies.
    pub proc: bool,
    /// Makes the command of what the line bound; the error says what the line lacks.
    pub build: fn(&Arguments) -> Result<Command, String>,
}

impl Row {
    /// The pattern as help and the documentation show it.
    pub fn usage(&self) -> String {
        Sequence(&self.elements).to_string()
    }
}

/// The headings of help, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// What is forwarded, and how.
    Forwarding,
    /// Ports.
    Ports,
    /// Interfaces.
    Interfaces,
    /// Routes and the route cache.
    Routes,
    /// Neighbors.
    Neighbors,
    /// Buffers, drops, cycles.
    Insight,
    /// Configuration and the prompt itself.
    Session,
}

impl Section {
    /// Every heading, in the order help shows them.
    pub const ALL: [Self; 7] =
        [Self::Forwarding, Self::Ports, Self::Interfaces, Self::Routes, Self::Neighbors, Self::Insight, Self::Session];
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forwarding => "Forwarding",
            Self::Ports => "Ports",
            Self::Interfaces => "Interfaces",
            Self::Routes => "Routes",
            Self::Neighbors => "Neighbors",
            Self::Insight => "Buffers, drops, cycles",
            Self::Session => "Configuration and session",
        })
    }
}

/// The table, compiled at first use.
pub fn rows() -> &'static [Row] {
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
        let specs = show::ROWS.iter().chain(change::ROWS).chain(port::ROWS).chain(testpmd::ROWS);
        specs
            .map(|spec| Row {
                section: spec.section,
                elements: pattern::compile(spec.pattern),
                summary: spec.summary,
                example: spec.example,
                proc: spec.proc,
                build: spec.build,
            })
            .collect()
    });
    &ROWS
}
