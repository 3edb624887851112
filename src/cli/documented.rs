//! `docs/cli.md` against the table: every command is there, and every line shown there is one.

use std::collections::HashSet;

use super::grammar;
use super::grammar::table::rows;

const DOCUMENT: &str = include_str!("../../docs/cli.md");

/// The commands in code blocks: what follows the prompt, and the words of `ringway cli` behind its own options.
fn examples() -> Vec<&'static str> {
    let typed = DOCUMENT.lines().filter_map(|line| line.strip_prefix("ringway> "));
    let called = DOCUMENT.lines().filter_map(|line| line.strip_prefix("$ ringway cli "));
    typed.chain(called).collect()
}

#[test]
fn every_command_is_documented() {
    for row in rows() {
        let usage = format!("`{}`", row.usage());
        assert!(DOCUMENT.contains(&usage), "docs/cli.md lacks {usage}");
    }
}

#[test]
fn every_example_of_the_document_is_a_command() {
    assert!(!examples().is_empty());
    for example in examples() {
        if let Err(error) = grammar::parse(example) {
            panic!("docs/cli.md: {error}");
        }
    }
}

#[test]
fn every_command_has_an_example_in_the_document() {
    // The canonical form begins with the fixed words of the row.
    let shown: HashSet<String> =
        examples().into_iter().filter_map(|line| grammar::parse(line).ok()?).map(|line| line.to_string()).collect();
    for row in rows() {
        let usage = row.usage();
        let fixed: Vec<&str> = usage.split(' ').take_while(|word| !word.contains(['<', '[', '|'])).collect();
        // Synonyms are written back as the command itself.
        let fixed = fixed.join(" ").replace("running-config", "config").replace("dump ", "dump_");
        assert!(shown.iter().any(|line| line.starts_with(&fixed)), "docs/cli.md has no example of `{usage}`");
    }
}
