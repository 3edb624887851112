//! Which rows of the table a line can still be, word by word.
//!
//! All rows run in parallel. At each word the rows that have this very word win over all others; else every row goes on
//! that has a word it abbreviates, or an argument it can be. So `po` may be `port` and `pool` until the next word
//! tells, and a line that is still two things at its end is ambiguous: it is refused, never guessed.

use super::argument::{Arguments, Kind, Refusal, Value};
use super::pattern::{self, Element};
use super::table::{Row, rows};

/// A row, and how far the line has got in it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The row.
    pub row: &'static Row,
    remaining: Vec<&'static Element>,
    /// What the words so far have bound.
    pub arguments: Arguments,
    /// The words so far, each abbreviation written in full.
    pub path: Vec<String>,
    /// A word was taken for a name that also abbreviates a word of another row.
    guessed: bool,
}

/// No row goes on with a word. What the arguments that might have been meant say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck(pub Vec<String>);

#[derive(Clone, Copy, PartialEq)]
enum Fit {
    /// The word as it stands in the row.
    Exact,
    /// An abbreviation, or a value that is surely meant.
    Loose,
    /// A name: any word can be one.
    Name,
}

/// Every row, at its start.
pub fn start() -> Vec<Candidate> {
    let candidate = |row: &'static Row| Candidate {
        row,
        remaining: row.elements.iter().collect(),
        arguments: Arguments::default(),
        path: Vec::new(),
        guessed: false,
    };
    rows().iter().map(candidate).collect()
}

/// The candidates that are left after one more word.
///
/// # Errors
/// There is none.
pub fn advance(candidates: &[Candidate], word: &str) -> Result<Vec<Candidate>, Stuck> {
    let mut fits = Vec::new();
    let mut refusals = Vec::new();
    for candidate in candidates {
        for (head, after) in pattern::heads(&candidate.remaining) {
            candidate.step(head, after, word, &mut fits, &mut refusals);
        }
    }
    if fits.iter().any(|(_, fit)| *fit == Fit::Exact) {
        fits.retain(|(_, fit)| *fit == Fit::Exact);
    }
    if fits.is_empty() {
        refusals.dedup();
        return Err(Stuck(refusals));
    }
    // A word that abbreviates what a row says may be a name in another row: `st` of `show port st` is `stats` or a port.
    let abbreviates = fits.iter().any(|(_, fit)| *fit == Fit::Loose);
    let taken = fits.into_iter().map(|(mut candidate, fit)| {
        candidate.guessed |= abbreviates && fit == Fit::Name;
        candidate
    });
    Ok(taken.collect())
}

/// The candidates that need no guess, where there are such.
pub fn settle(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    if candidates.iter().any(|candidate| !candidate.guessed) {
        candidates.retain(|candidate| !candidate.guessed);
    }
    candidates
}

/// What may come next, each thing once.
pub fn expected(candidates: &[Candidate]) -> Vec<&'static Element> {
    let mut expected = Vec::new();
    for candidate in candidates {
        for (head, _) in pattern::heads(&candidate.remaining) {
            if !expected.contains(&head) {
                expected.push(head);
            }
        }
    }
    expected
}

impl Candidate {
    /// Whether the line may end here.
    pub fn complete(&self) -> bool {
        pattern::complete(&self.remaining)
    }

    fn step(
        &self,
        head: &'static Element,
        after: Vec<&'static Element>,
        word: &str,
        fits: &mut Vec<(Self, Fit)>,
        refusals: &mut Vec<String>,
    ) {
        let go_on = |full: &str| {
            let mut path = self.path.clone();
            path.push(full.to_owned());
            Self {
                row: self.row,
                remaining: after.clone(),
                arguments: self.arguments.clone(),
                path,
                guessed: self.guessed,
            }
        };
        match head {
            Element::Literal(literal) => {
                let Some(fit) = fit(literal, word) else { return };
                let mut next = go_on(literal);
                next.arguments.note(literal);
                fits.push((next, fit));
            }
            Element::Argument { name, kind: Kind::Choice(words) } => {
                for choice in words {
                    let Some(fit) = fit(choice, word) else { continue };
                    let mut next = go_on(choice);
                    next.arguments.bind(name, Value::Choice(choice));
                    fits.push((next, fit));
                }
            }
            Element::Argument { name, kind } => match kind.read(word) {
                Ok(value) => {
                    let mut next = go_on(word);
                    next.arguments.bind(name, value);
                    if *kind == Kind::Words {
                        next.remaining.clone_from(&self.remaining);
                    }
                    let named = matches!(kind, Kind::Port) && word.starts_with(|c: char| c.is_alphabetic());
                    fits.push((next, if named && word != "all" { Fit::Name } else { Fit::Loose }));
                }
                Err(Refusal::Because(reason)) => refusals.push(reason),
                Err(Refusal::Unlike) => {}
            },
            // `heads` opens brackets; it never returns one.
            Element::Optional(_) | Element::Repeated(_) => {}
        }
    }
}

fn fit(full: &str, word: &str) -> Option<Fit> {
    if full == word {
        return Some(Fit::Exact);
    }
    (!word.is_empty() && full.starts_with(word)).then_some(Fit::Loose)
}
