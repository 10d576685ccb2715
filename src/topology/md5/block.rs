//! The 64 steps of a digest.

#[cfg(all(target_arch = "x86_64", not(miri)))]
use core::arch::asm;

/// The digest of one block of little-endian words, as four more of them.
///
/// The sums of a step are `PINNED` in their order where one digest is made at a time. Where
/// several are made side by side there is other work while one waits.
#[inline(always)]
pub(super) fn digest<const PINNED: bool>(words: [u32; 16]) -> [u32; 4] {
    let pinned = |value| if PINNED { pinned(value) } else { value };
    const A: u32 = 0x6745_2301;
    const B: u32 = 0xefcd_ab89;
    const C: u32 = 0x98ba_dcfe;
    const D: u32 = 0x1032_5476;
    let [m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15] = words;
    let (mut a, mut b, mut c, mut d) = (A, B, C, D);
    // In `$b` is what the step before came to: what does not need it is summed up first.
    macro_rules! step {
        (f, $a:ident, $b:ident, $c:ident, $d:ident, $m:ident, $k:literal, $s:literal) => {
            let early = pinned($a.wrapping_add($m).wrapping_add($k));
            $a = early.wrapping_add(($c ^ $d) & $b ^ $d).rotate_left($s).wrapping_add($b);
        };
        (g, $a:ident, $b:ident, $c:ident, $d:ident, $m:ident, $k:literal, $s:literal) => {
            // The two sides share no bit, so that their sum is their union, and one of them early.
            let early = pinned($a.wrapping_add($m).wrapping_add($k).wrapping_add(!$d & $c));
            $a = early.wrapping_add($d & $b).rotate_left($s).wrapping_add($b);
        };
        (h, $a:ident, $b:ident, $c:ident, $d:ident, $m:ident, $k:literal, $s:literal) => {
            let early = pinned($a.wrapping_add($m).wrapping_add($k));
            $a = early.wrapping_add(pinned($c ^ $d) ^ $b).rotate_left($s).wrapping_add($b);
        };
        (i, $a:ident, $b:ident, $c:ident, $d:ident, $m:ident, $k:literal, $s:literal) => {
            let early = pinned($a.wrapping_add($m).wrapping_add($k));
            $a = early.wrapping_add((!$d | $b) ^ $c).rotate_left($s).wrapping_add($b);
        };
    }
    // Round 1.
    step!(f, a, b, c, d, m0, 0xd76a_a478, 7);
    step!(f, d, a, b, c, m1, 0xe8c7_b756, 12);
    step!(f, c, d, a, b, m2, 0x2420_70db, 17);
    step!(f, b, c, d, a, m3, 0xc1bd_ceee, 22);
    step!(f, a, b, c, d, m4, 0xf57c_0faf, 7);
    step!(f, d, a, b, c, m5, 0x4787_c62a, 12);
    step!(f, c, d, a, b, m6, 0xa830_4613, 17);
    step!(f, b, c, d, a, m7, 0xfd46_9501, 22);
    step!(f, a, b, c, d, m8, 0x6980_98d8, 7);
    step!(f, d, a, b, c, m9, 0x8b44_f7af, 12);
    step!(f, c, d, a, b, m10, 0xffff_5bb1, 17);
    step!(f, b, c, d, a, m11, 0x895c_d7be, 22);
    step!(f, a, b, c, d, m12, 0x6b90_1122, 7);
    step!(f, d, a, b, c, m13, 0xfd98_7193, 12);
    step!(f, c, d, a, b, m14, 0xa679_438e, 17);
    step!(f, b, c, d, a, m15, 0x49b4_0821, 22);
    // Round 2.
    step!(g, a, b, c, d, m1, 0xf61e_2562, 5);
    step!(g, d, a, b, c, m6, 0xc040_b340, 9);
    step!(g, c, d, a, b, m11, 0x265e_5a51, 14);
    step!(g, b, c, d, a, m0, 0xe9b6_c7aa, 20);
    step!(g, a, b, c, d, m5, 0xd62f_105d, 5);
    step!(g, d, a, b, c, m10, 0x0244_1453, 9);
    step!(g, c, d, a, b, m15, 0xd8a1_e681, 14);
    step!(g, b, c, d, a, m4, 0xe7d3_fbc8, 20);
    step!(g, a, b, c, d, m9, 0x21e1_cde6, 5);
    step!(g, d, a, b, c, m14, 0xc337_07d6, 9);
    step!(g, c, d, a, b, m3, 0xf4d5_0d87, 14);
    step!(g, b, c, d, a, m8, 0x455a_14ed, 20);
    step!(g, a, b, c, d, m13, 0xa9e3_e905, 5);
    step!(g, d, a, b, c, m2, 0xfcef_a3f8, 9);
    step!(g, c, d, a, b, m7, 0x676f_02d9, 14);
    step!(g, b, c, d, a, m12, 0x8d2a_4c8a, 20);
    // Round 3.
    step!(h, a, b, c, d, m5, 0xfffa_3942, 4);
    step!(h, d, a, b, c, m8, 0x8771_f681, 11);
    step!(h, c, d, a, b, m11, 0x6d9d_6122, 16);
    step!(h, b, c, d, a, m14, 0xfde5_380c, 23);
    step!(h, a, b, c, d, m1, 0xa4be_ea44, 4);
    step!(h, d, a, b, c, m4, 0x4bde_cfa9, 11);
    step!(h, c, d, a, b, m7, 0xf6bb_4b60, 16);
    step!(h, b, c, d, a, m10, 0xbebf_bc70, 23);
    step!(h, a, b, c, d, m13, 0x289b_7ec6, 4);
    step!(h, d, a, b, c, m0, 0xeaa1_27fa, 11);
    step!(h, c, d, a, b, m3, 0xd4ef_3085, 16);
    step!(h, b, c, d, a, m6, 0x0488_1d05, 23);
    step!(h, a, b, c, d, m9, 0xd9d4_d039, 4);
    step!(h, d, a, b, c, m12, 0xe6db_99e5, 11);
    step!(h, c, d, a, b, m15, 0x1fa2_7cf8, 16);
    step!(h, b, c, d, a, m2, 0xc4ac_5665, 23);
    // Round 4.
    step!(i, a, b, c, d, m0, 0xf429_2244, 6);
    step!(i, d, a, b, c, m7, 0x432a_ff97, 10);
    step!(i, c, d, a, b, m14, 0xab94_23a7, 15);
    step!(i, b, c, d, a, m5, 0xfc93_a039, 21);
    step!(i, a, b, c, d, m12, 0x655b_59c3, 6);
    step!(i, d, a, b, c, m3, 0x8f0c_cc92, 10);
    step!(i, c, d, a, b, m10, 0xffef_f47d, 15);
    step!(i, b, c, d, a, m1, 0x8584_5dd1, 21);
    step!(i, a, b, c, d, m8, 0x6fa8_7e4f, 6);
    step!(i, d, a, b, c, m15, 0xfe2c_e6e0, 10);
    step!(i, c, d, a, b, m6, 0xa301_4314, 15);
    step!(i, b, c, d, a, m13, 0x4e08_11a1, 21);
    step!(i, a, b, c, d, m4, 0xf753_7e82, 6);
    step!(i, d, a, b, c, m11, 0xbd3a_f235, 10);
    step!(i, c, d, a, b, m2, 0x2ad7_d2bb, 15);
    step!(i, b, c, d, a, m9, 0xeb86_d391, 21);
    [a.wrapping_add(A), b.wrapping_add(B), c.wrapping_add(C), d.wrapping_add(D)]
}

/// A digest as a big-endian number.
#[inline(always)]
pub(super) fn number([a, b, c, d]: [u32; 4]) -> u128 {
    let half = |low: u32, high: u32| (u64::from(low) | u64::from(high) << 32).swap_bytes();
    u128::from(half(a, b)) << 64 | u128::from(half(c, d))
}

/// The same value, of which the compiler no longer knows how it was made.
///
/// It would otherwise reorder the sums of a step so that more of them wait for the step before.
#[inline(always)]
fn pinned(value: u32) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    let value = {
        let pinned;
        // SAFETY: a comment, and so no instruction at all.
        unsafe {
            asm!(
                "/* {0:e} */",
                inout(reg) value => pinned,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        pinned
    };
    value
}
