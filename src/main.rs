//! The command line of ringway: `run`, `check` and `cli`.
#![forbid(unsafe_code)]

use clap::{Parser, Subcommand, ValueEnum};
use ringway::cli::session::Control;
use ringway::cli::{batch, client, prompt, server::Server};
use ringway::control::{self, Launch, check::Estimate};
use ringway_config::LoadError;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Commands that may wait for the control thread.
const REQUESTS: usize = 64;

#[derive(Parser)]
#[command(name = "ringway", version, about = "An IP router in user space that polls its network ports")]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Runs the router in the foreground; on a terminal it gives the prompt
    Run {
        /// The configuration file
        file: PathBuf,
        /// Where the command socket is made, instead of what the file says
        #[arg(long)]
        socket: Option<PathBuf>,
        /// No prompt, even on a terminal
        #[arg(long)]
        no_prompt: bool,
    },
    /// Finds every mistake of a configuration file and says what it needs of this machine
    Check {
        /// The configuration file
        file: PathBuf,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Says what this machine has and lacks for AF_XDP, DPDK and huge pages, and how to get it
    Doctor {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Sends a command to a running ringway; without one, a prompt, or a batch from the standard input
    Cli {
        /// Where its socket is
        #[arg(long)]
        socket: Option<PathBuf>,
        /// A file of commands, `-` for the standard input
        #[arg(long, conflicts_with = "words")]
        file: Option<PathBuf>,
        /// For programs
        #[arg(long)]
        json: bool,
        /// Routes, cache and neighbors as /proc/net prints them
        #[arg(long)]
        format: Option<Format>,
        /// A batch goes on after a command that failed
        #[arg(long)]
        keep_going: bool,
        /// The command: try `help`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Proc,
}

fn main() -> ExitCode {
    match Arguments::parse().action {
        Action::Run { file, socket, no_prompt } => run(&file, socket, no_prompt),
        Action::Check { file, json } => check(&file, json),
        Action::Doctor { json } => doctor(json),
        Action::Cli { socket, file, json, format, keep_going, words } => {
            let manner = batch::Manner { json, proc: format.is_some(), keep_going };
            match client::run(&client::Invocation { socket, words, file, manner }) {
                Ok(status) => ExitCode::from(status),
                Err(error) => fail(&error.to_string()),
            }
        }
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("ringway: {message}");
    ExitCode::FAILURE
}

fn doctor(json: bool) -> ExitCode {
    let report = ringway::doctor::examine();
    if json {
        println!("{}", serde_json::json!({ "missing": report.missing(), "sections": report.sections }));
    } else {
        println!("{report}");
    }
    if report.missing() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn check(file: &Path, json: bool) -> ExitCode {
    let config = match ringway_config::load(file) {
        Ok(config) => config,
        Err(LoadError::Mistakes(mistakes)) if json => {
            println!("{}", serde_json::json!({ "ok": false, "mistakes": mistakes }));
            return ExitCode::FAILURE;
        }
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let estimate = Estimate::new(&config);
    let ok = estimate.problems.is_empty();
    if json {
        println!(
            "{}",
            serde_json::json!({ "ok": ok, "problems": estimate.problems, "missing": estimate.missing, "config": config })
        );
    } else {
        println!("{}: no mistakes\n\n{estimate}", file.display());
        for problem in &estimate.problems {
            println!("problem on this machine: {problem}");
        }
        for missing in &estimate.missing {
            println!("not here now: {missing}");
        }
    }
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(file: &Path, socket: Option<PathBuf>, no_prompt: bool) -> ExitCode {
    control::log::begin();
    let mut config = match ringway_config::load(file) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(socket) = socket {
        config.router.socket = socket;
    }
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // A second signal ends a router that does not stop.
        let hooked = signal_hook::flag::register_conditional_shutdown(signal, 1, stop.clone())
            .and_then(|_| signal_hook::flag::register(signal, stop.clone()));
        if let Err(error) = hooked {
            return fail(&format!("cannot handle signals: {error}"));
        }
    }
    let (requests, received) = crossbeam_channel::bounded(REQUESTS);
    let control_thread = std::thread::current();
    let commands = Control::new(requests, Arc::new(move || control_thread.unpark()));
    let socket = config.router.socket.clone();
    let name = config.router.name.clone();
    let server = match Server::start(&socket, commands.clone()) {
        Ok(server) => server,
        Err(error) => return fail(&error.to_string()),
    };
    let router = match control::start(config, Launch::default(), received, stop.clone()) {
        Ok(router) => router,
        Err(error) => return fail(&error.to_string()),
    };
    tracing::info!("{name} runs; commands by `ringway cli --socket {}`", socket.display());
    let terminal = if no_prompt { None } else { prompt::TerminalMode::remember() };
    if terminal.is_some() {
        begin_prompt(commands, stop);
    }
    let in_order = router.run();
    if let Some(terminal) = terminal {
        terminal.restore();
    }
    drop(server);
    let _ = std::io::stdout().flush();
    if in_order { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The prompt in a thread of its own; when it ends, by `quit` or Ctrl-D, the router stops.
fn begin_prompt(commands: Control, stop: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let (mut session, names) = (commands.clone(), commands);
        let history = prompt::history_file();
        if let Err(error) = prompt::on_terminal(&mut session, names, history.as_deref()) {
            tracing::warn!("the prompt has ended: {error}");
        }
        stop.store(true, Ordering::Relaxed);
    });
}
