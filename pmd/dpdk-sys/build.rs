//! Finds libdpdk through pkg-config, generates the bindings from its headers and compiles the shim.
//!
//! A machine that lacks something gets one line that says what to install, or how to build without DPDK.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "libdpdk")]
    if let Err(missing) = dpdk::build() {
        println!("cargo::error={missing}");
    }
}

#[cfg(feature = "libdpdk")]
mod dpdk {
    use std::env;
    use std::panic;
    use std::path::PathBuf;
    use std::process::Command;

    /// What pkg-config, the compiler or libclang lacked, and the way out of it.
    type Missing = String;

    const WITHOUT: &str = "or build without DPDK: cargo build --no-default-features";
    /// The libraries whose functions the allow-list names. PMDs are plug-ins: EAL loads them at run time.
    const LIBRARIES: [&str; 12] = [
        "rte_eal",
        "rte_ethdev",
        "rte_mbuf",
        "rte_mempool",
        "rte_net",
        "rte_lpm",
        "rte_fib",
        "rte_rib",
        "rte_pdump",
        "rte_telemetry",
        "rte_kvargs",
        "rte_ring",
    ];

    pub fn build() -> Result<(), Missing> {
        for name in ["PKG_CONFIG", "PKG_CONFIG_PATH", "LIBCLANG_PATH"] {
            println!("cargo::rerun-if-env-changed={name}");
        }
        println!("cargo::rerun-if-changed=shim");
        pkg_config(&["--atleast-version=22.11"])?;
        let flags = pkg_config(&["--cflags"])?;
        generate(&flags)?;
        compile(&flags)?;
        // The search path for the linker; the libraries by name, since `--libs` would link all of the fifty there are.
        for flag in pkg_config(&["--libs-only-L"])? {
            if let Some(path) = flag.strip_prefix("-L") {
                println!("cargo::rustc-link-search=native={path}");
            }
        }
        for library in LIBRARIES {
            println!("cargo::rustc-link-lib=dylib={library}");
        }
        Ok(())
    }

    /// What pkg-config says of libdpdk, word by word.
    fn pkg_config(arguments: &[&str]) -> Result<Vec<String>, Missing> {
        let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".into());
        let output = Command::new(&program).args(arguments).arg("libdpdk").output().map_err(|error| {
            format!("cannot run {program} ({error}): apt-get install pkg-config libdpdk-dev libclang-dev, {WITHOUT}")
        })?;
        if !output.status.success() {
            return Err(format!(
                "pkg-config finds no libdpdk of version 22.11 or later: apt-get install libdpdk-dev libclang-dev, {WITHOUT}"
            ));
        }
        Ok(String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect())
    }

    fn output() -> PathBuf {
        PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default())
    }

    fn generate(flags: &[String]) -> Result<(), Missing> {
        let builder = bindgen::Builder::default()
            .header("shim/shim.h")
            .clang_args(flags.iter().filter(|flag| !flag.starts_with("-W")))
            .allowlist_recursively(true)
            .prepend_enum_name(false)
            .layout_tests(true)
            .derive_default(true)
            .generate_comments(false)
            // Both are packed and aligned at once, which Rust cannot say; nothing here looks into them.
            .opaque_type("rte_ether_hdr|rte_arp_.*|rte_l2tpv2_.*|rte_gtp_.*")
            .formatter(bindgen::Formatter::None);
        let functions =
            include_str!("shim/functions.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let types = include_str!("shim/types.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let mut builder = builder.allowlist_var("RINGWAY_.*").allowlist_function("ringway_.*");
        for name in functions {
            builder = builder.allowlist_function(name);
        }
        for name in types {
            builder = builder.allowlist_type(name);
        }
        // Without libclang, bindgen panics with a page of advice; one line is enough.
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        let generated = panic::catch_unwind(panic::AssertUnwindSafe(|| builder.generate()));
        panic::set_hook(hook);
        let bindings = match generated {
            Ok(Ok(bindings)) => bindings,
            Ok(Err(error)) => return Err(format!("the headers of libdpdk cannot be read: {error}")),
            Err(_) => {
                return Err(format!(
                    "there is no libclang to read DPDK's headers with: apt-get install libclang-dev, {WITHOUT}"
                ));
            }
        };
        bindings
            .write_to_file(output().join("bindings.rs"))
            .map_err(|error| format!("cannot write the bindings: {error}"))
    }

    fn compile(flags: &[String]) -> Result<(), Missing> {
        let mut build = cc::Build::new();
        build.file("shim/shim.c").include("shim").opt_level(3).std("gnu11").warnings(true);
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            if let Some(path) = flag.strip_prefix("-I") {
                // Headers of the system: their warnings are not ours.
                build.flag("-isystem").flag(path);
            } else if !flag.starts_with("-W") {
                build.flag(flag);
                if flag == "-include" {
                    build.flag(flags.next().map_or("", String::as_str));
                }
            }
        }
        build.try_compile("ringway_dpdk_shim").map_err(|error| {
            format!("the C compiler refuses the shim over DPDK ({error}): apt-get install build-essential, {WITHOUT}")
        })
    }
}
