//! Commands from a file or a pipe, and the exit status that says how they went.

use std::io::{self, BufRead, Write};

use super::command::Command;
use super::grammar::{self, Line};
use super::reply::Reply;
use super::session::Session;

/// Every command did what it says.
pub const DONE: u8 = 0;
/// A command failed.
pub const FAILED: u8 = 1;
/// A line is not a command.
pub const NOT_A_COMMAND: u8 = 2;

/// How lines are executed and shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// `--json` on every line.
    pub json: bool,
    /// `--format proc` on every line.
    pub proc: bool,
    /// A line that goes wrong does not end the batch.
    pub keep_going: bool,
}

/// Executes one line and shows the answer: facts on `out`, errors on `err`, with `--json` both on `out`.
///
/// Returns the exit status.
///
/// # Errors
/// The answer cannot be written.
pub fn one(
    line: &str,
    session: &mut dyn Session,
    manner: Manner,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    match read(line, manner) {
        Ok(None) => Ok(DONE),
        Ok(Some(line)) => execute(&line, session, out, err),
        Err(error) => {
            show(&error, manner.json, out, err)?;
            Ok(NOT_A_COMMAND)
        }
    }
}

/// Executes every line of `input` and shows each answer; `name` names the input in errors. `quit` ends the batch.
///
/// Returns the exit status, of the worst line with `keep_going`.
///
/// # Errors
/// The input cannot be read or an answer cannot be written.
pub fn run(
    input: &mut dyn BufRead,
    name: &str,
    session: &mut dyn Session,
    manner: Manner,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    let mut worst = DONE;
    for (place, line) in input.lines().enumerate() {
        let line = line?;
        let status = match read(&line, manner) {
            Ok(None) => continue,
            Ok(Some(Line { command: Command::Quit, .. })) => break,
            Ok(Some(line)) => execute(&line, session, out, err)?,
            Err(error) => {
                show(&error, manner.json, out, err)?;
                NOT_A_COMMAND
            }
        };
        if status != DONE {
            let rest = if manner.keep_going { "" } else { "; the lines after it were not executed" };
            writeln!(err, "{name}:{}: `{}` failed{rest}", place + 1, grammar::error::printable(line.trim()))?;
            worst = worst.max(status);
            if !manner.keep_going {
                break;
            }
        }
    }
    Ok(worst)
}

fn read(line: &str, manner: Manner) -> Result<Option<Line>, Reply> {
    let Some(mut line) = grammar::parse(line).map_err(Reply::from)? else { return Ok(None) };
    line.options.json |= manner.json;
    line.options.proc |= manner.proc;
    // The options may not fit this command: its full form says whether they do.
    grammar::parse(&line.to_string()).map_err(Reply::from)
}

fn execute(line: &Line, session: &mut dyn Session, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let reply = session.execute(&line.to_string());
    show(&reply, line.options.json, out, err)?;
    Ok(if reply.ok { DONE } else { FAILED })
}

/// Shows a reply: facts on `out`, errors on `err`, as JSON both on `out`.
///
/// # Errors
/// It cannot be written.
pub fn show(reply: &Reply, json: bool, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    let text = reply.render(json);
    if reply.is_error() && !json {
        writeln!(err, "error: {text}")?;
        return err.flush();
    }
    if !text.is_empty() {
        writeln!(out, "{text}")?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers what it was asked, and fails on `start`.
    #[derive(Default)]
    struct Fake(Vec<String>);

    impl Session for Fake {
        fn execute(&mut self, line: &str) -> Reply {
            self.0.push(line.to_owned());
            if line == "start" { Reply::error("it is started already") } else { Reply::said(format!("did {line}")) }
        }
    }

    struct Outcome {
        status: u8,
        asked: Vec<String>,
        out: String,
        err: String,
    }

    fn batch(input: &str, manner: Manner) -> Outcome {
        let (mut session, mut out, mut err) = (Fake::default(), Vec::new(), Vec::new());
        let status = run(&mut input.as_bytes(), "lab.cli", &mut session, manner, &mut out, &mut err).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Outcome { status, asked: session.0, out: text(out), err: text(err) }
    }

    #[test]
    fn comments_and_blank_lines_are_skipped() {
        let outcome = batch("# a comment\n\nstop # now\nshow pool\n", Manner::default());
        assert_eq!((outcome.status, outcome.asked), (DONE, vec!["stop".to_owned(), "show pool".to_owned()]));
        assert_eq!(outcome.out, "did stop\ndid show pool\n");
    }

    #[test]
    fn a_batch_stops_at_the_first_failure_and_says_where() {
        let outcome = batch("stop\nstart\nshow pool\n", Manner::default());
        assert_eq!((outcome.status, outcome.asked.len()), (FAILED, 2));
        assert!(outcome.err.contains("error: it is started already\nlab.cli:2: `start` failed"), "{}", outcome.err);
    }

    #[test]
    fn a_line_that_is_no_command_has_a_status_of_its_own() {
        let outcome = batch("stopp\nshow pool\n", Manner::default());
        assert_eq!((outcome.status, outcome.asked.len()), (NOT_A_COMMAND, 0));
        assert!(outcome.err.contains("did you mean `stop`?"), "{}", outcome.err);
    }

    #[test]
    fn a_batch_that_keeps_going_reports_the_worst() {
        let outcome = batch("start\nstopp\nshow pool\n", Manner { keep_going: true, ..Manner::default() });
        assert_eq!((outcome.status, outcome.asked.len()), (NOT_A_COMMAND, 2));
        assert_eq!(outcome.out, "did show pool\n");
    }

    #[test]
    fn quit_ends_a_batch_without_stopping_the_router() {
        let outcome = batch("stop\nquit\nstart\n", Manner::default());
        assert_eq!((outcome.status, outcome.asked), (DONE, vec!["stop".to_owned()]));
    }

    #[test]
    fn options_of_the_batch_go_to_every_line() {
        let outcome = batch("show pool\n", Manner { json: true, ..Manner::default() });
        assert_eq!(outcome.asked, ["show pool --json"]);
        let outcome = batch("show pool\n", Manner { proc: true, ..Manner::default() });
        assert_eq!(outcome.status, NOT_A_COMMAND);
    }

    #[test]
    fn with_json_an_error_is_json_on_the_output() {
        let outcome = batch("start --json\n", Manner { json: true, ..Manner::default() });
        assert_eq!(outcome.status, DONE, "{}", outcome.err);
        let outcome = batch("nonsense\n", Manner { json: true, ..Manner::default() });
        let json: serde_json::Value = serde_json::from_str(&outcome.out).unwrap();
        assert_eq!(json["word"], 1);
    }

    #[test]
    fn one_line_has_the_same_statuses() {
        let status =
            |line: &str| one(line, &mut Fake::default(), Manner::default(), &mut Vec::new(), &mut Vec::new()).unwrap();
        assert_eq!((status("stop"), status("start"), status("stat"), status("")), (DONE, FAILED, NOT_A_COMMAND, DONE));
    }
}
