//! What bindgen made of the headers.

#![allow(
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    non_snake_case,
    unsafe_op_in_unsafe_fn,
    clippy::all,
    reason = "generated: DPDK's own names; its documentation describes them"
)]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
