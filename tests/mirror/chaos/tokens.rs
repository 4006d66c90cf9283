//! Both sides ask who one is, and forget it again after five seconds: tokens
//! expire, connections are cut, and servers that were killed know no token.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::access::Access;
use super::rounds::{Arena, Plan};
use crate::mirror::harness::{Etcd, Options, Version, temp_dir};
use crate::mirror::proxy::{Cut, Proxy};

const USER: &str = "carry";
const PASSWORD: &str = "p:w with spaces";

/// Past the life of a token.
const QUIET: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_five_seconds() {
    let Some(plan) = Plan::of("tokens") else {
        return;
    };
    let mut servers = [guarded(plan.version).await, guarded(plan.version).await];
    let proxies = [0, 1].map(|side: usize| Proxy::before(servers[side].plain_port()));
    let rounds = plan.rounds();
    let mut random = plan.random.fork("faults");
    let to = |etcd: &Etcd| Access::to(vec![etcd.url()]).with_user(USER, PASSWORD);
    let mut arena = Arena::open(plan, to(&servers[0]), to(&servers[1])).await;
    let dir = temp_dir();
    let file = dir.path().join("password");
    std::fs::write(&file, PASSWORD).expect("a password file");
    for side in ["master", "slave"] {
        arena.flags.push(format!("--{side}-user={USER}"));
        let file = file.display();
        arena.flags.push(format!("--{side}-password-file={file}"));
    }
    let args = arena.args(&[proxies[0].url()], &[proxies[1].url()]);
    let mut carry = arena.start(&args);
    for lasts in rounds {
        arena.load();
        let begin = Instant::now();
        sleep(QUIET).await;
        while begin.elapsed() < lasts.max(QUIET + Duration::from_secs(1)) {
            let side = random.below(2);
            match random.below(4) {
                0 => {
                    servers[side].kill();
                    servers[side].resume();
                }
                1 => proxies[side].cut(Cut::Reset),
                2 => proxies[side].cut(Cut::Finish),
                _ => proxies.iter().for_each(|proxy| proxy.cut(Cut::Reset)),
            }
            arena.fault();
            let longest = QUIET.min(lasts / 4).as_millis() as u64;
            sleep(Duration::from_millis(random.between(200, longest.max(201)))).await;
        }
        let caught_up = arena.settle(&mut carry).await;
        println!("chaos tokens: caught up {caught_up:?} after the last cut");
    }
    arena.alerts().await;
    assert_eq!(carry.stop(), 0, "{}", carry.stderr());
    arena.summary("done");
}

/// A server that wants a user, whose tokens live five seconds.
async fn guarded(version: Version) -> Etcd {
    let options = Options::new()
        .arg("--auth-token-ttl=5")
        .arg("--bcrypt-cost=4");
    let etcd = Etcd::start(version, options);
    let mut client = etcd.client().await;
    client.role_add("root").await.expect("role");
    for user in ["root", USER] {
        client.user_add(user, PASSWORD, None).await.expect("user");
        client.user_grant_role(user, "root").await.expect("grant");
    }
    client.auth_enable().await.expect("auth");
    etcd
}
