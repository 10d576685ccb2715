//! The binary interface is the one that is committed in abi/: prototypes in symbols.txt, structs and
//! constants in layout.txt.
//!
//! `make abi` (UPDATE_ABI=1) writes abi/ anew; docs/ABI.md says when that may be done.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use mysqlfabric::ffi;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the header declares, without comments.
struct Header {
    code: String,
    constants: Vec<String>,
}

/// A struct that C programs own, and its members.
struct Struct {
    name: String,
    members: Vec<String>,
}

impl Header {
    fn read() -> Self {
        let text = fs::read_to_string(root().join("include/mysqlfabric.h")).expect("the header");
        let mut code = String::new();
        let mut rest = text.as_str();
        while let Some((before, comment)) = rest.split_once("/*") {
            code.push_str(before);
            rest = comment.split_once("*/").expect("the end of a comment").1;
        }
        code.push_str(rest);
        let is_constant = |line: &&str| line.starts_with("#define FABRIC_");
        let name = |line: &str| line.split_whitespace().nth(1).expect("a name").to_owned();
        let constants = code.lines().filter(is_constant).map(name);
        // The version is another one at each release, as tests/header.rs and src/ffi/version.rs check.
        let is_kept =
            |name: &String| name != "FABRIC_MUST_USE" && !name.starts_with("FABRIC_VERSION_");
        let mut constants: Vec<String> = constants.filter(is_kept).collect();
        constants.sort();
        let code =
            code.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
        let code = code.replace("extern \"C\" {", "").replace("FABRIC_MUST_USE", "");
        Self { code, constants }
    }

    /// What ends in a semicolon outside of braces, each in one line.
    fn declarations(&self) -> Vec<String> {
        let (mut found, mut one, mut depth) = (Vec::new(), String::new(), 0);
        for c in self.code.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ';' if depth == 0 => {
                    let words: Vec<&str> = one.split_whitespace().collect();
                    found.push(words.join(" ").replace("( ", "("));
                    one.clear();
                    continue;
                }
                _ => {}
            }
            one.push(c);
        }
        found
    }

    fn structs(&self) -> Vec<Struct> {
        let is_struct = |text: &String| text.starts_with("typedef struct") && text.contains('{');
        let read = |text: String| {
            let (body, name) =
                text.split_once('{').expect("a body").1.split_once('}').expect("a }");
            let member = |text: &str| {
                let last = text.split_whitespace().next_back().expect("a member");
                let last = last.trim_start_matches('*');
                last.split('[').next().expect("a name").to_owned()
            };
            let members = body.split(';').filter(|text| !text.trim().is_empty()).map(member);
            Struct { name: name.trim().to_owned(), members: members.collect() }
        };
        let mut structs: Vec<Struct> =
            self.declarations().into_iter().filter(is_struct).map(read).collect();
        structs.sort_by(|one, other| one.name.cmp(&other.name));
        structs
    }

    /// Functions, callbacks and the types behind pointers, by their names. The order in which the
    /// header has what it has means nothing.
    fn prototypes(&self) -> Vec<String> {
        let mut found: Vec<String> =
            self.declarations().into_iter().filter(|text| !text.contains('{')).collect();
        found.sort_by_key(|line| {
            let before = line.split('(').next().unwrap_or_default();
            before.split([' ', '*']).next_back().unwrap_or_default().to_owned()
        });
        found
    }
}

/// What the C compiler says of the header: sizes, offsets and constants. Asked once for all tests.
fn layout() -> &'static str {
    static LAYOUT: OnceLock<String> = OnceLock::new();
    LAYOUT.get_or_init(|| ask_the_compiler(&Header::read()))
}

fn ask_the_compiler(header: &Header) -> String {
    let mut program = String::from(
        "#include <mysqlfabric.h>\n#include <stdio.h>\n#include <inttypes.h>\n\
         int main(void)\n{\n",
    );
    for Struct { name, members } in header.structs() {
        let line = format!(
            "printf(\"{name} size %zu alignment %zu\\n\", sizeof({name}), _Alignof({name}));"
        );
        writeln!(program, "{line}").expect("memory");
        for member in members {
            let of = format!("offsetof({name}, {member}), sizeof((({name} *)0)->{member})");
            writeln!(program, "printf(\"  {member} offset %zu size %zu\\n\", {of});")
                .expect("memory");
        }
    }
    for name in &header.constants {
        writeln!(program, "printf(\"{name} %\" PRId64 \"\\n\", (int64_t)({name}));")
            .expect("memory");
    }
    program.push_str("return 0;\n}\n");

    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (source, binary) = (dir.join("layout.c"), dir.join("layout"));
    fs::write(&source, program).expect("the program's source");
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let mut compile = Command::new(&compiler);
    compile.arg("-std=c11").arg("-I").arg(root().join("include"));
    let status = compile.arg("-o").arg(&binary).arg(&source).status();
    let status = status.unwrap_or_else(|error| panic!("{compiler}: {error}; install a C compiler"));
    assert!(status.success(), "{compiler} refuses {}", source.display());
    let told = Command::new(&binary).output().expect("the program");
    String::from_utf8(told.stdout).expect("ASCII")
}

/// Says which lines differ, and what to do then; writes the file anew if that is asked for.
fn compare(name: &str, now: &str) {
    let path = root().join("abi").join(name);
    if env::var_os("UPDATE_ABI").is_some() {
        fs::write(&path, now).expect("a file of abi/");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let missing_in = |text: &str, other: &str, sign: char| -> Vec<String> {
        let other: Vec<&str> = other.lines().collect();
        text.lines()
            .filter(|line| !other.contains(line))
            .map(|line| format!("{sign} {line}"))
            .collect()
    };
    let differences =
        [missing_in(&committed, now, '-'), missing_in(now, &committed, '+')].concat().join("\n");
    assert!(
        committed == now,
        "the binary interface is not the one of abi/{name}:\n{differences}\n\
         Programs that are built already may not run any more. If that is not meant, take it back; \
         if it is, docs/ABI.md says what to do (`make abi` writes abi/ anew)."
    );
}

/// The library exports what the header declares, as tests/exports.rs proves, and so these.
#[test]
fn the_symbols_are_the_committed_ones() {
    let header = Header::read();
    let lines = header.prototypes();
    assert!(lines.len() > 80, "{lines:?}");
    compare("symbols.txt", &(lines.join(";\n") + ";\n"));
}

/// Of 64-bit targets with the C data model of Linux and macOS, which are what is built for.
#[cfg(target_pointer_width = "64")]
#[test]
fn the_layout_is_the_committed_one() {
    compare("layout.txt", layout());
}

/// The header's structs are those of the library: what cbindgen writes for a type is what rustc makes
/// of it.
#[test]
fn the_library_has_the_sizes_of_the_header() {
    macro_rules! sizes {
        ($($name:ident)*) => { [$((stringify!($name), size_of::<ffi::$name>(), align_of::<ffi::$name>())),*] };
    }
    let sizes = sizes!(fabric_error_t fabric_key_t fabric_server_t fabric_keys_t fabric_shard_t
        fabric_table_info_t fabric_group_info_t fabric_explanation_t fabric_choice_t
        fabric_server_weight_t fabric_server_health_t fabric_node_t fabric_metrics_t fabric_event_t);
    let policy = fs::read_to_string(root().join("docs/ABI.md")).expect("docs/ABI.md");
    for (name, size, alignment) in sizes {
        let row = format!("| `{name}` | {size} |");
        assert!(policy.contains(&row), "docs/ABI.md has not the row {row}");
        let line = format!("{name} size {size} alignment {alignment}");
        assert!(
            layout().lines().any(|told| told == line),
            "the library has {line}, and C not:\n{}",
            layout()
        );
    }
    let structs = Header::read().structs();
    assert_eq!(structs.len(), sizes.len(), "a struct is not in this test's list");
    for Struct { name, members } in structs {
        let has_room = members.iter().any(|member| member == "reserved");
        assert!(has_room, "{name} has no member `reserved`, and its size is frozen: docs/ABI.md");
    }
}
