//! One grammar for the prompt, `ringway cli COMMAND`, batch files and the socket.
//!
//! A table of patterns ([`table`], in the language of [`pattern`]) gives the parsing, the help and the completion of
//! every command, so the three cannot disagree. A line is cut into [`words`], its options are taken out, and the
//! [`matcher`] runs the rest against all rows at once. Abbreviations are accepted as long as the line can be one command only. What is
//! wrong with a line is said with the word marked, what was expected there, and the nearest command ([`error`]).

pub mod argument;
pub mod complete;
pub mod error;
pub mod help;
pub mod matcher;
pub mod pattern;
pub mod table;
pub mod words;

use std::fmt;

use super::command::Command;
use error::ParseError;
use matcher::{Candidate, Stuck};
use words::{OpenQuote, Word};

/// How the answer is wanted; `--json` and `--format proc` anywhere in a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// As JSON.
    pub json: bool,
    /// As the file in `/proc/net` that shows the same.
    pub proc: bool,
}

/// A line that is a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What to do.
    pub command: Command,
    /// How to answer.
    pub options: Options,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = if self.options.json { " --json" } else { "" };
        let proc = if self.options.proc { " --format proc" } else { "" };
        write!(f, "{}{json}{proc}", self.command)
    }
}

/// Reads a line; `None` when there is nothing in it but white space or a comment.
///
/// A `?` as the last word asks for help on the words before it.
///
/// # Errors
/// The line is not a command; the error shows where and what was expected.
pub fn parse(line: &str) -> Result<Option<Line>, ParseError> {
    let reading = Reading::of(line)?;
    let Some((last, before)) = reading.words.split_last() else {
        return if reading.count == 0 { Ok(None) } else { Err(reading.too_short(&matcher::start())) };
    };
    if last.text == "?" && !last.quoted {
        let words = before.iter().map(|word| word.text.clone()).collect();
        return Ok(Some(Line { command: Command::Help { words }, options: Options::default() }));
    }
    let found = match reading.find() {
        Ok(found) => found,
        Err(error) => return reading.not_supported().map(Some).ok_or(error),
    };
    let options = reading.options_for(&found)?;
    let command = (found.row.build)(&found.arguments).map_err(|lacks| reading.behind(lacks))?;
    Ok(Some(Line { command, options }))
}

/// A line with its options taken out.
struct Reading<'l> {
    line: &'l str,
    /// The words that are no options.
    words: Vec<Word>,
    /// How many words there are, options included, and where the last one ends.
    count: usize,
    end: usize,
    json: bool,
    /// Where `--format proc` stands: its word number and its bytes.
    proc: Option<(usize, usize, usize)>,
}

impl<'l> Reading<'l> {
    fn of(line: &'l str) -> Result<Self, ParseError> {
        let all = words::split(line).map_err(|OpenQuote(at)| {
            let word = line[..at].split_whitespace().count() + 1;
            ParseError::at(line, word, at, at + 1, "this quote is not closed".into())
        })?;
        let (count, end) = (all.len(), all.last().map_or(0, |word| word.end));
        let mut reading = Self { line, words: Vec::new(), count, end, json: false, proc: None };
        let mut all = all.into_iter();
        while let Some(word) = all.next() {
            if word.quoted || !word.text.starts_with("--") {
                reading.words.push(word);
            } else if word.text == "--json" {
                reading.json = true;
            } else {
                reading.proc = Some(reading.format(&word, &mut all)?);
            }
        }
        Ok(reading)
    }

    /// Reads `--format proc` or `--format=proc`.
    fn format(
        &self,
        word: &Word,
        following: &mut impl Iterator<Item = Word>,
    ) -> Result<(usize, usize, usize), ParseError> {
        let wrong = |message: &str| ParseError::at(self.line, word.number, word.start, word.end, message.into());
        let value = match word.text.strip_prefix("--format") {
            Some("") => following.next().map(|value| (value.text, value.end)),
            Some(value) if value.starts_with('=') => Some((value[1..].to_owned(), word.end)),
            _ => return Err(wrong("no such option; there are `--json` and `--format proc`")),
        };
        match value {
            Some((value, end)) if value == "proc" => Ok((word.number, word.start, end)),
            _ => Err(wrong("the only format is `--format proc`; for JSON write `--json`")),
        }
    }

    /// The options, when they fit the command.
    fn options_for(&self, found: &Candidate) -> Result<Options, ParseError> {
        let options = Options { json: self.json, proc: self.proc.is_some() };
        let Some((word, start, end)) = self.proc else { return Ok(options) };
        let refuse = |message: &str| Err(ParseError::at(self.line, word, start, end, message.into()));
        if options.json {
            return refuse("`--format proc` and `--json` exclude each other");
        }
        if !found.row.proc {
            return refuse("`--format proc` is for `show route`, `show neighbor` and `show cache` only");
        }
        Ok(options)
    }

    /// What the line is when it is a command of testpmd's that is not here.
    fn not_supported(&self) -> Option<Line> {
        let (asked, instead) = table::absent::find(&self.words)?;
        let line: Vec<String> = self.words.iter().map(|word| words::Quoted(&word.text).to_string()).collect();
        let options = Options { json: self.json, proc: false };
        Some(Line { command: Command::NotSupported { line: line.join(" "), asked, instead }, options })
    }

    /// The one row that the words are.
    fn find(&self) -> Result<Candidate, ParseError> {
        let mut candidates = matcher::start();
        for (place, word) in self.words.iter().enumerate() {
            candidates =
                matcher::advance(&candidates, &word.text).map_err(|stuck| self.stuck(place, &candidates, stuck))?;
        }
        candidates = matcher::settle(candidates);
        // Abbreviations that are still two things, whether or not both could end here.
        let pairs = candidates.iter().zip(&candidates[1..]);
        if let Some((one, other)) = pairs.into_iter().find(|(one, other)| one.path != other.path) {
            let place = (0..self.words.len()).find(|&place| one.path[place] != other.path[place]);
            return Err(self.ambiguous(place.unwrap_or(0), &candidates));
        }
        let mut complete = candidates.iter().filter(|candidate| candidate.complete());
        let Some(found) = complete.next() else { return Err(self.too_short(&candidates)) };
        match complete.find(|other| !std::ptr::eq(other.row, found.row)) {
            None => Ok(found.clone()),
            Some(other) => {
                let message = format!("this can be `{}` or `{}`", found.row.usage(), other.row.usage());
                Err(ParseError::at(self.line, 1, 0, self.end, message))
            }
        }
    }

    fn at(&self, place: usize, message: String) -> ParseError {
        let Word { start, end, number, .. } = self.words[place];
        ParseError::at(self.line, number, start, end, message)
    }

    fn ambiguous(&self, place: usize, candidates: &[Candidate]) -> ParseError {
        let mut full: Vec<String> = candidates.iter().map(|c| format!("`{}`", c.path[place])).collect();
        full.sort_unstable();
        full.dedup();
        let shown = error::printable(&self.words[place].text);
        self.at(place, format!("`{shown}` can be {}", full.join(" or ")))
    }

    fn stuck(&self, place: usize, candidates: &[Candidate], Stuck(refusals): Stuck) -> ParseError {
        let shown = error::printable(&self.words[place].text);
        if !refusals.is_empty() {
            return self.at(place, format!("`{shown}`: {}", refusals.join("; ")));
        }
        let expected = matcher::expected(candidates);
        let message = format!("`{shown}` does not fit here; expected {}", error::list(&expected));
        self.at(place, message).suggesting(error::nearest(&self.words, place, &expected))
    }

    fn too_short(&self, candidates: &[Candidate]) -> ParseError {
        let expected = error::list(&matcher::expected(candidates));
        self.behind(format!("the line ends too early; expected {expected}"))
    }

    /// An error about the word that is missing behind the last one.
    fn behind(&self, message: String) -> ParseError {
        ParseError::at(self.line, self.count + 1, self.end + 1, self.end + 2, message)
    }
}

#[cfg(test)]
mod tests;
