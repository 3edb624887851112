//! A ringway in this process: signals, the command socket, the control thread.

use crate::cli::prompt::TerminalMode;
use crate::cli::server::Server;
use crate::cli::session::Control;
use crate::control::{self, Launch, Router};
use ringway_config::Config;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Commands that may wait for the control thread.
const REQUESTS: usize = 64;

/// A started ringway whose control thread does not run yet.
pub struct Process {
    /// Executes commands, once the control thread runs.
    pub commands: Control,
    /// Ends the control thread.
    pub stop: Arc<AtomicBool>,
    router: Router,
    server: Server,
}

impl Process {
    /// Hooks the signals, makes the command socket and starts the workers. The calling thread becomes the control thread.
    ///
    /// # Errors
    /// What went wrong, for the operator.
    pub fn begin(config: Config, launch: Launch) -> Result<Self, String> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            // A second signal ends a router that does not stop.
            signal_hook::flag::register_conditional_shutdown(signal, 1, stop.clone())
                .and_then(|_| signal_hook::flag::register(signal, stop.clone()))
                .map_err(|error| format!("cannot handle signals: {error}"))?;
        }
        let (requests, received) = crossbeam_channel::bounded(REQUESTS);
        let control_thread = std::thread::current();
        let commands = Control::new(requests, Arc::new(move || control_thread.unpark()));
        let socket = config.router.socket.clone();
        let name = config.router.name.clone();
        let server = Server::start(&socket, commands.clone()).map_err(|error| error.to_string())?;
        let router = control::start(config, launch, received, stop.clone()).map_err(|error| error.to_string())?;
        tracing::info!("{name} runs; commands by `ringway cli --socket {}`", socket.display());
        Ok(Self { commands, stop, router, server })
    }

    /// Runs the control thread until something stops it, and gives the terminal back; whether everything was in order.
    pub fn run(self, terminal: Option<TerminalMode>) -> bool {
        let in_order = self.router.run();
        if let Some(terminal) = terminal {
            terminal.restore();
        }
        drop(self.server);
        let _ = std::io::stdout().flush();
        in_order
    }
}
