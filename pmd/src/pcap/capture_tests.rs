use super::*;
use proptest::prelude::*;

/// Writes capture files field by field, in either byte order, as the drafts lay them out.
struct Writer {
    big_endian: bool,
    bytes: Vec<u8>,
}

impl Writer {
    fn new(big_endian: bool) -> Self {
        Self { big_endian, bytes: Vec::new() }
    }

    fn word(mut self, value: u32) -> Self {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    fn half(mut self, value: u16) -> Self {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    fn data(mut self, data: &[u8]) -> Self {
        self.bytes.extend(data);
        self
    }

    fn padded(mut self, data: &[u8]) -> Self {
        self.bytes.extend(data);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0xee);
        self
    }

    /// Puts type and lengths around a body.
    fn block(self, kind: u32) -> Vec<u8> {
        let len = self.bytes.len() as u32 + 12;
        let (big_endian, body) = (self.big_endian, self.bytes);
        Writer::new(big_endian).word(kind).word(len).data(&body).word(len).bytes
    }
}

fn pcap(big_endian: bool, magic: u32, link_type: u32, frames: &[&[u8]]) -> Vec<u8> {
    let header = Writer::new(big_endian).word(magic).half(2).half(4).word(0).word(0).word(65_535).word(link_type);
    let records = frames.iter().map(|frame| {
        let len = frame.len() as u32;
        Writer::new(big_endian).word(1).word(2).word(len).word(len).data(frame).bytes
    });
    [header.bytes, records.flatten().collect()].concat()
}

fn section(big_endian: bool) -> Vec<u8> {
    Writer::new(big_endian).word(0x1a2b_3c4d).half(1).half(0).word(u32::MAX).word(u32::MAX).block(SHB_MAGIC)
}

fn interface_block(big_endian: bool, link_type: u16, snap_len: u32) -> Vec<u8> {
    // if_tsresol = 9 (nanoseconds), if_name without an end of options.
    let options = Writer::new(big_endian).half(9).half(1).padded(&[9]).half(2).half(2).padded(b"p0");
    Writer::new(big_endian).half(link_type).half(0).word(snap_len).data(&options.bytes).block(IDB_MAGIC)
}

fn enhanced_block(big_endian: bool, interface: u32, frame: &[u8], captured: u32, on_wire: u32) -> Vec<u8> {
    let body = Writer::new(big_endian).word(interface).word(0).word(0).word(captured).word(on_wire).padded(frame);
    // An epb_flags option and the end of options.
    body.half(2).half(4).word(1).half(0).half(0).block(EPB_MAGIC)
}

fn simple_block(big_endian: bool, frame: &[u8], on_wire: u32) -> Vec<u8> {
    Writer::new(big_endian).word(on_wire).padded(frame).block(SPB_MAGIC)
}

fn old_block(big_endian: bool, frame: &[u8]) -> Vec<u8> {
    let len = frame.len() as u32;
    Writer::new(big_endian).half(0).half(7).word(0).word(0).word(len).word(len).padded(frame).block(OLD_PACKET_BLOCK)
}

/// One section with a frame in each kind of packet block, and blocks that are to be skipped between them.
fn pcapng(big_endian: bool, frames: [&[u8]; 3]) -> Vec<u8> {
    let [one, two, three] = frames;
    let len = one.len() as u32;
    [
        section(big_endian),
        interface_block(big_endian, 1, 0),
        enhanced_block(big_endian, 0, one, len, len),
        Writer::new(big_endian).word(0).half(0).half(0).block(4),
        simple_block(big_endian, two, two.len() as u32),
        Writer::new(big_endian).data(b"whatever").block(0xbad),
        old_block(big_endian, three),
    ]
    .concat()
}

fn frames(capture: &Capture) -> Vec<&[u8]> {
    (0..capture.len()).map(|number| capture.frame(number).unwrap()).collect()
}

const FRAMES: [&[u8]; 3] = [b"the first frame", b"2", b"and the third"];

/// A file of every format.
fn all_formats() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("pcap, microseconds, little endian", pcap(false, 0xa1b2_c3d4, 1, &FRAMES)),
        ("pcap, microseconds, big endian", pcap(true, 0xa1b2_c3d4, 1, &FRAMES)),
        ("pcap, nanoseconds, little endian", pcap(false, 0xa1b2_3c4d, 1, &FRAMES)),
        ("pcap, nanoseconds, big endian", pcap(true, 0xa1b2_3c4d, 1, &FRAMES)),
        ("pcapng", pcapng(false, FRAMES)),
        ("pcapng", pcapng(true, FRAMES)),
    ]
}

#[test]
fn every_format_yields_its_frames() {
    for (format, file) in all_formats() {
        let capture = Capture::parse(file).unwrap();
        assert_eq!(frames(&capture), FRAMES, "{format}");
        assert_eq!(capture.format(), format);
        assert!(capture.notices().is_empty(), "{format}: {:?}", capture.notices());
    }
}

#[test]
fn a_file_cut_at_any_byte_yields_the_frames_before_the_cut() {
    for (format, file) in all_formats() {
        let (mut before, mut silent) = (0, 0);
        for len in 0..file.len() {
            let Ok(capture) = Capture::parse(file[..len].to_vec()) else { continue };
            let got = frames(&capture);
            assert_eq!(got, FRAMES[..got.len()], "{format} cut at {len}");
            assert!(got.len() >= before, "{format} cut at {len}");
            before = got.len();
            match capture.notices() {
                [] => silent += 1,
                [notice] => {
                    assert!(notice.contains(&format!("byte {len} ")), "{notice}");
                    assert!(notice.contains(&format!("(frame {})", got.len() + 1)), "{notice}");
                }
                more => panic!("{more:?}"),
            }
        }
        // Only a cut between two records leaves a file that nothing is wrong with.
        assert_eq!(silent, if format == "pcapng" { 6 } else { 3 }, "{format}");
    }
}

#[test]
fn a_cut_inside_a_frame_names_the_byte_and_the_frame() {
    let mut file = pcap(false, 0xa1b2_c3d4, 1, &FRAMES);
    file.truncate(60);
    let capture = Capture::parse(file).unwrap();
    let [notice] = capture.notices() else { panic!("{:?}", capture.notices()) };
    assert_eq!(
        notice,
        "is cut short: it ends at byte 60 inside the record at byte 55 (frame 2); 1 whole frames are used"
    );
}

#[test]
fn sections_of_both_byte_orders_may_follow_each_other() {
    let file = [pcapng(false, FRAMES), pcapng(true, FRAMES), pcapng(false, FRAMES)].concat();
    let capture = Capture::parse(file).unwrap();
    assert_eq!(frames(&capture), FRAMES.repeat(3));
}

#[test]
fn an_interface_belongs_to_its_section_only() {
    let file = [pcapng(false, FRAMES), section(false), enhanced_block(false, 0, b"x", 1, 1)].concat();
    let capture = Capture::parse(file).unwrap();
    assert_eq!(capture.len(), 3);
    assert!(capture.notices()[0].contains("1 damaged"), "{:?}", capture.notices());
}

#[test]
fn a_simple_packet_ends_at_the_snap_length() {
    let file = [section(false), interface_block(false, 1, 5), simple_block(false, b"12345", 9)].concat();
    let capture = Capture::parse(file).unwrap();
    assert_eq!(frames(&capture), [b"12345"]);
    assert!(capture.notices()[0].contains("1 frames that the capture cut"), "{:?}", capture.notices());
}

#[test]
fn a_block_that_contradicts_itself_is_skipped() {
    for captured in [17, 1 << 20, u32::MAX - 4, u32::MAX] {
        let file = [
            section(true),
            interface_block(true, 1, 0),
            enhanced_block(true, 0, b"short", captured, captured),
            enhanced_block(true, 9, b"unknown interface", 17, 17),
            enhanced_block(true, 0, b"good", 4, 4),
        ];
        let capture = Capture::parse(file.concat()).unwrap();
        assert_eq!(*frames(&capture).last().unwrap(), b"good", "captured {captured}");
        let at = file[0].len() + file[1].len();
        if captured > 24 {
            assert_eq!(capture.notices(), [format!("has 2 damaged blocks, the first at byte {at}; they are skipped")]);
        }
    }
}

#[test]
fn a_block_length_that_cannot_be_ends_the_file() {
    for len in [0, 4, 11] {
        let bad = Writer::new(false).word(EPB_MAGIC).word(len).word(0).bytes;
        let file = [pcapng(false, FRAMES), bad, pcapng(false, FRAMES)].concat();
        let capture = Capture::parse(file).unwrap();
        assert_eq!(capture.len(), 3);
        assert!(capture.notices()[0].starts_with("is damaged: no record"), "{:?}", capture.notices());
    }
}

#[test]
fn a_link_type_other_than_ethernet_is_refused_by_number_and_name() {
    let cooked = [section(false), interface_block(false, 113, 0), enhanced_block(false, 0, b"x", 1, 1)].concat();
    for file in [pcap(true, 0xa1b2_c3d4, 113, &FRAMES), cooked] {
        let error = Capture::parse(file).unwrap_err();
        assert_eq!(error, CaptureError::LinkType { number: 113 });
        assert!(error.to_string().contains("113 (Linux cooked)"), "{error}");
    }
}

#[test]
fn an_interface_of_another_kind_does_no_harm_until_a_frame_is_of_it() {
    let file = [section(false), interface_block(false, 113, 0), interface_block(false, 1, 0)];
    let file = [file.concat(), enhanced_block(false, 1, b"x", 1, 1)].concat();
    assert_eq!(Capture::parse(file).unwrap().len(), 1);
}

#[test]
fn the_link_type_is_read_without_the_fcs_field() {
    let file = pcap(false, 0xa1b2_c3d4, 0x2400_0001, &FRAMES);
    assert_eq!(Capture::parse(file).unwrap().len(), 3);
}

#[test]
fn what_is_no_capture_is_refused_with_what_was_found() {
    let message = |bytes: &[u8]| Capture::parse(bytes.to_vec()).unwrap_err().to_string();
    assert!(message(b"").contains("it is empty"));
    assert!(message(b"\x1f\x8b\x08\0\0\0").contains("gzip"));
    assert!(message(b"# a text").contains("starts with 23 20 61 20 74"));
    assert!(message(&SHB_MAGIC.to_be_bytes().repeat(9)).contains("starts with 0a 0d 0d 0a"));
    assert!(message(&pcap(false, 0xa1b2_c3d4, 1, &[])[..20]).contains("ends after 20 bytes"));
}

/// Bytes that get past the first checks: a valid start, then anything.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let start = prop::sample::select(all_formats()).prop_flat_map(|(_, file)| {
        let len = file.len();
        (Just(file), 0..=len, any::<bool>())
    });
    let tail = prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(6), Just(255), any::<u8>()], 0..200);
    (start, tail).prop_map(|((mut file, cut, overwrite), tail)| {
        if overwrite {
            for (place, byte) in file[cut..].iter_mut().zip(&tail) {
                *place = *byte;
            }
        } else {
            file.truncate(cut);
            file.extend(tail);
        }
        file
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(file in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Capture::parse(file);
    }

    #[test]
    fn a_hostile_file_never_panics_and_its_frames_lie_inside(file in hostile()) {
        let len = file.len();
        if let Ok(capture) = Capture::parse(file) {
            let bytes: usize = (0..capture.len()).map(|number| capture.frame(number).map_or(usize::MAX, <[u8]>::len)).sum();
            prop_assert!(bytes <= len);
        }
    }
}
