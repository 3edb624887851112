//! What is wrong with a line, where in it, and what was meant.

use std::fmt;

use super::argument::Kind;
use super::matcher;
use super::pattern::Element;
use super::table::rows;
use super::words::{Quoted, Word};

/// A line that is not a command.
///
/// `Display` gives several lines: the message, the line with the word marked, and the nearest command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The line, with what would disturb a terminal taken out.
    pub line: String,
    /// Which word, from 1; one past the last when the line ends too early.
    pub word: usize,
    /// Where the mark starts, in characters from 0.
    pub column: usize,
    /// How many characters the mark covers.
    pub width: usize,
    /// What is wrong and what was expected.
    pub message: String,
    /// A line or a pattern that is near.
    pub suggestion: Option<String>,
}

impl std::error::Error for ParseError {}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (column, marks) = (self.column, "^".repeat(self.width));
        write!(f, "word {}: {}\n  {}\n  {:column$}{marks}", self.word, self.message, self.line, "")?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "\ndid you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

impl ParseError {
    /// An error about the bytes `start..end` of `line`, which are its word `word`.
    pub fn at(line: &str, word: usize, start: usize, end: usize, message: String) -> Self {
        // A mark may stand behind the line, where a word is missing.
        let columns = |to: usize| {
            let within = to.min(line.len());
            line[..within].chars().count() + (to - within)
        };
        Self {
            line: printable(line),
            word,
            column: columns(start),
            width: columns(end).saturating_sub(columns(start)).max(1),
            message,
            suggestion: None,
        }
    }

    /// The same, with a suggestion.
    pub fn suggesting(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }
}

/// One character stays one character, so that the mark stands where it should.
pub fn printable(line: &str) -> String {
    let shown = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    line.trim_end().chars().map(shown).collect()
}

/// The expected elements as a list to read.
pub fn list(expected: &[&Element]) -> String {
    let mut items: Vec<String> = Vec::new();
    let mut add = |item: String| {
        if !items.contains(&item) {
            items.push(item);
        }
    };
    for element in expected {
        match element {
            Element::Argument { kind: Kind::Choice(words), .. } => {
                words.iter().for_each(|word| add(format!("`{word}`")));
            }
            Element::Argument { kind, .. } => add(kind.describe()),
            other => add(format!("`{other}`")),
        }
    }
    match items.split_last() {
        None => "the end of the line".into(),
        Some((only, [])) => only.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
    }
}

/// The words that may stand here as they are.
pub fn literals(expected: &[&'static Element]) -> Vec<&'static str> {
    let mut words = Vec::new();
    for element in expected {
        match element {
            Element::Literal(word) => words.push(*word),
            Element::Argument { kind: Kind::Choice(choices), .. } => words.extend(choices),
            _ => {}
        }
    }
    words
}

/// The nearest thing to a line that stuck at `words[at]`: the same line with that word put right, else the pattern
/// whose fixed words are nearest.
pub fn nearest(words: &[Word], at: usize, expected: &[&'static Element]) -> Option<String> {
    put_right(words, at, expected).or_else(|| nearest_row(words))
}

fn put_right(words: &[Word], at: usize, expected: &[&'static Element]) -> Option<String> {
    let wrong = words[at].text.as_str();
    let near = |literal: &str| strsim::damerau_levenshtein(wrong, literal);
    let right = literals(expected).into_iter().min_by_key(|literal| near(literal))?;
    if near(right) > (right.chars().count() / 3).max(1) {
        return None;
    }
    let texts = words.iter().enumerate();
    let texts: Vec<&str> = texts.map(|(place, word)| if place == at { right } else { &word.text }).collect();
    let mut candidates = matcher::start();
    let fits = texts.iter().all(|text| match matcher::advance(&candidates, text) {
        Ok(next) => {
            candidates = next;
            true
        }
        Err(_) => false,
    });
    // What follows may be wrong too; then only what is known to be right is shown.
    let shown = if fits { &texts[..] } else { &texts[..=at] };
    Some(shown.iter().map(|text| Quoted(text).to_string()).collect::<Vec<_>>().join(" "))
}

fn nearest_row(words: &[Word]) -> Option<String> {
    const NEAR: f64 = 0.75;
    let score = |fixed: &[&str]| {
        let typed: Vec<&str> = words.iter().take(fixed.len()).map(|word| word.text.as_str()).collect();
        // Words in the wrong order are the same command: compare them sorted as well.
        let (mut one, mut other) = (typed.clone(), fixed.to_vec());
        one.sort_unstable();
        other.sort_unstable();
        let in_order = strsim::normalized_damerau_levenshtein(&typed.join(" "), &fixed.join(" "));
        in_order.max(strsim::normalized_damerau_levenshtein(&one.join(" "), &other.join(" ")))
    };
    rows()
        .iter()
        .map(|row| {
            let fixed = row.elements.iter().map_while(|element| match element {
                Element::Literal(word) => Some(*word),
                _ => None,
            });
            let fixed = fixed.collect::<Vec<_>>();
            (score(&fixed), fixed.len(), row)
        })
        .filter(|(score, ..)| *score >= NEAR)
        // Of two that are equally near the one with more fixed words says more.
        .max_by(|(one, words, _), (other, more, _)| one.total_cmp(other).then(words.cmp(more)))
        .map(|(.., row)| row.usage())
}
