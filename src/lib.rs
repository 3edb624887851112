//! ringway, an IP router that runs in user space and polls its network ports.
//!
//! Read `docs/architecture.md` for the whole, then the module that you need. Dependencies point one way: `wire` knows
//! nobody, `fib` and `neighbor` know `wire`, `dataplane` knows these and the crates below, `control` drives
//! `dataplane` through messages, `cli` knows only the commands and views.
#![forbid(unsafe_code)]

pub mod cli;
pub mod control;
pub mod dataplane;
pub mod doctor;
pub mod fib;
pub mod neighbor;
pub mod process;
pub mod testpmd;
pub mod wire;
