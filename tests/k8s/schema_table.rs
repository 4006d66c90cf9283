//! Makes `src/k8s/schema/table.txt` from `kube/schema/*.tsv` of the shared
//! data (what Kubernetes 1.36 stores) and `src/k8s/schema/unstored.tsv` (the
//! rest of its API), and checks that the committed file is what they yield. To
//! make it anew: `CARRY_GENERATE=1 cargo test --no-default-features
//! schema_table`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use carry::k8s::schema;

use crate::shared;

type Columns = Vec<String>;

/// The rows of each message, by package.
type Messages = BTreeMap<String, BTreeMap<String, Vec<Columns>>>;

const OBJECT_META: &str = ".k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta";

fn shared_rows(folder: &Path, file: &str) -> Vec<Columns> {
    rows(&folder.join("kube/schema").join(file))
}

/// The rows of a table, without comments and heading.
fn rows(path: &Path) -> Vec<Columns> {
    let text = std::fs::read_to_string(path).expect("a table");
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

fn in_schema(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/k8s/schema")
        .join(file)
}

/// The group and version that a package's kinds have; `None` where it has no
/// kinds.
fn group_version(package: &str) -> Option<(&'static str, &str)> {
    let mut parts = package.rsplit('.');
    let version = parts.next()?;
    let group = match parts.next()? {
        "core" => "",
        "apps" => "apps",
        "autoscaling" => "autoscaling",
        "batch" => "batch",
        "extensions" => "extensions",
        "policy" => "policy",
        "admission" => "admission.k8s.io",
        "admissionregistration" => "admissionregistration.k8s.io",
        "apidiscovery" => "apidiscovery.k8s.io",
        "apiserverinternal" => "internal.apiserver.k8s.io",
        "auditregistration" => "auditregistration.k8s.io",
        "authentication" => "authentication.k8s.io",
        "authorization" => "authorization.k8s.io",
        "certificates" => "certificates.k8s.io",
        "coordination" => "coordination.k8s.io",
        "discovery" => "discovery.k8s.io",
        "events" => "events.k8s.io",
        "flowcontrol" => "flowcontrol.apiserver.k8s.io",
        "imagepolicy" => "imagepolicy.k8s.io",
        "meta" => "meta.k8s.io",
        "networking" => "networking.k8s.io",
        "node" => "node.k8s.io",
        "rbac" => "rbac.authorization.k8s.io",
        "resource" => "resource.k8s.io",
        "scheduling" => "scheduling.k8s.io",
        "settings" => "settings.k8s.io",
        "storage" => "storage.k8s.io",
        "storagemigration" => "storagemigration.k8s.io",
        "apiextensions" => "apiextensions.k8s.io",
        "apiregistration" => "apiregistration.k8s.io",
        _ => return None,
    };
    version.starts_with('v').then_some((group, version))
}

fn special(package: &str, message: &str) -> &'static str {
    match (package, message) {
        ("k8s.io.apimachinery.pkg.api.resource", "Quantity") => "quantity",
        ("k8s.io.apimachinery.pkg.apis.meta.v1", "Time") => "time",
        ("k8s.io.apimachinery.pkg.apis.meta.v1", "MicroTime") => "microtime",
        ("k8s.io.apimachinery.pkg.apis.meta.v1", "FieldsV1") => "json",
        ("k8s.io.apimachinery.pkg.runtime", "RawExtension") => "json",
        ("k8s.io.apimachinery.pkg.util.intstr", "IntOrString") => "intorstring",
        (package, "JSON") if package.contains(".apiextensions.") => "json",
        (package, message)
            if package.contains(".apiextensions.") && message.contains("PropsOr") =>
        {
            "choice"
        }
        (_, "ExtraValue") => "strings",
        _ => "",
    }
}

/// The message that a field refers to: a few have no fields, and so no row.
fn referred(row: &Columns) -> Option<(String, String)> {
    let of = row[6]
        .strip_prefix("map<string,")
        .and_then(|of| of.strip_suffix('>'))
        .unwrap_or(&row[6]);
    match of.strip_prefix('.').and_then(|full| full.rsplit_once('.')) {
        Some((package, message)) => Some((package.to_owned(), message.to_owned())),
        None if is_scalar(of) => None,
        None => Some((row[0].clone(), of.to_owned())),
    }
}

fn is_scalar(text: &str) -> bool {
    matches!(
        text,
        "string" | "int32" | "int64" | "bool" | "double" | "bytes"
    )
}

fn scalar_or_message(text: &str, package: &str, packages: &[&String]) -> String {
    if matches!(
        text,
        "string" | "int32" | "int64" | "bool" | "double" | "bytes"
    ) {
        return text.to_owned();
    }
    let (package, message) = match text.strip_prefix('.') {
        Some(full) => full.rsplit_once('.').expect("a package"),
        None => (package, text),
    };
    let place = packages
        .iter()
        .position(|known| *known == package)
        .expect(package);
    format!("{place}.{message}")
}

fn field(row: &Columns, packages: &[&String]) -> String {
    let [
        package,
        _,
        number,
        _,
        json_name,
        label,
        of,
        go,
        inline,
        omit,
    ] = row.as_slice()
    else {
        panic!("a row of fields.tsv has other columns: {row:?}")
    };
    let mut flags = String::new();
    flags.push_str(if go.starts_with('*') { "*" } else { "" });
    flags.push_str(match omit.as_str() {
        "" => "",
        "omitempty" => "e",
        "omitempty+omitzero" => "ez",
        other => panic!("unknown omit flag {other}"),
    });
    let of = match label.as_str() {
        "optional" => of,
        "repeated" => {
            flags.push('r');
            of
        }
        "map" => {
            flags.push('m');
            of.strip_prefix("map<string,")
                .and_then(|of| of.strip_suffix('>'))
                .expect("a map of strings")
        }
        other => panic!("unknown label {other}"),
    };
    flags.push_str(if inline.is_empty() { "" } else { "i" });
    let name = if json_name.is_empty() { "-" } else { json_name };
    let flags = if flags.is_empty() { "-" } else { &flags };
    format!(
        "{number}\t{name}\t{flags}\t{}",
        scalar_or_message(of, package, packages)
    )
}

/// Every message with its rows, and the kinds among them.
struct Schema {
    messages: Messages,
    kinds: BTreeSet<(String, String)>,
}

impl Schema {
    fn read(folder: &Path) -> Schema {
        let mut schema = Schema {
            messages: Messages::new(),
            kinds: BTreeSet::new(),
        };
        for row in shared_rows(folder, "fields.tsv") {
            schema.add(row);
        }
        let stored: BTreeSet<_> = schema.names().collect();
        for row in rows(&in_schema("unstored.tsv")) {
            let name = (row[0].clone(), row[1].clone());
            assert!(!stored.contains(&name), "{name:?} is stored");
            schema.add(row);
        }
        schema.add_empty();
        schema
    }

    fn add(&mut self, row: Columns) {
        let name = (row[0].clone(), row[1].clone());
        let is_mark = row[2] == "kind";
        if is_mark || (row[4] == "metadata" && row[6] == OBJECT_META) {
            self.kinds.insert(name.clone());
        }
        let package = self.messages.entry(name.0).or_default();
        let message = package.entry(name.1).or_default();
        message.extend((!is_mark).then_some(row));
    }

    fn names(&self) -> impl Iterator<Item = (String, String)> {
        let of = |(package, messages): (&String, &BTreeMap<String, Vec<Columns>>)| {
            let package = package.clone();
            let names: Vec<_> = messages.keys().cloned().collect();
            names.into_iter().map(move |name| (package.clone(), name))
        };
        self.messages.iter().flat_map(of)
    }

    /// Messages without fields have no row of their own.
    fn add_empty(&mut self) {
        let rows = self.messages.values().flatten().flat_map(|(_, rows)| rows);
        for (package, message) in rows.filter_map(referred).collect::<Vec<_>>() {
            let package = self.messages.entry(package).or_default();
            package.entry(message).or_default();
        }
    }

    fn mark(&self, package: &str, message: &str) -> &'static str {
        match special(package, message) {
            "" if self.kinds.contains(&(package.into(), message.into())) => "kind",
            special => special,
        }
    }
}

fn resource_lines(folder: &Path) -> String {
    let mut text = String::new();
    for row in shared_rows(folder, "resources.tsv") {
        let [
            prefix,
            group,
            version,
            kind,
            namespaced,
            encoding,
            plural,
            ..,
        ] = row.as_slice()
        else {
            panic!("a row of resources.tsv has other columns: {row:?}")
        };
        if plural != "(none)" && !plural.starts_with('<') {
            let path = prefix
                .trim_start_matches("/registry/")
                .trim_end_matches('/');
            writeln!(
                text,
                "R\t{path}\t{group}\t{version}\t{kind}\t{plural}\t{namespaced}\t{encoding}"
            )
            .unwrap();
        }
    }
    text
}

fn generate(folder: &Path) -> String {
    let mut text = String::from(
        "# Made from kube/schema/*.tsv of the shared data and unstored.tsv by tests/k8s/schema_table.rs. Do not edit.\n",
    );
    text.push_str(&resource_lines(folder));
    let schema = Schema::read(folder);
    let packages: Vec<&String> = schema.messages.keys().collect();
    for (package, messages) in &schema.messages {
        write!(text, "P\t{package}").unwrap();
        match group_version(package) {
            Some((group, version)) => writeln!(text, "\t{group}\t{version}").unwrap(),
            None => writeln!(text).unwrap(),
        }
        for (message, rows) in messages {
            writeln!(text, "M\t{message}\t{}", schema.mark(package, message)).unwrap();
            for row in rows {
                writeln!(text, "{}", field(row, &packages)).unwrap();
            }
        }
    }
    text
}

#[test]
fn table_is_what_the_shared_data_yields() {
    let Some(folder) = shared::folder("schema_table") else {
        return;
    };
    let generated = generate(&folder);
    let path = in_schema("table.txt");
    if std::env::var_os("CARRY_GENERATE").is_some() {
        std::fs::write(&path, &generated).expect("table.txt");
    }
    let committed = std::fs::read_to_string(&path).expect("table.txt");
    assert!(
        committed == generated,
        "src/k8s/schema/table.txt is out of date: see the top of this file"
    );
}

/// Every line of the file is read: no field is lost, every kind is found.
#[test]
fn every_line_is_read() {
    let text = include_str!("../../src/k8s/schema/table.txt");
    let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    let fields = text
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .count();
    assert_eq!(schema::resources().len(), lines("R\t"));
    assert_eq!(schema::size(), (lines("P\t"), lines("M\t"), fields));
}
