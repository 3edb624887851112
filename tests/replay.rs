//! The shipped program on capture files: what goes in by one, what comes out by another. Needs no privilege.

use etherparse::{Ipv4Header, PacketBuilder};
use std::fs;
use std::net::Ipv6Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ringway");
/// How long the program may take for anything.
const DEADLINE: Duration = Duration::from_secs(20);
const ROUTER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const NEXT_HOP_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

const CONFIG: &str = r#"
[router]
socket = "cli.sock"
[workers]
idle = "sleep"
[memory]
lock = false
pages = "small"
[[port]]
name = "in"
driver = "pcap"
input = "in.pcap"
mac = "02:00:00:00:00:01"
[[port]]
name = "out"
driver = "pcap"
output = "out.pcap"
mac = "02:00:00:00:00:03"
[[interface]]
name = "in"
addresses = ["192.0.2.1/24", "2001:db8:1::1/64"]
[[interface]]
name = "out"
addresses = ["198.51.100.1/24", "2001:db8:2::1/64"]
[[neighbor]]
address = "198.51.100.2"
mac = "02:00:00:00:00:02"
[[neighbor]]
address = "2001:db8:2::2"
mac = "02:00:00:00:00:02"
[[route]]
to = "default"
via = "198.51.100.2"
[[route]]
to = "default"
via = "2001:db8:2::2"
"#;

/// A capture file of microseconds in the byte order of this machine, all frames at the same time.
fn capture(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(word.to_ne_bytes());
    }
    for frame in frames {
        for word in [1, 2, frame.len() as u32, frame.len() as u32] {
            file.extend(word.to_ne_bytes());
        }
        file.extend(frame);
    }
    file
}

/// The IPv4 frames of a capture file as the program writes it (nanoseconds, little endian), and the UDP ones of IPv6:
/// ARP and Neighbor Discovery are the router's own.
fn ip_frames(file: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(file[..4], 0xa1b2_3c4du32.to_le_bytes());
    let mut frames = Vec::new();
    let mut rest = &file[24..];
    while let Some((header, tail)) = rest.split_first_chunk::<16>() {
        let len = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        frames.push(tail[..len].to_vec());
        rest = &tail[len..];
    }
    frames.retain(|frame| frame[12..14] == [8, 0] || (frame[12..14] == [0x86, 0xdd] && frame[20] == 17));
    frames
}

fn frame(number: u16, ttl: u8) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 9], ROUTER_MAC)
        .ipv4([192, 0, 2, 10], [203, 0, 113, 5], ttl)
        .udp(number, 5000);
    let mut frame = Vec::new();
    builder.write(&mut frame, &number.to_be_bytes()).unwrap();
    // Ethernet pads to 60 bytes, and the router takes that off again.
    frame.resize(60, 0);
    frame
}

/// The same of IPv6.
fn frame6(number: u16, hop_limit: u8) -> Vec<u8> {
    let (source, destination): (Ipv6Addr, Ipv6Addr) =
        ("2001:db8:1::10".parse().unwrap(), "2001:db8:ffff::5".parse().unwrap());
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 9], ROUTER_MAC)
        .ipv6(source.octets(), destination.octets(), hop_limit)
        .udp(number, 5000);
    let mut frame = Vec::new();
    builder.write(&mut frame, &number.to_be_bytes()).unwrap();
    frame
}

/// What a frame looks like behind the router.
fn forwarded(frame: &[u8]) -> Vec<u8> {
    if frame[12..14] == [0x86, 0xdd] {
        let mut packet = frame[14..].to_vec();
        packet[7] -= 1;
        return [&NEXT_HOP_MAC[..], &[2, 0, 0, 0, 0, 3], &[0x86, 0xdd], &packet].concat();
    }
    let (mut header, payload) = Ipv4Header::from_slice(&frame[14..]).unwrap();
    header.time_to_live -= 1;
    header.header_checksum = header.calc_header_checksum();
    let data = usize::from(header.total_len) - header.header_len();
    [&NEXT_HOP_MAC[..], &[2, 0, 0, 0, 0, 3], &[8, 0], &header.to_bytes(), &payload[..data]].concat()
}

fn run(directory: &Path) -> Child {
    Command::new(PROGRAM)
        .args(["run", "router.toml"])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The JSON answer to a command; `None` while nobody answers.
fn ask(directory: &Path, command: &str) -> Option<serde_json::Value> {
    let mut call = Command::new(PROGRAM);
    call.args(["cli", "--socket", "cli.sock", "--json"]).args(command.split(' ')).current_dir(directory);
    let output = call.stderr(Stdio::null()).output().unwrap();
    serde_json::from_slice(&output.stdout).ok()
}

#[test]
fn a_capture_goes_in_and_what_the_router_makes_of_it_comes_out() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let good: Vec<_> =
        (1..=500).map(|number| if number % 3 == 0 { frame6(number, 64) } else { frame(number, 64) }).collect();
    let mut sent = good.clone();
    sent.insert(100, frame(9999, 1));
    sent.insert(150, frame6(9999, 1));
    sent.insert(200, vec![0; 10]);
    fs::write(directory.join("in.pcap"), capture(&sent)).unwrap();
    fs::write(directory.join("router.toml"), CONFIG).unwrap();

    let mut router = run(directory);
    let start = Instant::now();
    let is_done = || {
        let drops = ask(directory, "show port stats in")?;
        (drops["ports"][0]["rx_packets"].as_u64()? == sent.len() as u64).then_some(())
    };
    while is_done().is_none() {
        assert!(start.elapsed() < DEADLINE, "the capture was not played");
        std::thread::sleep(Duration::from_millis(20));
    }
    let drops = ask(directory, "show drops").unwrap();
    let count = |reason: &str| {
        let found = drops["drops"].as_array().unwrap().iter().find(|drop| drop["reason"] == reason);
        found.map(|drop| drop["since_start"].as_u64().unwrap())
    };
    assert_eq!((count("ttl_exceeded"), count("frame_too_short")), (Some(1), Some(1)), "{drops}");
    assert_eq!(count("ip6_hop_limit"), Some(1), "{drops}");
    assert_eq!(ask(directory, "show pool").unwrap()["workers"][0]["exact"], true);
    ask(directory, "quit");
    assert!(router.wait().unwrap().success());
    assert!(!directory.join("cli.sock").exists(), "the socket is gone");

    let received = ip_frames(&fs::read(directory.join("out.pcap")).unwrap());
    let expected: Vec<_> = good.iter().map(|frame| forwarded(frame)).collect();
    assert_eq!(received, expected);
}

#[test]
fn a_mistake_in_the_file_is_told_with_line_and_column_and_starts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("router.toml"), CONFIG.replace("addresses =", "adresses =")).unwrap();
    for action in ["check", "run"] {
        let mut call = Command::new(PROGRAM);
        let output = call.args([action, "router.toml"]).current_dir(directory.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("router.toml:21:1: unknown key `adresses`"), "{said}");
        assert!(said.contains("router.toml:24:1: unknown key `adresses`"), "both in one run: {said}");
    }
    assert!(!directory.path().join("cli.sock").exists());
}

#[test]
fn a_start_that_fails_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    // The capture to play is not there.
    fs::write(directory.path().join("router.toml"), CONFIG).unwrap();
    let status = run(directory.path()).wait().unwrap();
    assert_eq!(status.code(), Some(1));
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["router.toml"]);
}
