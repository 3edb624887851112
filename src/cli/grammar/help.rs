//! Help, made of the same rows that parse.

use std::fmt::Write as _;

use serde::Serialize;

use super::argument::Kind;
use super::matcher;
use super::pattern::Element;
use super::table::{Row, Section, rows};
use crate::cli::view::View;

/// The commands that help was asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Help {
    /// One a command, in the order of the headings.
    pub commands: Vec<CommandHelp>,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandHelp {
    /// The heading it stands under.
    pub section: String,
    /// What a line looks like.
    pub usage: String,
    /// What it is for.
    pub summary: String,
    /// What each argument may be.
    pub arguments: Vec<ArgumentHelp>,
    /// A line that means something.
    pub example: String,
    /// Whether it takes `--format proc`.
    pub format_proc: bool,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArgumentHelp {
    /// Its name in the usage.
    pub name: String,
    /// What it may be, in words.
    pub description: String,
}

/// Help on the commands that begin with `words`, abbreviated or not; else on those with all of these words somewhere.
///
/// # Errors
/// There is no such command; the message says what to type.
pub fn help(words: &[String]) -> Result<Help, String> {
    let mut found = match words {
        [section] => testpmd_section(section)?,
        _ => Vec::new(),
    };
    if found.is_empty() {
        found = beginning_with(words);
    }
    if found.is_empty() {
        found = rows().iter().filter(|row| words.iter().all(|word| row.usage().contains(word))).collect();
    }
    if found.is_empty() {
        return Err(format!("no command has the words `{}`; `help` lists them all", words.join(" ")));
    }
    let under = |section: Section| found.iter().filter(move |row| row.section == section);
    let commands = Section::ALL.into_iter().flat_map(under).map(|row| command(row)).collect();
    Ok(Help { commands })
}

/// The commands of a section of testpmd's `help`; none when it is no section.
fn testpmd_section(section: &str) -> Result<Vec<&'static Row>, String> {
    let first_words: &[&str] = match section {
        "all" => return Ok(rows().iter().collect()),
        "control" => &["start", "stop", "quit", "help", "load"],
        "display" => &["show", "dump", "dump_mempool", "dump_lcores", "clear"],
        "config" => &["set", "csum", "vlan", "rx_vlan", "tx_vlan", "mac_addr"],
        "ports" => &["port"],
        "registers" | "filters" | "traffic_management" | "devices" | "drivers" | "flex_item" => {
            return Err(format!(
                "not supported: nothing of testpmd's section `{section}` is here; `help` lists what is"
            ));
        }
        _ => &[],
    };
    let first = |row: &Row| row.usage().split(' ').next().is_some_and(|word| first_words.contains(&word));
    Ok(rows().iter().filter(|row| first(row)).collect())
}

fn beginning_with(words: &[String]) -> Vec<&'static Row> {
    let mut candidates = matcher::start();
    for word in words {
        match matcher::advance(&candidates, word) {
            Ok(next) => candidates = next,
            Err(_) => return Vec::new(),
        }
    }
    let mut found: Vec<&'static Row> = Vec::new();
    for candidate in matcher::settle(candidates) {
        // `help` itself takes any words; it is no answer to a question about them.
        let any_words = words.len() > 1 && candidate.row.usage().starts_with("help");
        if !any_words && !found.iter().any(|row| std::ptr::eq(*row, candidate.row)) {
            found.push(candidate.row);
        }
    }
    found
}

fn command(row: &Row) -> CommandHelp {
    let mut arguments = Vec::new();
    collect(&row.elements, &mut arguments);
    CommandHelp {
        section: row.section.to_string(),
        usage: row.usage(),
        summary: row.summary.into(),
        arguments,
        example: row.example.into(),
        format_proc: row.proc,
    }
}

fn collect(elements: &[Element], arguments: &mut Vec<ArgumentHelp>) {
    for element in elements {
        match element {
            Element::Literal(_) => {}
            // `on|off` explains itself.
            Element::Argument { name, kind: Kind::Choice(_) } if name.contains('|') => {}
            Element::Argument { name, kind } => {
                arguments.push(ArgumentHelp { name: (*name).into(), description: kind.describe() });
            }
            Element::Optional(inner) | Element::Repeated(inner) => collect(inner, arguments),
        }
    }
}

impl View for Help {
    fn text(&self) -> String {
        match &self.commands[..] {
            [only] => only.in_detail(),
            commands => overview(commands),
        }
    }
}

impl CommandHelp {
    fn in_detail(&self) -> String {
        let mut text = format!("{}\n  {}\n", self.usage, self.summary);
        for ArgumentHelp { name, description } in &self.arguments {
            let _ = writeln!(text, "  <{name}>  {description}");
        }
        let proc = if self.format_proc { "  --format proc" } else { "" };
        let _ = write!(text, "  options: --json{proc}\n  example: {}", self.example);
        text
    }
}

fn overview(commands: &[CommandHelp]) -> String {
    let mut text = String::new();
    let mut section = "";
    for command in commands {
        if command.section != section {
            section = &command.section;
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}{section}");
        }
        let _ = writeln!(text, "  {}\n      {}", command.usage, command.summary);
    }
    text.push_str(
        "\nWords may be abbreviated as long as the line can be one command only. `--json` on any line gives JSON.\n\
         `help WORDS` tells more of one command, and so does a `?` at the end of a line.",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usages(words: &[&str]) -> Vec<String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        help(&words).unwrap().commands.into_iter().map(|command| command.usage).collect()
    }

    #[test]
    fn help_lists_every_command() {
        assert_eq!(usages(&[]).len(), rows().len());
    }

    #[test]
    fn help_on_words_gives_what_begins_with_them() {
        assert_eq!(usages(&["sh", "po", "su"]), ["show port summary [<port>]"]);
        assert_eq!(usages(&["clear", "port"]).len(), 2);
    }

    #[test]
    fn help_on_an_ambiguous_word_gives_all_it_can_be() {
        assert_eq!(usages(&["show", "port", "s"]).len(), 2);
    }

    #[test]
    fn help_on_a_word_within_commands_finds_them() {
        assert!(usages(&["promisc"]).contains(&"set promisc <port> on|off".to_owned()));
    }

    #[test]
    fn help_on_one_command_explains_its_arguments() {
        let text = help(&["set".into(), "verbose".into()]).unwrap().text();
        assert!(text.contains("<level>  a number from 0 to 3"), "{text}");
        assert!(text.contains("example: set verbose 1"), "{text}");
    }

    #[test]
    fn the_sections_of_testpmd_are_known() {
        assert_eq!(usages(&["all"]).len(), rows().len());
        assert!(usages(&["control"]).iter().any(|usage| usage == "load <file>"));
        assert!(usages(&["display"]).iter().all(|usage| !usage.starts_with("set")));
        assert!(help(&["filters".into()]).unwrap_err().starts_with("not supported"));
    }

    #[test]
    fn help_on_nonsense_says_what_to_type() {
        assert!(help(&["frobnicate".into()]).unwrap_err().contains("`help` lists them all"));
    }
}
