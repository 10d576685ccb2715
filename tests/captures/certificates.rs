//! Certificates that are not taken: each is refused in a sentence of its own, with what to do.
//! They are made by openssl, as administrators make them.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::canned::{Protocol, client, config};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::{Config, Identity, Node, TlsFiles};

/// A directory of its own, gone at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("mysqlfabric-certificates-{}-{name}", std::process::id());
        let place = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&place).unwrap();
        let place = Self(place);
        place.write(
            "ca.cnf",
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nrand_serial=yes\nnew_certs_dir=.\n\
             default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n",
        );
        place.write("index.txt", "");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn openssl(&self, line: &str) {
        let output = Command::new("openssl").args(line.split(' ')).current_dir(&self.0).output();
        let output = output.expect("these tests need the program openssl");
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn authority(&self, key: &str) {
        self.openssl(&format!(
            "req -x509 -newkey {key} -nodes -days 3650 -subj /CN=CA -keyout ca-key.pem -out ca.pem"
        ));
    }

    /// A key and a request for a certificate of it.
    fn request(&self, key: &str) {
        self.openssl(&format!(
            "req -newkey {key} -nodes -subj /CN=localhost -keyout key.pem -out req.pem"
        ));
    }

    fn issue(&self, extensions: Option<&str>, more: &str) {
        let extended = extensions.map_or("", |_| " -extfile ext.cnf");
        self.write("ext.cnf", extensions.unwrap_or_default());
        self.openssl(&format!(
            "x509 -req -in req.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 825 {more} \
             -out cert.pem{extended}"
        ));
    }

    fn issue_between(&self, from: &str, to: &str) {
        self.write("ext.cnf", NAMES);
        self.openssl(&format!(
            "ca -batch -config ca.cnf -startdate {from} -enddate {to} -in req.pem -out cert.pem -cert \
             ca.pem -keyfile ca-key.pem -notext -extfile ext.cnf"
        ));
    }

    /// What a client says that asks a node with this certificate.
    fn refusal(&self, host: &str) -> String {
        let node = Tls::serving(self);
        let tls = Some(TlsFiles { ca: self.path("ca.pem"), identity: None });
        let client = client(Config { tls, ..config() });
        let node = Node { host: host.into(), port: node.port };
        let error = client.fabric_nodes(&node).unwrap_err();
        assert_eq!(error.code, Code::Tls, "{error}");
        for sign in ["{", "}", "InvalidCertificate", "Context", "Error", "Other(", "[1", "\n"] {
            assert!(!error.message.contains(sign), "{error}");
        }
        error.message
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server of openssl's, which takes keys that are too short for any other.
struct Tls {
    process: Child,
    port: u16,
    shown: BufReader<ChildStdout>,
}

impl Tls {
    fn serving(place: &Place) -> Self {
        let mut process = Command::new("openssl")
            .args("s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem".split(' '))
            .args(["-cipher", "DEFAULT@SECLEVEL=0"])
            .current_dir(&place.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut shown = BufReader::new(process.stdout.take().unwrap());
        let lines = shown.by_ref().lines();
        let accepting = lines.map_while(Result::ok).find(|line| line.starts_with("ACCEPT "));
        let port = accepting.and_then(|line| line.rsplit(':').next()?.parse().ok());
        Self { port: port.expect("a port"), process, shown }
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const NAMES: &str = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";

fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "\"{part}\" in: {message}");
    }
}

#[test]
fn version_one_as_the_manual_of_mysql_makes_it() {
    let place = Place::new("v1");
    place.authority("rsa:2048");
    place.request("rsa:2048");
    place.issue(None, "-sha256");
    says(
        &place.refusal("localhost"),
        &["version 1", "MySQL's manual", "subjectAltName", "docs/FABRIC.md"],
    );
}

#[test]
fn an_authority_as_a_node() {
    let place = Place::new("authority");
    place.authority("rsa:2048");
    // The certificate of the authority itself, with the name of the node.
    place.openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext \
         subjectAltName=DNS:localhost -keyout key.pem -out cert.pem",
    );
    std::fs::copy(place.path("cert.pem"), place.path("ca.pem")).unwrap();
    says(&place.refusal("localhost"), &["CA:TRUE", "CA:FALSE", "docs/FABRIC.md"]);
}

#[test]
fn old_hashes_and_short_keys() {
    let place = Place::new("weak");
    place.authority("rsa:2048");
    place.request("rsa:2048");
    place.issue(Some(NAMES), "-sha1");
    says(&place.refusal("localhost"), &["SHA-1", "SHA-256"]);
    place.request("rsa:1024");
    place.issue(Some(NAMES), "-sha256");
    says(&place.refusal("localhost"), &["RSA key of 1024 bits", "2048"]);
    place.authority("rsa:1024");
    place.request("rsa:2048");
    place.issue(Some(NAMES), "-sha256");
    says(&place.refusal("localhost"), &["RSA key of 1024 bits", "2048"]);
}

#[test]
fn times_and_names() {
    let place = Place::new("times");
    place.authority("rsa:2048");
    place.request("rsa:2048");
    place.issue_between("20200101000000Z", "20210203000000Z");
    says(&place.refusal("localhost"), &["has expired", "2021-02-03", "renew"]);
    place.issue_between("20900101000000Z", "20910101000000Z");
    says(&place.refusal("localhost"), &["not valid before 2090-01-01", "clock"]);
    place.issue(Some("subjectAltName=DNS:fabric1.example,IP:192.0.2.7\n"), "-sha256");
    says(
        &place.refusal("localhost"),
        &["other names (fabric1.example, 192.0.2.7)", "add the node"],
    );
    place.issue(Some("basicConstraints=CA:FALSE\n"), "-sha256");
    says(&place.refusal("localhost"), &["without a subjectAltName", "CN"]);
    place.issue(Some(&format!("{NAMES}extendedKeyUsage=clientAuth\n")), "-sha256");
    says(&place.refusal("localhost"), &["extendedKeyUsage", "serverAuth"]);
    place.issue(Some(NAMES), "-sha256");
    place.authority("rsa:2048");
    says(&place.refusal("localhost"), &["CA given did not issue", "fabric_options_set_tls"]);
}

fn unusable(ca: &Path, key: &Path, cert: &Path) -> String {
    let identity = Some(Identity { key: key.into(), cert: cert.into() });
    let client = client(Config { tls: Some(TlsFiles { ca: ca.into(), identity }), ..config() });
    let error = client.fabric_nodes(&Node { host: "127.0.0.1".into(), port: 1 }).unwrap_err();
    assert_eq!(error.code, Code::Tls, "{error}");
    for sign in ["{", "}", "[", "Error", "Inconsistent"] {
        assert!(!error.message.contains(sign), "{error}");
    }
    error.message
}

#[test]
fn files_that_cannot_be_used() {
    let place = Place::new("files");
    place.authority("rsa:2048");
    place.request("rsa:2048");
    place.issue(Some(NAMES), "-sha256");
    let [ca, key, cert] = ["ca.pem", "key.pem", "cert.pem"].map(|name| place.path(name));
    place.openssl("pkcs8 -topk8 -in key.pem -passout pass:x -out encrypted.pem");
    says(&unusable(&ca, &place.path("encrypted.pem"), &cert), &["encrypted", "openssl pkey"]);
    place.openssl("rsa -traditional -aes256 -passout pass:x -in key.pem -out older.pem");
    says(&unusable(&ca, &place.path("older.pem"), &cert), &["encrypted", "openssl pkey"]);
    says(&unusable(&ca, &place.path("ca-key.pem"), &cert), &["not the key of", "cert.pem"]);
    says(&unusable(&ca, &cert, &cert), &["no private key in it"]);
    says(&unusable(&key, &key, &cert), &["no certificate in it", "key.pem"]);
    let text = std::fs::read_to_string(&ca).unwrap();
    place.write("cut.pem", &text[..text.len() / 2]);
    says(&unusable(&place.path("cut.pem"), &key, &cert), &["cut.pem", "ends before"]);
    place.write("odd.pem", &text.replacen("MII", "M*I", 1));
    says(&unusable(&place.path("odd.pem"), &key, &cert), &["odd.pem", "damaged"]);
    place.openssl("req -newkey rsa:1024 -nodes -subj /CN=c -keyout short.pem -out req.pem");
    place.issue(Some(NAMES), "-sha256");
    says(&unusable(&ca, &place.path("short.pem"), &cert), &["short.pem", "RSA", "2048"]);
}

/// The recipe in docs/FABRIC.md, word for word.
#[test]
fn the_recipe_makes_what_is_taken() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/FABRIC.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let section = guide.split("## Certificates").nth(1).expect("a section");
    let recipe = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    let recipe = recipe.expect("a recipe").replace("fabric1.example.com", "localhost");
    let recipe = recipe.replace("192.0.2.1", "127.0.0.1");
    let place = Place::new("recipe");
    let output = Command::new("sh").args(["-e", "-c", &recipe]).current_dir(&place.0).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for host in ["localhost", "127.0.0.1"] {
        let mut node = Tls::serving(&place);
        let tls = Some(TlsFiles { ca: place.path("ca.pem"), identity: None });
        let request_timeout = Duration::from_secs(3);
        let client = client(Config { tls, request_timeout, ..config() });
        // The program shows what it is sent, and says nothing itself.
        let error = client.fabric_nodes(&Node { host: host.into(), port: node.port }).unwrap_err();
        assert_eq!(error.code, Code::Timeout, "{error}");
        node.process.kill().unwrap();
        let mut sent = String::new();
        node.shown.read_to_string(&mut sent).unwrap();
        assert!(sent.contains("POST /RPC2"), "{sent}");
    }
}
