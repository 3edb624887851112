//! `ringway cli`: one command, a batch, or a prompt, over the socket of a running ringway.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

use super::batch::{self, FAILED, Manner};
use super::command::Command;
use super::grammar::words::Quoted;
use super::grammar::{self, Line, help};
use super::prompt;
use super::protocol::WireRequest;
use super::reply::Reply;
use super::session::Session;

/// What `ringway cli` was called with.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// Where the socket is; [`default_socket`] when none is named.
    pub socket: Option<PathBuf>,
    /// The words of a command; none for a batch or the prompt.
    pub words: Vec<String>,
    /// A file of commands, `-` for the standard input.
    pub file: Option<PathBuf>,
    /// How lines are executed and shown.
    pub manner: Manner,
}

/// Where `ringway run` makes its socket, and `ringway cli` looks for it, unless told otherwise: for root
/// `/run/ringway/ringway.sock`, else in the user's runtime directory, else in the temporary one.
pub fn default_socket() -> PathBuf {
    socket_for(rustix::process::geteuid().as_raw(), env::var_os("XDG_RUNTIME_DIR"), env::temp_dir())
}

fn socket_for(user: u32, runtime: Option<OsString>, temporary: PathBuf) -> PathBuf {
    let runtime = runtime.map(PathBuf::from).filter(|runtime| runtime.is_absolute());
    match (user, runtime) {
        (0, _) => PathBuf::from("/run/ringway/ringway.sock"),
        (_, Some(runtime)) => runtime.join("ringway/ringway.sock"),
        (user, None) => temporary.join(format!("ringway-{user}/ringway.sock")),
    }
}

/// Does what `ringway cli` was called for, and returns its exit status: 0 when every command did what it says, 1 when
/// one failed or no ringway runs there, 2 when a line is not a command. A reader that has seen enough (`| head`) ends it
/// without a complaint.
///
/// # Errors
/// The standard streams fail.
pub fn run(invocation: &Invocation) -> io::Result<u8> {
    match serve(invocation) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(batch::DONE),
        result => result,
    }
}

fn serve(invocation: &Invocation) -> io::Result<u8> {
    let Invocation { words, file, manner, .. } = invocation;
    let socket = invocation.socket.clone().unwrap_or_else(default_socket);
    let mut session = SocketSession::new(&socket);
    let (mut out, mut err) = (io::stdout(), io::stderr());
    if !words.is_empty() {
        return batch::one(&typed(words), &mut session, *manner, &mut out, &mut err);
    }
    let path = file.as_deref().filter(|path| *path != Path::new("-"));
    if let Some(path) = path {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) => {
                writeln!(err, "error: cannot read {}: {error}", path.display())?;
                return Ok(FAILED);
            }
        };
        let name = path.display().to_string();
        return batch::run(&mut BufReader::new(file), &name, &mut session, *manner, &mut out, &mut err);
    }
    if file.is_some() || !io::stdin().is_terminal() {
        return batch::run(&mut io::stdin().lock(), "standard input", &mut session, *manner, &mut out, &mut err);
    }
    if let Err(why) = session.connect() {
        writeln!(err, "error: {why}")?;
        return Ok(FAILED);
    }
    // Names for completion have a connection of their own: the other is in use while a command runs.
    let names = SocketSession::new(&socket);
    prompt::on_terminal(&mut session, names, prompt::history_file().as_deref(), prompt::PROMPT)?;
    Ok(batch::DONE)
}

/// The words of a command line as one line. One word alone is a line as it is, so `ringway cli "show drops"` works too.
fn typed(words: &[String]) -> String {
    if let [line] = words {
        return line.clone();
    }
    // Options and the question mark keep their meaning; all else is a word, whatever is in it.
    let word = |word: &String| match word.as_str() {
        option if option.starts_with("--") || option == "?" => option.to_owned(),
        other => Quoted(other).to_string(),
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A running ringway behind its socket. Connects when it is first needed, and again after it was lost.
#[derive(Debug)]
pub struct SocketSession {
    path: PathBuf,
    stream: Option<BufReader<UnixStream>>,
}

impl SocketSession {
    /// A session with the ringway whose socket is at `path`.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), stream: None }
    }

    /// Connects, unless it is connected.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn connect(&mut self) -> Result<(), String> {
        if self.stream.is_some() {
            return Ok(());
        }
        let path = self.path.display();
        let stream = UnixStream::connect(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
                "no ringway runs with the socket {path}; start one with `ringway run FILE`, \
                 or name the socket of one that runs with `--socket PATH`"
            ),
            io::ErrorKind::PermissionDenied => {
                format!("the socket {path} is another user's; run this as the user who runs ringway, or as root")
            }
            _ => format!("cannot reach the socket {path}: {error}"),
        })?;
        self.stream = Some(BufReader::new(stream));
        Ok(())
    }

    fn ask(&mut self, line: Line) -> Reply {
        let line = locally(line);
        // A little longer than the server waits, so that its own message arrives.
        let patience = line.command.patience() + Duration::from_secs(5);
        match self.connect().map_err(Reply::error) {
            Ok(()) => self.exchange(&line.to_string(), patience),
            Err(reply) => reply,
        }
    }

    fn exchange(&mut self, line: &str, patience: Duration) -> Reply {
        // Taken out: after a failure its next line would be the answer to this one.
        let Some(mut stream) = self.stream.take() else { return lost(None) };
        let request = WireRequest { command: line.to_owned(), ..WireRequest::default() };
        let answer = || -> io::Result<String> {
            let mut request = serde_json::to_string(&request)?;
            request.push('\n');
            stream.get_mut().set_read_timeout(Some(patience))?;
            // A server that refuses the connection says why before it closes; so a failed write is not the last word.
            let written = stream.get_mut().write_all(request.as_bytes());
            let mut answer = String::new();
            match stream.read_line(&mut answer) {
                Ok(_) if !answer.is_empty() => {}
                Ok(_) => return written.and(Err(io::ErrorKind::UnexpectedEof.into())),
                Err(error) => return Err(error),
            }
            self.stream = Some(stream);
            Ok(answer)
        }();
        match answer.map(|answer| serde_json::from_str(&answer)) {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => Reply::error(format!("what answers there is no ringway: {error}")),
            Err(error) => lost(Some(error)),
        }
    }
}

fn lost(error: Option<io::Error>) -> Reply {
    match error {
        Some(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Reply::error("ringway does not answer; it is stuck, or its machine is")
        }
        _ => Reply::error("ringway closed the connection before it answered; it has stopped, or is stopping"),
    }
}

/// A file named relative to here is not relative to the router's directory.
fn locally(mut line: Line) -> Line {
    if let Command::Write { file } = &mut line.command
        && let Some(path) = absolute(&*file).ok().and_then(|path| path.into_os_string().into_string().ok())
    {
        *file = path;
    }
    line
}

impl Session for SocketSession {
    fn execute(&mut self, line: &str) -> Reply {
        match grammar::parse(line) {
            Ok(None) => Reply::done(),
            // Help needs no router.
            Ok(Some(Line { command: Command::Help { words }, options })) => match help::help(&words) {
                Ok(help) => Reply::view(&help, options),
                Err(message) => Reply::error(message),
            },
            Ok(Some(line)) => self.ask(line),
            Err(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::server::{MAX_CONNECTIONS, Server};
    use crate::cli::session::{Control, Request};
    use crossbeam_channel::unbounded;
    use std::sync::Arc;
    use std::thread;

    fn serve(path: &Path) -> Server {
        let (requests, queue) = unbounded::<Request>();
        thread::spawn(move || {
            for request in queue {
                let _ = request.reply.send(Reply::said(format!("did {}", request.command)));
            }
        });
        Server::start(path, Control::new(requests, Arc::new(|| {}))).unwrap()
    }

    #[test]
    fn a_command_goes_there_and_its_answer_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ringway.sock");
        let _server = serve(&path);
        let mut session = SocketSession::new(&path);
        assert_eq!(session.execute("sh po st all").text, "did show port stats all");
        assert_eq!(session.execute("show drops").text, "did show drops");
    }

    #[test]
    fn no_ringway_there_says_how_to_start_one() {
        let mut session = SocketSession::new(Path::new("/nonexistent/ringway.sock"));
        let reply = session.execute("show drops");
        assert!(reply.is_error() && reply.text.contains("`ringway run FILE`"), "{}", reply.text);
    }

    #[test]
    fn help_and_mistakes_need_no_ringway() {
        let mut session = SocketSession::new(Path::new("/nonexistent/ringway.sock"));
        assert!(session.execute("help").ok);
        assert!(session.execute("shwo drops").text.contains("did you mean"));
    }

    #[test]
    fn a_session_connects_again_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ringway.sock");
        let mut session = SocketSession::new(&path);
        let server = serve(&path);
        assert!(session.execute("show drops").ok);
        drop(server);
        assert!(session.execute("show drops").text.contains("closed the connection"));
        let _server = serve(&path);
        assert!(session.execute("show drops").ok);
    }

    #[test]
    fn a_full_server_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ringway.sock");
        let _server = serve(&path);
        let mut open: Vec<_> = (0..MAX_CONNECTIONS).map(|_| SocketSession::new(&path)).collect();
        assert!(open.iter_mut().all(|session| session.execute("show pool").ok));
        let reply = SocketSession::new(&path).execute("show pool");
        assert!(reply.text.contains("connections are open already"), "{}", reply.text);
    }

    #[test]
    fn a_file_is_named_from_here() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ringway.sock");
        let _server = serve(&path);
        let here = env::current_dir().unwrap().join("saved.toml");
        let reply = SocketSession::new(&path).execute("write saved.toml");
        assert_eq!(reply.text, format!("did write {}", Quoted(here.to_str().unwrap())));
    }

    #[test]
    fn words_of_a_command_line_stay_words() {
        let words = |words: &[&str]| typed(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(words(&["show", "drops", "--json"]), "show drops --json");
        assert_eq!(words(&["write", "a b.toml"]), "write \"a b.toml\"");
        assert_eq!(words(&["show drops"]), "show drops");
    }

    #[test]
    fn each_user_has_a_socket_of_their_own() {
        let socket = |user, runtime: Option<&str>| socket_for(user, runtime.map(OsString::from), "/tmp".into());
        assert_eq!(socket(0, Some("/run/user/0")), Path::new("/run/ringway/ringway.sock"));
        assert_eq!(socket(7, Some("/run/user/7")), Path::new("/run/user/7/ringway/ringway.sock"));
        assert_eq!(socket(7, None), Path::new("/tmp/ringway-7/ringway.sock"));
        assert_eq!(socket(7, Some("relative")), Path::new("/tmp/ringway-7/ringway.sock"));
    }
}
