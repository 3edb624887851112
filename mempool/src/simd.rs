//! The processor's wider instructions, chosen at run time, for code that may not say `unsafe`.
//!
//! A hot loop is a [`Kernel`]: a value with one generic method, marked `#[inline(always)]`. [`Level::run`] calls it in a
//! function that is compiled for what the processor has, so that the compiler uses those instructions in the whole loop, and
//! hands it the [`Simd`] with the operations that the compiler would not find by itself. There is one portable level that gives
//! the same answers everywhere.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use crate::table::Node;

/// A loop to be compiled for each level.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// The loop. Mark it, and what it calls in the loop, `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Operations that have an instruction of their own at some level.
pub trait Simd: Copy {
    /// How many of the first `WORDS` words of the node are less than `key`, all taken as signed numbers. Every word is loaded
    /// whole, like a relaxed load of it.
    fn less<const WORDS: usize>(self, node: &Node, key: i32) -> u32;
}

/// What the processor has. A value of `Avx2` exists only where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Level {
    /// Works everywhere.
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// The best that this processor has; looked up once. The environment variable `RINGWAY_SIMD=portable` keeps to the portable
    /// level, to see what the others gain.
    pub fn best() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| {
            if std::env::var_os("RINGWAY_SIMD").is_some_and(|level| level == "portable") {
                return Self::PORTABLE;
            }
            #[cfg(target_arch = "x86_64")]
            if std::is_x86_feature_detected!("avx2")
                && std::is_x86_feature_detected!("bmi1")
                && std::is_x86_feature_detected!("bmi2")
                && std::is_x86_feature_detected!("popcnt")
                && std::is_x86_feature_detected!("lzcnt")
            {
                return Self(Kind::Avx2);
            }
            Self::PORTABLE
        })
    }

    /// Runs a loop at this level.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Kind::Portable => kernel.run(Portable),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this value exists only where `best` found every feature that the function is compiled for.
            Kind::Avx2 => unsafe { x86::run(kernel) },
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "AVX2",
        })
    }
}

#[derive(Clone, Copy)]
struct Portable;

impl Simd for Portable {
    #[inline(always)]
    fn less<const WORDS: usize>(self, node: &Node, key: i32) -> u32 {
        node.0[..WORDS].iter().map(|word| u32::from((word.load(Ordering::Relaxed) as i32) < key)).sum()
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Kernel, Simd};
    use crate::table::Node;
    use core::arch::asm;
    use core::arch::x86_64::{__m256i, _mm256_movemask_epi8, _mm256_packs_epi32, _mm256_set1_epi32};

    /// Made only by [`run`], so only where its features are.
    #[derive(Clone, Copy)]
    pub(super) struct Avx2(());

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
    pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
        kernel.run(Avx2(()))
    }

    impl Simd for Avx2 {
        #[inline(always)]
        fn less<const WORDS: usize>(self, node: &Node, key: i32) -> u32 {
            // SAFETY: an `Avx2` exists only inside `run`, which is called only where the features were found.
            unsafe { less::<WORDS>(node, key) }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
    fn less<const WORDS: usize>(node: &Node, key: i32) -> u32 {
        let (low, high) = compare(node, _mm256_set1_epi32(key));
        // One mask for both halves: two bits a word, of which one counts.
        let both = _mm256_packs_epi32(low, high);
        (_mm256_movemask_epi8(both) as u32 & const { bits(WORDS) }).count_ones()
    }

    /// A bit for each of the first `words` words in the mask: packing takes words 0 to 3 and 8 to 11, then the others.
    const fn bits(words: usize) -> u32 {
        let (mut bits, mut word) = (0, 0);
        while word < words {
            let place = (word & 4) * 2 + (word & 8) / 2 + (word & 3);
            bits |= 1 << (2 * place);
            word += 1;
        }
        bits
    }

    /// Which of the sixteen words are less than those of `key`: all ones where one is. Another thread may write to the node meanwhile, so
    /// this is no load of the language: it stands for sixteen relaxed loads, which the instructions do, since x86-64 never tears an
    /// aligned 32-bit part of a vector load that stays within one cache line.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn compare(node: &Node, key: __m256i) -> (__m256i, __m256i) {
        let (low, high);
        // SAFETY: reads the 64 bytes of `node`, which is aligned to 64, and nothing else; every part is an atomic word.
        unsafe {
            asm!(
                "vpcmpgtd {low}, {key}, ymmword ptr [{node}]",
                "vpcmpgtd {high}, {key}, ymmword ptr [{node} + 32]",
                node = in(reg) node,
                key = in(ymm_reg) key,
                low = out(ymm_reg) low,
                high = lateout(ymm_reg) high,
                options(nostack, preserves_flags, readonly),
            );
        }
        (low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::AtomicU32;

    struct Less<'a>(&'a Node, i32);

    impl Kernel for Less<'_> {
        type Output = [u32; 4];

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> [u32; 4] {
            let Self(node, key) = self;
            [
                simd.less::<3>(node, key),
                simd.less::<10>(node, key),
                simd.less::<15>(node, key),
                simd.less::<16>(node, key),
            ]
        }
    }

    proptest! {
        #[test]
        fn every_level_gives_the_same_answers(words in any::<[u32; 16]>(), pick in 0usize..16, other in any::<i32>()) {
            let node = Node(words.map(AtomicU32::new));
            for key in [words[pick] as i32, other, i32::MIN, i32::MAX] {
                let expected = [3, 10, 15, 16].map(|first| words[..first].iter().filter(|&&word| (word as i32) < key).count() as u32);
                prop_assert_eq!(Level::PORTABLE.run(Less(&node, key)), expected);
                prop_assert_eq!(Level::best().run(Less(&node, key)), expected);
            }
        }
    }
}
