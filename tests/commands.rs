//! The whole router without a device: every command against a running one on in-memory ports.

use ringway::cli::reply::Reply;
use ringway::cli::session::{Control, Session};
use ringway::control::{self, Launch};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

const CONFIG: &str = r#"
[memory]
pages = "small"
lock = false

[workers]
count = 2
idle = "sleep"

[[port]]
name = "a"
driver = "memory"
peer = "b"

[[port]]
name = "b"
driver = "memory"

[[interface]]
name = "a"
addresses = ["192.0.2.1/24"]

[[interface]]
name = "b"
addresses = ["198.51.100.1/24"]
mtu = 1400

[[route]]
to = "default"
via = "198.51.100.254"

[[neighbor]]
address = "192.0.2.99"
mac = "02:00:00:00:00:99"
"#;

/// A running router and the way to its control thread.
struct Running {
    session: Control,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<bool>>,
}

impl Running {
    fn start(config: &str) -> Self {
        let config = ringway_config::parse(config, "test.toml").unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let (requests, received) = crossbeam_channel::bounded(8);
        let stop = Arc::new(AtomicBool::new(false));
        let (send, handle) = crossbeam_channel::bounded(1);
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            send.send(std::thread::current()).unwrap();
            control::start(config, Launch::default(), received, stopped).unwrap_or_else(|error| panic!("{error}")).run()
        });
        let control_thread = handle.recv().unwrap();
        let session = Control::new(requests, Arc::new(move || control_thread.unpark()));
        Self { session, stop, thread: Some(thread) }
    }

    fn ask(&mut self, line: &str) -> Reply {
        self.session.execute(line)
    }

    /// The answer to a command that has to work.
    fn text(&mut self, line: &str) -> String {
        let reply = self.ask(line);
        assert!(reply.ok, "{line}: {}", reply.text);
        reply.text
    }

    fn json(&mut self, line: &str) -> serde_json::Value {
        let reply = self.ask(&format!("{line} --json"));
        assert!(reply.ok, "{line}: {}", reply.text);
        reply.json
    }

    /// The message of a command that has to fail.
    fn error(&mut self, line: &str) -> String {
        let reply = self.ask(line);
        assert!(!reply.ok, "{line} worked: {}", reply.text);
        reply.text
    }

    fn assert_audit(&mut self) {
        let pools = self.json("show pool");
        for worker in pools["workers"].as_array().unwrap() {
            assert_eq!(worker["exact"], true, "{worker}");
        }
    }

    fn end(mut self) -> bool {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

#[test]
fn every_show_command_answers_as_text_and_as_json() {
    let mut router = Running::start(CONFIG);
    for line in [
        "show port info all",
        "show port stats all",
        "show port xstats 0",
        "show port summary",
        "show interface",
        "show interface b",
        "show route",
        "show neighbor",
        "show arp",
        "show nd",
        "show cache",
        "show fib zones",
        "show pool",
        "show drops all",
        "show workers",
        "show config",
        "show icmp",
        "show version",
        "route get 192.0.2.7",
    ] {
        assert!(!router.text(line).is_empty(), "{line} says something");
        assert!(router.json(line).is_object(), "{line} has facts");
    }
    router.assert_audit();
    assert!(router.end());
}

#[test]
fn the_router_answers_its_own_ping() {
    let mut router = Running::start(CONFIG);
    let answer = router.json("ping 198.51.100.1 count 3 interval 10");
    assert_eq!(answer["transmitted"], 3);
    assert_eq!(answer["answers"].as_array().unwrap().len(), 3, "{answer}");
    router.assert_audit();
    assert!(router.end());
}

#[test]
fn a_host_that_does_not_answer_is_reported_by_ping() {
    let mut router = Running::start(&format!("{CONFIG}\n[neighbors]\nretransmit_ms = 50\n"));
    let reply = router.ask("ping 192.0.2.55 count 1");
    assert!(!reply.ok, "{}", reply.text);
    assert_eq!(router.json("show pool")["workers"][0]["held"], 0);
    router.assert_audit();
    assert!(router.end());
}

#[test]
fn routes_come_go_and_explain_themselves() {
    let mut router = Running::start(CONFIG);
    router.text("route add 203.0.113.0/24 via 192.0.2.7");
    assert!(router.text("route get 203.0.113.9").contains("192.0.2.7"));
    assert!(router.error("route add 203.0.113.0/24 via 192.0.2.8").contains("there is a route already"));
    assert!(router.error("route add 203.0.114.0/24 via 10.9.9.9").contains("not on a connected network"));
    router.text("route add 203.0.113.0/24 via 192.0.2.8 metric 5");
    router.text("route del 203.0.113.0/24 via 192.0.2.7");
    assert!(router.text("route get 203.0.113.9").contains("192.0.2.8"));
    router.text("route del 203.0.113.0/24");
    assert!(router.text("route get 203.0.113.9").contains("198.51.100.254"), "the default route is left");
    assert!(router.error("route del 203.0.113.0/24").contains("there is no static route"));
    router.text("route add blackhole 203.0.113.0/24");
    assert!(router.text("route get 203.0.113.9").contains("blackhole"));
    assert!(router.end());
}

#[test]
fn a_command_is_refused_the_routes_that_a_file_is() {
    let mut router = Running::start(&format!("{CONFIG}\n[[vrf]]\nname = \"red\"\n"));
    for (line, said) in [
        ("route add 203.0.113.0/24 via 192.0.2.7 via 192.0.2.7", "named twice"),
        ("route add 2001:db8::/32 via 192.0.2.7", "needs an IPv6 gateway"),
        ("route add 203.0.113.0/24 dev a lookup red", "does not go with `dev` alone"),
        ("route add 203.0.113.0/24 lookup red vrf red", "its own VRF red"),
        ("route add 203.0.113.0/24 lookup default", "its own VRF default"),
    ] {
        assert!(router.error(line).contains(said), "{line}: {}", router.error(line));
    }
    router.text("route add 203.0.113.0/24 via 192.0.2.7 via 192.0.2.8 weight 2");
    router.text("route add 203.0.113.0/24 vrf red lookup default");
    let saved = router.text("show config");
    assert!(router.end());
    let mut again = Running::start(&saved);
    assert_eq!(again.text("show config"), saved);
    assert!(again.end());
}

#[test]
fn the_running_configuration_reproduces_the_state() {
    let mut router = Running::start(CONFIG);
    router.text("route add 203.0.113.0/24 via 192.0.2.7 metric 3");
    router.text("neighbor add 192.0.2.7 02:00:00:00:00:07 dev a");
    router.text("interface set b mtu 1300");
    router.text("neighbor del 192.0.2.99");
    let saved = router.text("show config");
    let routes = router.json("show route");
    assert!(router.end());
    let mut again = Running::start(&saved);
    assert_eq!(again.text("show config"), saved);
    assert_eq!(again.json("show route"), routes);
    assert_eq!(again.json("show interface b")["interfaces"][0]["mtu"], 1300);
    assert!(again.end());
}

#[test]
fn an_interface_that_is_down_withdraws_its_routes() {
    let mut router = Running::start(CONFIG);
    router.text("interface set b down");
    assert!(router.text("route get 203.0.113.9").contains("no route"));
    router.text("interface set b up");
    assert!(router.text("route get 203.0.113.9").contains("198.51.100.254"));
    assert!(router.error("interface set nosuch up").contains("the interfaces are: a, b"));
    assert!(router.end());
}

#[test]
fn modes_change_at_the_next_start_and_stop_prints_statistics() {
    let mut router = Running::start(CONFIG);
    assert!(router.text("set fwd macswap").contains("next `start`"));
    assert!(router.text("stop").contains("Forward statistics for port 0"));
    assert!(router.error("stop").contains("not forwarded"));
    router.text("start");
    assert_eq!(router.json("show workers")["workers"][0]["mode"], "macswap");
    assert!(router.error("start").contains("already"));
    router.assert_audit();
    assert!(router.end());
}

#[test]
fn formats_of_proc_are_those_of_the_kernel() {
    let mut router = Running::start(CONFIG);
    assert!(router.text("show route --format proc").starts_with("Iface\tDestination\tGateway"));
    assert!(router.text("show neighbor --format proc").contains("192.0.2.99"));
    assert!(router.text("show cache --format proc").starts_with("Iface\tDestination"));
    assert!(router.end());
}

#[test]
fn a_budget_that_does_not_close_is_refused_with_its_table() {
    let small = CONFIG.replace("[memory]", "[memory]\nbuffers = 64");
    let config = ringway_config::parse(&small, "test.toml").unwrap();
    let (_requests, received) = crossbeam_channel::bounded(1);
    let Err(error) = control::start(config, Launch::default(), received, Arc::default()) else { panic!("it started") };
    let error = error.to_string();
    assert!(error.contains("raise `buffers` in [memory]") && error.contains("hold queue"), "{error}");
}
