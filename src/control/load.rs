//! `route load`: files of routes, read a piece at a time, so that the control thread answers, resolves neighbors and
//! follows links meanwhile.

use super::router::Router;
use crate::cli::command::RouteLoad;
use crate::cli::grammar::Options;
use crate::cli::reply::Reply;
use crate::fib::next_hop::Paths;
use crate::fib::rib::{Origin, Route};
use crossbeam_channel::Sender;
use ipnet::IpNet;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Lines of one piece: about a millisecond.
const AT_ONCE: usize = 2_000;
/// Time between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(1);
/// Mistakes after which a file is given up: it is surely not what it should be.
const MISTAKES: usize = 20;
/// Longest line.
const LINE: u64 = 1024;

/// A file that is being loaded.
struct Load {
    order: RouteLoad,
    vrf: u16,
    via: Option<Paths>,
    reader: BufReader<File>,
    /// Gateways seen so far: a file has many routes and few gateways.
    gateways: HashMap<IpAddr, Result<Paths, String>>,
    line: usize,
    routes: usize,
    bytes: u64,
    size: u64,
    mistakes: Vec<String>,
    refused: usize,
    started: Instant,
    said: Instant,
    options: Options,
    reply: Sender<Reply>,
}

/// Files that are being loaded.
#[derive(Default)]
pub(super) struct Loads {
    under_way: Vec<Load>,
}

impl Router {
    /// Begins to load a file; the reply is sent when it is over.
    pub(super) fn begin_load(&mut self, order: RouteLoad, options: Options, reply: Sender<Reply>) {
        match self.open_load(order, options, reply.clone()) {
            Ok(load) => self.loads.under_way.push(load),
            Err(message) => {
                let _ = reply.send(Reply::error(message));
            }
        }
    }

    fn open_load(&mut self, order: RouteLoad, options: Options, reply: Sender<Reply>) -> Result<Load, String> {
        let vrf = self.vrf_number(order.vrf.as_deref())?;
        let via = order.via.map(|via| self.gateway(vrf, via, None)).transpose()?.map(Paths::from);
        let failed = |error: std::io::Error| format!("cannot read {}: {error}", order.file);
        let file = File::open(&order.file).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let now = Instant::now();
        Ok(Load {
            vrf,
            via,
            reader: BufReader::new(file),
            gateways: HashMap::new(),
            line: 0,
            routes: 0,
            bytes: 0,
            size,
            mistakes: Vec::new(),
            refused: 0,
            started: now,
            said: now,
            options,
            reply,
            order,
        })
    }

    /// Whether a file is being loaded.
    pub(super) fn is_loading(&self) -> bool {
        !self.loads.under_way.is_empty()
    }

    /// Reads the next piece of each file; whether there was one.
    pub(super) fn go_on_loading(&mut self) -> bool {
        let mut loads = std::mem::take(&mut self.loads.under_way);
        let any = !loads.is_empty();
        loads.retain_mut(|load| {
            let over = self.load_piece(load);
            if over {
                self.follow_routes();
                let _ = load.reply.send(load.outcome());
            } else if load.said.elapsed() >= PROGRESS {
                load.said = Instant::now();
                let share = load.bytes * 100 / load.size.max(1);
                tracing::info!("{}: {} routes loaded, {share} % of the file", load.order.file, load.routes);
            }
            !over
        });
        self.loads.under_way.append(&mut loads);
        any
    }

    /// Whether the file is over.
    fn load_piece(&mut self, load: &mut Load) -> bool {
        let mut text = String::new();
        for _ in 0..AT_ONCE {
            text.clear();
            // A file without line ends must not fill the memory.
            let read = match (&mut load.reader).take(LINE).read_line(&mut text) {
                Ok(0) => return true,
                Ok(read) => read,
                Err(error) => {
                    load.mistakes.push(format!("{}:{}: cannot read on: {error}", load.order.file, load.line + 1));
                    return true;
                }
            };
            load.bytes += read as u64;
            load.line += 1;
            if let Err(message) = self.load_line(load, text.trim()) {
                load.refused += 1;
                if load.mistakes.len() < MISTAKES {
                    load.mistakes.push(format!("{}:{}: {message}", load.order.file, load.line));
                }
                if load.routes == 0 && load.refused >= MISTAKES {
                    load.mistakes.push("given up: no line of it is a route so far".into());
                    return true;
                }
            }
        }
        false
    }

    /// One line: `PREFIX [via ADDRESS] [metric NUMBER]`, or `PREFIX blackhole|unreachable|prohibit`. What follows `#` is a
    /// remark.
    fn load_line(&mut self, load: &mut Load, text: &str) -> Result<(), String> {
        let text = text.split('#').next().unwrap_or_default();
        let mut words = text.split_ascii_whitespace();
        let Some(first) = words.next() else { return Ok(()) };
        let prefix = prefix(first)?;
        let mut paths = None;
        let mut metric = load.order.metric.unwrap_or(0);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` has nothing after it"));
            match word {
                "via" => {
                    let address: IpAddr = value()?.parse().map_err(|_| "the gateway is not an address".to_owned())?;
                    paths = Some(self.loaded_gateway(load, address)?);
                }
                "metric" => metric = value()?.parse().map_err(|_| "the metric is not a number".to_owned())?,
                "blackhole" => paths = Some(crate::fib::next_hop::NextHop::Blackhole.into()),
                "unreachable" => paths = Some(crate::fib::next_hop::NextHop::Unreachable.into()),
                "prohibit" => paths = Some(crate::fib::next_hop::NextHop::Prohibit.into()),
                _ => return Err(format!("`{word}` is none of via, metric, blackhole, unreachable, prohibit")),
            }
        }
        let Some(paths) = paths.or_else(|| load.via.clone()) else {
            return Err("the route has no gateway; name one with `route load ... via ADDRESS`".into());
        };
        let route = Route { prefix, paths, origin: Origin::Static, metric };
        self.rib.replace(load.vrf, &route).map_err(|error| self.name_interfaces(&error))?;
        load.routes += 1;
        Ok(())
    }

    fn loaded_gateway(&self, load: &mut Load, address: IpAddr) -> Result<Paths, String> {
        let found = load.gateways.entry(address).or_insert_with(|| {
            let own = self.gateway(load.vrf, address, None).map(Paths::from);
            // A dump names the gateways of the router that it was taken from.
            own.or_else(|message| load.via.clone().ok_or(message))
        });
        found.clone()
    }
}

fn prefix(text: &str) -> Result<IpNet, String> {
    let parsed = match text {
        "default" => Ok(IpNet::V4(ipnet::Ipv4Net::default())),
        _ if text.contains('/') => text.parse::<IpNet>().map_err(drop),
        _ => text.parse::<IpAddr>().map(IpNet::from).map_err(drop),
    };
    parsed.map_err(|()| format!("`{text}` is not a prefix"))
}

impl Load {
    fn outcome(&self) -> Reply {
        let seconds = self.started.elapsed().as_secs_f64();
        let mut text = format!("{} routes loaded from {} in {seconds:.2} s", self.routes, self.order.file);
        if self.refused > 0 {
            text = format!("{text}; {} lines refused", self.refused);
        }
        for mistake in &self.mistakes {
            text = format!("{text}\n{mistake}");
        }
        let json = serde_json::json!({
            "file": self.order.file,
            "routes": self.routes,
            "refused": self.refused,
            "mistakes": self.mistakes,
            "seconds": seconds,
        });
        let ok = self.mistakes.is_empty();
        match (ok, self.options.json) {
            (true, true) => Reply { ok, text: String::new(), json },
            (true, false) => Reply::said(text),
            (false, _) => Reply { ok, json: serde_json::json!({ "error": text, "load": json }), text },
        }
    }
}
