//! The answer to a command.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::grammar::Options;
use super::grammar::error::ParseError;
use super::view::View;

/// The answer to a command, as text or as JSON: only what was asked for is filled, a large table is not rendered twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Whether the command did what it says.
    pub ok: bool,
    /// For people; no line end after the last line. Always filled when `ok` is false.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// For programs, when `--json` was given or the reply is an error: `{"error": "..."}`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub json: Value,
}

impl Reply {
    /// Shows a view the way the line asked for.
    pub fn view(view: &impl View, options: Options) -> Self {
        let ok = view.ok();
        if options.json {
            return Self { ok, text: String::new(), json: view.json() };
        }
        if options.proc {
            return match view.proc() {
                Some(text) => Self { ok, text, json: Value::Null },
                None => Self::error("there is no file in /proc/net that shows this; leave out `--format proc`"),
            };
        }
        Self { ok, text: view.text(), json: Value::Null }
    }

    /// A command that was done and has nothing to show.
    pub fn done() -> Self {
        Self { ok: true, text: String::new(), json: Value::Null }
    }

    /// A command that was done, with a line to say so.
    pub fn said(text: impl Into<String>) -> Self {
        Self { ok: true, text: text.into(), json: Value::Null }
    }

    /// A command that was not done. The message says what is wrong and what to do.
    pub fn error(message: impl Into<String>) -> Self {
        let text = message.into();
        Self { ok: false, json: json!({ "error": text }), text }
    }

    /// Whether the command was not done; a `ping` without an answer was done, and is not `ok`.
    pub fn is_error(&self) -> bool {
        !self.ok && self.json.get("error").is_some()
    }

    /// The reply as a program or a person reads it. An answer without facts is `{"ok": true}` in JSON, with the
    /// message if there is one.
    pub fn render(&self, as_json: bool) -> String {
        if !as_json {
            return self.text.clone();
        }
        let bare;
        let value = if self.json.is_null() {
            bare = match &self.text[..] {
                "" => json!({ "ok": self.ok }),
                text => json!({ "ok": self.ok, "message": text }),
            };
            &bare
        } else {
            &self.json
        };
        format!("{value:#}")
    }
}

impl From<ParseError> for Reply {
    fn from(error: ParseError) -> Self {
        let json = json!({
            "error": error.message,
            "word": error.word,
            "column": error.column,
            "suggestion": error.suggestion,
        });
        Self { ok: false, text: error.to_string(), json }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::view::Version;

    fn version() -> Version {
        Version { version: "1.2.3".into(), features: Vec::new() }
    }

    #[test]
    fn only_what_was_asked_for_is_rendered() {
        let text = Reply::view(&version(), Options::default());
        assert!(text.json.is_null() && !text.text.is_empty());
        let json = Reply::view(&version(), Options { json: true, proc: false });
        assert!(json.text.is_empty() && json.json["version"] == "1.2.3");
    }

    #[test]
    fn a_view_without_a_proc_file_refuses_that_format() {
        assert!(!Reply::view(&version(), Options { json: false, proc: true }).ok);
    }

    #[test]
    fn a_reply_survives_the_wire() {
        for reply in [Reply::done(), Reply::said("saved"), Reply::error("no such port: p9")] {
            let wire = serde_json::to_string(&reply).unwrap();
            assert_eq!(serde_json::from_str::<Reply>(&wire).unwrap(), reply);
        }
    }

    #[test]
    fn an_answer_without_facts_is_still_json() {
        assert_eq!(Reply::done().render(true), "{\n  \"ok\": true\n}");
        assert_eq!(Reply::done().render(false), "");
    }
}
