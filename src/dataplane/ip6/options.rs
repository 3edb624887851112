//! Hop-by-hop and destination options of packets that we look into.

use crate::dataplane::drop_reason::DropReason;
use crate::wire::extension::{self, Extension, UnknownOption};
use crate::wire::icmpv6::Icmpv6Kind;
use crate::wire::ipv6::Ipv6;
use ringway_config::HopByHop;

/// A packet whose headers do not let it pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why it is dropped.
    pub reason: DropReason,
    /// What its sender is told.
    pub answer: Option<Icmpv6Kind>,
}

/// What hop-by-hop options ask of a router on the way, by policy.
///
/// RFC 8200 4.3: "While [RFC2460] required that all nodes must examine and process the Hop-by-Hop Options header, it is now
/// expected that nodes along a packet's delivery path only examine and process the Hop-by-Hop Options header if
/// explicitly configured to do so."
///
/// # Errors
/// The [`Refusal`].
pub fn in_transit(view: &Ipv6<'_>, policy: HopByHop) -> Result<(), Refusal> {
    match policy {
        HopByHop::Skip => Ok(()),
        HopByHop::Drop => Err(Refusal { reason: DropReason::Ip6HopByHop, answer: None }),
        HopByHop::Process => {
            let first = extension::chain(view).step();
            let header = first.map_err(|_| Refusal { reason: DropReason::Ip6BadExtension, answer: None })?;
            header.map_or(Ok(()), |header| check(&header, view))
        }
    }
}

/// What the options of one header ask for that are not understood.
///
/// # Errors
/// The [`Refusal`].
pub fn check(header: &Extension<'_>, view: &Ipv6<'_>) -> Result<(), Refusal> {
    let refused = |answer| Err(Refusal { reason: DropReason::Ip6BadOption, answer });
    match extension::options(header) {
        Ok(_) => Ok(()),
        Err(UnknownOption::Discard) => refused(None),
        Err(UnknownOption::Answer { pointer }) => refused(Some(Icmpv6Kind::UnknownOption { pointer })),
        Err(UnknownOption::AnswerUnicast { .. }) if view.destination().is_multicast() => refused(None),
        Err(UnknownOption::AnswerUnicast { pointer }) => refused(Some(Icmpv6Kind::UnknownOption { pointer })),
        Err(UnknownOption::Malformed { pointer }) => refused(Some(Icmpv6Kind::ErroneousField { pointer })),
    }
}
