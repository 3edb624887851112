//! The data plane by its frames: in on one in-memory port, out on another, the audit after each.

mod drops;
mod forward;
mod fragment;
mod frames;
mod frames6;
mod icmp;
mod ip6;
mod ip6_cache;
mod modes;
mod neighbor;
mod queues;
mod routes;
mod source_check;
mod vrf;
