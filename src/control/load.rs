//! `route load`: files of routes, read a piece at a time, so that the control thread answers, resolves neighbors and
//! follows links meanwhile.

use super::router::Router;
use crate::cli::command::RouteLoad;
use crate::cli::grammar::Options;
use crate::cli::reply::Reply;
use crate::fib::load::{FileRoute, RouteFile};
use crate::fib::next_hop::{NextHop, Paths};
use crate::fib::rib::{Origin, Route};
use crossbeam_channel::Sender;
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// Routes of one piece, and the time after which it ends all the same: a record of a dump may be long.
const AT_ONCE: usize = 2_000;
const PIECE: Duration = Duration::from_millis(2);
/// Routes between two looks at the clock.
const LOOK: usize = 32;
/// Time between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(1);
/// Mistakes after which a file is given up: it is surely not what it should be.
const MISTAKES: usize = 20;

/// A file that is being loaded.
struct Load {
    order: RouteLoad,
    vrf: u16,
    via: Option<Paths>,
    file: RouteFile,
    /// Gateways seen so far: a file has many routes and few gateways.
    gateways: HashMap<IpAddr, Result<Paths, String>>,
    routes: usize,
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
        let routes = RouteFile::open(Path::new(&order.file)).map_err(|error| error.to_string())?;
        let now = Instant::now();
        Ok(Load {
            vrf,
            via,
            file: routes,
            gateways: HashMap::new(),
            routes: 0,
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
                let progress = load.file.progress();
                let share = progress.read_bytes * 100 / progress.file_bytes.max(1);
                tracing::info!("{}: {} routes loaded, {share} % of the file", load.order.file, load.routes);
            }
            !over
        });
        self.loads.under_way.append(&mut loads);
        any
    }

    /// Whether the file is over.
    fn load_piece(&mut self, load: &mut Load) -> bool {
        let started = Instant::now();
        for number in 1..=AT_ONCE {
            let mistake = match load.file.next() {
                None => return true,
                Some(Ok(route)) => self.load_route(load, &route).map_err(|message| {
                    format!("{}:{}: {}: {message}", load.order.file, load.file.place(), route.prefix)
                }),
                Some(Err(bad)) => Err(bad.to_string()),
            };
            if let Err(message) = mistake {
                load.refused += 1;
                if load.mistakes.len() < MISTAKES {
                    load.mistakes.push(message);
                }
                if load.routes == 0 && load.refused >= MISTAKES {
                    load.mistakes.push("given up: nothing of it is a route so far".into());
                    return true;
                }
            }
            if number % LOOK == 0 && started.elapsed() > PIECE {
                return false;
            }
        }
        false
    }

    fn load_route(&mut self, load: &mut Load, &FileRoute { prefix, via }: &FileRoute) -> Result<(), String> {
        let paths = match (via.nowhere, via.address) {
            (Some(nowhere), _) => nowhere.into(),
            (None, Some(address)) => self.loaded_gateway(load, address)?,
            (None, None) => {
                load.via.clone().ok_or("the route has no gateway; name one with `route load ... via ADDRESS`")?
            }
        };
        let ipv4_gateway = |next_hop| matches!(next_hop, NextHop::Gateway { address: IpAddr::V4(_), .. });
        if matches!(prefix, IpNet::V6(_)) && paths.iter().any(|path| ipv4_gateway(path.next_hop)) {
            return Err("an IPv6 route needs an IPv6 gateway; one serves IPv4 routes too".into());
        }
        let metric = via.metric.or(load.order.metric).unwrap_or(0);
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

impl Load {
    fn outcome(&self) -> Reply {
        let seconds = self.started.elapsed().as_secs_f64();
        let mut text = format!("{} routes loaded from {} in {seconds:.2} s", self.routes, self.order.file);
        if self.refused > 0 {
            text = format!("{text}; {} refused", self.refused);
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
