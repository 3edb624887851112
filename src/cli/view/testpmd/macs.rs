//! `show port PORT macs`

use serde::Serialize;

use crate::cli::view::View;

/// The addresses that a port receives for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Macs {
    /// The port's number.
    pub port: u16,
    /// The one it sends from first.
    pub macs: Vec<String>,
}

impl View for Macs {
    fn text(&self) -> String {
        let lines = self.macs.iter().map(|mac| format!("\n  {mac}"));
        format!("Number of MAC address added: {}{}", self.macs.len(), lines.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_counted_and_listed() {
        let macs = Macs { port: 0, macs: vec!["02:00:00:00:00:01".into()] };
        assert_eq!(macs.text(), "Number of MAC address added: 1\n  02:00:00:00:00:01");
    }
}
