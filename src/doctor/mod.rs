//! `ringway doctor`: what this machine has and lacks for DPDK, AF_XDP and huge pages, and how to get it.
//!
//! It reads what the kernel tells and changes nothing: no device is opened, no program attached.

mod cores;
mod dpdk;
mod files;
mod pages;
mod xdp;

use serde::Serialize;
use std::fmt;

/// What is known of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// Works, and could be better.
    Note,
    /// Something does not work without it.
    Missing,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub subject: String,
    /// How it is.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do, where there is something to be done.
    pub remedy: Option<String>,
}

impl Finding {
    fn new(state: State, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { subject: subject.into(), state, found: found.into(), remedy: None }
    }

    fn ok(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(State::Ok, subject, found)
    }

    fn note(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(State::Note, subject, found)
    }

    fn missing(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(State::Missing, subject, found)
    }

    fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

/// The findings of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// What they are about.
    pub title: &'static str,
    /// Line by line.
    pub findings: Vec<Finding>,
}

/// The whole report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// By subject.
    pub sections: Vec<Section>,
}

/// Looks at this machine, as this process sees it.
pub fn examine() -> Report {
    let sections = vec![
        Section { title: "AF_XDP", findings: xdp::examine() },
        Section { title: "DPDK", findings: dpdk::examine() },
        Section { title: "huge pages and memory", findings: pages::examine() },
        Section { title: "cores", findings: cores::examine() },
    ];
    Report { sections }
}

impl Report {
    /// Things without which something does not work.
    pub fn missing(&self) -> usize {
        let findings = self.sections.iter().flat_map(|section| &section.findings);
        findings.filter(|finding| finding.state == State::Missing).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for section in &self.sections {
            writeln!(f, "{}", section.title)?;
            let width = section.findings.iter().map(|finding| finding.subject.len()).max().unwrap_or(0);
            for finding in &section.findings {
                let mark = match finding.state {
                    State::Ok => "ok",
                    State::Note => "note",
                    State::Missing => "missing",
                };
                writeln!(f, "  {mark:<7}  {:<width$}  {}", finding.subject, finding.found)?;
                if let Some(remedy) = &finding.remedy {
                    writeln!(f, "  {:<7}  {:<width$}  -> {remedy}", "", "")?;
                }
            }
            writeln!(f)?;
        }
        match self.missing() {
            0 => write!(f, "nothing is missing"),
            count => write!(f, "{count} missing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_is_looked_at_on_any_machine() {
        let report = examine();
        assert!(report.sections.iter().all(|section| !section.findings.is_empty()), "{report}");
        let actionable = |finding: &&Finding| finding.state == State::Missing && finding.remedy.is_none();
        let findings: Vec<_> =
            report.sections.iter().flat_map(|section| &section.findings).filter(actionable).collect();
        assert!(findings.is_empty(), "what is missing has a remedy: {findings:?}");
    }

    #[test]
    fn the_text_ends_with_the_count() {
        let finding = Finding::missing("huge pages", "none").remedy("reserve some");
        let report = Report { sections: vec![Section { title: "pages", findings: vec![finding] }] };
        assert_eq!(
            report.to_string(),
            "pages\n  missing  huge pages  none\n                       -> reserve some\n\n1 missing"
        );
    }
}
