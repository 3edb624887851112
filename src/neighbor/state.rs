//! The states of RFC 4861 section 7.3.2 and the transitions between them, as plain functions. The table keeps the
//! timers.

use std::fmt;

use super::settings::Settings;

/// The state of a neighbor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// "Address resolution is being performed on the entry." No MAC is known; packets are held.
    Incomplete,
    /// "Positive confirmation was received within the last ReachableTime milliseconds that the forward path to the
    /// neighbor was functioning properly."
    Reachable,
    /// "While stale, no action takes place until a packet is sent." Packets are forwarded at once.
    Stale,
    /// "[...] a packet was sent within the last DELAY_FIRST_PROBE_TIME seconds." Packets are forwarded; a
    /// confirmation may come by itself.
    Delay,
    /// "A reachability confirmation is actively sought by retransmitting Neighbor Solicitations every RetransTimer
    /// milliseconds until a reachability confirmation is received." Packets are forwarded.
    Probe,
    /// Resolution has failed and that was reported. The entry stays for one retransmission time, so that traffic
    /// that goes on does not start the next resolution at once.
    Failed,
    /// Set by hand. Nothing but a hand changes it.
    Static,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] =
        [Self::Incomplete, Self::Reachable, Self::Stale, Self::Delay, Self::Probe, Self::Failed, Self::Static];

    /// Whether the MAC is known, and so whether packets are forwarded.
    pub fn is_resolved(self) -> bool {
        match self {
            Self::Reachable | Self::Stale | Self::Delay | Self::Probe | Self::Static => true,
            Self::Incomplete | Self::Failed => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Incomplete => "incomplete",
            Self::Reachable => "reachable",
            Self::Stale => "stale",
            Self::Delay => "delay",
            Self::Probe => "probe",
            Self::Failed => "failed",
            Self::Static => "static",
        })
    }
}

/// The state of an entry that a frame created: nobody had asked.
///
/// RFC 4861 section 7.2.3: "If an entry does not already exist, the node SHOULD create a new one and set its
/// reachability state to STALE as specified in Section 7.3.3."
pub fn created() -> State {
    State::Stale
}

/// The state after a packet was sent to the neighbor.
pub fn after_use(state: State) -> State {
    match state {
        // RFC 4861 section 7.3.3: "The first time a node sends a packet to a neighbor whose entry is STALE, the
        // sender changes the state to DELAY and sets a timer to expire in DELAY_FIRST_PROBE_TIME seconds."
        State::Stale => State::Delay,
        State::Incomplete | State::Reachable | State::Delay | State::Probe | State::Failed | State::Static => state,
    }
}

/// The state after the neighbor was heard. `answered`: the frame answers a solicitation to us. `moved`: its MAC is
/// not the one we had. Ask only for entries that are not [`State::Static`] or [`State::Failed`]; these stay as they
/// are.
pub fn after_observation(state: State, answered: bool, moved: bool) -> State {
    match (state, answered, moved) {
        // RFC 4861 section 7.2.5: "If the advertisement's Solicited flag is set, the state of the entry is set to
        // REACHABLE; otherwise, it is set to STALE."
        (State::Incomplete, true, _) => State::Reachable,
        (State::Incomplete, false, _) => State::Stale,

        // "If the Solicited flag is set, the state of the entry MUST be set to REACHABLE."
        (State::Reachable | State::Stale | State::Delay | State::Probe, true, false) => State::Reachable,
        // The same, while an answer is due.
        (State::Probe, true, true) => State::Reachable,
        // ARP has no Solicited flag, and anybody can send a reply. One that names a new MAC while no answer is due
        // is believed, as RFC 826 asks, but must confirm itself when the next packet is sent.
        (State::Reachable | State::Stale | State::Delay, true, true) => State::Stale,

        // "If the Solicited flag is zero and the link-layer address was updated with a different address, the state
        // MUST be set to STALE."
        (State::Reachable | State::Stale | State::Delay | State::Probe, false, true) => State::Stale,
        // "Otherwise, the entry's state remains unchanged." And section 7.3.1: "Receipt of other Neighbor Discovery
        // messages, such as Router Advertisements and Neighbor Advertisement with the Solicited flag set to zero,
        // MUST NOT be treated as a reachability confirmation."
        (State::Reachable | State::Stale | State::Delay | State::Probe, false, false) => state,

        (State::Failed | State::Static, _, _) => state,
    }
}

/// What a timer that ran out asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// Send the next solicitation and stay.
    Solicit,
    /// Go to this state; to [`State::Probe`] with a first solicitation.
    Become(State),
    /// Take the entry out.
    Remove,
}

/// What to do when the timer of `state` runs out after `sent` solicitations in this state.
pub fn after_timeout(state: State, sent: u8, settings: &Settings) -> Timeout {
    match state {
        // RFC 4861 section 7.2.2: "While waiting for a response, the sender SHOULD retransmit Neighbor Solicitation
        // messages approximately every RetransTimer milliseconds, even in the absence of additional traffic to the
        // neighbor."
        State::Incomplete if sent < settings.multicast_solicits => Timeout::Solicit,
        // "If no Neighbor Advertisement is received after MAX_MULTICAST_SOLICIT solicitations, address resolution
        // has failed."
        State::Incomplete => Timeout::Become(State::Failed),

        // Section 7.3.3: "When ReachableTime milliseconds have passed since receipt of the last reachability
        // confirmation for a neighbor, the Neighbor Cache entry's state changes from REACHABLE to STALE."
        State::Reachable => Timeout::Become(State::Stale),

        // Section 5.3: "Any Least Recently Used (LRU)-based policy that only reclaims entries that have not been
        // used in some time should be adequate for garbage-collecting unused entries."
        State::Stale => Timeout::Remove,

        // Section 7.3.3: "If the entry is still in the DELAY state when the timer expires, the entry's state
        // changes to PROBE."
        State::Delay => Timeout::Become(State::Probe),

        // Section 7.3.3: "While in the PROBE state, a node retransmits Neighbor Solicitation messages every
        // RetransTimer milliseconds until reachability confirmation is obtained. Probes are retransmitted even if
        // no additional packets are sent to the neighbor."
        State::Probe if sent < settings.unicast_solicits => Timeout::Solicit,
        // "If no response is received after waiting RetransTimer milliseconds after sending the MAX_UNICAST_SOLICIT
        // solicitations, retransmissions cease and the entry SHOULD be deleted."
        State::Probe => Timeout::Remove,

        State::Failed => Timeout::Remove,
        State::Static => Timeout::Become(State::Static),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stale_neighbor_changes_by_use() {
        for state in State::ALL {
            let expected = if state == State::Stale { State::Delay } else { state };
            assert_eq!(after_use(state), expected);
        }
    }

    #[test]
    fn an_answer_with_the_known_mac_confirms_whatever_the_state() {
        for state in [State::Incomplete, State::Reachable, State::Stale, State::Delay, State::Probe] {
            assert_eq!(after_observation(state, true, false), State::Reachable);
        }
    }

    #[test]
    fn an_overheard_frame_with_the_known_mac_confirms_nothing() {
        for state in [State::Reachable, State::Stale, State::Delay, State::Probe] {
            assert_eq!(after_observation(state, false, false), state);
        }
    }

    #[test]
    fn a_new_mac_is_confirmed_only_while_an_answer_is_due() {
        assert_eq!(after_observation(State::Probe, true, true), State::Reachable);
        for state in [State::Reachable, State::Stale, State::Delay] {
            assert_eq!(after_observation(state, true, true), State::Stale);
        }
        assert_eq!(after_observation(State::Probe, false, true), State::Stale);
    }

    #[test]
    fn nothing_heard_changes_a_static_neighbor() {
        for (answered, moved) in [(false, false), (false, true), (true, false), (true, true)] {
            assert_eq!(after_observation(State::Static, answered, moved), State::Static);
        }
    }

    #[test]
    fn resolution_fails_after_the_last_solicitation_went_unanswered() {
        let settings = Settings::default();
        assert_eq!(after_timeout(State::Incomplete, 2, &settings), Timeout::Solicit);
        let failed = Timeout::Become(State::Failed);
        assert_eq!(after_timeout(State::Incomplete, 3, &settings), failed);
    }

    #[test]
    fn a_probed_neighbor_leaves_after_the_last_probe_went_unanswered() {
        let settings = Settings::default();
        assert_eq!(after_timeout(State::Probe, 2, &settings), Timeout::Solicit);
        assert_eq!(after_timeout(State::Probe, 3, &settings), Timeout::Remove);
    }
}
