//! What means nothing together, and what the environment may say all the same.

use super::{from_snapshot, with_snapshot};
use crate::mirror::harness::{Etcd, any_version};

#[test]
fn what_does_not_go_together() {
    let folder = with_snapshot();
    let mut all = Vec::new();
    for args in [
        &[][..],
        &[""],
        &["/a"],
        &["/a", "-f", "x.yaml"],
        &["-f", "x.yaml", "--snapshot", "etcd.db"],
        &["-f", "x.yaml", "--at-revision", "3"],
        &["-f", "x.yaml", "--master-endpoints", "a:1"],
        &["-f", "x.yaml", "--slave-endpoints", "a:1"],
        &["-f", "x.yaml", "--db-path", "db"],
        &["-f", "x.yaml", "--only", "held"],
        &["-f", "x.yaml", "--table", "--what-if", "a=b"],
        &["-f", "x.yaml", "--namespace-labels", "env"],
        &["-f", "x.yaml", "--namespace-labels", "a=b,a=c"],
        &["-f", ""],
        &["/a", "--snapshot", "etcd.db", "--master-user", "a"],
        &["/a", "--snapshot", "etcd.db", "--namespace-labels", "a=b"],
        &["/a", "--snapshot", "etcd.db", "--table"],
        &["/a", "--snapshot", "etcd.db", "--only", "held"],
        &["/a", "--snapshot", "etcd.db", "--at-revision", "0"],
        &["/a", "--snapshot", "etcd.db", "--at-revision", "new"],
        &[
            "/a",
            "--snapshot",
            "etcd.db",
            "--what-if",
            "a=b",
            "--slave-endpoints",
            "a:1",
            "--db-path",
            "db",
        ],
        &[
            "/a/",
            "--snapshot",
            "etcd.db",
            "--what-if",
            "a=b",
            "--show-object",
        ],
        &[
            "/a/",
            "--snapshot",
            "etcd.db",
            "--slave-endpoints",
            "a:1",
            "--db-path",
            "db",
        ],
        &["/a/[*", "--snapshot", "etcd.db"],
    ] {
        let told = folder.told(args);
        assert!(told.ends_with("exit code 2\n"), "{told}");
        all.push(told);
    }
    insta::assert_snapshot!("refused", all.join("\n"));
}

/// In a container that runs carry, its environment is there.
#[tokio::test]
async fn the_environment_is_for_run() {
    let Some(version) = any_version("explain in a container") else {
        return;
    };
    let (folder, source, destination) =
        (with_snapshot(), Etcd::plain(version), Etcd::plain(version));
    source
        .put("/registry/secrets/shop/token", "not a Secret")
        .await;
    let url = source.url();
    folder.write(
        "object.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
    );
    for args in [
        vec!["-f", "object.yaml"],
        vec!["-f", "object.yaml", "--table"],
        from_snapshot("/registry/", &[]),
        vec!["/registry/secrets/shop/token", "--master-endpoints", &url],
        from_snapshot("/registry/secrets/shop/token", &["--what-if", "type=b"]),
    ] {
        // What it names is asked where that is of use.
        let slave = match args.contains(&"--master-endpoints") {
            true => destination.url(),
            false => "127.0.0.1:1".to_owned(),
        };
        let mut command = folder.command(&args);
        command
            .env("CARRY_MASTER_ENDPOINTS", "127.0.0.1:1")
            .env("CARRY_SLAVE_ENDPOINTS", slave)
            .env("CARRY_DB_PATH", "nowhere")
            .env("CARRY_NAME", "other");
        let output = command.output().expect("carry runs");
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
    }
}
