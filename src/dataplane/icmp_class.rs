//! Classes of ICMP errors: each has a rate limit and counters of its own.

use crate::wire::icmpv4::IcmpKind;
use crate::wire::icmpv6::Icmpv6Kind;

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
    /// ICMPv6 destination unreachable.
    Unreachable6,
    /// ICMPv6 time exceeded.
    TimeExceeded6,
    /// ICMPv6 parameter problem.
    ParameterProblem6,
    /// Redirect of Neighbor Discovery.
    Redirect6,
    /// Packet too big.
    PacketTooBig,
}

/// How many classes there are.
pub const ICMP_CLASSES: usize = IcmpClass::ALL.len();

impl IcmpClass {
    /// Every class.
    pub const ALL: &'static [Self] = &[
        Self::Unreachable,
        Self::TimeExceeded,
        Self::ParameterProblem,
        Self::Redirect,
        Self::FragmentationNeeded,
        Self::Unreachable6,
        Self::TimeExceeded6,
        Self::ParameterProblem6,
        Self::Redirect6,
        Self::PacketTooBig,
    ];

    /// The name that commands print.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "destination-unreachable",
            Self::TimeExceeded => "time-exceeded",
            Self::ParameterProblem => "parameter-problem",
            Self::Redirect => "redirect",
            Self::FragmentationNeeded => "fragmentation-needed",
            Self::Unreachable6 => "ip6-destination-unreachable",
            Self::TimeExceeded6 => "ip6-time-exceeded",
            Self::ParameterProblem6 => "ip6-parameter-problem",
            Self::Redirect6 => "ip6-redirect",
            Self::PacketTooBig => "ip6-packet-too-big",
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

    /// The class of an ICMPv6 error.
    pub fn of6(kind: Icmpv6Kind) -> Self {
        match kind {
            Icmpv6Kind::PacketTooBig { .. } => Self::PacketTooBig,
            Icmpv6Kind::HopLimitExceeded | Icmpv6Kind::ReassemblyExceeded => Self::TimeExceeded6,
            Icmpv6Kind::ErroneousField { .. }
            | Icmpv6Kind::UnknownNextHeader { .. }
            | Icmpv6Kind::UnknownOption { .. } => Self::ParameterProblem6,
            Icmpv6Kind::NoRoute
            | Icmpv6Kind::AdminProhibited
            | Icmpv6Kind::BeyondScope
            | Icmpv6Kind::AddressUnreachable
            | Icmpv6Kind::PortUnreachable
            | Icmpv6Kind::SourcePolicy
            | Icmpv6Kind::RejectRoute => Self::Unreachable6,
        }
    }
}
