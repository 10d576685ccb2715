//! Batches on a warm handle allocate nothing, as the header says, and long ones a fixed number
//! of times.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::{CString, c_char};
use std::ptr;

use mysqlfabric::ffi::*;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Counts what each thread allocates.
struct Counting;

// SAFETY: everything is the system allocator's; a thread's counter has no destructor, and is
// there as long as the thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const GROUPS: usize = 64;
const KEYS: usize = 1_000;

/// A handle on a topology file with two tables, each with a shard in each of 64 groups.
fn farm() -> *mut fabric_t {
    let shards = |bound: &dyn Fn(usize) -> String| -> String {
        let shard = |at: usize| {
            format!("{{\"id\": {}, \"lower_bound\": {}, \"group\": \"g{at}\"}}", at + 1, bound(at))
        };
        (0..GROUPS).map(shard).collect::<Vec<_>>().join(",")
    };
    let table = |name: &str, kind: &str, shards: String| {
        format!(
            "{{\"schema\": \"db\", \"table\": \"{name}\", \"column\": \"id\", \"type\": \"{kind}\", \
             \"global_group\": \"g0\", \"shards\": [{shards}]}}"
        )
    };
    let tables = [
        table("range", "RANGE", shards(&|at| (at * 10).to_string())),
        table("hash", "HASH", shards(&|at| format!("\"{:032X}\"", (at as u128) << 122))),
    ];
    let group = |at: usize| {
        format!(
            "{{\"id\": \"g{at}\", \"servers\": [{{\"uuid\": \"u{at}\", \"host\": \"h{at}\", \
             \"port\": 3306, \"mode\": 3, \"status\": 3, \"weight\": 1}}]}}"
        )
    };
    let groups = (0..GROUPS).map(group).collect::<Vec<_>>().join(",");
    let text = format!(
        "{{\"format\": \"libmysqlfabric topology\", \"version\": 1, \"ttl_ms\": 3600000, \
         \"tables\": [{}], \"groups\": [{groups}]}}",
        tables.join(",")
    );
    let path = std::env::temp_dir().join(format!("mysqlfabric-alloc-{}.json", std::process::id()));
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

fn allocations_of(call: impl FnOnce() -> i32) -> u64 {
    let before = ALLOCATIONS.get();
    assert_eq!(call(), FABRIC_OK);
    ALLOCATIONS.get() - before
}

#[test]
fn a_warm_batch_allocates_nothing() {
    let farm = farm();
    let values: Vec<i64> = (0..KEYS as i64).collect();
    let texts: Vec<String> = (0..KEYS).map(|at| format!("user {at}")).collect();
    let pointers: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr().cast()).collect();
    let lengths: Vec<usize> = texts.iter().map(String::len).collect();
    let (mut index, mut order, mut starts) = (vec![0; KEYS], vec![0; KEYS], vec![0; GROUPS + 1]);
    // SAFETY: plain numbers and characters.
    let mut servers = vec![unsafe { std::mem::zeroed::<fabric_server_t>() }; GROUPS];
    let mut count = 0;
    for round in 0..2 {
        for (table, text) in [(c"db.range", false), (c"db.hash", false), (c"db.hash", true)] {
            let tables = [table.as_ptr(); 2];
            for (n, count_of_tables) in [(1, 1), (64, 1), (64, 2), (256, 1), (KEYS, 1)] {
                let keys = match text {
                    false => fabric_keys_int(values.as_ptr(), n),
                    true => fabric_keys_text(pointers.as_ptr(), lengths.as_ptr(), n),
                };
                let (local, write) = (FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE);
                // SAFETY: pointers to what lives here.
                let routed = allocations_of(|| unsafe {
                    fabric_get_shard_servers(
                        farm,
                        tables.as_ptr(),
                        count_of_tables,
                        &keys,
                        local,
                        write,
                        index.as_mut_ptr(),
                        ptr::null_mut(),
                        servers.as_mut_ptr(),
                        GROUPS,
                        &mut count,
                        ptr::null_mut(),
                    )
                });
                // SAFETY: pointers to what lives here.
                let split = allocations_of(|| unsafe {
                    fabric_split_keys(
                        farm,
                        tables.as_ptr(),
                        count_of_tables,
                        &keys,
                        local,
                        write,
                        order.as_mut_ptr(),
                        starts.as_mut_ptr(),
                        ptr::null_mut(),
                        servers.as_mut_ptr(),
                        GROUPS,
                        &mut count,
                        ptr::null_mut(),
                    )
                });
                // The first round finds the thread's place among the others and such things.
                if round > 0 {
                    assert_eq!(routed, 0, "{table:?} {n}");
                    assert_eq!(split, u64::from(n > 256), "{table:?} {n}");
                }
            }
            assert_eq!(count, GROUPS, "{table:?}: every group is met");
        }
    }
    // SAFETY: it is used no more.
    unsafe { fabric_free(farm) };
}
