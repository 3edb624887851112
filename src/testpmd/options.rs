//! testpmd's own options, those after `--`.

use crate::cli::port_command::{list, mask};
use clap::Parser;
use macaddr::MacAddr6;
use ringway_config::Topology;
use std::path::PathBuf;

fn numbers(text: &str) -> Result<Vec<u16>, String> {
    list(text).ok_or_else(|| "a list names each number once: 0,2,4".into())
}

fn bits(text: &str) -> Result<Vec<u16>, String> {
    mask(text).ok_or_else(|| "a mask is hexadecimal and has at least one bit: 0x5".into())
}

fn topology(word: &str) -> Result<Topology, String> {
    Topology::from_word(word).ok_or_else(|| "it is one of paired, chained, loop".into())
}

fn eth_peer(text: &str) -> Result<(u16, MacAddr6), String> {
    let (port, mac) = text.split_once(',').ok_or("it is PORT,MAC")?;
    let port = port.parse().map_err(|_| format!("`{port}` is no port number"))?;
    Ok((port, mac.parse().map_err(|_| format!("`{mac}` is no MAC address"))?))
}

fn sizes(text: &str) -> Result<u16, String> {
    let sum = text.split(',').map(|size| size.parse::<u16>().ok()).sum::<Option<u16>>();
    sum.ok_or_else(|| "it is the bytes of a packet, or of its segments: 64,128".into())
}

/// What testpmd understands, as far as it is here.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "ringway testpmd [EAL options] --",
    no_binary_name = true,
    disable_version_flag = true,
    infer_long_args = true,
    args_override_self = true
)]
pub struct TestpmdOptions {
    /// Gives the prompt
    #[arg(short, long)]
    pub interactive: bool,
    /// Starts forwarding, though there is a prompt
    #[arg(short, long)]
    pub auto_start: bool,
    /// Sends a burst on every port first
    #[arg(long)]
    pub tx_first: bool,
    /// Shows the ports' statistics this often, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub stats_period: Option<u64>,
    /// Executes the commands of a file first
    #[arg(long, value_name = "FILE", visible_alias = "cmdline-file-noecho")]
    pub cmdline_file: Option<PathBuf>,
    /// The forwarding mode
    #[arg(long, value_name = "MODE")]
    pub forward_mode: Option<String>,
    /// Cores that forward, of those of `-l`
    #[arg(long, value_name = "NUMBER")]
    pub nb_cores: Option<u16>,
    /// Ports that forward
    #[arg(long, value_name = "NUMBER")]
    pub nb_ports: Option<u16>,
    /// Cores that forward, as a mask
    #[arg(long, value_parser = bits, value_name = "MASK")]
    pub coremask: Option<std::vec::Vec<u16>>,
    /// Ports that forward, as a mask
    #[arg(long, value_parser = bits, value_name = "MASK")]
    pub portmask: Option<std::vec::Vec<u16>>,
    /// Ports that forward
    #[arg(long, value_parser = numbers, value_name = "LIST")]
    pub portlist: Option<std::vec::Vec<u16>>,
    /// Which port sends what another receives
    #[arg(long, value_parser = topology, value_name = "paired|chained|loop")]
    pub port_topology: Option<Topology>,
    /// Receive queues of each port
    #[arg(long, value_name = "NUMBER")]
    pub rxq: Option<u16>,
    /// Transmit queues of each port
    #[arg(long, value_name = "NUMBER")]
    pub txq: Option<u16>,
    /// Descriptors of each receive queue
    #[arg(long, value_name = "NUMBER")]
    pub rxd: Option<u32>,
    /// Descriptors of each transmit queue
    #[arg(long, value_name = "NUMBER")]
    pub txd: Option<u32>,
    /// Packets taken from a queue at once
    #[arg(long, value_name = "NUMBER")]
    pub burst: Option<u16>,
    /// Station behind a port
    #[arg(long, value_parser = eth_peer, value_name = "PORT,MAC")]
    pub eth_peer: Vec<(u16, MacAddr6)>,
    /// Stations behind the ports, a line each
    #[arg(long, value_name = "FILE")]
    pub eth_peers_configfile: Option<PathBuf>,
    /// Buffers in all
    #[arg(long, value_name = "NUMBER")]
    pub total_num_mbufs: Option<u32>,
    /// Bytes of a buffer, its headroom of 128 included
    #[arg(long, value_name = "BYTES")]
    pub mbuf_size: Option<u16>,
    /// Bytes of the packets that are made
    #[arg(long, value_parser = sizes, value_name = "BYTES[,BYTES...]")]
    pub txpkts: Option<u16>,
    /// Longest frame, FCS included
    #[arg(long, value_name = "BYTES")]
    pub max_pkt_len: Option<u16>,
    /// Cycles a packet in the forward statistics
    #[arg(long)]
    pub record_core_cycles: bool,
    /// Bursts by size in the forward statistics
    #[arg(long)]
    pub record_burst_stats: bool,
    /// Flows of mode flowgen
    #[arg(long, value_name = "NUMBER")]
    pub flowgen_flows: Option<u32>,
    /// Leaves what waits in the ports when it starts: ringway leaves it in any case
    #[arg(long)]
    pub no_flush_rx: bool,
    /// Spreads IP packets over the queues
    #[arg(long)]
    pub rss_ip: bool,
    /// Spreads UDP packets over the queues
    #[arg(long)]
    pub rss_udp: bool,
    /// Receives everything on one queue
    #[arg(long)]
    pub disable_rss: bool,
    /// Taken and without effect: a worker's pool needs no cache
    #[arg(long, value_name = "NUMBER")]
    pub mbcache: Option<u32>,
    /// Taken and without effect: a worker's pool is on its own node
    #[arg(long)]
    pub numa: bool,
    /// Taken and without effect
    #[arg(long)]
    pub no_numa: bool,
    /// Taken and without effect: links are looked at several times a second
    #[arg(long)]
    pub no_lsc_interrupt: bool,
    /// Taken and without effect
    #[arg(long)]
    pub no_rmv_interrupt: bool,
    /// Where the command socket is made
    #[arg(long, value_name = "FILE")]
    pub socket: Option<PathBuf>,
}

impl TestpmdOptions {
    /// Reads the options; what testpmd has and ringway has not is said to be not supported.
    ///
    /// # Errors
    /// What to print, and whether it is the help that was asked for.
    pub fn read(words: &[String]) -> Result<Self, (String, bool)> {
        Self::try_parse_from(words).map_err(|error| {
            let asked = !error.use_stderr();
            let unknown = error.kind() == clap::error::ErrorKind::UnknownArgument;
            let text = match error.get(clap::error::ContextKind::InvalidArg) {
                Some(option) if unknown => {
                    format!("`{option}` is not supported; `ringway testpmd -- --help` lists what is")
                }
                _ => error.render().to_string(),
            };
            (text, asked)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<TestpmdOptions, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        TestpmdOptions::read(&words).map_err(|(text, _)| text)
    }

    #[test]
    fn options_are_written_as_getopt_takes_them() {
        let options = read("-i --rxq=2 --txq 2 --portmask=0x3 --eth-peer=1,02:00:00:00:00:09 --txpkts=64,128").unwrap();
        assert!(options.interactive);
        assert_eq!((options.rxq, options.txq, options.txpkts), (Some(2), Some(2), Some(192)));
        assert_eq!(options.portmask, Some(vec![0, 1]));
        assert_eq!(options.eth_peer, [(1, "02:00:00:00:00:09".parse().unwrap())]);
    }

    #[test]
    fn an_option_of_testpmd_that_is_not_here_is_not_supported() {
        assert!(read("--hairpinq=1").unwrap_err().contains("not supported"));
        assert!(read("--port-topology=ring").unwrap_err().contains("paired"));
    }
}
