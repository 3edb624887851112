//! Whole files: the examples, a configuration written and read back, and texts that are no configuration at all.

use std::path::{Path, PathBuf};

use ringway_config::{DriverSettings, LoadError, RouteKind, load, parse};

mod arbitrary;

use proptest::prelude::*;

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

#[test]
fn every_example_is_right_and_reads_back_from_its_own_writing() {
    let examples = examples();
    assert!(examples.len() >= 4);
    for path in examples {
        let config = load(&path).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let written = config.to_toml();
        assert_eq!(parse(&written, "written.toml").unwrap_or_else(|mistakes| panic!("{mistakes}")), config);
    }
}

#[test]
fn lab_is_what_the_quickstart_needs() {
    let config = load(&example("lab.toml")).unwrap();
    let devices: Vec<&DriverSettings> = config.ports.iter().map(|port| &port.driver).collect();
    let auto = |device: &str| DriverSettings::Auto { device: device.into() };
    assert_eq!(devices, [&auto("rw-lan"), &auto("rw-wan")]);
    assert_eq!(config.interfaces[0].addresses[0].to_string(), "192.0.2.1/24");
    assert_eq!(
        (config.interfaces[1].addresses[0].to_string().as_str(), config.interfaces[1].mtu),
        ("198.51.100.1/24", Some(1400))
    );
    let gateway = "198.51.100.2".parse().unwrap();
    assert_eq!(config.routes[0].kind, RouteKind::Via { gateway, interface: None });
}

#[test]
fn qinq_interface_has_its_outer_vlan_first() {
    let config = load(&example("vlan.toml")).unwrap();
    let interface = config.interfaces.iter().find(|interface| interface.name == "trunk.200.100").unwrap();
    assert_eq!((interface.port.as_str(), interface.vlans.as_slice()), ("trunk", &[200, 100][..]));
}

#[test]
fn first_file_of_the_document_is_right() {
    let document = include_str!("../../docs/configuration.md");
    let (_, rest) = document.split_once("```toml\n").unwrap();
    let (file, _) = rest.split_once("```").unwrap();
    parse(file, "configuration.md").unwrap_or_else(|mistakes| panic!("{mistakes}"));
}

#[test]
fn mistakes_in_the_document_are_what_is_printed() {
    let text = "[[port]]\nname = \"lan\"\ndevice = \"eth0\"\n\n\n\n\n\n\n[[interface]]\nname = \"lan\"\n\
                adresses = [\"192.0.2.1/24\"]\n\n\n\n[[route]]\nto = \"192.0.2.7/24\"\nvia = \"192.0.2.9\"\n";
    let printed = parse(text, "lab.toml").unwrap_err().to_string();
    assert!(include_str!("../../docs/configuration.md").contains(&printed), "{printed}");
}

#[test]
fn file_that_is_not_there_is_named() {
    let error = load(Path::new("no/such/file.toml")).unwrap_err();
    assert!(matches!(error, LoadError::Read { .. }));
    assert!(error.to_string().contains("no/such/file.toml"), "{error}");
}

/// An example with some of its characters removed, doubled or replaced.
fn mutated_example() -> impl Strategy<Value = String> {
    let texts: Vec<String> = examples().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let edits = proptest::collection::vec((any::<proptest::sample::Index>(), 0..4, any::<char>()), 1..8);
    (proptest::sample::select(texts), edits).prop_map(|(text, edits)| {
        let mut text: Vec<char> = text.chars().collect();
        for (place, kind, other) in edits {
            let at = place.index(text.len());
            match kind {
                0 if text.len() > 1 => drop(text.remove(at)),
                1 => text.insert(at, text[at]),
                2 => text[at] = other,
                _ => text.truncate(at.max(1)),
            }
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn configuration_reads_back_from_its_own_writing(config in arbitrary::config()) {
        let written = config.to_toml();
        match parse(&written, "written.toml") {
            Ok(read) => prop_assert_eq!(read, config, "{}", written),
            Err(mistakes) => prop_assert!(false, "{}", mistakes),
        }
    }

    #[test]
    fn random_text_never_panics(text in any::<String>()) {
        if let Err(mistakes) = parse(&text, "random.toml") {
            prop_assert!(!mistakes.to_string().is_empty());
        }
    }

    #[test]
    fn random_keys_and_values_never_panic(
        entries in proptest::collection::vec(r#"(\[\[?(port|interface|route|neighbor|router|fault)\]?\]\n)?(name|to|via|mtu|fault|cores|addresses) = (-?[0-9]{1,25}|"[a-z0-9./:]{0,8}"|\[\[\{\}\]\]|\{ loss = 1 \}|nan|0x1f|["'{\[]*)\n"#, 0..12)
    ) {
        if let Err(mistakes) = parse(&entries.concat(), "random.toml") {
            prop_assert!(!mistakes.to_string().is_empty());
        }
    }

    #[test]
    fn mutated_example_never_panics_and_shows_its_mistakes(text in mutated_example()) {
        if let Err(mistakes) = parse(&text, "mutated.toml") {
            prop_assert!(mistakes.len() > 0);
            for mistake in &mistakes {
                prop_assert!(mistake.line >= 1 && mistake.column >= 1);
                prop_assert_eq!(mistake.to_string().lines().count(), 3, "{}", mistake);
            }
        }
    }
}
