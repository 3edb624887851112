//! Finding a function of the running kernel by its name, in the type information that the kernel tells (BTF).
//!
//! Read first: `Documentation/bpf/btf.rst` of the kernel.

/// Where the kernel tells its types.
const KERNEL_TYPES: &str = "/sys/kernel/btf/vmlinux";
const MAGIC: u32 = 0xeb9f;
/// `BTF_KIND_FUNC`.
const FUNCTION: u32 = 12;

/// The number of a function of the kernel; `None` when it has none of that name, or does not tell.
pub(super) fn kernel_function(name: &str) -> Option<u32> {
    function_in(&std::fs::read(KERNEL_TYPES).ok()?, name)
}

fn function_in(types: &[u8], name: &str) -> Option<u32> {
    let number = |at: usize| Some(u32::from_ne_bytes(*types.get(at..)?.first_chunk()?));
    if number(0)? & 0xffff != MAGIC {
        return None;
    }
    let header = number(4)? as usize;
    let (start, len) = (header + number(8)? as usize, number(12)? as usize);
    let strings = types.get(header + number(16)? as usize..)?;
    let is_named = |offset: u32| {
        let rest = strings.get(offset as usize..)?.strip_prefix(name.as_bytes())?;
        (rest.first() == Some(&0)).then_some(())
    };
    let (mut at, mut id) = (start, 0);
    // Each turn takes at least the twelve bytes that every type begins with.
    while at < start + len {
        id += 1;
        let (kind, members) = (number(at + 4)? >> 24 & 0x1f, number(at + 4)? as usize & 0xffff);
        if kind == FUNCTION && is_named(number(at)?).is_some() {
            return Some(id);
        }
        at += 12
            + match kind {
                // Integers, variables, declaration tags: one word more.
                1 | 14 | 17 => 4,
                // Arrays.
                3 => 12,
                // Structures, unions, data sections, 64-bit enumerations.
                4 | 5 | 15 | 19 => 12 * members,
                // Enumerations and function prototypes.
                6 | 13 => 8 * members,
                _ => 0,
            };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two types, a structure of one member and a function, and their names.
    fn types() -> Vec<u8> {
        let names = b"\0record\0act\0";
        let words: [u32; 12] = [
            MAGIC | 1 << 16,
            24,
            0,
            36,
            36,
            names.len() as u32,
            // struct record { one member }
            1,
            4 << 24 | 1,
            4,
            0,
            0,
            0,
        ];
        let mut types: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        types.extend([8, FUNCTION << 24, 1].iter().flat_map(|word: &u32| word.to_ne_bytes()));
        types.extend(names);
        types
    }

    #[test]
    fn a_function_is_found_behind_other_types() {
        assert_eq!(function_in(&types(), "act"), Some(2));
        assert_eq!(function_in(&types(), "record"), None, "no function");
        assert_eq!(function_in(&types(), "ac"), None, "only the beginning of a name");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(mut bytes in prop::collection::vec(any::<u8>(), 0..300), real in any::<bool>()) {
            if real {
                let mut types = types();
                for (at, byte) in bytes.iter().enumerate().skip(6) {
                    if let Some(place) = types.get_mut(at) { *place ^= byte & 1; }
                }
                bytes = types;
            }
            let _ = function_in(&bytes, "act");
        }
    }
}
