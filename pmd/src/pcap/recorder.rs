//! A capture file that one queue writes.
//!
//! Nanosecond pcap, little endian. Records gather in a buffer that exists from the start and go to the file in one
//! call: when the buffer is full, when the oldest record has waited [`PATIENCE`], and at the end. A file on a disk that
//! is full stays readable: what could not be written whole is cut off again, and counted.

use super::SharedCounters;
use crate::TxStats;
use ringway_mempool::{cycles, cycles_per_second};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes of records that gather before they are written.
const BUFFER: usize = 1 << 20;
/// Bytes in front of each frame.
const RECORD_HEADER: usize = 16;
/// Longest that a record waits for the buffer to fill.
const PATIENCE: Duration = Duration::from_millis(100);
/// Calls that one flush makes at most: more than one only when the kernel writes in part or a signal comes.
const ATTEMPTS: usize = 16;
/// Longest frame in the file: no mbuf is longer.
const SNAP_LENGTH: u32 = u16::MAX as u32;

const _: () = assert!(RECORD_HEADER + SNAP_LENGTH as usize <= BUFFER, "an empty buffer takes any frame");

/// The header of a capture file: magic of the nanosecond format, version 2.4, zone and accuracy (always 0), snap length,
/// link type Ethernet (pcap draft, section 4).
pub(super) fn file_header() -> [u8; 24] {
    let fields = [0xa1b2_3c4d_u32, 4 << 16 | 2, 0, 0, SNAP_LENGTH, 1];
    let mut header = [0; 24];
    for (place, field) in header.chunks_exact_mut(4).zip(fields) {
        place.copy_from_slice(&field.to_le_bytes());
    }
    header
}

/// The wall clock, reckoned from the time-stamp counter between looks at the system's clock.
#[derive(Debug)]
struct WallClock {
    /// Nanoseconds since 1970 when the counter read `start`.
    epoch: u64,
    start: u64,
    rate: u64,
}

impl WallClock {
    fn new() -> Self {
        let mut clock = Self { epoch: 0, start: 0, rate: cycles_per_second() };
        clock.set();
        clock
    }

    /// Looks at the system's clock, so that an error of the rate never adds up.
    fn set(&mut self) {
        self.start = cycles();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.epoch = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    }

    /// Seconds and nanoseconds since 1970 when the counter read `now`.
    fn at(&self, now: u64) -> (u32, u32) {
        let passed = u128::from(now.saturating_sub(self.start)) * 1_000_000_000 / u128::from(self.rate);
        let time = u128::from(self.epoch) + passed;
        ((time / 1_000_000_000) as u32, (time % 1_000_000_000) as u32)
    }
}

/// Writes one capture file.
#[derive(Debug)]
pub(super) struct Recorder {
    file: File,
    /// Bytes of the file that are whole records.
    whole: u64,
    buffer: Vec<u8>,
    /// Records in the buffer.
    waiting: u64,
    /// The counter when the oldest record in the buffer came.
    oldest: u64,
    patience: u64,
    clock: WallClock,
    stats: TxStats,
    counters: SharedCounters,
}

impl Recorder {
    /// Starts a file behind its header.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub(super) fn start(mut file: File, stats: TxStats, counters: SharedCounters) -> io::Result<Self> {
        let header = file_header();
        file.write_all(&header)?;
        Ok(Self::behind_header(file, header.len() as u64, stats, counters))
    }

    /// Goes on behind the records of a file that was started before.
    ///
    /// # Errors
    /// When its end cannot be found.
    pub(super) fn resume(mut file: File, stats: TxStats, counters: SharedCounters) -> io::Result<Self> {
        let whole = file.seek(SeekFrom::End(0))?;
        Ok(Self::behind_header(file, whole, stats, counters))
    }

    fn behind_header(file: File, whole: u64, stats: TxStats, counters: SharedCounters) -> Self {
        let clock = WallClock::new();
        Self {
            file,
            whole,
            buffer: Vec::with_capacity(BUFFER),
            waiting: 0,
            oldest: 0,
            patience: clock.rate / 1000 * PATIENCE.as_millis() as u64,
            clock,
            stats,
            counters,
        }
    }

    /// The time to write into the records of a burst.
    pub(super) fn stamp(&mut self) -> (u32, u32) {
        let now = cycles();
        if self.buffer.is_empty() {
            self.oldest = now;
        }
        self.clock.at(now)
    }

    /// Adds a frame; at most 65,535 bytes of it, which is what an mbuf can hold.
    #[inline]
    pub(super) fn add(&mut self, (seconds, nanoseconds): (u32, u32), frame: &[u8]) {
        let kept = &frame[..frame.len().min(SNAP_LENGTH as usize)];
        if self.buffer.len() + RECORD_HEADER + kept.len() > BUFFER {
            self.flush();
            self.oldest = cycles();
        }
        let mut header = [0; RECORD_HEADER];
        header[0..4].copy_from_slice(&seconds.to_le_bytes());
        header[4..8].copy_from_slice(&nanoseconds.to_le_bytes());
        header[8..12].copy_from_slice(&(kept.len() as u32).to_le_bytes());
        header[12..16].copy_from_slice(&(frame.len() as u32).to_le_bytes());
        // The buffer was made with room for BUFFER bytes, so these never make it grow.
        self.buffer.extend_from_slice(&header);
        self.buffer.extend_from_slice(kept);
        self.waiting += 1;
    }

    /// Writes what has waited long enough.
    #[inline]
    pub(super) fn flush_when_due(&mut self) {
        if !self.buffer.is_empty() && cycles().saturating_sub(self.oldest) >= self.patience {
            self.flush();
        }
    }

    /// Writes what has gathered; on failure these frames are lost and counted.
    pub(super) fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        self.counters.writes.add(1);
        match self.write_buffer() {
            Ok(()) => self.whole += self.buffer.len() as u64,
            Err(error) => {
                self.stats.errors.add(self.waiting);
                self.stats.faults.add(1);
                self.counters.lost.add(self.waiting);
                self.counters.errno.set(u64::from(error.raw_os_error().unwrap_or(libc::EIO).unsigned_abs()));
                // Half a record would make the rest of the file unreadable. Where even this fails, the next write
                // starts at the same place and covers it.
                let _ = self.file.set_len(self.whole);
            }
        }
        self.buffer.clear();
        self.waiting = 0;
        self.clock.set();
    }

    fn write_buffer(&self) -> io::Result<()> {
        let mut done = 0;
        for _ in 0..ATTEMPTS {
            match self.file.write_at(&self.buffer[done..], self.whole + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if done == self.buffer.len() {
                return Ok(());
            }
        }
        Err(io::ErrorKind::WriteZero.into())
    }
}

impl Drop for Recorder {
    /// A worker that ends without closing its queue still leaves a whole file.
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcap::capture::Capture;
    use std::fs::OpenOptions;

    fn recorder(file: File) -> (Recorder, TxStats, SharedCounters) {
        let (stats, counters) = (TxStats::default(), SharedCounters::default());
        (Recorder::behind_header(file, 24, stats.clone(), counters.clone()), stats, counters)
    }

    #[test]
    fn a_full_disk_loses_frames_and_counts_them() {
        let (mut recorder, stats, counters) = recorder(OpenOptions::new().write(true).open("/dev/full").unwrap());
        for _ in 0..3 {
            let stamp = recorder.stamp();
            recorder.add(stamp, &[0; 60]);
        }
        recorder.flush();
        assert_eq!((stats.errors.get(), stats.faults.get()), (3, 1));
        assert_eq!((counters.lost.get(), counters.errno.get()), (3, libc::ENOSPC as u64));
        recorder.flush();
        assert_eq!(stats.faults.get(), 1, "nothing is left to write");
    }

    #[test]
    fn a_full_buffer_is_written_in_one_call_and_never_grows() {
        let file = tempfile::tempfile().unwrap();
        let (mut recorder, _, counters) = recorder(file.try_clone().unwrap());
        let before = recorder.buffer.capacity();
        let stamp = recorder.stamp();
        while counters.writes.get() == 0 {
            recorder.add(stamp, &[7; 65_535]);
        }
        assert_eq!(recorder.buffer.capacity(), before);
        assert_eq!(file.metadata().unwrap().len(), 24 + 15 * (16 + 65_535));
    }

    #[test]
    fn a_record_does_not_wait_for_the_buffer_to_fill() {
        let (mut recorder, _, counters) = recorder(tempfile::tempfile().unwrap());
        let stamp = recorder.stamp();
        recorder.add(stamp, b"frame");
        recorder.patience = u64::MAX;
        recorder.flush_when_due();
        assert_eq!(counters.writes.get(), 0);
        recorder.patience = 0;
        recorder.flush_when_due();
        assert_eq!(counters.writes.get(), 1);
    }

    #[test]
    fn each_write_sets_the_clock_again() {
        let (mut recorder, ..) = recorder(tempfile::tempfile().unwrap());
        recorder.clock.epoch = 0;
        let stamp = recorder.stamp();
        recorder.add(stamp, b"frame");
        recorder.flush();
        assert!(recorder.stamp().0 > stamp.0);
    }

    #[test]
    fn a_dropped_recorder_leaves_its_frames_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.pcap");
        let file = File::create(&path).unwrap();
        let mut recorder = Recorder::start(file, TxStats::default(), SharedCounters::default()).unwrap();
        let stamp = recorder.stamp();
        recorder.add(stamp, b"frame");
        drop(recorder);
        let capture = Capture::parse(std::fs::read(&path).unwrap()).unwrap();
        assert_eq!((capture.len(), capture.frame(0)), (1, Some(&b"frame"[..])));
        assert_eq!(capture.format(), "pcap, nanoseconds, little endian");
    }

    #[test]
    fn stamps_are_the_wall_clock() {
        let clock = WallClock::new();
        let (seconds, _) = clock.at(clock.start + 2 * clock.rate);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(u64::from(seconds).abs_diff(wall + 2) <= 5, "{seconds} {wall}");
        assert_eq!(clock.at(clock.start).1 as u64, clock.epoch % 1_000_000_000);
    }
}
