//! Configuration files: any text; what is accepted survives being written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match ringway_config::parse(text, "fuzz") {
        Ok(config) => {
            let again = ringway_config::parse(&config.to_toml(), "written");
            assert_eq!(again.unwrap_or_else(|mistakes| panic!("{mistakes}")), config);
        }
        Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
    }
});
