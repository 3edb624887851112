//! The result of `ping`, worded as iputils words it.

use std::net::IpAddr;

use serde::Serialize;

use super::View;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PingResult {
    /// Whom was asked.
    pub destination: IpAddr,
    /// Bytes of data in each request.
    pub size: u16,
    /// Requests sent.
    pub transmitted: u32,
    /// What came back, in the order it came.
    pub answers: Vec<PingAnswer>,
    /// Milliseconds from the first request to the last answer or its time-out.
    pub elapsed_ms: u64,
}

/// One thing that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PingAnswer {
    /// Who sent it.
    pub from: IpAddr,
    /// The number of the request, from 1.
    pub sequence: u32,
    /// What it is.
    pub outcome: PingOutcome,
}

/// What an answer to a request is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PingOutcome {
    /// An echo reply.
    Reply {
        /// Bytes of the ICMP message.
        bytes: u32,
        /// The TTL it arrived with.
        ttl: u8,
        /// From request to reply, in microseconds.
        rtt_us: u64,
    },
    /// An ICMP error, or why the request was not sent, in words: `Destination Host Unreachable`.
    Error(String),
}

impl PingResult {
    fn round_trips(&self) -> Vec<f64> {
        let rtt = |answer: &PingAnswer| match answer.outcome {
            PingOutcome::Reply { rtt_us, .. } => Some(rtt_us as f64 / 1000.0),
            PingOutcome::Error(_) => None,
        };
        self.answers.iter().filter_map(rtt).collect()
    }

    /// The part of the requests that no reply came for, in percent.
    fn loss(&self, received: usize) -> String {
        let lost = f64::from(self.transmitted) - received as f64;
        let percent = if self.transmitted == 0 { 0.0 } else { 100.0 * lost.max(0.0) / f64::from(self.transmitted) };
        let four = format!("{percent:.4}");
        four.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl View for PingResult {
    fn text(&self) -> String {
        let Self { destination, size, transmitted, elapsed_ms, .. } = self;
        // The data, an ICMP header of 8 bytes and an IPv4 header of 20.
        let packet = u32::from(*size) + 28;
        let mut lines = vec![format!("PING {destination} ({destination}) {size}({packet}) bytes of data.")];
        for PingAnswer { from, sequence, outcome } in &self.answers {
            lines.push(match outcome {
                PingOutcome::Reply { bytes, ttl, rtt_us } => {
                    let time = *rtt_us as f64 / 1000.0;
                    format!("{bytes} bytes from {from}: icmp_seq={sequence} ttl={ttl} time={time:.3} ms")
                }
                PingOutcome::Error(why) => format!("From {from} icmp_seq={sequence} {why}"),
            });
        }
        let times = self.round_trips();
        let received = times.len();
        let errors = match self.answers.len() - received {
            0 => String::new(),
            errors => format!(" +{errors} errors,"),
        };
        let loss = self.loss(received);
        lines.push(String::new());
        lines.push(format!("--- {destination} ping statistics ---"));
        lines.push(format!(
            "{transmitted} packets transmitted, {received} received,{errors} {loss}% packet loss, time {elapsed_ms}ms"
        ));
        if received > 0 {
            let least = times.iter().copied().fold(f64::INFINITY, f64::min);
            let most = times.iter().copied().fold(0.0, f64::max);
            let mean = times.iter().sum::<f64>() / received as f64;
            let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / received as f64;
            let deviation = variance.sqrt();
            lines.push(format!("rtt min/avg/max/mdev = {least:.3}/{mean:.3}/{most:.3}/{deviation:.3} ms"));
        }
        lines.join("\n")
    }

    fn ok(&self) -> bool {
        !self.round_trips().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(outcomes: Vec<PingOutcome>, transmitted: u32) -> PingResult {
        let address: IpAddr = "192.0.2.2".parse().unwrap();
        let answers = outcomes.into_iter().zip(1..);
        let answers = answers.map(|(outcome, sequence)| PingAnswer { from: address, sequence, outcome });
        PingResult { destination: address, size: 56, transmitted, answers: answers.collect(), elapsed_ms: 2003 }
    }

    fn reply(rtt_us: u64) -> PingOutcome {
        PingOutcome::Reply { bytes: 64, ttl: 63, rtt_us }
    }

    #[test]
    fn replies_read_as_those_of_the_well_known_ping() {
        let text = result(vec![reply(100), reply(300)], 3).text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.");
        assert_eq!(lines[1], "64 bytes from 192.0.2.2: icmp_seq=1 ttl=63 time=0.100 ms");
        assert_eq!(lines[4], "--- 192.0.2.2 ping statistics ---");
        assert_eq!(lines[5], "3 packets transmitted, 2 received, 33.3333% packet loss, time 2003ms");
        assert_eq!(lines[6], "rtt min/avg/max/mdev = 0.100/0.200/0.300/0.100 ms");
    }

    #[test]
    fn an_error_is_shown_and_counted_and_the_ping_fails() {
        let result = result(vec![PingOutcome::Error("Destination Host Unreachable".into())], 1);
        assert!(!result.ok());
        assert!(result.text().contains("From 192.0.2.2 icmp_seq=1 Destination Host Unreachable"));
        assert!(result.text().contains("0 received, +1 errors, 100% packet loss"));
    }

    #[test]
    fn one_reply_is_a_success() {
        assert!(result(vec![reply(100)], 5).ok());
    }
}
