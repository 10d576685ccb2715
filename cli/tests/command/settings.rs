//! The command line goes before the environment, and that before the file.

use crate::support::{Directory, command, documented, exists, fabric, run, run_with};

/// The file of a farm whose only table is called so.
fn farm(directory: &Directory, table: &str) -> String {
    let text = documented().replace("\"salaries\"", &format!("\"{table}\""));
    format!("file:{}", directory.write(&format!("{table}.json"), &text))
}

fn tables(said: String) -> String {
    let mut tables = said.lines().filter_map(|line| line.split(' ').next());
    tables.find(|name| name.starts_with("employees.")).expect("the table").to_owned()
}

#[test]
fn the_nearer_place_wins() {
    let directory = Directory::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| farm(&directory, name));
    let config = directory.write("config.toml", &format!("url = \"{c}\"\n"));
    let environment = [("MYSQLFABRIC_URL", b.as_str()), ("MYSQLFABRIC_CONFIG", config.as_str())];
    let said = |args: &[&str], environment: &[(&str, &str)]| {
        tables(run_with(&[args, &["tables"]].concat(), environment).said())
    };
    assert_eq!(said(&["--url", &a], &environment), "employees.a");
    assert_eq!(said(&[], &environment), "employees.b");
    assert_eq!(said(&[], &environment[1..]), "employees.c");
    assert_eq!(said(&["--config", &config], &environment[..1]), "employees.b");
    assert_eq!(said(&["--config", &config], &[]), "employees.c");
    // The usual file.
    std::fs::create_dir_all(directory.path(".config/mysqlfabric")).expect("a directory");
    let usual = directory.write(".config/mysqlfabric/config.toml", &format!("url = \"{a}\"\n"));
    let home = directory.path("");
    assert_eq!(said(&[], &[("HOME", &home)]), "employees.a");
    let base = directory.path(".config");
    assert_eq!(said(&[], &[("XDG_CONFIG_HOME", &base)]), "employees.a");
    assert!(exists(&usual));
}

#[test]
fn a_lookup_is_that_of_a_service_with_the_same_options() {
    let fabric = fabric();
    let directory = Directory::new();
    let of = |args: &[&str], preference: &str| {
        let mut environment = fabric.environment().to_vec();
        environment.push(("MYSQLFABRIC_READ_PREFERENCE", preference));
        let route = ["route", "--group", "shard4", "--role", "read", "--print", "port"];
        run_with(&[args, &route[..]].concat(), &environment)
    };
    // The only server of that group is its primary.
    assert_eq!(of(&[], "secondary").said(), "33641\n");
    of(&[], "secondary_only").complained(8);
    assert_eq!(of(&["--read-preference", "primary"], "secondary_only").said(), "33641\n");
    assert!(of(&[], "second").complained(2).contains("secondary_only"));
    let config = directory.write("config.toml", "read_preference = 'secondary_only'\n");
    let args = ["--config", &config, "route", "--group", "shard4", "--role", "read"];
    fabric.run(&args).complained(8);
    // Servers of the own zone go first.
    let text = documented().replace("\"weight\": 0.5", "\"weight\": 0.5, \"zone\": \"west\"");
    let url = format!("file:{}", directory.write("farm.json", &text));
    let args = ["--url", &url, "route", "--group", "shard1", "--role", "read", "--print", "host"];
    assert_eq!(run(&[&["--zone", "west"], &args[..]].concat()).said(), "db12.example.com\n");
    assert!(run(&[&["--zone", "\t"], &args[..]].concat()).complained(2).contains("control"));
}

#[test]
fn what_is_said_for_others_and_empty_variables_are_no_matter() {
    let directory = Directory::new();
    let url = farm(&directory, "a");
    // No Fabric node is asked, and nobody there needs a password.
    let environment = [
        ("MYSQLFABRIC_URL", url.as_str()),
        ("MYSQLFABRIC_FABRIC_USER", "admin"),
        ("MYSQLFABRIC_ZONE", ""),
        ("MYSQLFABRIC_TIMEOUT", ""),
        ("MYSQLFABRIC_TLS", ""),
        ("MYSQLFABRIC_PASSWORD_UNVERIFIED", "TRUE"),
    ];
    run_with(&["tables"], &environment).said();
    for args in [&["--timeout", "-1", "tables"][..], &["watch", "--for", "-1"]] {
        assert!(run_with(args, &environment).complained(2).contains("give seconds"), "{args:?}");
    }
    run_with(&["watch", "--count", "0"], &environment).complained(2);
    run_with(&["tables", "--watch", "1", "--count", "0"], &environment).complained(2);
}

#[test]
fn a_file_that_is_wrong_is_refused_with_its_place() {
    let directory = Directory::new();
    for (text, part) in [
        ("urll = 'file:/x'", "urll"),
        ("[mysql]\npasword = 'x'", "pasword"),
        ("[mysql]\npassword = 'x'\npassword_file = '/x'", "take one of them out"),
        ("[mysql]\ntls = 'some'", "some"),
        ("timeout = 'x'", "timeout"),
        ("url", "config.toml"),
    ] {
        let path = directory.write("config.toml", text);
        let said = run(&["--config", &path, "tables"]).complained(2);
        assert!(said.contains(part), "{text}: {said}");
    }
    assert!(run(&["--config", "/nonexistent", "tables"]).complained(6).contains("/nonexistent"));
}

#[test]
fn a_file_that_is_wrong_is_refused_without_the_passwords_in_it() {
    let directory = Directory::new();
    for (text, part) in [
        ("password = hunter2", "line 2, column"),
        ("password = \"hunter2", "line 2, column"),
        ("password = \"\"\"\nhunter2=x\\q\"\"\"", "line 3, column"),
        ("password = 770077", "line 2, column"),
        ("password = ['hunter2', 770077]", "a text in quotes"),
        ("user = 'x' password = 'hunter2'", "line 2, column"),
        ("password = 'hunter2'\npassword = 'hunter2'", "line 3, column"),
    ] {
        let path = directory.write("config.toml", &format!("[mysql]\n{text}\n"));
        for json in [&[][..], &["--json"]] {
            let said = run(&[json, &["--config", &path, "tables"]].concat()).complained(2);
            assert!(said.contains(part), "{text}: {said}");
            assert!(!said.contains("hunter2") && !said.contains("770077"), "{text}: {said}");
        }
    }
}

#[test]
fn passwords_come_from_files_and_are_in_no_argument() {
    let fabric = fabric();
    let directory = Directory::new();
    let password = directory.write("password", "secret\nmore\n");
    let login = ["--url", &fabric.url, "--fabric-user", "admin"];
    let args = [&login[..], &["--fabric-password-file", &password, "tables"]].concat();
    let ran = run(&args);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("chmod 600"), "others may read it: {}", ran.err);
    let mut permissions = std::fs::metadata(&password).expect("a file").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&password, permissions).expect("set");
    run(&args).said();

    let url = fabric.url.replace("fabric://", "fabric://admin@");
    let toml = format!("url = \"{url}\"\n[fabric]\npassword_file = \"{password}\"\n");
    let config = directory.write("config.toml", &toml);
    run(&["--config", &config, "tables"]).said();
    let said = run(&["--url", &url, "tables"]).complained(2);
    assert!(said.contains("password of user \"admin\""), "{said}");
    let said = run(&["--url", &url, "--fabric-password", "secret", "tables"]).complained(2);
    assert!(said.contains("--fabric-password"), "there is no such option: {said}");
    let missing = [&login[..], &["--fabric-password-file", "/nonexistent", "tables"]].concat();
    assert!(run(&missing).complained(6).contains("/nonexistent"));
}

#[test]
fn help_says_the_order_and_every_command_has_one() {
    let help = run(&["--help"]).said();
    for part in ["MYSQLFABRIC_URL", "config.toml", "Exit status", "never an argument"] {
        assert!(help.contains(part), "{part}: {help}");
    }
    for name in [
        "route", "status", "tables", "shards", "groups", "servers", "watch", "ping", "dump",
        "check", "import", "export", "bench",
    ] {
        assert!(run(&[name, "--help"]).said().contains("Usage: mysqlfabric"), "{name}");
    }
    assert!(run(&["--version"]).said().starts_with("mysqlfabric 0."));
}

#[test]
fn what_the_library_warns_of_is_heard_unless_it_is_quiet() {
    let fabric = fabric();
    let row = r#"["x", "y"]"#;
    fabric.server.farm().raw_row("servers", row).expect("a row");
    let ran = fabric.run(&["tables"]);
    assert!(ran.err.contains("mysqlfabric: warning: "), "{}", ran.err);
    assert_eq!(fabric.run(&["tables", "--quiet"]).err, "");
}

#[test]
fn man_pages_and_completions_are_written() {
    let directory = Directory::new();
    let to = directory.path("manual");
    command(&["manual", &to]).status().expect("the command");
    for (file, part) in [
        ("mysqlfabric.1", "MYSQLFABRIC_URL"),
        ("mysqlfabric-route.1", "route"),
        ("mysqlfabric-plan-hash.1", "ring"),
        ("mysqlfabric", "_mysqlfabric()"),
        ("_mysqlfabric", "#compdef mysqlfabric"),
        ("mysqlfabric.fish", "complete -c mysqlfabric"),
    ] {
        let text = std::fs::read_to_string(format!("{to}/{file}")).expect(file);
        assert!(text.contains(part), "{file}: {part}");
    }
    let page = std::fs::read_to_string(format!("{to}/mysqlfabric.1")).expect("a page");
    for part in [".SH FILES", "config.toml", ".SH CONFIGURATION", ".SH \"EXIT STATUS\"\n0 done"] {
        assert!(page.contains(part), "{part}");
    }
    let help = run(&["plan", "range", "--help"]).said();
    assert!(help.lines().all(|line| line.len() <= 100), "{help}");
    assert!(!exists(&format!("{to}/mysqlfabric-manual.1")), "a hidden command has no page");
}
