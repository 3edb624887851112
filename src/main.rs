//! The command line of ringway: `run`, `check`, `cli` and `testpmd`.
#![forbid(unsafe_code)]

use clap::{Parser, Subcommand, ValueEnum};
use ringway::cli::session::Control;
use ringway::cli::{batch, client, prompt};
use ringway::control::{self, Launch, check::Estimate};
use ringway::process::Process;
use ringway::testpmd;
use ringway_config::LoadError;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// Forwards between ports as dpdk-testpmd does: `ringway testpmd [EAL options] -- [testpmd options]`
    Testpmd {
        /// Try `--help` here and behind `--`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Proc,
}

fn main() -> ExitCode {
    // Its words are taken as they are: `--` parts them, and no other rule of ours may touch them.
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some((_, words)) = words.split_first().filter(|(first, _)| *first == "testpmd") {
        return testpmd::run(words);
    }
    match Arguments::parse().action {
        Action::Run { file, socket, no_prompt } => run(&file, socket, no_prompt),
        Action::Check { file, json } => check(&file, json),
        Action::Doctor { json } => doctor(json),
        Action::Testpmd { words } => testpmd::run(&words),
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
    let process = match Process::begin(config, Launch::default()) {
        Ok(process) => process,
        Err(error) => return fail(&error),
    };
    let terminal = if no_prompt { None } else { prompt::TerminalMode::remember() };
    if terminal.is_some() {
        begin_prompt(process.commands.clone(), process.stop.clone());
    }
    if process.run(terminal) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The prompt in a thread of its own; when it ends, by `quit` or Ctrl-D, the router stops.
fn begin_prompt(commands: Control, stop: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let (mut session, names) = (commands.clone(), commands);
        let history = prompt::history_file();
        if let Err(error) = prompt::on_terminal(&mut session, names, history.as_deref(), prompt::PROMPT) {
            tracing::warn!("the prompt has ended: {error}");
        }
        stop.store(true, Ordering::Relaxed);
    });
}
