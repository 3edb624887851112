//! Reading what the kernel tells in /proc and /sys.

use std::path::Path;

/// The text of a file without the space around it; `None` when it is not there.
pub(super) fn text(path: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The number that a file holds.
pub(super) fn number(path: impl AsRef<Path>) -> Option<u64> {
    text(path)?.parse().ok()
}

/// The names in a folder, in order; none when it is not there.
pub(super) fn names(folder: impl AsRef<Path>) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// The last part of what a symbolic link points at.
pub(super) fn link(path: impl AsRef<Path>) -> Option<String> {
    Some(std::fs::read_link(path).ok()?.file_name()?.to_str()?.to_owned())
}

/// The value of a line `key: value` or `key value` of a file.
pub(super) fn field(path: impl AsRef<Path>, key: &str) -> Option<String> {
    let text = text(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim_start_matches(':').trim().to_owned())
}
