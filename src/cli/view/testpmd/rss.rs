//! `show port PORT rss-hash [key]` and `show port PORT rss reta`

use serde::Serialize;

use crate::cli::view::View;

/// What a port hashes to choose a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RssHash {
    /// The port's number.
    pub port: u16,
    /// The packet types, by testpmd's names; none when RSS is off.
    pub types: Vec<&'static str>,
    /// The hash key in hexadecimal, when it was asked for.
    pub key: Option<String>,
}

impl View for RssHash {
    fn text(&self) -> String {
        if self.types.is_empty() {
            return "RSS disabled".into();
        }
        let key = self.key.as_ref().map_or_else(String::new, |key| format!("\nRSS key:\n{key}"));
        format!("RSS functions:\n  {}{key}", self.types.join("  "))
    }
}

/// Entries of a port's redirection table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reta {
    /// The port's number.
    pub port: u16,
    /// Hash index and queue.
    pub entries: Vec<(u16, u16)>,
}

impl View for Reta {
    fn text(&self) -> String {
        let line = |(index, queue): &(u16, u16)| format!("RSS RETA configuration: hash index={index}, queue={queue}");
        if self.entries.is_empty() {
            return "no entry was asked for: the masks are zero".into();
        }
        self.entries.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_and_key_have_testpmds_headings() {
        let hash = RssHash { port: 0, types: vec!["ipv4", "ipv4-udp"], key: Some("6d5a".into()) };
        assert_eq!(hash.text(), "RSS functions:\n  ipv4  ipv4-udp\nRSS key:\n6d5a");
        assert_eq!(RssHash { port: 0, types: Vec::new(), key: None }.text(), "RSS disabled");
    }

    #[test]
    fn an_entry_is_a_line() {
        let reta = Reta { port: 0, entries: vec![(0, 1)] };
        assert_eq!(reta.text(), "RSS RETA configuration: hash index=0, queue=1");
    }
}
