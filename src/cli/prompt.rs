//! The prompt: history, completion, and a loop that works the same over the socket and in `ringway run`.

use std::cell::RefCell;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::batch;
use super::command::Command;
use super::grammar::complete::{Names, complete};
use super::grammar::{self, Line};
use super::reply::Reply;
use super::session::Session;

/// What is typed behind, unless told otherwise.
pub const PROMPT: &str = "ringway> ";

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A line.
    Line(String),
    /// Ctrl-C: the line is forgotten.
    Interrupted,
    /// Ctrl-D.
    End,
}

/// Where lines come from.
pub trait Lines {
    /// The next line.
    ///
    /// # Errors
    /// The terminal fails.
    fn next(&mut self) -> io::Result<Input>;
}

/// Executes lines and shows the answers until `quit` or Ctrl-D. What that means is the caller's: `ringway cli` leaves,
/// `ringway run` stops.
///
/// # Errors
/// The terminal fails.
pub fn converse(
    lines: &mut dyn Lines,
    session: &mut dyn Session,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<()> {
    loop {
        let typed = match lines.next()? {
            Input::Line(typed) => typed,
            Input::Interrupted => continue,
            Input::End => return Ok(()),
        };
        match grammar::parse(&typed) {
            Ok(None) => {}
            Ok(Some(Line { command: Command::Quit, .. })) => return Ok(()),
            Ok(Some(line)) => {
                let reply = session.execute(&typed);
                batch::show(&reply, line.options.json, out, err)?;
            }
            Err(error) => batch::show(&Reply::from(error), false, out, err)?,
        }
    }
}

/// The names of ports and interfaces of a running router, to complete with; none when it does not answer.
pub fn names(session: &mut dyn Session) -> Names {
    let mut column = |line: &str, table: &str| {
        let reply = session.execute(line);
        let rows = reply.json[table].as_array().cloned().unwrap_or_default();
        let names = rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned));
        names.collect::<Vec<_>>()
    };
    let ports = column("show port summary all --json", "ports");
    Names { ports, interfaces: column("show interface --json", "interfaces") }
}

/// A prompt on the terminal, with completion, and with history when there is a file for it. Names to complete with are
/// asked of a second session, since the first is in use. `prompt` is what is typed behind.
///
/// # Errors
/// The terminal fails.
pub fn on_terminal(
    session: &mut dyn Session,
    names_from: impl Session,
    history: Option<&Path>,
    prompt: &str,
) -> io::Result<()> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .auto_add_history(true)
        .max_history_size(1000)
        .and_then(|config| config.history_ignore_dups(true))
        .map_err(terminal)?
        .build();
    let mut editor = Editor::<Assistant<_>, FileHistory>::with_config(config).map_err(terminal)?;
    editor.set_helper(Some(Assistant { session: RefCell::new(names_from) }));
    if let Some(path) = history {
        // The first time there is none; then it is made. A prompt without history is still a prompt.
        if editor.load_history(path).is_err()
            && let Some(parent) = path.parent()
        {
            let _ = fs::create_dir_all(parent);
        }
    }
    let mut terminal = Terminal { editor, history, prompt };
    converse(&mut terminal, session, &mut io::stdout(), &mut io::stderr())
}

/// How the terminal was before a prompt took it over. A process that ends while a prompt waits for a line in another
/// thread, on a signal for one, gives the terminal back with it.
#[derive(Debug)]
pub struct TerminalMode(Termios);

impl TerminalMode {
    /// Remembers the mode; none when the standard input is no terminal.
    pub fn remember() -> Option<Self> {
        tcgetattr(io::stdin()).ok().map(Self)
    }

    /// Gives the terminal back as it was.
    pub fn restore(&self) {
        const BRACKETED_PASTE_OFF: &[u8] = b"\x1b[?2004l\r\n";
        // A terminal that is gone needs nothing back.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        let _ = io::stdout().write_all(BRACKETED_PASTE_OFF).and_then(|()| io::stdout().flush());
    }
}

/// Where the history is kept: `ringway/history` in the user's state directory.
pub fn history_file() -> Option<PathBuf> {
    history_in(env::var_os("XDG_STATE_HOME"), env::var_os("HOME"))
}

fn history_in(state: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    // "All paths set in these environment variables must be absolute. If an implementation encounters a relative path
    // ... it should consider the path invalid and ignore it." (XDG Base Directory Specification)
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute(state).or_else(|| Some(absolute(home)?.join(".local/state")))?;
    Some(state.join("ringway/history"))
}

fn terminal(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        other => io::Error::other(other),
    }
}

struct Terminal<'h, S: Session> {
    editor: Editor<Assistant<S>, FileHistory>,
    history: Option<&'h Path>,
    prompt: &'h str,
}

impl<S: Session> Lines for Terminal<'_, S> {
    fn next(&mut self) -> io::Result<Input> {
        match self.editor.readline(self.prompt) {
            Ok(line) => {
                // Line by line: a prompt does not always live to its end.
                if let Some(path) = self.history {
                    let _ = self.editor.append_history(path);
                }
                Ok(Input::Line(line))
            }
            Err(ReadlineError::Interrupted) => Ok(Input::Interrupted),
            Err(ReadlineError::Eof) => Ok(Input::End),
            Err(error) => Err(terminal(error)),
        }
    }
}

/// Completes what is typed, from the table and from the names the router has.
struct Assistant<S> {
    session: RefCell<S>,
}

impl<S: Session> Completer for Assistant<S> {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let names = names(&mut *self.session.borrow_mut());
        let mut completion = complete(&line[..cursor], &names);
        // A word that is settled is followed by the next one.
        if let [only] = &mut completion.words[..]
            && cursor == line.len()
        {
            only.push(' ');
        }
        Ok((completion.start, completion.words))
    }
}

impl<S> Hinter for Assistant<S> {
    type Hint = String;
}

impl<S> Highlighter for Assistant<S> {}

impl<S> Validator for Assistant<S> {}

impl<S: Session> Helper for Assistant<S> {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Script(Vec<Input>);

    impl Lines for Script {
        fn next(&mut self) -> io::Result<Input> {
            Ok(if self.0.is_empty() { Input::End } else { self.0.remove(0) })
        }
    }

    #[derive(Default)]
    struct Fake(Vec<String>);

    impl Session for Fake {
        fn execute(&mut self, line: &str) -> Reply {
            self.0.push(line.to_owned());
            let json = json!({ "ports": [{ "name": "p0" }], "interfaces": [{ "name": "p0.7" }] });
            Reply { ok: true, text: format!("did {line}"), json }
        }
    }

    fn typed(inputs: &[Input]) -> (Vec<String>, String, String) {
        let (mut session, mut out, mut err) = (Fake::default(), Vec::new(), Vec::new());
        converse(&mut Script(inputs.to_vec()), &mut session, &mut out, &mut err).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (session.0, text(out), text(err))
    }

    fn line(text: &str) -> Input {
        Input::Line(text.into())
    }

    #[test]
    fn a_line_is_executed_and_its_answer_shown() {
        let (asked, out, _) = typed(&[line("sh pool")]);
        assert_eq!((asked, out), (vec!["sh pool".to_owned()], "did sh pool\n".to_owned()));
    }

    #[test]
    fn control_c_forgets_the_line_and_control_d_ends() {
        let (asked, _, _) = typed(&[Input::Interrupted, line("start"), Input::End, line("stop")]);
        assert_eq!(asked, ["start"]);
    }

    #[test]
    fn quit_ends_the_prompt_and_is_the_callers_to_execute() {
        let (asked, _, _) = typed(&[line("q"), line("stop")]);
        assert!(asked.is_empty());
    }

    #[test]
    fn a_mistake_is_shown_and_the_prompt_goes_on() {
        let (asked, _, err) = typed(&[line("shwo pool"), line(""), line("# no"), line("stop")]);
        assert_eq!(asked, ["stop"]);
        assert!(err.contains("did you mean `show pool`?"), "{err}");
    }

    #[test]
    fn json_at_the_prompt_is_json() {
        let (_, out, _) = typed(&[line("show pool --json")]);
        assert!(out.starts_with("{\n"), "{out}");
    }

    #[test]
    fn names_to_complete_with_come_from_the_router() {
        let names = names(&mut Fake::default());
        assert_eq!(names, Names { ports: vec!["p0".into()], interfaces: vec!["p0.7".into()] });
    }

    #[test]
    fn history_is_in_the_state_directory() {
        let file = |state: Option<&str>, home: Option<&str>| history_in(state.map(Into::into), home.map(Into::into));
        assert_eq!(file(Some("/s"), Some("/h")), Some("/s/ringway/history".into()));
        assert_eq!(file(None, Some("/h")), Some("/h/.local/state/ringway/history".into()));
        assert_eq!(file(Some("relative"), Some("/h")), Some("/h/.local/state/ringway/history".into()));
        assert_eq!(file(None, None), None);
    }
}
