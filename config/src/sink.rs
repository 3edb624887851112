//! Where mistakes gather while a file is read.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::mistake::Source;
use crate::{Config, Mistake, Mistakes};

/// Bytes of the text.
pub(crate) type Span = Range<usize>;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// What is wrong with a value, before its place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Complaint {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

/// Gathers the mistakes of one text.
pub(crate) struct Sink<'t> {
    source: Source<'t>,
    mistakes: RefCell<Vec<Mistake>>,
    syntax_lines: RefCell<BTreeSet<usize>>,
}

impl<'t> Sink<'t> {
    pub(crate) fn new(text: &'t str, file_name: &'t str) -> Self {
        Self { source: Source::new(text, file_name), mistakes: RefCell::default(), syntax_lines: RefCell::default() }
    }

    /// Text that is not TOML. From here on the tables are a guess: see [`Sink::is_guess`].
    pub(crate) fn report_syntax(&self, span: Span, message: &str) {
        let (message, hint) = match message.split_once(", expected ") {
            Some((message, expected)) => (message, format!("expected {expected}")),
            None => (message, "expected TOML: `[table]`, `[[list]]` or `key = value`, one on a line".to_owned()),
        };
        let message = format!("syntax: {message}");
        let mistake = Mistake::new(&self.source, span, message, hint);
        if self.syntax_lines.borrow_mut().insert(mistake.line) {
            self.mistakes.borrow_mut().push(mistake);
        }
    }

    /// A mistake in what the file says.
    pub(crate) fn report(&self, span: &Span, message: impl Into<String>, hint: impl Into<String>) {
        let mistake = Mistake::new(&self.source, span.clone(), message.into(), hint.into());
        // What a line with a syntax error seems to say is not what its writer meant.
        if !self.syntax_lines.borrow().contains(&mistake.line) {
            self.mistakes.borrow_mut().push(mistake);
        }
    }

    /// A complaint that has found its place.
    pub(crate) fn complain(&self, span: &Span, complaint: Complaint) {
        self.report(span, complaint.message, complaint.hint);
    }

    /// Whether the text is not TOML, so that what seems to be missing may be there.
    pub(crate) fn is_guess(&self) -> bool {
        !self.syntax_lines.borrow().is_empty()
    }

    /// Mistakes so far. Equal before and after reading a table, the table is right.
    pub(crate) fn count(&self) -> usize {
        self.mistakes.borrow().len()
    }

    /// The line of a place, from 1, for messages that point at a second place.
    pub(crate) fn line(&self, span: &Span) -> usize {
        self.source.line(span.start)
    }

    /// The outcome.
    pub(crate) fn finish(self, config: Config) -> Result<Config, Mistakes> {
        let mistakes = self.mistakes.into_inner();
        if mistakes.is_empty() { Ok(config) } else { Err(Mistakes::new(mistakes)) }
    }
}
