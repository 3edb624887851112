//! The control side of a pcap port, and how one is opened.

use super::capture::{Capture, CaptureError};
use super::recorder::Recorder;
use super::{PcapRx, PcapTx, SharedCounters};
use crate::control::PortControl;
use crate::memory::local_mac;
use crate::{
    LentPools, Limits, Link, OffloadFacts, Opened, Port, PortError, PortInfo, PortSettings, PortStats, Queues, Rx,
    RxStats, Tx, TxStats,
};
use macaddr::MacAddr6;
use ringway_mempool::Pool;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// MTU unless configured.
const MTU: u16 = 1500;
/// Smallest MTU that IPv4 allows (RFC 791, section 3.2).
const MTU_MIN: u16 = 68;
/// Largest MTU that can be set.
const MTU_MAX: u16 = 9216;

/// Control side of a pcap port.
#[derive(Debug)]
pub struct PcapPort {
    info: PortInfo,
    capture: Arc<Capture>,
    input: Option<PathBuf>,
    output: Option<PathBuf>,
    repeat: u32,
    /// False between `set_link` down and up.
    up: bool,
    rx: Vec<RxStats>,
    tx: Vec<TxStats>,
    rx_counters: SharedCounters,
    tx_counters: Vec<SharedCounters>,
}

/// Opens a port that receives the frames of `input` and writes what is sent to `output`.
///
/// The input is handed out `repeat` times, without end for 0. A port without input receives nothing, one without output
/// counts what is sent and forgets it. An output that exists is overwritten.
///
/// # Errors
/// [`PortError::Refused`], when neither file is named, when both are the same, or when the input is no capture of
/// Ethernet frames; [`PortError::System`], when a file cannot be opened or read.
pub fn open(
    settings: &PortSettings,
    input: Option<&Path>,
    output: Option<&Path>,
    repeat: u32,
) -> Result<Opened, PortError> {
    let port = &settings.name;
    let refused = |message: String| PortError::Refused { port: port.clone(), message };
    if input.is_none() && output.is_none() {
        return Err(refused("a pcap port needs a file to read, a file to write, or both".into()));
    }
    let mut notices = Vec::new();
    let mut facts = Vec::new();
    let mut capture = Capture::empty();
    if let Some(path) = input {
        capture = load(port, path)?;
        let found = capture.notices().iter();
        notices.extend(found.map(|notice| format!("port {port}: `{}` {notice}", path.display())));
        if capture.len() == 0 {
            notices.push(format!("port {port}: `{}` has no frames: nothing will be received", path.display()));
        }
        let times = if repeat == 0 { "without end".into() } else { format!("{repeat} times") };
        facts.push(("input", format!("{} ({}), {times}", path.display(), capture.format())));
        facts.push(("input frames", capture.len().to_string()));
    }

    let name = |path: Option<&Path>| path.map_or_else(|| "nothing".into(), |path| path.display().to_string());
    let info = PortInfo {
        name: port.clone(),
        driver: "pcap",
        device: format!("from {} to {}", name(input), name(output)),
        mac: settings.mac.unwrap_or_else(|| local_mac(port)),
        mtu: settings.mtu.unwrap_or(MTU),
        mtu_min: MTU_MIN,
        mtu_max: MTU_MAX,
        rx_queues: 0,
        tx_queues: 0,
        rx_ring: 0,
        tx_ring: 0,
        promiscuous: settings.promiscuous,
        all_multicast: settings.all_multicast,
        numa_node: None,
        limits: Limits { rx_queues: 1, ..Limits::default() },
        rss: None,
        rx_offloads: OffloadFacts::default(),
        tx_offloads: OffloadFacts::default(),
        facts,
    };
    let mut control = PcapPort {
        info,
        capture: Arc::new(capture),
        input: input.map(Into::into),
        output: output.map(Into::into),
        repeat,
        up: true,
        rx: Vec::new(),
        tx: Vec::new(),
        rx_counters: SharedCounters::default(),
        tx_counters: Vec::new(),
    };
    let queues = control.start(settings, LentPools::default())?;
    if output.is_some() {
        let written = (0..settings.tx_queues).filter_map(|queue| control.output_path(queue));
        let written: Vec<_> = written.map(|path| path.display().to_string()).collect();
        control.info.facts.push(("output", written.join(", ")));
    }
    Ok(Opened { port: Port::Pcap(control), rx: queues.rx, tx: queues.tx, notices })
}

/// Reads a capture file.
fn load(port: &str, path: &Path) -> Result<Capture, PortError> {
    let failed = |source| system(port, "reading", path, source);
    let refused = |reason: String| PortError::Refused {
        port: port.into(),
        message: format!("`{}` cannot be replayed: {reason}", path.display()),
    };
    // O_NONBLOCK: opening a FIFO must not wait for its writer; on a file it changes nothing.
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(failed)?;
    // A device or FIFO may have no end, and the file has to fit into memory.
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(refused("it is no regular file".into()));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    Capture::parse(bytes).map_err(|error: CaptureError| refused(error.to_string()))
}

/// Creates an output file, unless it is the input.
fn create(port: &str, path: &Path, input: Option<&Path>) -> Result<File, PortError> {
    let identity = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    if let Some(input) = input
        && identity(path).is_some()
        && identity(path) == identity(input)
    {
        let message = format!("`{}` would overwrite the port's input; name another output", path.display());
        return Err(PortError::Refused { port: port.into(), message });
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(|source| system(port, "creating", path, source))
}

fn system(port: &str, what: &str, path: &Path, source: io::Error) -> PortError {
    PortError::System { port: port.into(), call: format!("{what} `{}`", path.display()), source }
}

/// The file of a queue: `out.pcap`, `out.1.pcap`, `out.2.pcap` ...
fn queue_path(path: &Path, queue: u16) -> PathBuf {
    if queue == 0 {
        return path.into();
    }
    let mut extension = std::ffi::OsString::from(queue.to_string());
    if let Some(own) = path.extension() {
        extension.push(".");
        extension.push(own);
    }
    path.with_extension(extension)
}

impl PcapPort {
    /// Whether every frame of the input has been handed out; never true of an input that repeats without end.
    pub fn finished(&self) -> bool {
        self.input.is_none() || self.ends() && self.rx_counters.left.get() == 0
    }

    /// Whether the input has an end.
    fn ends(&self) -> bool {
        self.repeat > 0 || self.capture.len() == 0
    }

    fn output_path(&self, queue: u16) -> Option<PathBuf> {
        self.output.as_deref().map(|path| queue_path(path, queue))
    }

    /// The recorder of a transmit queue: a new file the first time, its end after that.
    fn recorder(&mut self, queue: u16) -> Result<Option<Recorder>, PortError> {
        let number = usize::from(queue);
        let fresh = number == self.tx.len();
        if fresh {
            self.tx.push(TxStats::default());
            self.tx_counters.push(SharedCounters::default());
        }
        let Some(path) = self.output_path(queue) else { return Ok(None) };
        let (stats, counters) = (self.tx[number].clone(), self.tx_counters[number].clone());
        let port = &self.info.name;
        let recorder = if fresh {
            let file = create(port, &path, self.input.as_deref());
            file.and_then(|file| {
                Recorder::start(file, stats, counters).map_err(|source| system(port, "writing", &path, source))
            })
        } else {
            let file = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(&path);
            let resumed = file.and_then(|file| Recorder::resume(file, stats, counters));
            resumed.map_err(|source| system(port, "continuing", &path, source))
        };
        if recorder.is_err() && fresh {
            self.tx.pop();
            self.tx_counters.pop();
        }
        recorder.map(Some)
    }

    fn sum(&self, get: fn(&super::QueueCounters) -> u64) -> u64 {
        self.tx_counters.iter().map(|queue| get(queue)).sum()
    }
}

impl PortControl for PcapPort {
    fn info(&self) -> PortInfo {
        self.info.clone()
    }

    fn link(&self) -> Link {
        Link { up: self.up, ..Link::UP }
    }

    fn stats(&self) -> PortStats {
        PortStats::of_queues(&self.rx, &self.tx)
    }

    /// `input_frames_left` is not listed for an input that repeats without end.
    fn xstats(&self) -> Vec<(String, u64)> {
        let mut xstats = Vec::new();
        if self.input.is_some() {
            xstats.push(("input_frames".into(), self.capture.len() as u64));
            if self.ends() {
                xstats.push(("input_frames_left".into(), self.rx_counters.left.get()));
            }
        }
        if self.output.is_some() {
            xstats.push(("output_writes".into(), self.sum(|queue| queue.writes.get())));
            xstats.push(("output_frames_lost".into(), self.sum(|queue| queue.lost.get())));
            let errno = self.tx_counters.iter().map(|queue| queue.errno.get()).max();
            xstats.push(("output_errno".into(), errno.unwrap_or(0)));
        }
        xstats
    }

    fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        if !(MTU_MIN..=MTU_MAX).contains(&mtu) {
            let message = format!("MTU {mtu} is not between {MTU_MIN} and {MTU_MAX}");
            return Err(PortError::Refused { port: self.info.name.clone(), message });
        }
        self.info.mtu = mtu;
        Ok(())
    }

    fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        self.info.mac = mac;
        Ok(())
    }

    fn set_promiscuous(&mut self, on: bool) -> Result<(), PortError> {
        self.info.promiscuous = on;
        Ok(())
    }

    fn set_all_multicast(&mut self, on: bool) -> Result<(), PortError> {
        self.info.all_multicast = on;
        Ok(())
    }

    /// Every frame is received in any case.
    fn set_groups(&mut self, _groups: &[MacAddr6]) -> Result<(), PortError> {
        Ok(())
    }

    fn set_link(&mut self, up: bool) -> Result<(), PortError> {
        self.up = up;
        Ok(())
    }

    /// Receives the input from its beginning, `repeat` times again; an output is continued.
    fn start(&mut self, settings: &PortSettings, _lent: LentPools<'_>) -> Result<Queues, PortError> {
        if let Some(mtu) = settings.mtu {
            self.set_mtu(mtu)?;
        }
        let mut queues = Queues::default();
        for queue in 0..settings.tx_queues {
            let output = self.recorder(queue)?;
            queues.tx.push(Tx::Pcap(PcapTx { output, stats: self.tx[usize::from(queue)].clone() }));
        }
        // Queue 0 receives all of the input: more of them would tear flows apart.
        if settings.rx_queues > 0 {
            let left = self.ends().then(|| self.capture.len() as u64 * u64::from(self.repeat));
            self.rx_counters.left.set(left.unwrap_or(0));
            if self.rx.is_empty() {
                self.rx.push(RxStats::default());
            }
            let (stats, counters) = (self.rx[0].clone(), self.rx_counters.clone());
            queues.rx.push(Rx::Pcap(PcapRx { capture: self.capture.clone(), next: 0, left, stats, counters }));
        }
        (self.info.rx_queues, self.info.tx_queues) = (queues.rx.len() as u16, settings.tx_queues);
        Ok(queues)
    }

    /// The queues have written their files when they were closed.
    fn stop(&mut self, _pools: &mut [Pool]) -> Result<(), PortError> {
        Ok(())
    }

    fn reset(&mut self) -> Result<(), PortError> {
        self.up = true;
        Ok(())
    }

    fn close(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_queue_has_a_file_of_its_own() {
        let paths = |name: &str| [0, 1, 12].map(|queue| queue_path(Path::new(name), queue).display().to_string());
        assert_eq!(paths("a/out.pcap"), ["a/out.pcap", "a/out.1.pcap", "a/out.12.pcap"]);
        assert_eq!(paths("out"), ["out", "out.1", "out.12"]);
        assert_eq!(paths("x.y.pcap"), ["x.y.pcap", "x.y.1.pcap", "x.y.12.pcap"]);
    }
}
