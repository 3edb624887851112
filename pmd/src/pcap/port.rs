//! The control side of a pcap port, and how one is opened.

use super::capture::{Capture, CaptureError};
use super::recorder::Recorder;
use super::{PcapRx, PcapTx, SharedCounters};
use crate::memory::local_mac;
use crate::{Link, Opened, Port, PortError, PortInfo, PortSettings, PortStats, Rx, RxStats, Tx, TxStats};
use macaddr::MacAddr6;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

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
    /// Frames in the input, and whether its end is ever reached; `None` without input.
    input: Option<(u64, bool)>,
    recording: bool,
    rx: Vec<RxStats>,
    tx: Vec<TxStats>,
    counters: Vec<SharedCounters>,
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

    let mut tx = Vec::new();
    let mut counters: Vec<SharedCounters> = Vec::new();
    let mut written = Vec::new();
    for queue in 0..settings.queues {
        let stats = TxStats::default();
        let counts = SharedCounters::default();
        let recorder = match output.map(|path| queue_path(path, queue)) {
            None => None,
            Some(path) => {
                let file = create(port, &path, input)?;
                let recorder = Recorder::start(file, stats.clone(), counts.clone())
                    .map_err(|source| system(port, "writing", &path, source))?;
                written.push(path.display().to_string());
                Some(recorder)
            }
        };
        tx.push(PcapTx { output: recorder, stats });
        counters.push(counts);
    }
    if !written.is_empty() {
        facts.push(("output", written.join(", ")));
    }

    let frames = capture.len() as u64;
    let left = (repeat > 0 || frames == 0).then(|| frames * u64::from(repeat));
    let rx_counters = SharedCounters::default();
    rx_counters.left.set(left.unwrap_or(0));
    counters.push(rx_counters.clone());
    let rx = PcapRx { capture, next: 0, left, stats: RxStats::default(), counters: rx_counters };
    let name = |path: Option<&Path>| path.map_or_else(|| "nothing".into(), |path| path.display().to_string());
    let info = PortInfo {
        name: port.clone(),
        driver: "pcap",
        device: format!("from {} to {}", name(input), name(output)),
        mac: settings.mac.unwrap_or_else(|| local_mac(port)),
        mtu: settings.mtu.unwrap_or(MTU),
        mtu_min: MTU_MIN,
        mtu_max: MTU_MAX,
        rx_queues: 1,
        tx_queues: settings.queues,
        rx_ring: 0,
        tx_ring: 0,
        promiscuous: settings.promiscuous,
        all_multicast: settings.all_multicast,
        facts,
    };
    let control = PcapPort {
        info,
        input: input.map(|_| (frames, left.is_some())),
        recording: output.is_some(),
        rx: vec![rx.stats.clone()],
        tx: tx.iter().map(|queue| queue.stats.clone()).collect(),
        counters,
    };
    Ok(Opened {
        port: Port::Pcap(control),
        rx: vec![Rx::Pcap(rx)],
        tx: tx.into_iter().map(Tx::Pcap).collect(),
        notices,
    })
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
        self.input.is_none_or(|(_, ends)| ends && self.sum(|queue| queue.left.get()) == 0)
    }

    fn sum(&self, get: fn(&super::QueueCounters) -> u64) -> u64 {
        self.counters.iter().map(|queue| get(queue)).sum()
    }

    pub(crate) fn info(&self) -> PortInfo {
        self.info.clone()
    }

    #[expect(clippy::unused_self, reason = "the same call on every driver")]
    pub(crate) fn link(&self) -> Link {
        Link::UP
    }

    pub(crate) fn stats(&self) -> PortStats {
        PortStats::of_queues(&self.rx, &self.tx)
    }

    /// `input_frames_left` is not listed for an input that repeats without end.
    pub(crate) fn xstats(&self) -> Vec<(String, u64)> {
        let mut xstats = Vec::new();
        if let Some((frames, ends)) = self.input {
            xstats.push(("input_frames".into(), frames));
            if ends {
                xstats.push(("input_frames_left".into(), self.sum(|queue| queue.left.get())));
            }
        }
        if self.recording {
            xstats.push(("output_writes".into(), self.sum(|queue| queue.writes.get())));
            xstats.push(("output_frames_lost".into(), self.sum(|queue| queue.lost.get())));
            let errno = self.counters.iter().map(|queue| queue.errno.get()).max();
            xstats.push(("output_errno".into(), errno.unwrap_or(0)));
        }
        xstats
    }

    pub(crate) fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        if !(MTU_MIN..=MTU_MAX).contains(&mtu) {
            let message = format!("MTU {mtu} is not between {MTU_MIN} and {MTU_MAX}");
            return Err(PortError::Refused { port: self.info.name.clone(), message });
        }
        self.info.mtu = mtu;
        Ok(())
    }

    pub(crate) fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        self.info.mac = mac;
        Ok(())
    }

    pub(crate) fn set_promiscuous(&mut self, on: bool) -> Result<(), PortError> {
        self.info.promiscuous = on;
        Ok(())
    }

    pub(crate) fn set_all_multicast(&mut self, on: bool) -> Result<(), PortError> {
        self.info.all_multicast = on;
        Ok(())
    }

    /// The queues have written their files when they were closed.
    #[expect(clippy::unused_self, reason = "the same call on every driver")]
    pub(crate) fn close(&mut self) {}
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
