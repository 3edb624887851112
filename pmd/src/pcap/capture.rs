//! A capture file in memory, and where its frames are.
//!
//! The file is read and indexed once, so that a replay costs no system call. What the bytes mean is left to the
//! `pcap-parser` crate; here is what it leaves open: which byte order a section has, the obsolete Packet Block, how
//! long a Simple Packet is, and what to do with a file that is cut or damaged: whole frames are kept, and one line says
//! where the rest was lost.
//!
//! Read first: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html> and
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>. Times are not used, so resolution and offset of
//! an interface are skipped. A capture that kept the FCS delivers it as padding behind the packet.

use pcap_parser::nom::{self, Offset};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{EPB_MAGIC, IDB_MAGIC, LegacyPcapBlock, PcapError, SHB_MAGIC, SPB_MAGIC, UnknownBlock};

/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;
/// Block type of the obsolete Packet Block (pcapng draft, appendix "Packet Block (obsolete!)").
const OLD_PACKET_BLOCK: u32 = 2;
/// Bytes of an old Packet Block's body in front of the frame.
const OLD_PACKET_HEADER: usize = 20;

/// Why a file cannot be replayed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CaptureError {
    /// The first bytes are not those of a capture.
    #[error("it is no pcap or pcapng file: {found}")]
    NotACapture { found: String },
    /// The file ends before its first frame could start.
    #[error("it ends after {len} bytes, inside the file header")]
    NoHeader { len: usize },
    /// Frames of another kind than Ethernet.
    #[error("its frames have link type {number} ({}), only Ethernet (1) can be replayed", link_type_name(*number))]
    LinkType { number: u32 },
}

/// Where one frame lies in the file.
#[derive(Debug, Clone, Copy)]
struct Span {
    at: usize,
    len: usize,
}

/// An interface of a pcapng section.
#[derive(Debug, Clone, Copy)]
struct Interface {
    link_type: u32,
    /// Most bytes kept of a frame; 0 means all.
    snap_len: u32,
}

/// A capture file in memory.
#[derive(Debug)]
pub(super) struct Capture {
    bytes: Vec<u8>,
    frames: Vec<Span>,
    format: &'static str,
    notices: Vec<String>,
}

impl Capture {
    /// A file without frames, for a port without input.
    pub(super) fn empty() -> Self {
        Self { bytes: Vec::new(), frames: Vec::new(), format: "none", notices: Vec::new() }
    }

    /// Finds the frames of a capture file.
    ///
    /// # Errors
    /// [`CaptureError`], when it is no capture of Ethernet frames. A file that is cut short or damaged is no error.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, CaptureError> {
        let mut index = Index::default();
        let format = match bytes.first_chunk::<4>().map(|magic| u32::from_be_bytes(*magic)) {
            None => return Err(CaptureError::NotACapture { found: describe(&bytes) }),
            // The type of a Section Header Block reads the same in both byte orders.
            Some(SHB_MAGIC) => index.sections(&bytes)?,
            Some(_) => index.records(&bytes)?,
        };
        if index.snapped > 0 {
            let count = index.snapped;
            index.notices.push(format!("has {count} frames that the capture cut; they are received as they are"));
        }
        if let Some((count, at)) = index.damaged {
            index.notices.push(format!("has {count} damaged blocks, the first at byte {at}; they are skipped"));
        }
        Ok(Self { bytes, frames: index.frames, format, notices: index.notices })
    }

    /// Frames in the file.
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// The bytes of a frame.
    #[inline]
    pub(super) fn frame(&self, number: usize) -> Option<&[u8]> {
        let Span { at, len } = *self.frames.get(number)?;
        self.bytes.get(at..at + len)
    }

    /// The format, for people.
    pub(super) fn format(&self) -> &'static str {
        self.format
    }

    /// What was found wrong: the predicate of a sentence about the file.
    pub(super) fn notices(&self) -> &[String] {
        &self.notices
    }
}

/// The index while it grows.
#[derive(Default)]
struct Index {
    frames: Vec<Span>,
    notices: Vec<String>,
    /// Frames shorter than they were on the wire.
    snapped: usize,
    /// Packet blocks that contradict themselves: how many, and where the first is.
    damaged: Option<(usize, usize)>,
}

/// The parser of one record of the older format.
type RecordParser = fn(&[u8]) -> nom::IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>>;
/// The parser of one block of which only the frame (type, length, length) is understood.
type BlockParser = fn(&[u8]) -> nom::IResult<&[u8], UnknownBlock<'_>, PcapError<&[u8]>>;

impl Index {
    /// Indexes the older format: a header, then records to the end of the file.
    fn records(&mut self, file: &[u8]) -> Result<&'static str, CaptureError> {
        let (mut rest, header) = match pcap_parser::parse_pcap_header(file) {
            Ok(parsed) => parsed,
            Err(nom::Err::Incomplete(_)) => return Err(CaptureError::NoHeader { len: file.len() }),
            Err(_) => return Err(CaptureError::NotACapture { found: describe(file) }),
        };
        // The upper half of the field tells about the FCS (pcap draft, section 4).
        let number = header.network.0 as u32 & 0xffff;
        if number != ETHERNET {
            return Err(CaptureError::LinkType { number });
        }
        let parse: RecordParser = match (header.is_modified_format(), header.is_bigendian()) {
            (true, _) => pcap_parser::parse_pcap_frame_modified,
            (false, true) => pcap_parser::parse_pcap_frame_be,
            (false, false) => pcap_parser::parse_pcap_frame,
        };
        // Each turn consumes at least the 16 bytes of a record header.
        while !rest.is_empty() {
            let Ok((after, record)) = parse(rest) else {
                self.cut(file.offset(rest), file.len());
                break;
            };
            self.add(file, record.data, record.origlen);
            rest = after;
        }
        Ok(match (header.is_nanosecond_precision(), header.is_bigendian()) {
            (false, false) => "pcap, microseconds, little endian",
            (false, true) => "pcap, microseconds, big endian",
            (true, false) => "pcap, nanoseconds, little endian",
            (true, true) => "pcap, nanoseconds, big endian",
        })
    }

    /// Indexes pcapng: sections of blocks, each section in the byte order of whoever wrote it.
    fn sections(&mut self, file: &[u8]) -> Result<&'static str, CaptureError> {
        let mut interfaces: Vec<Interface> = Vec::new();
        let mut big_endian = false;
        let mut rest = file;
        // Each turn consumes at least the 12 bytes around a block's body.
        while !rest.is_empty() {
            let at = file.offset(rest);
            if rest.starts_with(&SHB_MAGIC.to_be_bytes()) {
                match pcap_parser::pcapng::parse_sectionheaderblock(rest) {
                    Ok((after, section)) => {
                        big_endian = section.big_endian();
                        interfaces.clear();
                        rest = after;
                        continue;
                    }
                    Err(nom::Err::Incomplete(_)) if at == 0 => return Err(CaptureError::NoHeader { len: file.len() }),
                    Err(nom::Err::Incomplete(_)) => self.cut(at, file.len()),
                    Err(_) if at == 0 => return Err(CaptureError::NotACapture { found: describe(file) }),
                    Err(_) => self.lost(at),
                }
                break;
            }
            let parse: BlockParser = if big_endian {
                pcap_parser::pcapng::parse_unknownblock_be
            } else {
                pcap_parser::pcapng::parse_unknownblock_le
            };
            match parse(rest) {
                Ok((after, block)) => {
                    let whole = &rest[..rest.offset(after)];
                    self.block(file, whole, &block, big_endian, &mut interfaces)?;
                    rest = after;
                }
                Err(nom::Err::Incomplete(_)) => {
                    self.cut(at, file.len());
                    break;
                }
                Err(_) => {
                    self.lost(at);
                    break;
                }
            }
        }
        Ok("pcapng")
    }

    /// Takes in one block other than a section header: `whole` with, `block` without its frame.
    fn block(
        &mut self,
        file: &[u8],
        whole: &[u8],
        block: &UnknownBlock<'_>,
        big_endian: bool,
        interfaces: &mut Vec<Interface>,
    ) -> Result<(), CaptureError> {
        // The parser reads the type as little-endian in either byte order.
        let kind = if big_endian { block.block_type.swap_bytes() } else { block.block_type };
        let packet = match kind {
            IDB_MAGIC => {
                let Some(interface) = interface(block.data, big_endian) else {
                    self.damage(file.offset(whole));
                    return Ok(());
                };
                interfaces.push(interface);
                return Ok(());
            }
            EPB_MAGIC => enhanced(whole, big_endian),
            SPB_MAGIC => simple(block.data, big_endian, interfaces.first()),
            OLD_PACKET_BLOCK => old(block.data, big_endian),
            // Names, statistics and whatever comes later: a reader skips blocks that it does not know (pcapng draft,
            // section 3.2).
            _ => return Ok(()),
        };
        let known = packet.and_then(|packet| Some((packet, interfaces.get(packet.interface as usize)?)));
        let Some((packet, from)) = known else {
            self.damage(file.offset(whole));
            return Ok(());
        };
        if from.link_type != ETHERNET {
            return Err(CaptureError::LinkType { number: from.link_type });
        }
        self.add(file, packet.frame, packet.on_wire);
        Ok(())
    }

    fn add(&mut self, file: &[u8], frame: &[u8], on_wire: u32) {
        self.snapped += usize::from(frame.len() < on_wire as usize);
        self.frames.push(Span { at: file.offset(frame), len: frame.len() });
    }

    fn cut(&mut self, at: usize, len: usize) {
        let whole = self.frames.len();
        let number = whole + 1;
        self.notices.push(format!(
            "is cut short: it ends at byte {len} inside the record at byte {at} (frame {number}); {whole} whole frames are used"
        ));
    }

    fn lost(&mut self, at: usize) {
        let whole = self.frames.len();
        let number = whole + 1;
        self.notices.push(format!(
            "is damaged: no record can start as the bytes at {at} do (frame {number}); the {whole} frames before are used"
        ));
    }

    fn damage(&mut self, at: usize) {
        let (count, _) = self.damaged.get_or_insert((0, at));
        *count += 1;
    }
}

/// A frame within a packet block.
#[derive(Clone, Copy)]
struct Packet<'a> {
    interface: u32,
    frame: &'a [u8],
    on_wire: u32,
}

/// Reads a 32-bit field of a block's body.
fn word(body: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let field = *body.get(at..)?.first_chunk::<4>()?;
    Some(if big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) })
}

/// Reads a 16-bit field of a block's body.
fn half(body: &[u8], at: usize, big_endian: bool) -> Option<u16> {
    let field = *body.get(at..)?.first_chunk::<2>()?;
    Some(if big_endian { u16::from_be_bytes(field) } else { u16::from_le_bytes(field) })
}

/// Interface Description Block: link type (16 bits), reserved (16), snap length (32), and options, which nobody here
/// reads and which therefore need not be well-formed.
fn interface(body: &[u8], big_endian: bool) -> Option<Interface> {
    Some(Interface { link_type: u32::from(half(body, 0, big_endian)?), snap_len: word(body, 4, big_endian)? })
}

fn enhanced(whole: &[u8], big_endian: bool) -> Option<Packet<'_>> {
    let parsed = if big_endian {
        pcap_parser::pcapng::parse_enhancedpacketblock_be(whole)
    } else {
        pcap_parser::pcapng::parse_enhancedpacketblock_le(whole)
    };
    let (_, block) = parsed.ok()?;
    let frame = block.data.get(..block.caplen as usize)?;
    Some(Packet { interface: block.if_id, frame, on_wire: block.orig_len() })
}

/// Simple Packet Block: original length, frame, padding. It belongs to interface 0 and does not say how much of the
/// frame was kept: that is the original length or the interface's snap length, whichever is less (pcapng draft,
/// section 4.4).
fn simple<'a>(body: &'a [u8], big_endian: bool, interface: Option<&Interface>) -> Option<Packet<'a>> {
    let on_wire = word(body, 0, big_endian)?;
    let kept = match interface?.snap_len {
        0 => on_wire,
        snap_len => on_wire.min(snap_len),
    };
    Some(Packet { interface: 0, frame: body[4..].get(..kept as usize)?, on_wire })
}

/// Packet Block: interface (16 bits), drops (16), time (64), captured length (32), original length (32), frame.
fn old(body: &[u8], big_endian: bool) -> Option<Packet<'_>> {
    let captured = word(body, 12, big_endian)? as usize;
    let frame = body.get(OLD_PACKET_HEADER..)?.get(..captured)?;
    Some(Packet { interface: u32::from(half(body, 0, big_endian)?), frame, on_wire: word(body, 16, big_endian)? })
}

/// What a file that is no capture seems to be.
fn describe(file: &[u8]) -> String {
    match file {
        [] => "it is empty".into(),
        [0x1f, 0x8b, ..] => "it is compressed by gzip; unpack it first".into(),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "it is compressed by zstd; unpack it first".into(),
        _ => {
            let start: Vec<String> = file.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
            format!("it starts with {}", start.join(" "))
        }
    }
}

/// The names that libpcap gives to the link types met most often.
fn link_type_name(number: u32) -> &'static str {
    match number {
        0 => "BSD loopback",
        ETHERNET => "Ethernet",
        9 => "PPP",
        12 | 14 | 101 => "raw IP",
        104 => "Cisco HDLC",
        105 => "IEEE 802.11",
        108 => "OpenBSD loopback",
        113 => "Linux cooked",
        127 => "IEEE 802.11 with radiotap",
        228 => "raw IPv4",
        229 => "raw IPv6",
        239 => "Linux netfilter log",
        249 => "USB",
        276 => "Linux cooked v2",
        _ => "see tcpdump.org/linktypes.html",
    }
}

#[cfg(test)]
#[path = "capture_tests.rs"]
mod tests;
