//! What can stand where the cursor is, from the same table as everything else.

use super::argument::Kind;
use super::matcher;
use super::pattern::Element;
use super::words::{self, Quoted};

/// The names that exist in the running router; completion offers them where a port or an interface is due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Names of ports.
    pub ports: Vec<String>,
    /// Names of interfaces.
    pub interfaces: Vec<String>,
}

/// What may replace the text from `start` to the cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// Where the word begins that is being completed, in bytes.
    pub start: usize,
    /// The whole words it can become.
    pub words: Vec<String>,
}

/// Completes `line` at its end: cut it at the cursor first.
pub fn complete(line: &str, names: &Names) -> Completion {
    let Ok(mut words) = words::split(line) else { return Completion::default() };
    let partial = words.pop_if(|word| word.end == line.len());
    let (start, partial) = partial.map_or((line.len(), String::new()), |word| (word.start, word.text));
    // A comment follows a word boundary, and nothing completes in it.
    if line[words.last().map_or(0, |word| word.end)..start].contains('#') {
        return Completion::default();
    }
    let mut candidates = matcher::start();
    let mut format = false;
    for word in &words {
        if format || word.text.starts_with("--") {
            format = word.text == "--format";
            continue;
        }
        match matcher::advance(&candidates, &word.text) {
            Ok(next) => candidates = next,
            Err(_) => return Completion { start, words: Vec::new() },
        }
    }
    let mut offered = Vec::new();
    if format {
        offered.push("proc".to_owned());
    } else if partial.starts_with('-') {
        offered.push("--json".to_owned());
        if candidates.iter().any(|candidate| candidate.row.proc) {
            offered.push("--format".to_owned());
        }
    } else {
        matcher::expected(&candidates).into_iter().for_each(|element| offer(element, names, &mut offered));
    }
    offered.retain(|word| word.starts_with(&partial));
    offered.sort_unstable();
    offered.dedup();
    Completion { start, words: offered }
}

fn offer(element: &Element, names: &Names, offered: &mut Vec<String>) {
    let quoted = |name: &String| Quoted(name).to_string();
    match element {
        Element::Literal(word) => offered.push((*word).to_owned()),
        Element::Argument { kind: Kind::Choice(words), .. } => {
            offered.extend(words.iter().map(|word| (*word).to_owned()));
        }
        Element::Argument { kind: Kind::Port, .. } => {
            offered.push("all".into());
            offered.extend(names.ports.iter().map(quoted));
        }
        Element::Argument { kind: Kind::Interface, .. } => {
            offered.extend(names.interfaces.iter().map(quoted));
        }
        Element::Argument { kind: Kind::Prefix, .. } => offered.push("default".into()),
        // `help` is followed by the words of a command.
        Element::Argument { kind: Kind::Words, .. } => {
            matcher::expected(&matcher::start())
                .into_iter()
                .filter(|element| matches!(element, Element::Literal(_)))
                .for_each(|element| offer(element, names, offered));
        }
        Element::Argument { .. } | Element::Optional(_) | Element::Repeated(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let names = Names { ports: vec!["p0".into(), "p1".into()], interfaces: vec!["p0.100".into()] };
        complete(line, &names).words
    }

    #[test]
    fn the_words_that_fit_the_beginning_are_offered() {
        assert_eq!(words("sh"), ["show"]);
        assert_eq!(words("show port "), ["all", "info", "p0", "p1", "stats", "summary", "xstats"]);
        assert_eq!(words("show port s"), ["stats", "summary"]);
    }

    #[test]
    fn an_abbreviation_before_the_cursor_is_understood() {
        assert_eq!(words("sh po x"), ["xstats"]);
    }

    #[test]
    fn names_of_the_running_router_are_offered() {
        assert_eq!(words("show port stats "), ["all", "p0", "p1"]);
        assert_eq!(words("interface set "), ["p0.100"]);
        assert_eq!(words("route add default via 192.0.2.1 dev "), ["p0.100"]);
    }

    #[test]
    fn brackets_already_used_are_not_offered_again() {
        assert_eq!(words("route del default via 192.0.2.1 "), ["metric", "vrf"]);
        // Another gateway may follow.
        assert_eq!(words("route add default via 192.0.2.1 "), ["dev", "lookup", "metric", "via", "vrf", "weight"]);
    }

    #[test]
    fn options_are_offered_where_they_apply() {
        assert_eq!(words("show route --"), ["--format", "--json"]);
        assert_eq!(words("show pool --"), ["--json"]);
        assert_eq!(words("show route --format "), ["proc"]);
    }

    #[test]
    fn nothing_is_offered_after_a_wrong_word_or_in_a_comment() {
        assert!(words("shew port ").is_empty());
        assert!(words("show # po").is_empty());
    }

    #[test]
    fn the_word_under_the_cursor_is_what_is_replaced() {
        assert_eq!(complete("show  po", &Names::default()).start, 6);
    }
}
