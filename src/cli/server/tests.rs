//! The server over a real socket, with a control thread that only echoes.

use std::io::{BufRead as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use crossbeam_channel::{Receiver, bounded};
use tempfile::TempDir;

use super::*;
use crate::cli::session::Request;

/// A served socket in a directory of its own, and a control thread that answers with the command it got.
struct Lab {
    directory: TempDir,
    server: Option<Server>,
    control: Control,
}

impl Lab {
    fn path(&self) -> PathBuf {
        self.directory.path().join("run/ringway.sock")
    }
}

fn control() -> (Control, Receiver<Request>) {
    let (requests, queue) = bounded(4);
    (Control::new(requests, Arc::new(|| {})), queue)
}

fn lab() -> Lab {
    let directory = tempfile::tempdir().unwrap();
    let (control, queue) = control();
    thread::spawn(move || {
        for Request { command, options, reply } in queue {
            let said = format!("{command} json={} proc={}", options.json, options.proc);
            let _ = reply.send(Reply::said(said));
        }
    });
    let server = Server::start(&directory.path().join("run/ringway.sock"), control.clone()).unwrap();
    Lab { directory, server: Some(server), control }
}

fn connect(lab: &Lab) -> BufReader<UnixStream> {
    BufReader::new(UnixStream::connect(lab.path()).unwrap())
}

fn ask(stream: &mut BufReader<UnixStream>, line: &str) -> String {
    writeln!(stream.get_mut(), "{line}").unwrap();
    let mut reply = String::new();
    stream.read_line(&mut reply).unwrap();
    reply
}

#[test]
fn the_socket_is_for_its_owner_only_and_its_directory_is_made() {
    let lab = lab();
    let mode = fs::metadata(lab.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_program_gets_one_json_line_for_one_json_line() {
    let lab = lab();
    let mut stream = connect(&lab);
    for _ in 0..2 {
        let reply: Reply = serde_json::from_str(&ask(&mut stream, r#"{"command":"sh drops","json":true}"#)).unwrap();
        assert_eq!(reply, Reply::said("show drops json=true proc=false"));
    }
}

#[test]
fn a_person_gets_text_up_to_a_dot() {
    let lab = lab();
    let mut stream = connect(&lab);
    assert_eq!(ask(&mut stream, "show route --format proc"), "show route json=false proc=true\n");
    let mut dot = String::new();
    stream.read_line(&mut dot).unwrap();
    assert_eq!(dot, ".\n");
}

#[test]
fn a_wrong_line_is_answered_and_the_connection_goes_on() {
    let lab = lab();
    let mut stream = connect(&lab);
    assert!(ask(&mut stream, r#"{"command":"shwo drops"}"#).contains(r#""ok":false"#));
    assert!(ask(&mut stream, r#"{"command":"show drops"}"#).contains(r#""ok":true"#));
}

#[test]
fn bytes_that_are_no_text_are_answered_and_the_connection_goes_on() {
    let lab = lab();
    let mut stream = connect(&lab);
    stream.get_mut().write_all(b"\xff\xff\n").unwrap();
    let mut reply = String::new();
    stream.read_line(&mut reply).unwrap();
    stream.read_line(&mut reply).unwrap();
    assert_eq!(reply, "error: the request is not UTF-8 text\n.\n");
    assert!(ask(&mut stream, r#"{"command":"show drops"}"#).contains(r#""ok":true"#));
}

#[test]
fn a_request_without_an_end_is_cut_off() {
    let lab = lab();
    let mut stream = connect(&lab);
    // The server may close before it has taken all of it.
    let _ = stream.get_mut().write_all(&vec![b'x'; protocol::MAX_REQUEST]);
    let mut reply = String::new();
    stream.read_line(&mut reply).unwrap();
    assert!(reply.contains("at most 65536 bytes"), "{reply}");
}

#[test]
fn quit_typed_by_a_person_closes_only_their_connection() {
    let lab = lab();
    let mut stream = connect(&lab);
    assert_eq!(ask(&mut stream, "quit"), "");
    assert!(ask(&mut connect(&lab), r#"{"command":"show drops"}"#).contains("true"));
}

#[test]
fn one_connection_too_many_is_told_so() {
    let lab = lab();
    let mut open: Vec<_> = (0..MAX_CONNECTIONS).map(|_| connect(&lab)).collect();
    for stream in &mut open {
        assert!(ask(stream, r#"{"command":"show pool"}"#).contains("true"));
    }
    let mut refusal = String::new();
    connect(&lab).read_line(&mut refusal).unwrap();
    assert!(refusal.contains("16 connections are open already"), "{refusal}");
}

#[test]
fn a_live_socket_is_not_taken_over() {
    let lab = lab();
    let error = Server::start(&lab.path(), lab.control.clone()).unwrap_err();
    assert!(error.to_string().contains("already runs"), "{error}");
    assert!(ask(&mut connect(&lab), r#"{"command":"show drops"}"#).contains("true"));
}

#[test]
fn the_socket_of_a_dead_process_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ringway.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let (control, _queue) = control();
    Server::start(&path, control).unwrap();
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ringway.sock");
    fs::write(&path, "precious").unwrap();
    let (control, _queue) = control();
    assert!(matches!(Server::start(&path, control), Err(ServerError::NotASocket(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn a_path_too_long_for_a_socket_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let (control, _queue) = control();
    let error = Server::start(&directory.path().join("x".repeat(120)), control).unwrap_err();
    assert!(matches!(error, ServerError::System { .. }), "{error}");
}

#[test]
fn stopping_removes_the_socket_and_ends_the_connections() {
    let mut lab = lab();
    let mut stream = connect(&lab);
    assert!(ask(&mut stream, r#"{"command":"show pool"}"#).contains("true"));
    drop(lab.server.take());
    assert!(!lab.path().exists());
    let mut rest = String::new();
    assert_eq!(stream.read_line(&mut rest).unwrap(), 0);
}

#[test]
fn the_reply_under_way_is_written_before_the_server_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ringway.sock");
    let (control, queue) = control();
    let server = Server::start(&path, control).unwrap();
    let stopper = thread::spawn(move || {
        let request = queue.recv().unwrap();
        request.reply.send(Reply::said("stopping")).unwrap();
        drop(server);
    });
    let mut stream = BufReader::new(UnixStream::connect(&path).unwrap());
    assert!(ask(&mut stream, r#"{"command":"quit"}"#).contains("stopping"));
    stopper.join().unwrap();
}

#[test]
fn a_successors_socket_is_not_removed() {
    let mut lab = lab();
    fs::remove_file(lab.path()).unwrap();
    let successor = Server::start(&lab.path(), lab.control.clone()).unwrap();
    drop(lab.server.take());
    assert!(lab.path().exists());
    drop(successor);
    assert!(!lab.path().exists());
}
