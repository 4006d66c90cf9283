//! `conformance::kube_golden`: objects with every field filled, in every API
//! version, read as the Kubernetes API shows them.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carry::k8s::Record;
use serde_json::Value;

use super::fields::check_record;
use crate::shared;

#[test]
fn kube_golden() {
    let Some(folder) = shared::folder("kube_golden") else {
        return;
    };
    let file =
        std::fs::File::open(folder.join("conformance/kube/golden.jsonl.gz")).expect("golden");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("gzip");
    let cases = text.lines().filter(|line| !line.is_empty());
    let cases: Vec<Value> = cases
        .map(|line| serde_json::from_str(line).expect("a case"))
        .collect();
    let (mut leaves, mut composites) = (0, 0);
    let mut failed = Vec::new();
    for case in &cases {
        match check(case) {
            Ok((more_leaves, more_composites)) => {
                leaves += more_leaves;
                composites += more_composites;
            }
            Err(why) => failed.push(format!("{}: {why}", case["name"])),
        }
    }
    println!(
        "kube_golden: {}/{}",
        cases.len() - failed.len(),
        cases.len()
    );
    println!("kube_golden: {leaves} leaves and {composites} composites read");
    assert!(!cases.is_empty(), "no cases");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn check(case: &Value) -> Result<(usize, usize), String> {
    let bytes = STANDARD
        .decode(case["protobuf"].as_str().expect("protobuf"))
        .expect("base64");
    let record = Record::parse(&bytes).map_err(|error| error.to_string())?;
    let read = check_record(&record, &case["json"])?;
    // An object of a kind with a schema may be stored as JSON just as well.
    let text = serde_json::to_vec(&case["json"]).expect("JSON");
    let stored = Record::parse(&text).map_err(|error| format!("as JSON: {error}"))?;
    check_record(&stored, &case["json"]).map_err(|why| format!("as JSON: {why}"))?;
    Ok(read)
}
