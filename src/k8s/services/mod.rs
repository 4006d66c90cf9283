//! The addresses of Services in the cluster that they are copied to: which of
//! its addresses and node ports a Service gets, and what is written so that
//! the cluster's own kube-apiservers respect it.
//!
//! Promises that no address and no node port is had twice, and none outside of
//! the cluster's ranges, whoever else allocates at the same time: all that a
//! Service takes is in one transaction with it, which compares what it relies
//! on. Deliberately without I/O: what the cluster has stored is told to a
//! [`World`], and a [`Transaction`] is the caller's to send.
//!
//! Clusters keep addresses in two ways, and a world tells which from what is
//! stored: as one bitmap for each range, up to Kubernetes 1.33, and as
//! IPAddress objects. Node ports are in a bitmap always.
//!
//! A world is told of all keys below [`World::prefixes`], first from a list,
//! then from a watch. When a transaction is applied, [`World::apply`] tells it
//! at once, so that the next plan need not wait for the watch; when it is
//! refused, one of the keys that it compares has changed, and the world is told
//! of these before the Service is planned again. Whatever takes a node port, or
//! an address that is kept in a bitmap, changes one key of the whole cluster:
//! such transactions can only be applied one after the other.
//!
//! ```
//! use carry::k8s::services::{Chance, Outcome, Policy, Request, ServiceName, Stamp, World, plan};
//!
//! let mut world = World::new("/registry");
//! let cidr = br#"{"apiVersion":"networking.k8s.io/v1","kind":"ServiceCIDR","spec":{"cidrs":["10.0.0.0/24"]}}"#;
//! world.put(b"/registry/servicecidrs/kubernetes", cidr, 5)?;
//! let source = br#"{"apiVersion":"v1","kind":"Service","spec":{"clusterIP":"10.96.0.7","clusterIPs":["10.96.0.7"],"type":"ClusterIP"}}"#;
//! let request = Request {
//!     policy: Policy::Reallocate,
//!     name: &ServiceName::new("shop", "web"),
//!     source,
//!     there: None,
//! };
//! let mut chance = Chance {
//!     draw: &mut || 3,
//!     stamp: &mut || Stamp { uid: "7d5f1dfb".into(), created: 1_790_000_000 },
//! };
//! let Outcome::Write(plan) = plan(request, &world, &mut chance)? else { panic!() };
//! // The upper band begins behind the first 16 addresses.
//! assert_eq!(plan.addresses, [("10.96.0.7".parse()?, "10.0.0.20".parse()?)]);
//! assert_eq!(plan.transaction.puts.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod addresses;
mod bitmap;
mod cidr;
mod holders;
mod names;
mod node_ports;
mod objects;
mod plan;
mod pool;
mod reading;
mod service;
mod staying;
mod transaction;
mod unplanned;
mod world;

pub use cidr::{Cidr, Family};
pub use names::ServiceName;
pub use objects::{ServiceCidr, Stamp};
pub use plan::{Chance, Outcome, Plan, Policy, Request, There, deletion, plan};
pub use reading::Unreadable;
pub use service::{Address, Addresses, FamilyPolicy, Service, ServicePort, ServiceType};
pub use staying::{Staying, staying};
pub use transaction::{Claims, Compare, Put, PutOf, Transaction};
pub use unplanned::Unplanned;
pub use world::{Generation, World};
