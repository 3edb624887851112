//! Command lines: any text; what is accepted means the same when it is written in full.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringway::cli::grammar;

fuzz_target!(|line: &str| {
    if let Ok(Some(parsed)) = grammar::parse(line) {
        let full = parsed.command.to_string();
        let again = grammar::parse(&full).unwrap_or_else(|error| panic!("{full}: {error}")).unwrap();
        assert_eq!(again.command, parsed.command);
    }
});
