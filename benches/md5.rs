//! The hash of sharding keys beside the `md-5` crate, and beside the bare chain of 64 steps, which
//! is the least that one digest takes: `cargo bench --bench md5`.
//!
//! "dependent" makes each key from the digest before, so that nothing overlaps; "independent" is
//! what a loop over many keys sees. The least of many repeats is what the machine can do, the
//! median what it did.

use std::hint::black_box;
use std::time::Instant;

use md5::{Digest, Md5};
use mysqlfabric::topology::Key;
use mysqlfabric::topology::md5::{
    Width, digest_keys_within, digest_of_block, digest_of_integer, digest_of_unsigned,
    digest_of_utf8,
};

const REPEATS: usize = 41;
const CALLS: usize = 10_000;

/// Nanoseconds of a call: the least and the median.
#[derive(Clone, Copy)]
struct Time {
    least: f64,
    median: f64,
}

fn time(mut call: impl FnMut()) -> Time {
    let mut times: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..CALLS {
                call();
            }
            begun.elapsed().as_nanos() as f64 / CALLS as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    Time { least: times[0], median: times[REPEATS / 2] }
}

fn crate_md5(text: &[u8]) -> u128 {
    u128::from_be_bytes(Md5::digest(text).into())
}

fn crate_md5_of_utf8(text: &[u8]) -> u128 {
    std::str::from_utf8(text).map_or(0, |text| crate_md5(text.as_bytes()))
}

fn crate_md5_of_integer(value: i64) -> u128 {
    let mut buffer = [0; 20];
    let mut start = buffer.len();
    let mut rest = value.unsigned_abs();
    loop {
        start -= 1;
        buffer[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        start -= 1;
        buffer[start] = b'-';
    }
    crate_md5(&buffer[start..])
}

fn dependent_text(length: usize, digest: impl Fn(&[u8]) -> u128) -> Time {
    let mut texts = [vec![b'k'; length], vec![b'm'; length]];
    texts[1][0] = b'n';
    let mut at = 0;
    // The next key is chosen by the digest, and not written from it, which would make the load
    // of its words wait for a byte to leave the store buffer.
    time(|| at = digest(black_box(&texts[at])) as usize & 1)
}

fn independent_text(length: usize, digest: impl Fn(&[u8]) -> u128) -> Time {
    let text = vec![b'k'; length];
    time(|| {
        black_box(digest(black_box(&text)));
    })
}

fn dependent_integer(mask: i64, digest: impl Fn(i64) -> u128) -> Time {
    let mut key = 1;
    time(|| key = digest(black_box(key)) as i64 & mask)
}

fn independent_integer(mask: i64, digest: impl Fn(i64) -> u128) -> Time {
    let mut key: i64 = 1;
    time(|| {
        key = key.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        black_box(digest((key >> 1) & mask));
    })
}

fn row(what: &str, floor: Time, theirs: Time, ours: Time) {
    println!(
        "{what:32} {:7.1} {:7.1} {:8.1} {:7.1} {:8.2} {:8.2}",
        theirs.least,
        theirs.median,
        ours.least,
        ours.median,
        theirs.least / ours.least,
        ours.least / floor.least,
    );
}

fn main() {
    let mut words = [0; 16];
    words[..2].copy_from_slice(&[0x6b65_7931, 0x80]);
    words[14] = 32;
    let dependent = time(|| words[0] = digest_of_block(black_box(&words)) as u32);
    let independent = time(|| {
        black_box(digest_of_block(black_box(&words)));
    });
    println!("the chain of 64 steps, ns, least and median of {REPEATS} repeats");
    println!("dependent    {:7.1} {:7.1}", dependent.least, dependent.median);
    println!("independent  {:7.1} {:7.1}", independent.least, independent.median);
    println!();
    println!("{:32} {:>15} {:>16} {:>8} {:>8}", "ns", "md-5", "ours", "ratio", "of chain");
    for length in [1, 8, 13, 20, 23, 24, 40, 55] {
        let dependents = [
            dependent_text(length, crate_md5_of_utf8),
            dependent_text(length, |text| digest_of_utf8(text).unwrap_or_default()),
        ];
        row(&format!("{length} bytes, dependent"), dependent, dependents[0], dependents[1]);
        let independents = [
            independent_text(length, crate_md5_of_utf8),
            independent_text(length, |text| digest_of_utf8(text).unwrap_or_default()),
        ];
        row(&format!("{length} bytes, independent"), independent, independents[0], independents[1]);
    }
    for digits in [5, 9, 18] {
        let mask = (1 << (10_i64.pow(digits) as u64).ilog2()) - 1;
        let dependents = [
            dependent_integer(mask, crate_md5_of_integer),
            dependent_integer(mask, digest_of_integer),
        ];
        row(
            &format!("integers to {digits} digits, dependent"),
            dependent,
            dependents[0],
            dependents[1],
        );
        let independents = [
            independent_integer(mask, crate_md5_of_integer),
            independent_integer(mask, digest_of_integer),
        ];
        row(
            &format!("integers to {digits} digits, independent"),
            independent,
            independents[0],
            independents[1],
        );
    }
    println!();
    println!("{:32} {:>15} {:>16} {:>8}", "ns of a key, 64 at a time", "single", "batch", "share");
    let texts: Vec<String> = (0..64).map(|at| format!("{:055}", at * 7919)).collect();
    for length in [13, 36] {
        let keys: Vec<Key<'_>> =
            texts.iter().map(|text| Key::Text(&text.as_bytes()[55 - length..])).collect();
        batches(&format!("{length} bytes"), &keys);
    }
    for digits in [5, 9, 18] {
        let keys: Vec<Key<'_>> =
            (0..64).map(|at| Key::Integer(10_i64.pow(digits - 1) + at * 31)).collect();
        batches(&format!("integers of {digits} digits"), &keys);
    }
}

fn per_key(time: Time) -> Time {
    Time { least: time.least / 64.0, median: time.median / 64.0 }
}

fn batches(what: &str, keys: &[Key<'_>]) {
    let single = per_key(time(|| {
        for key in black_box(keys) {
            black_box(match *key {
                Key::Integer(value) => Some(digest_of_integer(value)),
                Key::Unsigned(value) => Some(digest_of_unsigned(value)),
                Key::Text(text) => digest_of_utf8(text),
            });
        }
    }));
    for width in [Width::Common, Width::Avx2, Width::Avx512] {
        let mut digests = [None; 64];
        let batch =
            per_key(time(|| digest_keys_within(width, black_box(keys), black_box(&mut digests))));
        println!(
            "{:32} {:7.1} {:7.1} {:8.1} {:7.1} {:8.2}",
            format!("{what}, {width:?}"),
            single.least,
            single.median,
            batch.least,
            batch.median,
            batch.least / single.least,
        );
    }
}
