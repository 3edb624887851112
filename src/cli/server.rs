//! The UNIX socket: the same commands for `ringway cli`, for programs, and for `nc -U`.
//!
//! One thread accepts, one serves each connection. Their number and the length of a request are bounded, and the socket
//! has mode 0600, so only the user who runs ringway reaches it. What goes over it is in [`protocol`].

use std::collections::HashMap;
use std::fs::{self, DirBuilder};
use std::io::{self, BufReader};
use std::net::Shutdown;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::fs::{Mode, fchmod};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, shutdown, socket_with};

use super::protocol::{self, Asked, Form, Incoming};
use super::reply::Reply;
use super::session::Control;

/// Connections served at once; one more is told so and closed.
pub const MAX_CONNECTIONS: usize = 16;

/// A peer that does not take its reply for this long is given up.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// What is left to say when the server stops is said within this time.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why the socket cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Somebody answers there.
    #[error(
        "a ringway already runs with the socket {0}: stop it (`ringway cli --socket {0} quit`), or give this one another socket"
    )]
    InUse(PathBuf),
    /// Something is there that is not ours to remove.
    #[error("{0} is there and is not a socket: remove it, or choose another path for the socket")]
    NotASocket(PathBuf),
    /// The system refuses.
    #[error("cannot {what} {path}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A socket that is served until this is dropped; then it is removed.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    /// Device and inode of our socket, so that a successor's is not removed.
    identity: Option<(u64, u64)>,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    listener: UnixListener,
    stopping: AtomicBool,
    connections: Mutex<HashMap<u64, UnixStream>>,
    closed: Condvar,
}

impl Server {
    /// Makes the socket, with its directory, and serves it. The socket of a dead process is replaced.
    ///
    /// # Errors
    /// The path is taken, or the system refuses; the message says what to do.
    pub fn start(path: &Path, control: Control) -> Result<Self, ServerError> {
        let system = |what| move |source| ServerError::System { what, path: path.to_owned(), source };
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            let made = DirBuilder::new().recursive(true).mode(0o755).create(parent);
            made.map_err(system("make the directory of the socket"))?;
        }
        make_room(path)?;
        let listener = listen_at(path).map_err(|errno| system("make the socket")(errno.into()))?;
        let identity = fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
        let shared = Arc::new(Shared {
            listener,
            stopping: AtomicBool::new(false),
            connections: Mutex::new(HashMap::new()),
            closed: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = thread::Builder::new().name("cli-accept".into()).spawn(move || accepting.accept(&control));
        let acceptor = Some(acceptor.map_err(system("start the thread that serves"))?);
        Ok(Self { path: path.to_owned(), identity, shared, acceptor })
    }

    /// Where the socket is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // A listening socket that is shut down returns from `accept` with an error (unix(7), Linux).
        let _ = shutdown(&self.shared.listener, rustix::net::Shutdown::Both);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        let now = fs::symlink_metadata(&self.path).ok().map(|meta| (meta.dev(), meta.ino()));
        if self.identity.is_some() && now == self.identity {
            let _ = fs::remove_file(&self.path);
        }
        self.shared.dismiss();
    }
}

/// Removes the socket of a dead process.
fn make_room(path: &Path) -> Result<(), ServerError> {
    let system = |what, source| ServerError::System { what, path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(system("look at", error)),
        Ok(meta) if !meta.file_type().is_socket() => return Err(ServerError::NotASocket(path.to_owned())),
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(ServerError::InUse(path.to_owned())),
        // Nobody listens there any more.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| system("remove the stale socket", error))
        }
        Err(error) => Err(system("see who listens on", error)),
    }
}

fn listen_at(path: &Path) -> rustix::io::Result<UnixListener> {
    let address = SocketAddrUnix::new(path)?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // The mode of the descriptor becomes the mode of the file, so the socket is never there with a wider one.
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    bind(&socket, &address)?;
    listen(&socket, MAX_CONNECTIONS as i32)?;
    Ok(UnixListener::from(socket))
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, HashMap<u64, UnixStream>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: Arc<Self>, control: &Control) {
        for number in 0.. {
            let accepted = self.listener.accept();
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            match accepted {
                Ok((stream, _)) => self.admit(number, stream, control),
                // Out of descriptors, most likely; one may be free in a moment.
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    fn admit(self: &Arc<Self>, number: u64, stream: UnixStream, control: &Control) {
        let _ = stream.set_write_timeout(Some(WRITE_PATIENCE));
        let Ok(ours) = stream.try_clone() else { return };
        {
            let mut connections = self.connections();
            if connections.len() >= MAX_CONNECTIONS {
                drop(connections);
                let full = format!("{MAX_CONNECTIONS} connections are open already; close one and try again");
                let _ = protocol::write_reply(&mut &stream, &Reply::error(full), Form::Json);
                return;
            }
            connections.insert(number, ours);
        }
        let (shared, control) = (Arc::clone(self), control.clone());
        let serving = thread::Builder::new().name(format!("cli-{number}"));
        let spawned = serving.spawn(move || {
            // A peer that vanishes ends its own connection and nothing else.
            let _ = serve(&stream, &control);
            shared.forget(number);
        });
        if spawned.is_err() {
            self.forget(number);
        }
    }

    fn forget(&self, number: u64) {
        self.connections().remove(&number);
        self.closed.notify_all();
    }

    /// Ends every connection: an idle one at once, a busy one when its reply is written, none later than [`FAREWELL`].
    fn dismiss(&self) {
        let connections = self.connections();
        connections.values().for_each(|stream| drop(stream.shutdown(Shutdown::Read)));
        let waited = self.closed.wait_timeout_while(connections, FAREWELL, |open| !open.is_empty());
        let (connections, _) = waited.unwrap_or_else(PoisonError::into_inner);
        connections.values().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }
}

fn serve(stream: &UnixStream, control: &Control) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let line = match protocol::read_request(&mut reader)? {
            Incoming::Line(line) => line,
            Incoming::End => return Ok(()),
            Incoming::NotText => {
                let wrong = Reply::error("the request is not UTF-8 text");
                protocol::write_reply(&mut writer, &wrong, Form::Text { json: false })?;
                continue;
            }
            Incoming::TooLong => {
                let most = protocol::MAX_REQUEST;
                let wrong = Reply::error(format!("a request has at most {most} bytes; the connection is closed"));
                return protocol::write_reply(&mut writer, &wrong, Form::Text { json: false });
            }
        };
        let (reply, form) = match protocol::understand(&line) {
            Asked::Command(line, form) => (control.ask(line), form),
            Asked::Nothing(form) => (Reply::done(), form),
            Asked::Wrong(reply, form) => (reply, form),
            Asked::Leave => return Ok(()),
        };
        protocol::write_reply(&mut writer, &reply, form)?;
    }
}

#[cfg(test)]
mod tests;
