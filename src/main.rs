//! The command line of ringway; see the library for what there is so far.
#![forbid(unsafe_code)]

fn main() {
    eprintln!("ringway: nothing to run yet");
    std::process::exit(1);
}
