//! A mistake of a file, and how it is shown: where, what, the line itself, and what to do.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use serde::Serialize;

/// Characters of a source line that are shown; a longer line is cut around the mistake.
const SHOWN: usize = 100;
/// Characters shown before the mistake on a line that is cut.
const LEAD: usize = 30;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was found and what is wrong with it.
    pub message: String,
    /// What was expected, or what to do; may be empty.
    pub hint: String,
    #[serde(skip)]
    file_name: String,
    #[serde(skip)]
    source: String,
    #[serde(skip)]
    marked: usize,
}

/// A text, its name, and where its lines begin.
pub(crate) struct Source<'t> {
    text: &'t str,
    file_name: &'t str,
    line_starts: Vec<usize>,
}

impl<'t> Source<'t> {
    pub(crate) fn new(text: &'t str, file_name: &'t str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, file_name, line_starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= at)
    }
}

impl Mistake {
    /// A mistake at the bytes `span` of the source.
    pub(crate) fn new(source: &Source<'_>, span: Range<usize>, message: String, hint: String) -> Self {
        let text = source.text;
        let start = floor_boundary(text, span.start);
        let end = floor_boundary(text, span.end).max(start);
        let line = source.line(start);
        let line_start = source.line_starts[line - 1];
        let line_end = source.line_starts.get(line).map_or(text.len(), |&next| next - 1);
        let marked = text[start..end.min(line_end)].trim_end().chars().count().max(1);
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        Self {
            line,
            column: text[line_start..start].chars().count() + 1,
            message: printable(&message),
            hint: printable(&hint),
            file_name: source.file_name.to_owned(),
            source: text[line_start..line_end].trim_end().chars().map(shown).collect(),
            marked,
        }
    }
}

/// Messages quote the file, whose strings can hold line breaks and terminal commands.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file_name, self.line, self.column, self.message)?;
        let at = self.column - 1;
        let cut = if self.source.chars().count() > SHOWN { at.saturating_sub(LEAD) } else { 0 };
        let source: String = self.source.chars().skip(cut).take(SHOWN).collect();
        let marks = self.marked.min(SHOWN.saturating_sub(at - cut)).max(1);
        write!(f, "\n{:>5} | {source}\n      | {:pad$}{:^<marks$}", self.line, "", "", pad = at - cut)?;
        if !self.hint.is_empty() {
            write!(f, " {}", self.hint)?;
        }
        Ok(())
    }
}

/// Every mistake of a file, in the order of the file; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Sorts by place; of two that say the same of the same place one stays.
    pub(crate) fn new(mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        mistakes.dedup();
        Self(mistakes)
    }

    /// The mistakes, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.0.iter()
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'a> IntoIterator for &'a Mistakes {
    type Item = &'a Mistake;
    type IntoIter = std::slice::Iter<'a, Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Mistakes {
    type Item = Mistake;
    type IntoIter = std::vec::IntoIter<Mistake>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Why a file could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file has mistakes.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str, span: Range<usize>) -> Mistake {
        Mistake::new(&Source::new(text, "lab.toml"), span, "wrong".into(), "do this".into())
    }

    #[test]
    fn marks_the_span_under_its_line() {
        let shown = mistake("a = 1\nbcd = 2\n", 6..9).to_string();
        assert_eq!(shown, "lab.toml:2:1: wrong\n    2 | bcd = 2\n      | ^^^ do this");
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        let found = mistake("é = 1", 5..6);
        assert_eq!((found.line, found.column), (1, 5));
    }

    #[test]
    fn span_over_several_lines_marks_the_first() {
        let shown = mistake("a = [\n1,\n]", 4..10).to_string();
        assert!(shown.ends_with("    1 | a = [\n      |     ^ do this"), "{shown}");
    }

    #[test]
    fn long_line_is_cut_around_the_mistake() {
        let text = format!("{}XYZ{}", "a".repeat(500), "b".repeat(500));
        let shown = mistake(&text, 500..503).to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[1].len() <= 8 + SHOWN);
        let column = lines[2].find("^^^").expect("marks");
        assert_eq!(&lines[1][column..column + 3], "XYZ");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let shown = mistake("a = \u{1b}[31m", 0..1).to_string();
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }

    #[test]
    fn serializes_as_a_list_of_places_and_messages() {
        let list = Mistakes::new(vec![mistake("a = 1", 0..1)]);
        let json = serde_json::to_value(&list).unwrap();
        assert_eq!(json, serde_json::json!([{ "line": 1, "column": 1, "message": "wrong", "hint": "do this" }]));
    }
}
