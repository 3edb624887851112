//! `show config cores` and `dump_lcores`.

use serde::Serialize;

use crate::cli::view::View;

/// `show config cores`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForwardingCores {
    /// The core of each worker; none when it is not pinned.
    pub cores: Vec<Option<u16>>,
}

impl View for ForwardingCores {
    fn text(&self) -> String {
        let cores = self.cores.iter().map(|core| core.map_or_else(|| "any".into(), |core| core.to_string()));
        format!("List of forwarding lcores: {}", cores.collect::<Vec<_>>().join(" "))
    }
}

/// `dump_lcores`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cores {
    /// One a worker, and the control thread last.
    pub cores: Vec<Core>,
}

/// A core and who runs on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Core {
    /// Its number; none when the thread is not pinned.
    pub core: Option<u16>,
    /// `worker 0`, `control`.
    pub role: String,
    /// What it does.
    pub state: String,
}

impl View for Cores {
    fn text(&self) -> String {
        let one = |Core { core, role, state }: &Core| {
            let core = core.map_or_else(|| "any".to_owned(), |core| core.to_string());
            format!("lcore {core}, role {role}, state {state}")
        };
        self.cores.iter().map(one).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_listed() {
        assert_eq!(ForwardingCores { cores: vec![Some(2), None] }.text(), "List of forwarding lcores: 2 any");
        let core = Core { core: Some(1), role: "worker 0".into(), state: "forwarding".into() };
        assert_eq!(Cores { cores: vec![core] }.text(), "lcore 1, role worker 0, state forwarding");
    }
}
