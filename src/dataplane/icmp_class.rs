//! Classes of ICMP errors: each has a rate limit and counters of its own.

use crate::wire::icmpv4::IcmpKind;

/// A class of ICMP errors. A flood that makes one class hit its limit leaves the others alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum IcmpClass {
    /// Destination unreachable, but for fragmentation needed.
    Unreachable,
    /// Time exceeded.
    TimeExceeded,
    /// Parameter problem.
    ParameterProblem,
    /// Redirect.
    Redirect,
    /// Fragmentation needed: path MTU discovery must not suffer from a scan.
    FragmentationNeeded,
}

/// How many classes there are.
pub const ICMP_CLASSES: usize = IcmpClass::ALL.len();

impl IcmpClass {
    /// Every class.
    pub const ALL: &'static [Self] =
        &[Self::Unreachable, Self::TimeExceeded, Self::ParameterProblem, Self::Redirect, Self::FragmentationNeeded];

    /// The name that commands print.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "destination-unreachable",
            Self::TimeExceeded => "time-exceeded",
            Self::ParameterProblem => "parameter-problem",
            Self::Redirect => "redirect",
            Self::FragmentationNeeded => "fragmentation-needed",
        }
    }

    /// The class of an error.
    pub fn of(kind: IcmpKind) -> Self {
        match kind {
            IcmpKind::FragmentationNeeded { .. } => Self::FragmentationNeeded,
            IcmpKind::TtlExceeded | IcmpKind::ReassemblyExceeded => Self::TimeExceeded,
            IcmpKind::ParameterProblem { .. } => Self::ParameterProblem,
            IcmpKind::RedirectHost { .. } => Self::Redirect,
            IcmpKind::NetUnreachable
            | IcmpKind::HostUnreachable
            | IcmpKind::ProtocolUnreachable
            | IcmpKind::PortUnreachable
            | IcmpKind::SourceRouteFailed
            | IcmpKind::AdminProhibited => Self::Unreachable,
        }
    }
}
