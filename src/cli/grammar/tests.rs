//! The grammar as a whole: what is accepted, what is refused and how, and that nothing else can happen.

use std::collections::HashSet;

use proptest::prelude::*;

use super::argument::Kind;
use super::pattern::Element;
use super::table::rows;
use super::*;
use crate::cli::command::{ForwardMode, PortSelector, PortSubject, RouteTarget};

fn command(line: &str) -> Command {
    match parse(line) {
        Ok(Some(line)) => line.command,
        other => panic!("`{line}`: {other:?}"),
    }
}

fn error(line: &str) -> ParseError {
    parse(line).expect_err(line)
}

#[test]
fn a_blank_line_and_a_comment_are_no_command() {
    assert_eq!(parse(""), Ok(None));
    assert_eq!(parse("  \t "), Ok(None));
    assert_eq!(parse("  # show port"), Ok(None));
}

#[test]
fn an_unambiguous_abbreviation_is_accepted() {
    let stats = Command::ShowPort { subject: PortSubject::Stats, port: PortSelector::All };
    assert_eq!(command("sh po st all"), stats);
    assert_eq!(command("show port stats"), stats);
}

#[test]
fn an_ambiguous_abbreviation_names_what_it_can_be() {
    let error = error("show port s all");
    assert_eq!((error.word, error.column), (3, 10));
    assert!(error.message.contains("`stats` or `summary`"), "{error}");
}

#[test]
fn a_later_word_settles_an_abbreviation_and_the_end_of_the_line_does_not() {
    // `po` is `port` or `pool` until the third word.
    assert!(error("show po").message.contains("`pool` or `port`"));
    assert!(error("st").message.contains("`start` or `stop`"));
    assert_eq!(command("sh po sum"), command("show port summary all"));
}

#[test]
fn a_word_in_full_wins_over_the_longer_one_it_begins() {
    assert_eq!(command("set fwd mac"), Command::SetForwardMode { mode: ForwardMode::Mac, retry: false });
    assert!(error("set fwd ma").message.contains("`mac` or `macswap`"));
}

#[test]
fn options_of_a_route_come_in_any_order() {
    let expected = command("route add 203.0.113.0/24 via 198.51.100.2 dev p1 metric 5");
    assert_eq!(command("route add 203.0.113.0/24 metric 5 dev p1 via 198.51.100.2"), expected);
}

#[test]
fn an_option_of_a_route_is_given_once() {
    assert_eq!(error("route add default via 192.0.2.1 metric 1 metric 2").word, 8);
    assert!(error("route add default via 192.0.2.1 dev p0 dev p1").message.contains("two interfaces"));
}

#[test]
fn a_route_may_have_several_gateways_each_with_its_interface_and_weight() {
    let line = "route add 203.0.113.0/24 via 192.0.2.1 dev p0 weight 2 via 192.0.2.2 weight 3 via 192.0.2.3 metric 5";
    let Command::RouteAdd { target: RouteTarget::Gateways(gateways), metric, .. } = command(line) else { panic!() };
    let weights: Vec<_> = gateways.iter().map(|gateway| (gateway.interface.as_deref(), gateway.weight)).collect();
    assert_eq!((weights, metric), (vec![(Some("p0"), 2), (None, 3), (None, 1)], Some(5)));
    assert_eq!(command(line).to_string(), line);
}

#[test]
fn a_kind_of_route_is_told_from_its_prefix() {
    let Command::RouteAdd { target, .. } = command("route add black 203.0.113.0/24") else { panic!() };
    assert_eq!(target, RouteTarget::Blackhole);
}

#[test]
fn a_route_to_nowhere_says_what_is_missing() {
    let error = error("route add 203.0.113.0/24 metric 5");
    assert!(error.message.contains("via <gateway>"), "{error}");
    assert_eq!(error.word, 6);
}

#[test]
fn options_of_the_line_stand_anywhere() {
    for line in ["--json show route", "show --json route", "show route --json"] {
        assert_eq!(parse(line).unwrap().unwrap().options, Options { json: true, proc: false });
    }
    for line in ["show route --format proc", "show --format=proc route"] {
        assert_eq!(parse(line).unwrap().unwrap().options, Options { json: false, proc: true });
    }
}

#[test]
fn the_proc_format_is_refused_where_there_is_no_such_file() {
    let error = error("show pool --format proc");
    assert_eq!((error.word, error.column, error.width), (3, 10, 13));
    assert!(error.message.contains("show route"));
    assert!(parse("show route --json --format proc").is_err());
    assert!(parse("show route --format xml").is_err());
    assert!(parse("show route --format").is_err());
    assert!(parse("--json").is_err());
}

#[test]
fn an_unknown_option_is_told_the_known_ones() {
    assert!(error("show route --yaml").message.contains("--json"));
}

#[test]
fn a_quoted_word_is_never_an_option() {
    assert_eq!(command("write \"--json\""), Command::Write { file: "--json".into() });
}

#[test]
fn an_error_marks_the_word_and_says_what_was_expected() {
    let text = error("show prot stats").to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("word 2: `prot` does not fit here; expected `port`, `interface`"), "{text}");
    assert_eq!(lines[1], "  show prot stats");
    assert_eq!(lines[2], "       ^^^^");
    assert_eq!(lines[3], "did you mean `show port stats`?");
}

#[test]
fn the_mark_stands_right_behind_wide_bytes_and_tabs() {
    let text = error("ping\té").to_string();
    assert_eq!(text.lines().nth(1), Some("  ping é"));
    assert_eq!(text.lines().nth(2), Some("       ^"));
}

#[test]
fn a_terminal_is_not_disturbed_by_an_error() {
    assert!(!error("show \u{1b}[2J\u{7}").to_string().contains(['\u{1b}', '\u{7}']));
}

#[test]
fn a_plural_is_put_right() {
    assert_eq!(error("show routes").suggestion.as_deref(), Some("show route"));
    assert_eq!(error("show interfaces p0").suggestion.as_deref(), Some("show interface p0"));
}

#[test]
fn words_in_the_wrong_order_find_their_command() {
    assert_eq!(error("port show stats").suggestion.as_deref(), Some("show port stats [<port>]"));
}

#[test]
fn a_line_that_ends_too_early_says_what_comes_next() {
    let error = error("set promisc p0");
    assert_eq!(error.word, 4);
    assert!(error.message.contains("expected `on` or `off`"), "{error}");
}

#[test]
fn a_line_with_too_much_is_refused_at_the_first_word_too_many() {
    let error = error("show pool now");
    assert_eq!(error.word, 3);
    assert!(error.message.contains("expected the end of the line"), "{error}");
}

#[test]
fn words_are_counted_with_the_options_before_them() {
    let error = error("--json show prot");
    assert_eq!((error.word, error.column), (3, 12));
}

#[test]
fn a_wrong_argument_is_told_what_is_wrong_with_it() {
    assert!(error("route add 10.0.0.1/8 dev p0").message.contains("10.0.0.0/8"));
    assert!(error("set burst 513").message.contains("1 to 512"));
    assert!(error("ping 2001:db8::/64").message.contains("no length"));
    assert!(error("write \"abc").message.contains("quote"));
}

#[test]
fn default_is_of_the_family_of_its_gateway() {
    let prefix = |line: &str| match command(line) {
        Command::RouteAdd { prefix, .. } | Command::RouteDel { prefix, .. } => prefix.to_string(),
        other => panic!("`{line}`: {other:?}"),
    };
    assert_eq!(prefix("route add default via 192.0.2.1"), "0.0.0.0/0");
    assert_eq!(prefix("route add default via fe80::1 dev p0"), "::/0");
    assert_eq!(prefix("route add default dev p0"), "0.0.0.0/0");
    assert_eq!(prefix("route del default via fe80::1"), "::/0");
    assert_eq!(prefix("route add 0.0.0.0/0 via fe80::1 dev p0"), "0.0.0.0/0", "RFC 8950");
    assert_eq!(prefix("route del 0.0.0.0/0 via 2001:db8::1"), "0.0.0.0/0");
}

#[test]
fn a_question_mark_asks_for_help() {
    assert_eq!(command("show port ?"), Command::Help { words: vec!["show".into(), "port".into()] });
    assert_eq!(command("?"), Command::Help { words: Vec::new() });
}

#[test]
fn every_forwarding_mode_can_be_set() {
    for mode in ForwardMode::ALL {
        assert_eq!(command(&format!("set fwd {mode}")), Command::SetForwardMode { mode, retry: false });
    }
}

#[test]
fn every_example_is_its_own_row() {
    for row in rows() {
        let reading = Reading::of(row.example).unwrap();
        let found = reading.find().unwrap_or_else(|error| panic!("{error}"));
        assert!(std::ptr::eq(found.row, row), "`{}` is `{}`", row.example, found.row.usage());
    }
}

#[test]
fn no_two_rows_are_alike() {
    let usages: HashSet<String> = rows().iter().map(|row| row.usage()).collect();
    assert_eq!(usages.len(), rows().len());
}

/// A line of a row, every choice in it taken by the next number of `entropy`.
fn spell(elements: &[Element], entropy: &mut impl Iterator<Item = u32>, words: &mut Vec<String>) {
    for element in elements {
        let dice = entropy.next().unwrap_or(0);
        match element {
            Element::Literal(word) => words.push((*word).into()),
            Element::Optional(inner) | Element::Repeated(inner) if dice.is_multiple_of(2) => {
                spell(inner, entropy, words)
            }
            Element::Optional(_) | Element::Repeated(_) => {}
            Element::Argument { kind, .. } => words.push(argument(kind, dice)),
        }
    }
}

fn argument(kind: &Kind, dice: u32) -> String {
    let names = ["p0", "p0.100", "up", "all", "a b", "\"", "#1", "mtu", "via", "s"];
    let name = || words::Quoted(names[dice as usize % names.len()]).to_string();
    match kind {
        Kind::Prefix if dice.is_multiple_of(5) => "default".into(),
        Kind::Prefix => {
            let net = ipnet::Ipv4Net::new(dice.into(), (dice % 33) as u8).unwrap();
            net.trunc().to_string()
        }
        Kind::Address => std::net::Ipv4Addr::from(dice).to_string(),
        Kind::Mac => format!("02:00:00:00:00:{:02x}", dice % 256),
        Kind::Port if dice.is_multiple_of(2) => (dice % 65536).to_string(),
        Kind::Port | Kind::File => name(),
        Kind::Interface | Kind::Vrf => ["p0", "p0.100", "up", "dev", "mtu", "metric"][dice as usize % 6].into(),
        Kind::Number(low, high) => (low + u64::from(dice) % (high - low + 1)).to_string(),
        Kind::List => format!("{},{}", dice % 500, dice % 500 + 1),
        Kind::Mask => format!("0x{:x}", dice | 1),
        Kind::Choice(words) => words[dice as usize % words.len()].into(),
        Kind::Words => name(),
        Kind::Word => ["global", "mb_pool_0", "x"][dice as usize % 3].into(),
        Kind::Numbers => format!("{},{}", dice % 7, dice % 2000),
        Kind::Masks => format!("({:#x},0x0)", dice),
    }
}

/// Words that mean something somewhere, words that nearly do, and anything.
fn soup() -> impl Strategy<Value = String> {
    let known: Vec<&'static str> = rows()
        .iter()
        .flat_map(|row| row.example.split(' '))
        .chain(["--json", "--format", "proc", "--format=proc", "?", "#", "\"", "st", "s", "default", "all"])
        .collect();
    let word = prop_oneof![
        6 => proptest::sample::select(known).prop_map(str::to_owned),
        1 => "[a-z0-9./:|<>\\[\\]-]{0,12}",
        1 => ".{0,8}",
    ];
    proptest::collection::vec(word, 0..10).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_line_panics_and_every_error_points_into_or_just_behind_it(line in soup()) {
        if let Err(error) = parse(&line) {
            prop_assert!(error.word >= 1);
            prop_assert!(error.column <= line.chars().count() + 1);
            prop_assert!(!error.to_string().is_empty());
        }
        let _ = complete::complete(&line, &complete::Names::default());
    }

    #[test]
    fn what_parses_is_its_own_canonical_form(
        row in proptest::sample::select(rows().iter().collect::<Vec<_>>()),
        entropy in proptest::collection::vec(any::<u32>(), 24),
    ) {
        let mut words = Vec::new();
        spell(&row.elements, &mut entropy.into_iter(), &mut words);
        let line = words.join(" ");
        match parse(&line) {
            Ok(Some(parsed)) => {
                let canonical = parsed.to_string();
                prop_assert_eq!(parse(&canonical), Ok(Some(parsed)), "`{}` -> `{}`", line, canonical);
            }
            // A multicast address for a neighbor and the like; what a builder lacks. Never a panic.
            other => {
                let lacking = ["route add <prefix>", "route replace <prefix>"];
                let may_lack = lacking.iter().any(|usage| row.usage().starts_with(usage));
                prop_assert!(may_lack, "`{}`: {:?}", line, other);
            }
        }
    }

    #[test]
    fn what_is_offered_at_the_end_of_a_line_is_accepted_there(line in soup()) {
        let names = complete::Names { ports: vec!["p0".into()], interfaces: vec!["p0.7".into()] };
        let offered = complete::complete(&line, &names);
        for word in &offered.words {
            let full = format!("{}{word}", &line[..offered.start]);
            if let Err(error) = parse(&full) {
                let place = words::split(&full).unwrap().len();
                prop_assert!(error.word > place || error.message.contains("--format"), "`{}`: {}", full, error);
            }
        }
    }
}
