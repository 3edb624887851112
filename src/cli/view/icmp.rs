//! `show icmp`.

use serde::Serialize;

use super::View;
use super::columns::Columns;

/// ICMP messages of the router itself, by type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Icmp {
    /// One a type, or a type and code.
    pub messages: Vec<IcmpCount>,
}

/// One kind of message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IcmpCount {
    /// Its name: `echo-request`, `time-exceeded`, ...
    pub kind: String,
    /// Received for the router itself.
    pub received: u64,
    /// Sent.
    pub sent: u64,
    /// Not sent, because the rate limit of this kind was reached.
    pub limited: u64,
}

impl View for Icmp {
    fn text(&self) -> String {
        let mut table = Columns::new(&["message", "received", "sent", "rate-limited"]);
        for count in &self.messages {
            let numbers = [count.received, count.sent, count.limited].map(|number| number.to_string());
            table.row(std::iter::once(count.kind.clone()).chain(numbers).collect());
        }
        table.render("no ICMP messages")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_back_stands_beside_what_was_sent() {
        let kind = "time-exceeded".into();
        let text = Icmp { messages: vec![IcmpCount { kind, received: 0, sent: 5, limited: 95 }] }.text();
        assert!(text.lines().nth(1).unwrap().split_whitespace().eq(["time-exceeded", "0", "5", "95"]), "{text}");
    }
}
