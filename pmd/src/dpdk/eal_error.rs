//! Why EAL does not run, and what to do.

use super::huge_pages;

/// Why EAL does not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EalError {
    /// It was started before and has ended: DPDK can do that once in a process.
    #[error("DPDK was started and ended in this process before; start ringway again")]
    Over,
    /// Huge pages are missing.
    #[error(
        "DPDK finds no free huge pages ({reserved} reserved); reserve some, `sysctl -w vm.nr_hugepages=256`, or do without: `--no-huge`, in a configuration `huge_pages = \"never\"` in [dpdk] ({reason})"
    )]
    NoHugePages {
        /// Those that are reserved: all are in use.
        reserved: u64,
        /// What EAL said.
        reason: String,
    },
    /// There are huge pages, and no file system for them.
    #[error(
        "{free} huge pages are free, but hugetlbfs is not mounted, so DPDK cannot have them; `mount -t hugetlbfs hugetlbfs /dev/hugepages`, or `--in-memory`, which needs none ({reason})"
    )]
    NotMounted {
        /// Pages that are free.
        free: u64,
        /// What EAL said.
        reason: String,
    },
    /// There are huge pages, and it cannot take as many as it wants.
    #[error(
        "DPDK cannot take the {free} huge pages that are free; ask for less (`-m`), or do without: `--no-huge`, in a configuration `huge_pages = \"never\"` in [dpdk] ({reason})"
    )]
    HugePages {
        /// Pages that are free.
        free: u64,
        /// What EAL said.
        reason: String,
    },
    /// A plug-in cannot be loaded.
    #[error(
        "DPDK cannot load a plug-in; install what it misses or take the file out of the directory of plug-ins ({reason})"
    )]
    PlugIn {
        /// What EAL said.
        reason: String,
    },
    /// Rights are missing.
    #[error("DPDK may not start: run as root ({reason})")]
    NotAllowed {
        /// What EAL said.
        reason: String,
    },
    /// Another program has the same files.
    #[error(
        "another DPDK program with the same file prefix runs; end it, or choose another by `--file-prefix=NAME`, in a configuration among `args` in [dpdk] ({reason})"
    )]
    InUse {
        /// What EAL said.
        reason: String,
    },
    /// An argument is wrong, or the machine lacks something.
    #[error("DPDK does not start with `{arguments}`: {reason}")]
    Refused {
        /// The arguments.
        arguments: String,
        /// What EAL said.
        reason: String,
    },
}

impl EalError {
    /// What EAL's last words and its error number mean.
    pub(super) fn of(arguments: &[String], reason: String, errno: i32) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| reason.to_lowercase().contains(word));
        if has(&["hugepage", "hugetlbfs", "not enough memory"]) {
            // EAL says the same of all of these.
            match (huge_pages::free(), huge_pages::are_mounted()) {
                (0, _) => Self::NoHugePages { reserved: huge_pages::reserved(), reason },
                (free, false) => Self::NotMounted { free, reason },
                (free, true) => Self::HugePages { free, reason },
            }
        } else if has(&["shared object", "dlopen", "plugin", "undefined symbol"]) {
            Self::PlugIn { reason }
        } else if has(&["another primary", "cannot create lock"]) {
            Self::InUse { reason }
        } else if errno == libc::EACCES || has(&["permission denied"]) {
            Self::NotAllowed { reason }
        } else {
            Self::Refused { arguments: arguments.join(" "), reason }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_of_eal_have_one_remedy_each() {
        let of = |reason: &str, errno| EalError::of(&["-x".into()], reason.into(), errno).to_string();
        assert!(of("EAL: librte_net_x.so: cannot open shared object file", 0).contains("plug-in"));
        assert!(
            of("EAL: Cannot create lock on '/run/config'. Is another primary process running?", 0)
                .contains("--file-prefix=NAME")
        );
        assert!(of("EAL: failed to open /dev/vfio/vfio: Permission denied", 0).contains("root"));
        assert!(of("EAL: FATAL: Cannot get hugepage information.", libc::EACCES).contains("huge pages"));
        assert!(of("EAL: invalid parameter", 0).contains("does not start with `-x`"));
    }
}
