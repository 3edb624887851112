//! What a process changed of an interface, noted where it outlives the process: one that was killed could not give the interface
//! back as it was, and the next one does it.
//!
//! The note is a small file under `/run/ringway/devices`, named after network namespace and interface, written before the
//! first change that a kill would leave behind and removed when the interface is given back. Where it cannot be written,
//! there is none.

use super::deferral::Deferral;
use macaddr::MacAddr6;
use std::fmt::Write;
use std::path::PathBuf;

/// What was changed: how it was, and, where that is a value, what it was changed to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Changes {
    pub down: bool,
    pub mtu: Option<(u32, u32)>,
    pub mac: Option<(MacAddr6, MacAddr6)>,
    pub lro: bool,
    pub gro: bool,
    pub rx_vlan: bool,
    pub deferral: Option<Deferral>,
}

/// The note about one interface.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
}

impl Journal {
    /// Of an interface of this thread's network namespace, by its number there.
    pub fn of(index: i32) -> Option<Self> {
        let namespace = std::fs::read_link("/proc/thread-self/ns/net").ok()?;
        let namespace: String = namespace.to_str()?.chars().filter(char::is_ascii_digit).collect();
        Some(Self { path: format!("/run/ringway/devices/{namespace}-{index}").into() })
    }

    /// Notes all that is changed by now.
    pub fn write(&self, changes: &Changes) {
        if let Some(folder) = self.path.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        let _ = std::fs::write(&self.path, text(std::process::id(), changes));
    }

    pub fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// What a process left behind that does not run any more.
    pub fn left_behind(&self) -> Option<Changes> {
        let (process, changes) = parse(&std::fs::read_to_string(&self.path).ok()?)?;
        (!PathBuf::from(format!("/proc/{process}")).exists()).then_some(changes)
    }
}

fn text(process: u32, changes: &Changes) -> String {
    let mut text = format!("process {process}\n");
    for (set, word) in
        [(changes.down, "down"), (changes.lro, "lro"), (changes.gro, "gro"), (changes.rx_vlan, "rx_vlan")]
    {
        if set {
            let _ = writeln!(text, "{word}");
        }
    }
    if let Some((before, ours)) = changes.mtu {
        let _ = writeln!(text, "mtu {before} {ours}");
    }
    if let Some((before, ours)) = changes.mac {
        let _ = writeln!(text, "mac {before} {ours}");
    }
    if let Some(Deferral { rounds, timer_ns }) = changes.deferral {
        let _ = writeln!(text, "deferral {rounds} {timer_ns}");
    }
    text
}

fn parse(text: &str) -> Option<(u32, Changes)> {
    let (mut process, mut changes) = (None, Changes::default());
    for line in text.lines() {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["process", number] => process = number.parse().ok(),
            ["down"] => changes.down = true,
            ["lro"] => changes.lro = true,
            ["gro"] => changes.gro = true,
            ["rx_vlan"] => changes.rx_vlan = true,
            ["mtu", before, ours] => changes.mtu = before.parse().ok().zip(ours.parse().ok()),
            ["mac", before, ours] => changes.mac = before.parse().ok().zip(ours.parse().ok()),
            ["deferral", rounds, timer] => {
                let both = rounds.parse().ok().zip(timer.parse().ok());
                changes.deferral = both.map(|(rounds, timer_ns)| Deferral { rounds, timer_ns });
            }
            _ => {}
        }
    }
    Some((process?, changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_note_reads_back() {
        let mac = |last| MacAddr6::new(2, 0, 0, 0, 0, last);
        let changes = Changes {
            down: true,
            mtu: Some((1500, 9000)),
            mac: Some((mac(1), mac(2))),
            lro: true,
            gro: false,
            rx_vlan: true,
            deferral: Some(Deferral { rounds: 0, timer_ns: 20_000 }),
        };
        assert_eq!(parse(&text(7, &changes)), Some((7, changes)));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,200}") {
            let _ = parse(&text);
        }
    }
}
