//! `show config` and `show version`.

use serde::Serialize;

use super::View;

/// The running configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunningConfig {
    /// As the file that reproduces it.
    pub toml: String,
    /// The same, as a tree for programs.
    pub config: serde_json::Value,
}

impl View for RunningConfig {
    fn text(&self) -> String {
        self.toml.trim_end().to_owned()
    }

    fn json(&self) -> serde_json::Value {
        self.config.clone()
    }
}

/// Which ringway this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// The version of the package.
    pub version: String,
    /// The drivers and other parts it was built with.
    pub features: Vec<String>,
}

impl View for Version {
    fn text(&self) -> String {
        let version = format!("ringway {}", self.version);
        if self.features.is_empty() { version } else { format!("{version} ({})", self.features.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_shown_as_the_file_it_is() {
        let config = serde_json::json!({ "workers": { "count": 1 } });
        let view = RunningConfig { toml: "[workers]\ncount = 1\n".into(), config: config.clone() };
        assert_eq!(view.text(), "[workers]\ncount = 1");
        assert_eq!(view.json(), config);
    }

    #[test]
    fn a_version_lists_what_it_was_built_with() {
        let version = Version { version: "0.1.0".into(), features: vec!["af_packet".into(), "tap".into()] };
        assert_eq!(version.text(), "ringway 0.1.0 (af_packet, tap)");
    }
}
