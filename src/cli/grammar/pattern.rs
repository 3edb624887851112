//! The language that a command's shape is written in.
//!
//! ```text
//! route add <prefix> [via <gateway:address>] [dev <interface>] [metric <metric:0..4294967295>]
//! ```
//!
//! | written | means |
//! |---|---|
//! | `word` | this word, or an abbreviation of it that fits nothing else here |
//! | `up\|down` | one of these words; bound to the name `up\|down` |
//! | `<address>` | an argument of this kind, bound to the kind's name |
//! | `<gateway:address>` | an argument of a kind, bound to a name of its own |
//! | `<burst:1..512>` | a number from 1 to 512 |
//! | `<mode:l3\|io>` | one of these words |
//! | `<words...>` | every word that is left |
//! | `[...]` | may be left out; neighbors in brackets may come in any order |
//! | `[...]...` | the same, and may come again |

use std::fmt;

use super::argument::Kind;

/// One place of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// A word as it stands.
    Literal(&'static str),
    /// A value.
    Argument {
        /// The name it is bound to.
        name: &'static str,
        /// What it may be.
        kind: Kind,
    },
    /// What may be left out.
    Optional(Vec<Element>),
    /// What may be left out, or come several times.
    Repeated(Vec<Element>),
}

/// Reads a pattern.
///
/// # Panics
/// The pattern is not of the language above. Patterns are constants of this program, and a test reads them all.
pub fn compile(pattern: &'static str) -> Vec<Element> {
    let mut open: Vec<Vec<Element>> = vec![Vec::new()];
    let mut rest = pattern.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '[' | ']' => 1,
            '<' => rest.find('>').unwrap_or_else(|| panic!("`{pattern}`: no `>`")) + 1,
            _ => rest.find([' ', ']', '[']).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        rest = after.trim_start();
        let element = match first {
            '[' => {
                open.push(Vec::new());
                continue;
            }
            ']' => {
                let inner = open.pop().expect("a bracket is open");
                match rest.strip_prefix("...") {
                    Some(after) => {
                        rest = after.trim_start();
                        Element::Repeated(inner)
                    }
                    None => Element::Optional(inner),
                }
            }
            '<' => argument(&token[1..length - 1]),
            _ if token.contains('|') => choice(token, token),
            _ => Element::Literal(token),
        };
        open.last_mut().unwrap_or_else(|| panic!("`{pattern}`: `]` without `[`")).push(element);
    }
    assert_eq!(open.len(), 1, "`{pattern}`: `[` without `]`");
    open.remove(0)
}

fn choice(name: &'static str, words: &'static str) -> Element {
    Element::Argument { name, kind: Kind::Choice(words.split('|').collect()) }
}

fn argument(inside: &'static str) -> Element {
    if let Some(name) = inside.strip_suffix("...") {
        return Element::Argument { name, kind: Kind::Words };
    }
    let (name, kind) = inside.split_once(':').unwrap_or((inside, inside));
    if kind.contains('|') {
        return choice(name, kind);
    }
    let kind = match kind {
        "prefix" => Kind::Prefix,
        "address" => Kind::Address,
        "mac" => Kind::Mac,
        "port" => Kind::Port,
        "interface" => Kind::Interface,
        "vrf" => Kind::Vrf,
        "file" => Kind::File,
        "word" => Kind::Word,
        "numbers" => Kind::Numbers,
        "masks" => Kind::Masks,
        "list" => Kind::List,
        "mask" => Kind::Mask,
        range => {
            let bounds = range.split_once("..").map(|(low, high)| (low.parse(), high.parse()));
            let Some((Ok(low), Ok(high))) = bounds else { panic!("`<{inside}>`: no such kind") };
            Kind::Number(low, high)
        }
    };
    Element::Argument { name, kind }
}

impl fmt::Display for Element {
    /// As help shows it: names, without their kinds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(word) => f.write_str(word),
            Self::Argument { name, kind: Kind::Choice(_) } if name.contains('|') => f.write_str(name),
            Self::Argument { name, kind: Kind::Words } => write!(f, "<{name}...>"),
            Self::Argument { name, .. } => write!(f, "<{name}>"),
            Self::Optional(inner) => write!(f, "[{}]", Sequence(inner)),
            Self::Repeated(inner) => write!(f, "[{}]...", Sequence(inner)),
        }
    }
}

/// Elements with a space between them.
pub struct Sequence<'a>(pub &'a [Element]);

impl fmt::Display for Sequence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, element) in self.0.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            write!(f, "{space}{element}")?;
        }
        Ok(())
    }
}

/// The places where a pattern can go on: each element that may come next, and what would be left after it.
pub fn heads<'e>(remaining: &[&'e Element]) -> Vec<(&'e Element, Vec<&'e Element>)> {
    let optional = remaining.iter().take_while(|element| may_be_left_out(element)).count();
    let (run, rest) = remaining.split_at(optional);
    let mut heads: Vec<(&Element, Vec<&Element>)> = Vec::new();
    for (place, element) in run.iter().enumerate() {
        let (inner, again) = match element {
            Element::Optional(inner) => (inner, None),
            Element::Repeated(inner) => (inner, Some(*element)),
            Element::Literal(_) | Element::Argument { .. } => continue,
        };
        let inner: Vec<&Element> = inner.iter().collect();
        for (head, mut after) in self::heads(&inner) {
            // A word that two brackets begin with belongs to the inner one, which stands first.
            if heads.iter().any(|(other, _)| *other == head) {
                continue;
            }
            // The brackets not yet used stay open, before and after this one: their order is free.
            after.extend(again.iter().chain(&run[..place]).chain(&run[place + 1..]).chain(rest));
            heads.push((head, after));
        }
    }
    if let Some((head, after)) = rest.split_first() {
        heads.push((head, after.to_vec()));
    }
    heads
}

/// Whether a line may end here.
pub fn complete(remaining: &[&Element]) -> bool {
    remaining.iter().all(|element| may_be_left_out(element))
}

fn may_be_left_out(element: &Element) -> bool {
    matches!(element, Element::Optional(_) | Element::Repeated(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head_words(pattern: &'static str) -> Vec<String> {
        let elements = compile(pattern);
        heads(&elements.iter().collect::<Vec<_>>()).iter().map(|(head, _)| head.to_string()).collect()
    }

    #[test]
    fn a_pattern_is_shown_without_the_kinds() {
        let pattern = "route del <prefix> [via <gateway:address>] up|down [metric <metric:0..9>] [<words...>]";
        assert_eq!(
            Sequence(&compile(pattern)).to_string(),
            "route del <prefix> [via <gateway>] up|down [metric <metric>] [<words...>]"
        );
    }

    #[test]
    fn every_bracket_of_a_run_may_come_next_and_so_may_what_follows() {
        assert_eq!(head_words("[via <address>] [dev <interface>] now"), ["via", "dev", "now"]);
    }

    #[test]
    fn a_bracket_within_a_bracket_is_reached() {
        assert_eq!(head_words("[[a] b] c"), ["a", "b", "c"]);
    }

    #[test]
    fn a_repeated_bracket_comes_again_and_its_own_brackets_win_over_outer_ones() {
        let elements = compile("[via <address> [dev <interface>]]... [dev <interface>] [metric <metric:0..9>]");
        assert_eq!(
            Sequence(&elements).to_string(),
            "[via <address> [dev <interface>]]... [dev <interface>] [metric <metric>]"
        );
        let next = |remaining: &[&'static Element], word: &str| -> Vec<&'static Element> {
            let mut heads = heads(remaining).into_iter().filter(|(head, _)| head.to_string() == word);
            let (_, after) = heads.next().unwrap();
            assert!(heads.next().is_none(), "`{word}` means one thing");
            after
        };
        let elements: &'static [Element] = elements.leak();
        let mut remaining: Vec<&'static Element> = elements.iter().collect();
        for word in ["via", "<address>", "dev", "<interface>", "via", "<address>", "dev", "<interface>", "metric"] {
            remaining = next(&remaining, word);
        }
        assert!(!complete(&remaining) && complete(&next(&remaining, "<metric>")));
    }

    #[test]
    fn shapes_of_the_packet_tester_compile() {
        for pattern in [
            "port config all rxq|txq <queues:1..1024>",
            "show port <port> rss-hash [key]",
            "set eth-peer <port> <mac>",
            "vlan set strip|filter on|off <port>",
            "mac_addr add|remove|set <port> <mac>",
            "start [tx_first [<bursts:1..1000>]]",
        ] {
            assert!(!compile(pattern).is_empty());
        }
    }
}
