//! Reads one table: each key asked for by name and type, what is wrong reported at its place, what is unknown named.

use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::keys::TableKeys;
use crate::sink::{Complaint, Located, Sink, Span};
use crate::suggest::{nearest, one_of, suggestion};
use crate::words::Word;

/// One table of the file.
pub(crate) struct Reader<'a> {
    table: &'a DeTable<'a>,
    span: Span,
    keys: &'static TableKeys,
    mistakes_before: usize,
    /// The known keys that unknown ones seem to be meant for.
    meant: Vec<&'static str>,
    pub(crate) sink: &'a Sink<'a>,
}

impl<'a> Reader<'a> {
    /// Reports the keys that `keys` does not list.
    pub(crate) fn new(table: &'a DeTable<'a>, span: Span, keys: &'static TableKeys, sink: &'a Sink<'a>) -> Self {
        let mistakes_before = sink.count();
        let mut meant = Vec::new();
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !keys.keys.contains(&name) {
                let message = format!("unknown key `{name}` in {}", keys.heading);
                sink.report(&key.span(), message, one_of(name, keys.keys));
                meant.extend(nearest(name, keys.keys));
            }
        }
        Self { table, span, keys, mistakes_before, meant, sink }
    }

    /// The heading's place, for what is wrong with the table as a whole.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Whether nothing was reported since the reading of this table began.
    pub(crate) fn is_right(&self) -> bool {
        self.sink.count() == self.mistakes_before
    }

    /// Whether the key is there, right or wrong.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Whether the key is there with an empty list.
    pub(crate) fn is_empty_list(&self, key: &str) -> bool {
        self.value(key).and_then(|value| value.get_ref().as_array()).is_some_and(|list| list.is_empty())
    }

    /// The place of the key itself; the heading's where it is not there.
    pub(crate) fn key_span(&self, key: &str) -> Span {
        self.table.get_key_value(key).map_or(self.span.clone(), |(key, _)| key.span())
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        debug_assert!(self.keys.keys.contains(&key), "`{key}` is not in the list of {}", self.keys.heading);
        self.table.get(key)
    }

    /// Reports that a key is not there. Says nothing when it may be there, mistyped or in text that is not TOML.
    pub(crate) fn report_missing(&self, key: &str, hint: &str) {
        if !self.has(key) && !self.meant.contains(&key) && !self.sink.is_guess() {
            self.sink.report(&self.span, format!("{} has no `{key}`", self.keys.heading), hint);
        }
    }

    fn report_type(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let message = format!("`{key}` in {} is {}", self.keys.heading, described(value.get_ref()));
        self.sink.report(&value.span(), message, format!("expected {expected}"));
    }

    /// A text that `parse` understands.
    pub(crate) fn text<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Option<Located<T>> {
        let value = self.value(key)?;
        self.text_in(key, value, expected, &parse)
    }

    fn text_in<T>(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        expected: &str,
        parse: &impl Fn(&str) -> Result<T, Complaint>,
    ) -> Option<Located<T>> {
        let DeValue::String(text) = value.get_ref() else {
            self.report_type(key, value, expected);
            return None;
        };
        match parse(text) {
            Ok(parsed) => Some(Located { value: parsed, span: value.span() }),
            Err(complaint) => {
                self.sink.complain(&value.span(), complaint);
                None
            }
        }
    }

    /// A list of texts; those that `parse` does not understand are reported and left out.
    pub(crate) fn texts<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Vec<Located<T>> {
        self.items(key, expected).filter_map(|item| self.text_in(key, item, expected, &parse)).collect()
    }

    /// A list of integers within `range`; the others are reported and left out.
    pub(crate) fn integers<T: TryFrom<u64>>(&self, key: &str, range: &RangeInclusive<u64>) -> Vec<Located<T>> {
        let expected = format!("a list of integers {}", range_text(range));
        self.items(key, &expected).filter_map(|item| self.integer_in(key, item, range)).collect()
    }

    fn items(&self, key: &str, expected: &str) -> std::slice::Iter<'a, Spanned<DeValue<'a>>> {
        match self.value(key) {
            None => [].iter(),
            Some(value) => match value.get_ref() {
                DeValue::Array(list) => list.iter(),
                _ => {
                    self.report_type(key, value, &format!("{expected}, in square brackets"));
                    [].iter()
                }
            },
        }
    }

    /// An integer within `range`.
    pub(crate) fn integer<T: TryFrom<u64>>(&self, key: &str, range: RangeInclusive<u64>) -> Option<Located<T>> {
        self.integer_in(key, self.value(key)?, &range)
    }

    fn integer_in<T: TryFrom<u64>>(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        range: &RangeInclusive<u64>,
    ) -> Option<Located<T>> {
        let DeValue::Integer(integer) = value.get_ref() else {
            self.report_type(key, value, &format!("an integer {}", range_text(range)));
            return None;
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| range.contains(n));
        let number = number.and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            let message = format!("`{key}` in {} is out of range: {integer}", self.keys.heading);
            self.sink.report(&value.span(), message, format!("expected an integer {}", range_text(range)));
        }
        number.map(|number| Located { value: number, span: value.span() })
    }

    /// An integer within `range`, or the default.
    pub(crate) fn integer_or<T: TryFrom<u64>>(&self, key: &str, range: RangeInclusive<u64>, default: T) -> T {
        self.integer(key, range).map_or(default, |found| found.value)
    }

    /// A power of two within `range`, or the default.
    pub(crate) fn power_of_two_or(&self, key: &str, range: RangeInclusive<u32>, default: u32) -> u32 {
        let limits = u64::from(*range.start())..=u64::from(*range.end());
        let Some(found) = self.integer::<u32>(key, limits) else { return default };
        if !found.value.is_power_of_two() {
            let (below, above) = (found.value.next_power_of_two() / 2, found.value.next_power_of_two());
            let message = format!("`{key}` in {} is not a power of two: {}", self.keys.heading, found.value);
            self.sink.report(&found.span, message, format!("expected for example {below} or {above}"));
        }
        found.value
    }

    /// `true` or `false`, or the default.
    pub(crate) fn boolean_or(&self, key: &str, default: bool) -> bool {
        let Some(value) = self.value(key) else { return default };
        if let DeValue::Boolean(found) = value.get_ref() {
            return *found;
        }
        self.report_type(key, value, "true or false, without quotes");
        default
    }

    /// A share, 0 to 1, or 0.
    pub(crate) fn share(&self, key: &str) -> f64 {
        let Some(value) = self.value(key) else { return 0.0 };
        let number: Option<f64> = match value.get_ref() {
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::Integer(integer) => integer.as_str().parse().ok(),
            _ => {
                self.report_type(key, value, "a number from 0 to 1");
                return 0.0;
            }
        };
        match number {
            // Adding zero turns -0.0 into 0.0, which is what is written back.
            Some(number) if (0.0..=1.0).contains(&number) => number + 0.0,
            _ => {
                let message = format!("`{key}` in {} is no share", self.keys.heading);
                self.sink.report(&value.span(), message, "expected a number from 0 to 1: 0.01 is one in a hundred");
                0.0
            }
        }
    }

    /// One word of a list.
    pub(crate) fn word<W: Word>(&self, key: &str) -> Option<Located<W>> {
        let words: Vec<&str> = W::WORDS.iter().map(|(word, _)| *word).collect();
        self.text(key, &format!("one of \"{}\"", words.join("\", \"")), |text| {
            let found = W::WORDS.iter().find(|(word, _)| *word == text);
            let unknown = || Complaint::new(format!("unknown {key} `{text}`"), one_of(text, &words));
            found.map(|(_, value)| *value).ok_or_else(unknown)
        })
    }

    /// One word of a list, or the default.
    pub(crate) fn word_or<W: Word>(&self, key: &str, default: W) -> W {
        self.word(key).map_or(default, |found| found.value)
    }

    /// A table within this one.
    pub(crate) fn table(&self, key: &str, keys: &'static TableKeys) -> Option<Reader<'a>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Reader::new(table, value.span(), keys, self.sink)),
            DeValue::Array(list) if list.iter().all(|item| item.get_ref().is_table()) => {
                let message = format!("[[{key}]] is a list, but there is only one {}", keys.heading);
                let hint = format!("write `{}` with single brackets, once{}", keys.heading, plural_hint(key));
                self.sink.report(&self.key_span(key), message, hint);
                None
            }
            _ => {
                self.report_type(key, value, &format!("a table: `{}` on a line of its own", keys.heading));
                None
            }
        }
    }

    /// A list of tables within this one, each read to its end before the next begins.
    pub(crate) fn tables<T>(&self, key: &str, keys: &'static TableKeys, read: impl Fn(&Reader<'a>) -> T) -> Vec<T> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let expected = format!("a list of tables: `{}` on a line of its own before each", keys.heading);
        let items = match value.get_ref() {
            DeValue::Array(list) => list.iter(),
            DeValue::Table(_) => {
                let message = format!("[{key}] is a single table, but {} is a list", keys.heading);
                let hint = format!("write `{}` with double brackets{}", keys.heading, plural_hint(key));
                self.sink.report(&self.key_span(key), message, hint);
                return Vec::new();
            }
            _ => {
                self.report_type(key, value, &expected);
                return Vec::new();
            }
        };
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => tables.push(read(&Reader::new(table, item.span(), keys, self.sink))),
                _ => self.report_type(key, item, &expected),
            }
        }
        tables
    }

    /// Reports a key that does not go with the rest of its table.
    pub(crate) fn report_misplaced(&self, key: &str, why: &str, allowed: &[&str]) {
        if self.has(key) {
            let hint = match allowed {
                [] => format!("remove `{key}`"),
                _ => format!("remove `{key}`; here go {}{}", allowed.join(", "), suggestion(key, allowed)),
            };
            self.sink.report(&self.key_span(key), format!("`{key}` does not go with {why}"), hint);
        }
    }
}

/// `[neighbors]` and `[[neighbor]]` differ by a letter; who mixes them up is told of both.
fn plural_hint(key: &str) -> &'static str {
    match key {
        "neighbor" => "; the settings are in `[neighbors]`",
        "neighbors" => "; static neighbors are in `[[neighbor]]`",
        _ => "",
    }
}

fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a floating-point number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn range_text(range: &RangeInclusive<u64>) -> String {
    format!("from {} to {}", range.start(), range.end())
}
