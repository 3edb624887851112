//! `load FILE`: the commands of a file, executed one after the other as if they had been typed.
//!
//! The file is read by the router, so that the command means the same at the prompt, from a shell and over the socket. The first
//! line that goes wrong ends it, and is named.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::command::Command;
use super::grammar::{self, Line, Options};
use super::reply::Reply;

/// Bytes of a file at most: far more than anybody types.
const BYTES_MAX: u64 = 1 << 20;
/// Files that may load one another.
const DEPTH_MAX: u8 = 8;

/// Executes the lines of a file by `ask`, which is told how many files are within one another.
pub fn run(file: &str, options: Options, depth: u8, ask: &dyn Fn(Line, u8) -> Reply) -> Reply {
    if depth >= DEPTH_MAX {
        return Reply::error(format!("{file}: {DEPTH_MAX} files load one another; is there a circle?"));
    }
    let text = match read(Path::new(file)) {
        Ok(text) => text,
        Err(message) => return Reply::error(format!("cannot load {file}: {message}")),
    };
    let mut answers = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let wrong = |message: &str| Reply::error(format!("{file}: line {}: {message}", number + 1));
        let line = match grammar::parse(line) {
            Ok(None) => continue,
            Ok(Some(line)) => line,
            Err(error) => return wrong(&error.to_string()),
        };
        if line.command == Command::Quit {
            return wrong("`quit` ends the router; a file that is loaded must not");
        }
        let json = line.options.json || options.json;
        let reply = ask(Line { options: Options { json, ..line.options }, ..line }, depth + 1);
        if !reply.ok {
            return wrong(&reply.text);
        }
        answers.push(reply);
    }
    together(answers, options)
}

fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Err(error) => Err(error.to_string()),
        Ok(bytes) if bytes as u64 > BYTES_MAX => Err(format!("it has more than {BYTES_MAX} bytes")),
        Ok(_) => Ok(text),
    }
}

/// The answers as one: each text under the other, or a list.
fn together(answers: Vec<Reply>, options: Options) -> Reply {
    if options.json {
        let answers: Vec<Value> =
            answers.into_iter().map(|answer| answer.json).filter(|json| !json.is_null()).collect();
        return Reply { ok: true, text: String::new(), json: json!({ "answers": answers }) };
    }
    let texts: Vec<String> = answers.into_iter().map(|answer| answer.text).filter(|text| !text.is_empty()).collect();
    Reply::said(texts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn load(text: &str, options: Options) -> Reply {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let echo = |line: Line, _| match line.command {
            Command::Stop => Reply::error("packets are not forwarded"),
            command => Reply { ok: true, text: format!("did {command}"), json: json!({ "did": command.to_string() }) },
        };
        run(file.path().to_str().unwrap(), options, 0, &echo)
    }

    #[test]
    fn every_line_is_executed_and_every_answer_shown() {
        let reply = load("# evening\nset burst 8\n\nsh dr\n", Options::default());
        assert_eq!((reply.ok, &reply.text[..]), (true, "did set burst 8\ndid show drops"));
        let reply = load("show drops\n", Options { json: true, proc: false });
        assert_eq!(reply.json, json!({ "answers": [{ "did": "show drops" }] }));
    }

    #[test]
    fn the_first_line_that_goes_wrong_ends_it_and_is_named() {
        let reply = load("show drops\nstop\nshow pool\n", Options::default());
        assert!(!reply.ok && reply.text.ends_with(": line 2: packets are not forwarded"), "{}", reply.text);
        assert!(load("shwo\n", Options::default()).text.contains(": line 1: word 1:"));
        assert!(load("quit\n", Options::default()).text.contains("must not"));
    }

    #[test]
    fn a_file_that_is_not_there_and_files_in_a_circle_are_refused() {
        let never = |_, _| panic!("nothing is executed");
        assert!(run("/nonexistent", Options::default(), 0, &never).text.starts_with("cannot load /nonexistent: "));
        assert!(run("/nonexistent", Options::default(), DEPTH_MAX, &never).text.contains("circle"));
    }
}
