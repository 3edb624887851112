//! Reads routes from files: text with one route a line, or an MRT dump of a routing table (TABLE_DUMP_V2), plain or compressed.
//!
//! A file is an iterator, so whoever loads a million routes can do other work between two of them, and say how far it
//! is: [`RouteFile::progress`]. What cannot be read is an item too, with its place and its reason, and reading goes on
//! behind it: nothing is left out silently.
//!
//! Read first: RFC 6396 section 4.3 (TABLE_DUMP_V2).

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ipnet::IpNet;
use thiserror::Error;

use super::next_hop::NextHop;
use mrt::MrtRoutes;
use text::TextRoutes;

mod mrt;
mod text;

/// A route as a file tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRoute {
    /// Its prefix, without bits behind the length.
    pub prefix: IpNet,
    /// What the file says of where it goes.
    pub via: Via,
}

/// What a file says of where a route goes. Which next hop that is here, whoever loads the file decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Via {
    /// The address of the next hop.
    pub address: Option<IpAddr>,
    /// The autonomous system that the prefix belongs to.
    pub origin_as: Option<u32>,
    /// That it goes nowhere: blackhole, unreachable or prohibit.
    pub nowhere: Option<NextHop>,
    /// Its metric.
    pub metric: Option<u32>,
}

/// A part of a file that is no route.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}:{place}: {reason}", file.display())]
pub struct BadRoute {
    /// The file.
    pub file: PathBuf,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub reason: String,
}

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line of text.
    Line(u64),
    /// A record of an MRT file.
    Record(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "{line}"),
            Self::Record(record) => write!(f, "record {record}"),
        }
    }
}

/// The file could not be opened.
#[derive(Debug, Error)]
#[error("cannot read routes from {} ({source}); give a file of text, one `PREFIX [via ADDRESS]` a line, or of MRT", file.display())]
pub struct OpenError {
    /// The file.
    pub file: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// How much of a file has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read of the file as it lies on the disk.
    pub read_bytes: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
}

/// A file of routes, to be iterated over.
pub struct RouteFile {
    file: PathBuf,
    routes: Format,
    read: Arc<AtomicU64>,
    file_bytes: u64,
}

enum Format {
    Text(TextRoutes),
    Mrt(MrtRoutes),
}

/// A decompressed stream.
type Stream = Box<dyn BufRead + Send>;

impl RouteFile {
    /// Opens a file and finds out what it is: gzip, bzip2, xz or neither, and MRT or text inside.
    ///
    /// # Errors
    /// [`OpenError`] when it cannot be read.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let open_error = |source| OpenError { file: path.to_path_buf(), source };
        // Before it is opened: a pipe would make its opener wait for somebody to write.
        if !std::fs::metadata(path).map_err(open_error)?.is_file() {
            return Err(open_error(io::Error::other("it is no ordinary file")));
        }
        let file = File::open(path).map_err(open_error)?;
        let metadata = file.metadata().map_err(open_error)?;
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted { file, read: read.clone() };
        let mut stream = decompress(BufReader::with_capacity(1 << 16, counted)).map_err(open_error)?;
        // An MRT record starts with its time, its type (13 for TABLE_DUMP_V2, 12 and less for others) and its subtype,
        // 16 bits each: some of these bytes are zero, which no text has.
        let beginning = stream.fill_buf().map_err(open_error)?;
        let is_mrt = beginning.iter().take(12).any(|&byte| byte == 0);
        let routes = if is_mrt { Format::Mrt(MrtRoutes::new(stream)) } else { Format::Text(TextRoutes::new(stream)) };
        Ok(Self { file: path.to_path_buf(), routes, read, file_bytes: metadata.len() })
    }

    /// Where the last item stands.
    pub fn place(&self) -> Place {
        match &self.routes {
            Format::Text(routes) => Place::Line(routes.number()),
            Format::Mrt(routes) => Place::Record(routes.number()),
        }
    }

    /// How far reading is.
    pub fn progress(&self) -> Progress {
        Progress { read_bytes: self.read.load(Ordering::Relaxed), file_bytes: self.file_bytes }
    }
}

impl Iterator for RouteFile {
    type Item = Result<FileRoute, BadRoute>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = match &mut self.routes {
            Format::Text(routes) => routes.next(),
            Format::Mrt(routes) => routes.next(),
        };
        item.map(|item| item.map_err(|(place, reason)| BadRoute { file: self.file.clone(), place, reason }))
    }
}

impl fmt::Debug for RouteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteFile").field("file", &self.file).field("progress", &self.progress()).finish()
    }
}

/// Looks through what compression there is.
fn decompress(mut file: BufReader<Counted>) -> io::Result<Stream> {
    let beginning = file.fill_buf()?;
    Ok(if beginning.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file)))
    } else if beginning.starts_with(b"BZh") {
        Box::new(BufReader::new(bzip2::bufread::MultiBzDecoder::new(file)))
    } else if beginning.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        Box::new(BufReader::new(lzma_rust2::XzReader::new(file, true)))
    } else {
        Box::new(file)
    })
}

struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
