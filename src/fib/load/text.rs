//! Routes as text: on each line `PREFIX [[via] ADDRESS] [[AS]NUMBER] [metric NUMBER]`, or `PREFIX blackhole`, `unreachable` or
//! `prohibit`; `#` before a comment. `default` is 0.0.0.0/0.

use std::io::{BufRead, Read};
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

use super::{FileRoute, Place, Stream, Via};
use crate::fib::next_hop::NextHop;

/// The longest line that is read whole, in bytes.
const LONGEST_LINE: u64 = 4096;
/// The longest that is skipped. What has no line end within that is no text.
const LONGEST_SKIP: u64 = 1 << 20;

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

    /// The line read last, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn next(&mut self) -> Option<Result<FileRoute, (Place, String)>> {
        while !self.ended {
            self.line.clear();
            self.number += 1;
            let place = Place::Line(self.number);
            match (&mut self.stream).take(LONGEST_LINE).read_until(b'\n', &mut self.line) {
                Ok(0) => self.ended = true,
                Ok(bytes) if bytes as u64 == LONGEST_LINE && self.line.last() != Some(&b'\n') => {
                    let rest = (&mut self.stream).take(LONGEST_SKIP).skip_until(b'\n');
                    self.ended = rest.map_or(true, |bytes| bytes as u64 == LONGEST_SKIP);
                    let more = if self.ended { "; nothing behind it is read" } else { "" };
                    return Some(Err((place, format!("the line is longer than {LONGEST_LINE} bytes{more}"))));
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
    while let Some(word) = words.next() {
        let nowhere = match word {
            "blackhole" => Some(NextHop::Blackhole),
            "unreachable" => Some(NextHop::Unreachable),
            "prohibit" => Some(NextHop::Prohibit),
            _ => None,
        };
        let number = word.strip_prefix("AS").unwrap_or(word);
        if nowhere.is_some() && via.nowhere.is_none() {
            via.nowhere = nowhere;
        } else if word == "via" && via.address.is_none() {
            via.address = Some(after(word, words.next(), "an address")?);
        } else if word == "metric" && via.metric.is_none() {
            via.metric = Some(after(word, words.next(), "a number")?);
        } else if let (Ok(address), None) = (word.parse::<IpAddr>(), via.address) {
            via.address = Some(address);
        } else if let (Ok(number), None) = (number.parse(), via.origin_as) {
            via.origin_as = Some(number);
        } else {
            return Err(format!(
                "\"{word}\" is not expected here; a line is `PREFIX [via ADDRESS] [metric NUMBER]`, or `PREFIX blackhole`, `unreachable` or `prohibit`"
            ));
        }
    }
    if via.nowhere.is_some() && via.address.is_some() {
        return Err("a route goes by a gateway or nowhere, not both".into());
    }
    Ok(Some(FileRoute { prefix, via }))
}

/// What stands behind a word.
fn after<T: FromStr>(word: &str, value: Option<&str>, expected: &str) -> Result<T, String> {
    let value = value.ok_or_else(|| format!("\"{word}\" has nothing behind it; write {expected} there"))?;
    value.parse().map_err(|_| format!("\"{value}\" behind \"{word}\" is not {expected}"))
}

fn parse_prefix(word: &str) -> Result<IpNet, String> {
    if word == "default" {
        return Ok(Ipv4Net::default().into());
    }
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
