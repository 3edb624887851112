use std::io::Write;

use super::*;

fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn read(bytes: &[u8]) -> (tempfile::NamedTempFile, Vec<Result<FileRoute, BadRoute>>) {
    let file = written(bytes);
    let routes = RouteFile::open(file.path()).unwrap().collect();
    (file, routes)
}

fn route(prefix: &str, address: Option<&str>, origin_as: Option<u32>) -> FileRoute {
    let address = address.map(|text| text.parse().unwrap());
    FileRoute { prefix: prefix.parse().unwrap(), via: Via { address, origin_as, ..Via::default() } }
}

const TEXT: &[u8] =
    b"# a table\n192.0.2.0/24 198.51.100.1\n\n2001:db8::/32 AS64500 # ours\n203.0.113.7\n0.0.0.0/0 64501\n";

fn of_text() -> Vec<FileRoute> {
    vec![
        route("192.0.2.0/24", Some("198.51.100.1"), None),
        route("2001:db8::/32", None, Some(64500)),
        route("203.0.113.7/32", None, None),
        route("0.0.0.0/0", None, Some(64501)),
    ]
}

#[test]
fn text_has_one_route_a_line() {
    let (_, routes) = read(TEXT);
    assert_eq!(routes.into_iter().collect::<Result<Vec<_>, _>>().unwrap(), of_text());
}

#[test]
fn a_bad_line_names_file_line_and_reason_and_the_next_one_is_read() {
    let long = "x".repeat(10_000);
    let text =
        format!("10.0.0.0/8\nten.0.0.0/8\n10.0.0.1/8\n10.0.0.0/33\n{long}\n10.1.0.0/16 here\n\u{fffd}\n10.2.0.0/16");
    let (file, routes) = read(text.as_bytes());
    let said: Vec<_> =
        routes.iter().map(|item| item.as_ref().map_or_else(BadRoute::to_string, |r| r.prefix.to_string())).collect();
    let name = file.path().display();
    assert_eq!(said[0], "10.0.0.0/8");
    assert_eq!(said[1], format!("{name}:2: \"ten.0.0.0/8\" is no prefix; write one as 192.0.2.0/24 or 2001:db8::/32"));
    assert_eq!(said[2], format!("{name}:3: \"10.0.0.1/8\" has bits behind its length; did you mean 10.0.0.0/8?"));
    assert!(said[3].starts_with(&format!("{name}:4: ")));
    assert_eq!(said[4], format!("{name}:5: the line is longer than 4096 bytes"));
    assert!(said[5].starts_with(&format!("{name}:6: \"here\" is not expected here")));
    assert!(said[6].starts_with(&format!("{name}:7: ")));
    assert_eq!(said[7..], ["10.2.0.0/16"]);
}

#[test]
fn a_line_says_gateway_metric_or_that_the_route_goes_nowhere() {
    let text = b"default via 198.51.100.1 metric 7\n10.0.0.0/8 blackhole\n10.1.0.0/16 prohibit metric 2 AS7\n\
        10.2.0.0/16 via\n10.2.0.0/16 via here\n10.2.0.0/16 metric -1\n10.2.0.0/16 blackhole via 198.51.100.1\n10.2.0.0/16 blackhole blackhole\n";
    let (file, routes) = read(text);
    let expected = |prefix: &str, via| FileRoute { prefix: prefix.parse().unwrap(), via };
    let address = Some("198.51.100.1".parse().unwrap());
    assert_eq!(
        routes[..3],
        [
            Ok(expected("0.0.0.0/0", Via { address, metric: Some(7), ..Via::default() })),
            Ok(expected("10.0.0.0/8", Via { nowhere: Some(NextHop::Blackhole), ..Via::default() })),
            Ok(expected(
                "10.1.0.0/16",
                Via { nowhere: Some(NextHop::Prohibit), metric: Some(2), origin_as: Some(7), ..Via::default() }
            )),
        ]
    );
    let name = file.path().display();
    let said: Vec<_> = routes[3..].iter().map(|item| item.as_ref().unwrap_err().to_string()).collect();
    assert_eq!(said[0], format!("{name}:4: \"via\" has nothing behind it; write an address there"));
    assert_eq!(said[1], format!("{name}:5: \"here\" behind \"via\" is not an address"));
    assert_eq!(said[2], format!("{name}:6: \"-1\" behind \"metric\" is not a number"));
    assert_eq!(said[3], format!("{name}:7: a route goes by a gateway or nowhere, not both"));
    assert!(said[4].starts_with(&format!("{name}:8: \"blackhole\" is not expected here")));
}

#[test]
fn a_file_that_is_one_endless_line_is_given_up() {
    let (_, routes) = read(&vec![b'x'; 2 << 20]);
    assert_eq!(routes.len(), 1);
    assert!(routes[0].as_ref().unwrap_err().reason.contains("nothing behind it is read"));
}

#[test]
fn compressed_text_is_read_as_it_is() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(TEXT).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(TEXT).unwrap();
    for bytes in [gzip.finish().unwrap(), bzip2.finish().unwrap()] {
        let (_, routes) = read(&bytes);
        assert_eq!(routes.into_iter().collect::<Result<Vec<_>, _>>().unwrap(), of_text());
    }
}

#[test]
fn a_compressed_file_that_ends_early_says_so() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(TEXT).unwrap();
    let bytes = gzip.finish().unwrap();
    let (_, routes) = read(&bytes[..bytes.len() - 9]);
    let last = routes.last().unwrap().as_ref().unwrap_err();
    assert!(last.reason.contains("cannot be read from here on"), "{last}");
}

#[test]
fn progress_ends_with_the_file() {
    let file = written(TEXT);
    let mut routes = RouteFile::open(file.path()).unwrap();
    routes.next();
    assert_eq!(routes.place(), Place::Line(2), "the first line is a comment");
    assert_eq!(routes.by_ref().count(), 3);
    let bytes = TEXT.len() as u64;
    assert_eq!(routes.progress(), Progress { read_bytes: bytes, file_bytes: bytes });
}

#[test]
fn what_is_no_file_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_path_buf(), folder.path().join("missing")] {
        let error = RouteFile::open(&path).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}

/// One MRT record of TABLE_DUMP_V2.
fn record(subtype: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = 1_700_000_000u32.to_be_bytes().to_vec();
    bytes.extend(13u16.to_be_bytes());
    bytes.extend(subtype.to_be_bytes());
    bytes.extend((body.len() as u32).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A record of one prefix that one peer announced with these attributes.
fn announced(subtype: u16, prefix: &[u8], attributes: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 4];
    body.extend(prefix);
    body.extend([0, 1, 0, 0, 0, 0, 0, 0]);
    body.extend((attributes.len() as u16).to_be_bytes());
    body.extend(attributes);
    record(subtype, &body)
}

fn dump() -> Vec<u8> {
    // RFC 6396 section 4.3.1: collector, no view name, one IPv4 peer with a 32-bit AS number.
    let mut bytes = record(1, &[192, 0, 2, 9, 0, 0, 0, 1, 2, 192, 0, 2, 8, 198, 51, 100, 1, 0, 0, 0xfb, 0xf4]);
    // ORIGIN, AS_PATH of one sequence (64500, 64501), NEXT_HOP.
    let mut attributes = vec![0x40, 1, 1, 0, 0x40, 2, 10, 2, 2, 0, 0, 0xfb, 0xf4, 0, 0, 0xfb, 0xf5];
    let path = attributes.clone();
    attributes.extend([0x40, 3, 4, 198, 51, 100, 1]);
    bytes.extend(announced(2, &[24, 203, 0, 113], &attributes));
    // RFC 6396 section 4.3.4: of MP_REACH_NLRI only the length of the next hop and the next hop.
    let mut attributes = path;
    let next_hop = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    attributes.extend([0x80, 14, 17, 16]);
    attributes.extend(next_hop);
    bytes.extend(announced(4, &[32, 0x20, 1, 0x0d, 0xb8], &attributes));
    bytes
}

#[test]
fn a_dump_of_both_families_gives_prefix_next_hop_and_origin() {
    let (_, routes) = read(&dump());
    let expected = [
        route("203.0.113.0/24", Some("198.51.100.1"), Some(64501)),
        route("2001:db8::/32", Some("2001:db8::1"), Some(64501)),
    ];
    assert_eq!(routes.into_iter().collect::<Result<Vec<_>, _>>().unwrap(), expected);
}

#[test]
fn a_dump_that_is_cut_off_gives_what_is_whole_and_an_error() {
    let whole = dump();
    let (file, routes) = read(&whole[..whole.len() - 3]);
    assert_eq!(routes.len(), 2);
    assert!(routes[0].is_ok());
    let bad = routes[1].as_ref().unwrap_err();
    assert_eq!(bad.place, Place::Record(3));
    assert!(bad.to_string().starts_with(&format!("{}:record 3: ", file.path().display())));
}
