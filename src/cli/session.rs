//! Who executes a line: the control thread of this process, or another process behind a socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded};

use super::command::Command;
use super::grammar::{self, Line, Options, help};
use super::load;
use super::reply::Reply;

/// A command on its way to the control thread.
#[derive(Debug)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// How to answer.
    pub options: Options,
    /// Where to answer, once. It has room for the answer, so answering never blocks; it fails when nobody waits any
    /// more, which is no error.
    pub reply: Sender<Reply>,
}

/// Wakes the control thread when a request has been queued.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Something that executes lines.
pub trait Session {
    /// Executes one line. A blank line is done at once; a line that is not a command gives an error.
    fn execute(&mut self, line: &str) -> Reply;
}

/// The way to the control thread of this process; a clone serves each connection.
#[derive(Clone)]
pub struct Control {
    requests: Sender<Request>,
    wake: Wake,
}

impl Control {
    /// A way to the thread that receives `requests` and is woken by `wake`.
    pub fn new(requests: Sender<Request>, wake: Wake) -> Self {
        Self { requests, wake }
    }

    /// Has a line executed, and waits for the answer as long as [`Command::patience`] allows. Help is answered here.
    pub fn ask(&self, line: Line) -> Reply {
        self.ask_from(line, 0)
    }

    /// The same, from so many files within files.
    fn ask_from(&self, line: Line, depth: u8) -> Reply {
        let Line { command, options } = line;
        match &command {
            Command::Help { words } => {
                return match help::help(words) {
                    Ok(help) => Reply::view(&help, options),
                    Err(message) => Reply::error(message),
                };
            }
            Command::NotSupported { asked, instead, .. } => {
                let instead = if instead.is_empty() { String::new() } else { format!("; {instead}") };
                return Reply::error(format!("not supported: testpmd's `{asked}` is not here{instead}"));
            }
            Command::Load { file } => {
                return load::run(file, options, depth, &|line, depth| self.ask_from(line, depth));
            }
            _ => {}
        }
        let patience = command.patience();
        self.ask_within(command, options, patience)
    }

    fn ask_within(&self, command: Command, options: Options, patience: Duration) -> Reply {
        let name = command.to_string();
        let (reply, answer) = bounded(1);
        let deadline = Instant::now() + patience;
        let request = Request { command, options, reply };
        match self.requests.send_deadline(request, deadline) {
            Ok(()) => (self.wake)(),
            Err(SendTimeoutError::Timeout(_)) => return late(&name, patience),
            Err(SendTimeoutError::Disconnected(_)) => return gone(),
        }
        wait(&answer, deadline, &name, patience)
    }
}

fn wait(answer: &Receiver<Reply>, deadline: Instant, name: &str, patience: Duration) -> Reply {
    match answer.recv_deadline(deadline) {
        Ok(reply) => reply,
        Err(RecvTimeoutError::Timeout) => late(name, patience),
        Err(RecvTimeoutError::Disconnected) => gone(),
    }
}

fn late(name: &str, patience: Duration) -> Reply {
    Reply::error(format!(
        "`{name}` was not answered within {} s; the control thread is busy or stuck, try again",
        patience.as_secs()
    ))
}

fn gone() -> Reply {
    Reply::error("ringway is stopping; the command was not executed")
}

impl Session for Control {
    fn execute(&mut self, line: &str) -> Reply {
        match grammar::parse(line) {
            Ok(Some(line)) => self.ask(line),
            Ok(None) => Reply::done(),
            Err(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    fn control() -> (Control, Receiver<Request>, Arc<AtomicUsize>) {
        let (requests, queue) = bounded(1);
        let woken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&woken);
        let wake: Wake = Arc::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        (Control::new(requests, wake), queue, woken)
    }

    #[test]
    fn a_command_reaches_the_control_thread_and_its_answer_comes_back() {
        let (mut control, queue, woken) = control();
        let thread = thread::spawn(move || {
            let request = queue.recv().unwrap();
            request.reply.send(Reply::said("five drops")).unwrap();
            request.command
        });
        assert_eq!(control.execute("sh dr").text, "five drops");
        assert_eq!(thread.join().unwrap(), Command::ShowDrops { all: false });
        assert_eq!(woken.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn help_and_errors_never_reach_the_control_thread() {
        let (mut control, queue, _) = control();
        assert!(control.execute("help").ok);
        assert!(!control.execute("shwo drops").ok);
        assert!(control.execute("# nothing").ok);
        assert!(queue.is_empty());
    }

    #[test]
    fn what_testpmd_has_alone_is_refused_in_one_line() {
        let (mut control, queue, _) = control();
        let reply = control.execute("flow create 0 ingress pattern eth / end actions drop / end");
        assert!(
            !reply.ok && reply.text.starts_with("not supported: testpmd's `flow create` is not here; "),
            "{reply:?}"
        );
        assert_eq!(reply.text.lines().count(), 1);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_request_that_is_not_answered_gives_an_error() {
        let (control, _queue, _) = control();
        let ask = || control.ask_within(Command::ShowPool, Options::default(), Duration::from_millis(5));
        // The first waits for its answer, the second for room in the queue.
        for reply in [ask(), ask()] {
            assert!(reply.text.contains("`show pool` was not answered"), "{}", reply.text);
        }
    }

    #[test]
    fn a_control_thread_that_is_gone_gives_an_error() {
        let (mut control, queue, _) = control();
        drop(queue);
        assert!(control.execute("show pool").text.contains("stopping"));
    }

    #[test]
    fn a_request_dropped_unanswered_gives_an_error_at_once() {
        let (mut control, queue, _) = control();
        let thread = thread::spawn(move || drop(queue.recv()));
        assert!(!control.execute("show pool").ok);
        thread.join().unwrap();
    }

    #[test]
    fn a_long_ping_is_waited_for() {
        let Ok(Some(line)) = grammar::parse("ping 192.0.2.1 count 100 interval 1000") else { panic!() };
        assert_eq!(line.command.patience(), Duration::from_secs(130));
    }
}
