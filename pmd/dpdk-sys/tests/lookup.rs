//! The bindings at work: one EAL without huge pages or devices, and DPDK's longest-prefix matches.
#![cfg(feature = "libdpdk")]

use dpdk_sys as sys;
use std::ffi::{CStr, CString};

/// Starts EAL once in this process.
fn start_eal() {
    let arguments = [
        "test",
        "--no-huge",
        "-m",
        "256",
        "--no-pci",
        "--no-telemetry",
        "--no-shconf",
        "-l",
        "0",
        "--log-level",
        "error",
    ];
    let owned: Vec<CString> = arguments.iter().map(|word| CString::new(*word).unwrap()).collect();
    let mut pointers: Vec<*mut _> = owned.iter().map(|word| word.as_ptr().cast_mut()).collect();
    // SAFETY: the words outlive the call and are its arguments; EAL starts once in this process.
    let result = unsafe { sys::rte_eal_init(pointers.len() as i32, pointers.as_mut_ptr()) };
    assert!(result >= 0, "rte_eal_init failed");
}

#[test]
fn lookups_of_both_families_answer_with_the_longest_prefix() {
    start_eal();
    let name = c"test";
    let mut config = sys::rte_fib_conf { default_nh: 99, max_routes: 16, ..Default::default() };
    config.type_ = sys::RTE_FIB_DIR24_8;
    config.__bindgen_anon_1.dir24_8.nh_sz = sys::RTE_FIB_DIR24_8_4B;
    config.__bindgen_anon_1.dir24_8.num_tbl8 = 8;
    // SAFETY: the tables are made, used and freed here, with arrays of the sizes that the calls are told.
    unsafe {
        let fib = sys::rte_fib_create(name.as_ptr(), 0, &mut config);
        assert!(!fib.is_null(), "{:?}", CStr::from_ptr(sys::rte_strerror(sys::ringway_errno())));
        assert_eq!(sys::rte_fib_add(fib, 0x0a00_0000, 8, 1), 0);
        assert_eq!(sys::rte_fib_add(fib, 0x0a01_0180, 25, 2), 0);
        let mut addresses = [0x0a02_0000, 0x0a01_0181, 0x0b00_0000];
        let mut next_hops = [0u64; 3];
        assert_eq!(sys::rte_fib_lookup_bulk(fib, addresses.as_mut_ptr(), next_hops.as_mut_ptr(), 3), 0);
        assert_eq!(next_hops, [1, 2, 99]);
        sys::rte_fib_free(fib);

        let config = sys::rte_lpm_config { max_rules: 16, number_tbl8s: 8, ..Default::default() };
        let lpm = sys::rte_lpm_create(name.as_ptr(), 0, &config);
        assert_eq!(sys::rte_lpm_add(lpm, 0x0a00_0000, 8, 1), 0);
        assert_eq!(sys::rte_lpm_add(lpm, 0x0a01_0180, 25, 2), 0);
        let mut found = [0; 5];
        let addresses = [0x0a02_0000, 0x0a01_0181, 0x0b00_0000, 0x0a00_0001, 0x0b00_0001];
        sys::ringway_lpm_lookup_x4(lpm, addresses.as_ptr(), found.as_mut_ptr(), 5, 99);
        assert_eq!(found, [1, 2, 99, 1, 99]);
        sys::rte_lpm_free(lpm);

        let lpm = sys::rte_lpm_create(name.as_ptr(), 0, &config);
        let mut groups = 0;
        for (network, length, next_hop) in
            [(0x0a00_0000, 8, 1), (0x0a01_0180, 25, 2), (0x0a01_01c0, 26, 3), (0x0a01_0280, 25, 4)]
        {
            assert_eq!(sys::ringway_lpm_fill(lpm, network, length, next_hop, &mut groups, 2), 0);
        }
        assert_eq!(groups, 2);
        assert!(sys::ringway_lpm_fill(lpm, 0x0a01_0380, 25, 5, &mut groups, 2) < 0, "both blocks are taken");
        let addresses = [0x0a02_0000, 0x0a01_0181, 0x0a01_01c1, 0x0a01_02ff, 0x0a01_0101];
        sys::ringway_lpm_lookup_x4(lpm, addresses.as_ptr(), found.as_mut_ptr(), 5, 99);
        assert_eq!(found, [1, 2, 3, 4, 1]);
        sys::rte_lpm_free(lpm);

        let mut config = sys::rte_fib6_conf { default_nh: 99, max_routes: 16, ..Default::default() };
        config.type_ = sys::RTE_FIB6_TRIE;
        config.__bindgen_anon_1.trie.nh_sz = sys::RTE_FIB6_TRIE_4B;
        config.__bindgen_anon_1.trie.num_tbl8 = 64;
        let fib6 = sys::rte_fib6_create(name.as_ptr(), 0, &mut config);
        let prefix = "2001:db8::".parse::<std::net::Ipv6Addr>().unwrap().octets();
        assert_eq!(sys::ringway_fib6_add(fib6, prefix.as_ptr(), 32, 7), 0);
        let addresses = [prefix, [0; 16]].concat();
        let mut next_hops = [0u64; 2];
        assert_eq!(sys::ringway_fib6_lookup_bulk(fib6, addresses.as_ptr(), next_hops.as_mut_ptr(), 2), 0);
        assert_eq!(next_hops, [7, 99]);
        sys::rte_fib6_free(fib6);

        let config = sys::rte_lpm6_config { max_rules: 16, number_tbl8s: 64, ..Default::default() };
        let lpm6 = sys::rte_lpm6_create(name.as_ptr(), 0, &config);
        assert_eq!(sys::ringway_lpm6_add(lpm6, prefix.as_ptr(), 32, 7), 0);
        let mut next_hops = [0i32; 2];
        assert_eq!(sys::ringway_lpm6_lookup_bulk(lpm6, addresses.as_ptr(), next_hops.as_mut_ptr(), 2), 0);
        assert_eq!(next_hops, [7, -1]);
        sys::rte_lpm6_free(lpm6);
        sys::rte_eal_cleanup();
    }
}
