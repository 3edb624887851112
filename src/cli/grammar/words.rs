//! A line cut into words that remember where they stood, so that an error can point at one.
//!
//! Words are separated by white space. Double quotes keep a word with spaces together; inside them `\"` and `\\` stand
//! for themselves. A `#` where a word would begin starts a comment that runs to the end of the line.

use std::fmt;

/// One word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word, without quotes.
    pub text: String,
    /// Where it starts in the line, in bytes.
    pub start: usize,
    /// Where it ends in the line, in bytes, quotes included.
    pub end: usize,
    /// Whether any of it was in quotes: then it is never an option.
    pub quoted: bool,
    /// Which word of the line it is, from 1.
    pub number: usize,
}

/// A quote that never closes; the byte where it opens.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenQuote(pub usize);

/// The words of `line`.
///
/// # Errors
/// A quote is opened and not closed.
pub fn split(line: &str) -> Result<Vec<Word>, OpenQuote> {
    let mut words: Vec<Word> = Vec::new();
    let mut chars = line.char_indices().peekable();
    while let Some(&(start, first)) = chars.peek() {
        if first.is_whitespace() {
            chars.next();
            continue;
        }
        if first == '#' {
            break;
        }
        let mut text = String::new();
        let mut quote = None;
        let mut quoted = false;
        let mut end = line.len();
        while let Some(&(at, c)) = chars.peek() {
            if quote.is_none() && c.is_whitespace() {
                end = at;
                break;
            }
            chars.next();
            match (c, quote) {
                ('"', None) => {
                    quote = Some(at);
                    quoted = true;
                }
                ('"', Some(_)) => quote = None,
                ('\\', Some(_)) => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                    Some((_, escaped)) => text.push(escaped),
                    None => text.push('\\'),
                },
                _ => text.push(c),
            }
        }
        if let Some(at) = quote {
            return Err(OpenQuote(at));
        }
        words.push(Word { text, start, end, quoted, number: words.len() + 1 });
    }
    Ok(words)
}

/// A word as a line must write it: in quotes when it would otherwise be read as something else.
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = !self.0.is_empty()
            && !self.0.starts_with(['#', '-', '?'])
            && !self.0.contains(|c: char| c.is_whitespace() || c == '"');
        if plain {
            return f.write_str(self.0);
        }
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(line: &str) -> Vec<String> {
        split(line).unwrap().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_separated_by_any_white_space() {
        assert_eq!(texts("  show\tport   info "), ["show", "port", "info"]);
    }

    #[test]
    fn a_word_remembers_where_it_stood() {
        let words = split("show  port").unwrap();
        assert_eq!((words[1].start, words[1].end), (6, 10));
    }

    #[test]
    fn a_comment_runs_to_the_end_of_the_line() {
        assert_eq!(texts("start # now"), ["start"]);
        assert!(texts("# nothing").is_empty());
        assert_eq!(texts("p0#1"), ["p0#1"]);
    }

    #[test]
    fn quotes_keep_a_word_together() {
        assert_eq!(texts(r#"write "/tmp/a b \"c\".toml""#), ["write", r#"/tmp/a b "c".toml"#]);
    }

    #[test]
    fn an_open_quote_is_pointed_at() {
        assert_eq!(split("write \"abc"), Err(OpenQuote(6)));
    }

    proptest! {
        #[test]
        fn a_quoted_word_is_read_back_as_it_was(word in ".*") {
            prop_assert_eq!(texts(&Quoted(&word).to_string()), vec![word]);
        }
    }
}
