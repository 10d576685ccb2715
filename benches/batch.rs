//! Batches of 64 keys through the C ABI beside 64 single calls: `cargo bench --bench batch`.
//!
//! Nanoseconds of a key, the least and the median of many repeats, single and batch in turn.
//! "spread" has each shard in a group of its own, so that nearly every key meets a server that
//! has to be copied; otherwise all shards lie in four groups.

use std::ffi::{CString, c_char};
use std::fmt::Write;
use std::hint::black_box;
use std::ptr;
use std::time::Instant;

use mysqlfabric::ffi::*;

const REPEATS: usize = 41;
const KEYS: usize = 64;
const ROUNDS: usize = 40;
/// Batches of different keys, so that no branch is learnt by heart.
const BATCHES: usize = 64;

/// A handle on a topology file with one table, `db.t`.
fn farm(kind: &str, shards: usize, groups: usize) -> *mut fabric_t {
    let mut text = String::from(
        "{\"format\": \"libmysqlfabric topology\", \"version\": 1, \"ttl_ms\": 3600000, \"tables\": \
         [{\"schema\": \"db\", \"table\": \"t\", \"column\": \"id\", \"global_group\": \"global\", ",
    );
    write!(text, "\"type\": \"{kind}\", \"shards\": [").expect("a string");
    for at in 0..shards {
        let comma = if at > 0 { "," } else { "" };
        let group = at % groups;
        let bound = match kind {
            "HASH" => format!("\"{:032X}\"", u128::MAX / shards as u128 * at as u128),
            _ => format!("{}", i64::MAX / shards as i64 * at as i64),
        };
        let id = at + 1;
        write!(text, "{comma}{{\"id\": {id}, \"lower_bound\": {bound}, \"group\": \"g{group}\"}}")
            .expect("a string");
    }
    text.push_str("]}], \"groups\": [");
    for at in 0..=groups {
        let name = if at == groups { "global".to_owned() } else { format!("g{at}") };
        let comma = if at > 0 { "," } else { "" };
        write!(
            text,
            "{comma}{{\"id\": \"{name}\", \"servers\": [{{\"uuid\": \
             \"00000000-0000-0000-0000-{at:012}\", \"host\": \"db{at}.example.com\", \"port\": \
             3306, \"mode\": 3, \"status\": 3, \"weight\": 1}}]}}"
        )
        .expect("a string");
    }
    text.push_str("]}");
    let path = std::env::temp_dir().join(format!("mysqlfabric-batch-{}.json", std::process::id()));
    std::fs::write(&path, text).expect("a topology file");
    let name = CString::new(path.to_str().expect("UTF-8")).expect("no NUL");
    let mut farm = ptr::null_mut();
    // SAFETY: pointers to what lives here.
    unsafe {
        let options = fabric_options_new();
        assert_eq!(fabric_options_set_topology_file(options, name.as_ptr()), FABRIC_OK);
        assert_eq!(fabric_new(options, &mut farm, ptr::null_mut()), FABRIC_OK);
        fabric_options_free(options);
        assert_eq!(fabric_seed(farm, ptr::null(), 0, ptr::null_mut()), FABRIC_OK);
    }
    std::fs::remove_file(path).expect("the topology file");
    farm
}

enum Keys {
    Integers(Vec<i64>),
    Texts(Vec<String>),
}

impl Keys {
    fn new(text: bool) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 1) as i64
        };
        let count = KEYS * BATCHES;
        match text {
            false => Self::Integers((0..count).map(|_| next()).collect()),
            true => Self::Texts(
                (0..count).map(|_| format!("user {:08}", next() % 100_000_000)).collect(),
            ),
        }
    }
}

struct Times(Vec<f64>);

impl Times {
    fn add(&mut self, run: impl FnOnce()) {
        let begun = Instant::now();
        run();
        let keys = (ROUNDS * KEYS * BATCHES) as f64;
        self.0.push(begun.elapsed().as_nanos() as f64 / keys);
    }

    fn least_and_median(mut self) -> (f64, f64) {
        self.0.sort_by(f64::total_cmp);
        (self.0[0], self.0[self.0.len() / 2])
    }
}

fn row(what: &str, farm: *mut fabric_t, keys: &Keys) {
    let table = [c"db.t".as_ptr()];
    let (local, write, none) = (FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE, ptr::null_mut());
    // SAFETY: plain numbers and characters.
    let mut server = [unsafe { std::mem::zeroed::<fabric_server_t>() }; KEYS];
    let single: Vec<fabric_key_t> = match keys {
        Keys::Integers(values) => values.iter().map(|value| fabric_key_int(*value)).collect(),
        Keys::Texts(texts) => {
            texts.iter().map(|text| fabric_key_text(text.as_ptr().cast(), text.len())).collect()
        }
    };
    let pointers: Vec<*const c_char> = single.iter().map(|key| key.text).collect();
    let lengths: Vec<usize> = single.iter().map(|key| key.length).collect();
    let batches: Vec<fabric_keys_t> = (0..BATCHES)
        .map(|at| match keys {
            Keys::Integers(values) => fabric_keys_int(values[at * KEYS..].as_ptr(), KEYS),
            Keys::Texts(_) => fabric_keys_text(
                pointers[at * KEYS..].as_ptr(),
                lengths[at * KEYS..].as_ptr(),
                KEYS,
            ),
        })
        .collect();
    let mut index = [0u32; KEYS];
    let mut count = 0;
    let (mut alone, mut together) = (Times(Vec::new()), Times(Vec::new()));
    for _ in 0..REPEATS {
        alone.add(|| {
            for _ in 0..ROUNDS {
                for key in black_box(&single) {
                    // SAFETY: pointers to what lives here.
                    let status = unsafe {
                        fabric_get_shard_server(
                            farm,
                            table.as_ptr(),
                            1,
                            key,
                            local,
                            write,
                            server.as_mut_ptr(),
                            none,
                        )
                    };
                    assert_eq!(status, FABRIC_OK);
                }
            }
        });
        together.add(|| {
            for _ in 0..ROUNDS {
                for keys in black_box(&batches) {
                    // SAFETY: pointers to what lives here.
                    let status = unsafe {
                        fabric_get_shard_servers(
                            farm,
                            table.as_ptr(),
                            1,
                            keys,
                            local,
                            write,
                            index.as_mut_ptr(),
                            ptr::null_mut(),
                            server.as_mut_ptr(),
                            KEYS,
                            &mut count,
                            none,
                        )
                    };
                    assert_eq!(status, FABRIC_OK);
                }
            }
        });
    }
    let (alone, together) = (alone.least_and_median(), together.least_and_median());
    println!(
        "{what:36} {:7.1} {:7.1} {:8.1} {:7.1} {:8.2} {:8.2}",
        alone.0,
        alone.1,
        together.0,
        together.1,
        together.0 / alone.0,
        together.1 / alone.1,
    );
}

fn main() {
    println!("{:36} {:>15} {:>16} {:>17}", "ns of a key", "single", "batch of 64", "share");
    for (kind, text) in [("HASH", true), ("HASH", false), ("RANGE", false)] {
        let keys = Keys::new(text);
        let what = if text { "13 bytes" } else { "integers" };
        for shards in [4, 1_000, 100_000] {
            let handle = farm(kind, shards, 4);
            row(&format!("{kind}, {what}, {shards} shards"), handle, &keys);
            // SAFETY: it is used no more.
            unsafe { fabric_free(handle) };
        }
        let handle = farm(kind, 1_000, 1_000);
        row(&format!("{kind}, {what}, 1000 shards spread"), handle, &keys);
        // SAFETY: it is used no more.
        unsafe { fabric_free(handle) };
    }
}
