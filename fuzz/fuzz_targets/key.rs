//! Any bytes as an etcd key, and as a path.
#![no_main]

use carry::k8s::key::is_cluster_local;
use carry::k8s::{Key, Path};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for key in [bytes.to_vec(), [b"/registry/", bytes].concat()] {
        let _ = is_cluster_local("/registry", &key);
        if let Ok(parsed) = Key::parse("/registry", &key) {
            assert!(key.ends_with(parsed.name.as_bytes()) && !parsed.name.is_empty());
            let _ = (parsed.group(), parsed.plural());
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(path) = text.parse::<Path>()
    {
        assert_eq!(path.to_string().parse::<Path>(), Ok(path));
    }
});
