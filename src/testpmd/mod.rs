//! `ringway testpmd [EAL options] -- [testpmd options]`: forwarding between ports without addresses or configuration.
//!
//! The options become a configuration in mode `io` and the options of one run ([`Launch`]); everything else is the same program:
//! the same commands at the prompt, the command socket, the audit at the end. See `docs/testpmd.md` for what differs.

mod devices;
mod eal;
mod options;

use crate::cli::batch::{self, Manner};
use crate::cli::prompt;
use crate::cli::session::{Control, Session};
use crate::control::Launch;
use crate::process::Process;
use clap::CommandFactory;
use eal::EalOptions;
use macaddr::MacAddr6;
use options::TestpmdOptions;
use ringway_config::{Config, Cores, Mode, Pages, Port};
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Bytes of a buffer of DPDK in front of the frame.
const HEADROOM: u16 = 128;
/// Ethernet header and FCS: what `--max-pkt-len` counts beside the IP packet.
const FRAME_OVERHEAD: u16 = 18;
/// Ports that can be attached, with a queue each way, before `--total-num-mbufs` has to say how many buffers there are.
const LATER_PORTS: u32 = 4;
/// What a port takes beside its rings: what its driver has at hand, and bursts.
const LATER_EXTRA: u32 = 256;
/// What to do without any port.
const NO_PORTS: &str = "name one before `--`, such as `--vdev net_tap0`, `--vdev auto:eth0` or `-a 0000:01:00.0`, or attach one: \
                        `port attach tap:tap0`";
/// How often a thread that waits looks whether everything stops.
const LOOK: Duration = Duration::from_millis(100);

/// Runs it with the words behind `testpmd`.
pub fn run(words: &[String]) -> ExitCode {
    let end = words.iter().position(|word| word == "--");
    let (before, after) = end.map_or((words, &[][..]), |at| (&words[..at], &words[at + 1..]));
    if before.iter().any(|word| word == "--help" || word == "-h") {
        println!("Usage: ringway testpmd [EAL options] -- [testpmd options]\n");
        print!("{}", TestpmdOptions::command().render_help());
        return ExitCode::SUCCESS;
    }
    let options = match TestpmdOptions::read(after) {
        Ok(options) => options,
        Err((text, true)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err((text, false)) => return fail(&text),
    };
    crate::control::log::begin();
    let begun = EalOptions::read(before).and_then(|before| {
        // EAL runs before there are pools, since those of its ports are its own kind, and until after the ports are closed.
        let eal = devices::start_dpdk(&before)?;
        let (config, launch) = configuration(&before, &options, devices::ports(&before, eal.as_ref())?)?;
        Ok((Process::begin(config, launch)?, eal))
    });
    let (process, eal) = match begun {
        Ok(begun) => begun,
        Err(error) => return fail(&error),
    };
    let terminal = if options.interactive { prompt::TerminalMode::remember() } else { None };
    let failed = Arc::new(AtomicBool::new(false));
    let operator = Operator {
        commands: process.commands.clone(),
        stop: process.stop.clone(),
        failed: failed.clone(),
        on_terminal: terminal.is_some(),
        options,
    };
    let waker = std::thread::current();
    std::thread::spawn(move || {
        operator.run();
        waker.unpark();
    });
    let in_order = process.run(terminal);
    drop(eal);
    println!("Bye...");
    if in_order && !failed.load(Ordering::Relaxed) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("ringway testpmd: {}", message.trim_end());
    ExitCode::FAILURE
}

/// What the options come to.
fn configuration(eal: &EalOptions, options: &TestpmdOptions, ports: Vec<Port>) -> Result<(Config, Launch), String> {
    let mut config = Config { ports, ..Config::default() };
    if config.ports.is_empty() {
        tracing::warn!("No probed ethernet devices: {NO_PORTS}");
    }
    let mut available: Vec<usize> =
        core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| core.id).collect();
    available.sort_unstable();
    let cores = eal.worker_cores(&available);
    let workers = cores.len().max(1) as u32;
    config.workers.cores = Cores::List(cores);
    config.router.name = "testpmd".into();
    config.router.socket = options.socket.clone().unwrap_or_else(|| "/run/ringway/testpmd.sock".into());
    config.router.mode = match &options.forward_mode {
        None => Mode::Io,
        Some(mode) => mode.parse().map_err(|_| format!("--forward-mode={mode} is not supported"))?,
    };
    if eal.no_huge {
        config.memory.pages = Pages::Transparent;
    }
    if let Some(total) = options.total_num_mbufs {
        config.memory.buffers = Some((total / workers).max(1));
    }
    if let Some(bytes) = options.mbuf_size {
        let frame = bytes.checked_sub(HEADROOM).filter(|frame| *frame >= 128);
        config.memory.frame_size = Some(frame.ok_or(format!("--mbuf-size={bytes} leaves no room for a frame"))?);
    }
    if let Some(burst) = options.burst {
        config.workers.burst = burst.clamp(1, 32);
    }
    if let Some(bytes) = options.txpkts {
        config.modes.tx_bytes = bytes;
    }
    if let Some(flows) = options.flowgen_flows {
        config.modes.flows = flows.max(1);
    }
    let mut peers = options.eth_peer.clone();
    if let Some(file) = &options.eth_peers_configfile {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        for (port, line) in text.lines().filter(|line| !line.trim().is_empty()).enumerate() {
            let mac: MacAddr6 =
                line.trim().parse().map_err(|_| format!("{}: `{line}` is no MAC address", file.display()))?;
            peers.push((port as u16, mac));
        }
    }
    for (port, mac) in peers {
        let there = config.ports.get_mut(usize::from(port));
        there.ok_or(format!("--eth-peer: there is no port {port}"))?.eth_peer = Some(mac);
    }
    for port in &mut config.ports {
        for (ring, given) in [(&mut port.rx_ring, options.rxd), (&mut port.tx_ring, options.txd)] {
            if let Some(descriptors) = given {
                if !descriptors.is_power_of_two() {
                    return Err(format!("--rxd and --txd take powers of two, not {descriptors}"));
                }
                *ring = descriptors;
            }
        }
        port.mtu = options.max_pkt_len.map(|bytes| bytes.saturating_sub(FRAME_OVERHEAD)).or(port.mtu);
    }
    let rings = options.rxd.unwrap_or(Port::DEFAULT_RING) + options.txd.unwrap_or(Port::DEFAULT_RING);
    let launch = Launch {
        rx_queues: Some(options.rxq.unwrap_or(1)),
        tx_queues: Some(options.txq.unwrap_or(1)),
        wait_for_start: true,
        topology: options.port_topology,
        ports: options.portlist.clone().or_else(|| options.portmask.clone()),
        port_count: options.nb_ports.map(usize::from),
        cores: options.coremask.clone(),
        // testpmd forwards on one core unless told otherwise.
        core_count: match (options.nb_cores, &options.coremask) {
            (None, Some(_)) => None,
            (count, _) => Some(count.map_or(1, usize::from)),
        },
        spare_buffers: LATER_PORTS * (rings + LATER_EXTRA),
        buffers_option: Some("--total-num-mbufs, or lower --rxd and --txd"),
    };
    Ok((config, launch))
}

/// Who gives the commands: the prompt, a file, the standard input, or nobody but the clock.
struct Operator {
    commands: Control,
    stop: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
    on_terminal: bool,
    options: TestpmdOptions,
}

impl Operator {
    /// Works the options off, then stops forwarding and the router.
    fn run(mut self) {
        for line in self.settings() {
            self.say(&line);
        }
        if let Some(file) = self.options.cmdline_file.clone() {
            match File::open(&file) {
                Ok(opened) => self.batch(&mut BufReader::new(opened), &file.display().to_string()),
                Err(error) => {
                    eprintln!("error: {}: {error}", file.display());
                    self.failed.store(true, Ordering::Relaxed);
                }
            }
        }
        if self.options.interactive {
            if self.options.auto_start {
                self.start();
            }
            self.converse();
        } else {
            self.start();
            self.watch();
        }
        self.end();
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Commands that stand for options.
    fn settings(&self) -> Vec<String> {
        let options = &self.options;
        let switches = [
            (options.record_burst_stats, "set record-burst-stats on"),
            (options.rss_ip, "port config all rss ip"),
            (options.rss_udp, "port config all rss udp"),
            (options.disable_rss, "port config all rss none"),
        ];
        switches.into_iter().filter(|(on, _)| *on).map(|(_, line)| line.to_owned()).collect()
    }

    fn start(&mut self) {
        self.say(if self.options.tx_first { "start tx_first" } else { "start" });
    }

    /// Stops forwarding, if a command has not done so already.
    fn end(&mut self) {
        let reply = self.commands.execute("stop");
        if reply.ok {
            let _ = batch::show(&reply, false, &mut io::stdout(), &mut io::stderr());
        }
    }

    /// Executes a line and shows its answer.
    fn say(&mut self, line: &str) {
        let done = batch::one(line, &mut self.commands, Manner::default(), &mut io::stdout(), &mut io::stderr());
        if !matches!(done, Ok(batch::DONE)) {
            self.failed.store(true, Ordering::Relaxed);
        }
    }

    fn batch(&mut self, input: &mut dyn BufRead, name: &str) {
        let manner = Manner { keep_going: true, ..Manner::default() };
        let done = batch::run(input, name, &mut self.commands, manner, &mut io::stdout(), &mut io::stderr());
        if !matches!(done, Ok(batch::DONE)) {
            self.failed.store(true, Ordering::Relaxed);
        }
    }

    /// The prompt, or the lines of a pipe.
    fn converse(&mut self) {
        if !self.on_terminal {
            return self.batch(&mut io::stdin().lock(), "standard input");
        }
        let (mut session, names) = (self.commands.clone(), self.commands.clone());
        let history = prompt::history_file();
        if let Err(error) = prompt::on_terminal(&mut session, names, history.as_deref(), "testpmd> ") {
            tracing::warn!("the prompt has ended: {error}");
        }
    }

    /// Without a prompt: until a key, the end of the input, or a signal.
    fn watch(&mut self) {
        if let Some(period) = self.options.stats_period {
            let mut next = Instant::now() + Duration::from_secs(period.max(1));
            while !self.stop.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK);
                if Instant::now() >= next {
                    next += Duration::from_secs(period.max(1));
                    self.say("show port stats all");
                }
            }
            return;
        }
        if io::stdin().is_terminal() {
            println!("Press enter to exit");
        }
        let (key, pressed) = crossbeam_channel::bounded(1);
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = io::stdin().lock().read_line(&mut line);
            let _ = key.send(());
        });
        while !self.stop.load(Ordering::Relaxed) && pressed.recv_timeout(LOOK).is_err() {}
    }
}
