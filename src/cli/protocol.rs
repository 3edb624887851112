//! What goes over the socket: a request a line, a reply a line for programs, a block of lines for people.
//!
//! ```text
//! {"command":"show drops","json":true}      ->  {"ok":true,"json":{"drops":[...]}}
//! show drops                                ->  the text, then a line with a single dot
//! ```
//!
//! A line that begins with `{` is a JSON request, anything else is a command as it is typed at the prompt. In the text
//! reply a line of its own that begins with a dot gets a second one in front, as in SMTP (RFC 5321 section 4.5.2), so
//! that the single dot is the end and nothing else. An error's text begins with `error: `.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};

use super::grammar::error::ParseError;
use super::grammar::{self, Line};
use super::reply::Reply;

/// The most bytes of one request, its line end included.
pub const MAX_REQUEST: usize = 64 * 1024;

/// A JSON request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireRequest {
    /// A line as it is typed at the prompt; options in it count too.
    pub command: String,
    /// Whether the facts are wanted as JSON.
    #[serde(default)]
    pub json: bool,
    /// `"proc"` for the format of `/proc/net`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A line, without its end.
    Line(String),
    /// More than [`MAX_REQUEST`] bytes without an end; the rest of the stream means nothing.
    TooLong,
    /// A line that is not UTF-8.
    NotText,
    /// The other side has closed.
    End,
}

/// Reads one request line, and never more than [`MAX_REQUEST`] bytes of it.
///
/// # Errors
/// The stream cannot be read.
pub fn read_request(stream: &mut impl BufRead) -> io::Result<Incoming> {
    let mut line = Vec::new();
    stream.take(MAX_REQUEST as u64).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() == MAX_REQUEST {
        return Ok(Incoming::TooLong);
    } else if line.is_empty() {
        return Ok(Incoming::End);
    }
    Ok(String::from_utf8(line).map_or(Incoming::NotText, Incoming::Line))
}

/// What a request line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// A command, and whether a program asks.
    Command(Line, Form),
    /// A blank line or a comment.
    Nothing(Form),
    /// `quit` typed by a person: the connection is to be closed.
    Leave,
    /// Something is wrong with it.
    Wrong(Reply, Form),
}

/// How a request came, and the reply is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line.
    Json,
    /// Text; whether the facts in it are JSON.
    Text {
        /// `--json` was given.
        json: bool,
    },
}

/// Reads a request line.
pub fn understand(line: &str) -> Asked {
    if line.trim_start().starts_with('{') {
        return understand_json(line);
    }
    match grammar::parse(line) {
        Ok(Some(Line { command: super::command::Command::Quit, .. })) => Asked::Leave,
        Ok(Some(line)) => {
            let json = line.options.json;
            Asked::Command(line, Form::Text { json })
        }
        Ok(None) => Asked::Nothing(Form::Text { json: false }),
        Err(error) => Asked::Wrong(error.into(), Form::Text { json: false }),
    }
}

fn understand_json(line: &str) -> Asked {
    let wrong = |message: String| Asked::Wrong(Reply::error(message), Form::Json);
    let request: WireRequest = match serde_json::from_str(line) {
        Ok(request) => request,
        Err(error) => {
            return wrong(format!(
                "the request is not `{{\"command\": \"...\", \"json\": true}}` on one line: {error}"
            ));
        }
    };
    match request.line() {
        Ok(Some(line)) => Asked::Command(line, Form::Json),
        Ok(None) => Asked::Nothing(Form::Json),
        Err(error) => Asked::Wrong(error.into(), Form::Json),
    }
}

impl WireRequest {
    /// The command with its options, those of the line and those beside it.
    ///
    /// # Errors
    /// The line is not a command, or its options do not fit it.
    pub fn line(&self) -> Result<Option<Line>, ParseError> {
        let json = if self.json { "--json " } else { "" };
        let format = self.format.as_ref().map_or_else(String::new, |format| format!("--format {format} "));
        // Options first: a comment in the line would swallow them.
        if grammar::parse(&self.command)?.is_none() {
            return Ok(None);
        }
        grammar::parse(&format!("{json}{format}{}", self.command))
    }
}

/// Writes a reply the way its request came.
///
/// # Errors
/// The stream cannot be written to.
pub fn write_reply(stream: &mut impl Write, reply: &Reply, form: Form) -> io::Result<()> {
    let mut block = match form {
        Form::Json => serde_json::to_string(reply)?,
        Form::Text { json } => {
            let error = if reply.is_error() && !json { "error: " } else { "" };
            dotted(&format!("{error}{}", reply.render(json)))
        }
    };
    block.push('\n');
    stream.write_all(block.as_bytes())?;
    stream.flush()
}

fn dotted(text: &str) -> String {
    let mut block = String::with_capacity(text.len() + 2);
    for line in text.lines() {
        if line.starts_with('.') {
            block.push('.');
        }
        block.push_str(line);
        block.push('\n');
    }
    block.push('.');
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command::Command;

    fn read(bytes: &[u8]) -> Incoming {
        read_request(&mut &bytes[..]).unwrap()
    }

    fn written(reply: &Reply, form: Form) -> String {
        let mut bytes = Vec::new();
        write_reply(&mut bytes, reply, form).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_request_is_a_line_even_when_the_last_has_no_end() {
        assert_eq!(read(b"show drops\nstart\n"), Incoming::Line("show drops".into()));
        assert_eq!(read(b"show drops"), Incoming::Line("show drops".into()));
        assert_eq!(read(b""), Incoming::End);
    }

    #[test]
    fn a_request_is_bounded_and_text() {
        let mut long = vec![b'x'; MAX_REQUEST - 1];
        assert!(matches!(read(&long), Incoming::Line(_)));
        long.push(b'x');
        assert_eq!(read(&long), Incoming::TooLong);
        assert_eq!(read(b"\xff\xfe\n"), Incoming::NotText);
    }

    #[test]
    fn a_json_request_carries_its_options_beside_the_line() {
        let Asked::Command(line, Form::Json) = understand(r#"{"command":"sh dr # why","json":true}"#) else { panic!() };
        assert_eq!(line.command, Command::ShowDrops { all: false });
        assert!(line.options.json);
        let Asked::Command(line, _) = understand(r#"{"command":"show route","format":"proc"}"#) else { panic!() };
        assert!(line.options.proc);
    }

    #[test]
    fn a_wrong_json_request_is_shown_what_one_looks_like() {
        for wrong in [r#"{"command":"show drops""#, r#"{"cmd":"show drops"}"#, r#"{"command":7}"#] {
            let Asked::Wrong(reply, Form::Json) = understand(wrong) else { panic!("{wrong}") };
            assert!(reply.text.contains(r#"{"command": "...", "json": true}"#), "{}", reply.text);
        }
    }

    #[test]
    fn quit_as_text_leaves_and_as_json_is_a_command() {
        assert_eq!(understand("quit"), Asked::Leave);
        assert!(matches!(understand(r#"{"command":"quit"}"#), Asked::Command(..)));
    }

    #[test]
    fn a_text_reply_ends_with_a_dot_and_no_other_line_is_one() {
        let reply = Reply::said("one\n.\n.two");
        assert_eq!(written(&reply, Form::Text { json: false }), "one\n..\n..two\n.\n");
        assert_eq!(written(&Reply::done(), Form::Text { json: false }), ".\n");
        assert_eq!(written(&Reply::error("no such port"), Form::Text { json: false }), "error: no such port\n.\n");
    }

    #[test]
    fn a_json_reply_is_one_line() {
        let reply = written(&Reply::error("two\nlines"), Form::Json);
        assert_eq!(reply.matches('\n').count(), 1);
        assert!(reply.starts_with(r#"{"ok":false,"#));
    }
}
