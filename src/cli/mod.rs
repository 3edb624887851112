//! The command line of a running ringway: one grammar for the prompt, one-shot commands, batch files and the socket.
//!
//! ```text
//!  prompt of `ringway run` --+                                     +-- control thread
//!  `ringway cli COMMAND` ----+--> socket --> server --> Request ---+      executes, fills a view,
//!  `ringway cli --file F` ---+                            ^        +--<-- answers with a Reply
//!  `nc -U`, programs --------+      grammar: line -> Command
//! ```
//!
//! A line is checked by the [`grammar`] before anybody executes it. The control thread receives a
//! [`Request`](session::Request) with a [`Command`](command::Command), fills a [`View`](view::View) with facts, and
//! answers with a [`Reply`](reply::Reply). It is behind a channel: nothing here knows its types, and it knows nothing
//! of terminals and sockets.

pub mod batch;
mod canonical;
pub mod client;
pub mod command;
#[cfg(test)]
mod documented;
pub mod grammar;
mod load;
pub mod port_command;
pub mod prompt;
pub mod protocol;
pub mod reply;
pub mod server;
pub mod session;
pub mod testpmd;
pub mod view;
