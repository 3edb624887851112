//! Routes as text: `PREFIX [NEXT-HOP or AS]` on each line, `#` before a comment.

use std::io::{BufRead, Read};
use std::net::IpAddr;

use ipnet::IpNet;

use super::{FileRoute, Place, Stream, Via};

/// The longest line that is read whole, in bytes.
const LONGEST_LINE: u64 = 4096;

/// The lines of a stream.
pub struct TextRoutes {
    stream: Stream,
    line: Vec<u8>,
    number: u64,
    ended: bool,
}

impl TextRoutes {
    pub fn new(stream: Stream) -> Self {
        Self { stream, line: Vec::new(), number: 0, ended: false }
    }

    pub fn next(&mut self) -> Option<Result<FileRoute, (Place, String)>> {
        while !self.ended {
            self.line.clear();
            self.number += 1;
            let place = Place::Line(self.number);
            match (&mut self.stream).take(LONGEST_LINE).read_until(b'\n', &mut self.line) {
                Ok(0) => self.ended = true,
                Ok(bytes) if bytes as u64 == LONGEST_LINE && self.line.last() != Some(&b'\n') => {
                    let rest = self.stream.skip_until(b'\n');
                    self.ended = rest.is_err();
                    return Some(Err((place, format!("the line is longer than {LONGEST_LINE} bytes"))));
                }
                Ok(_) => {
                    if let Some(route) = parse(&String::from_utf8_lossy(&self.line)).transpose() {
                        return Some(route.map_err(|reason| (place, reason)));
                    }
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err((place, format!("the file cannot be read from here on: {error}"))));
                }
            }
        }
        None
    }
}

/// The route of one line; none on a line without one.
fn parse(line: &str) -> Result<Option<FileRoute>, String> {
    let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
    let Some(prefix) = words.next() else {
        return Ok(None);
    };
    let prefix = parse_prefix(prefix)?;
    let mut via = Via::default();
    for word in words {
        let number = word.strip_prefix("AS").unwrap_or(word);
        if let (Ok(address), None) = (word.parse::<IpAddr>(), via.address) {
            via.address = Some(address);
        } else if let (Ok(number), None) = (number.parse(), via.origin_as) {
            via.origin_as = Some(number);
        } else {
            return Err(format!("\"{word}\" is neither the address of a next hop nor the number of an AS"));
        }
    }
    Ok(Some(FileRoute { prefix, via }))
}

fn parse_prefix(word: &str) -> Result<IpNet, String> {
    let prefix = match (word.parse::<IpNet>(), word.parse::<IpAddr>()) {
        (Ok(prefix), _) => prefix,
        (_, Ok(address)) => address.into(),
        _ => return Err(format!("\"{word}\" is no prefix; write one as 192.0.2.0/24 or 2001:db8::/32")),
    };
    if prefix.trunc() != prefix {
        return Err(format!("\"{word}\" has bits behind its length; did you mean {}?", prefix.trunc()));
    }
    Ok(prefix)
}
