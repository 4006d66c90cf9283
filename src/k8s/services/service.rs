//! What a stored Service has that belongs to its cluster: addresses, node
//! ports, the load balancer's status.
//!
//! Promises to read only what is stored, without an apiserver's defaults.
//! Deliberately judges nothing: whether an address is in a range is not the
//! Service's to say.

use std::net::IpAddr;

use serde_json::Value;

use super::super::field::{Field, View};
use super::cidr::{Family, address};
use super::reading::{self, Unreadable, field, objects, text, texts, unfit};

/// A Service, as far as it depends on its cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// How it is reached.
    pub service_type: ServiceType,
    /// Its addresses within the cluster.
    pub addresses: Addresses,
    /// Whether `spec.clusterIPs` is stored. Old Services have only
    /// `spec.clusterIP`.
    pub has_list: bool,
    /// `spec.ipFamilies`.
    pub families: Vec<Family>,
    /// `spec.ipFamilyPolicy`.
    pub family_policy: Option<FamilyPolicy>,
    /// `spec.ports`.
    pub ports: Vec<ServicePort>,
    /// `spec.healthCheckNodePort`; 0 for none.
    pub health_check_node_port: u16,
    /// Whether a load balancer asks the nodes if they have endpoints:
    /// `spec.externalTrafficPolicy: Local`.
    pub is_local: bool,
    /// Whether its ports get node ports. A load balancer may do without.
    pub gives_node_ports: bool,
    /// `status.loadBalancer` as the API shows it.
    pub load_balancer: Value,
}

/// `spec.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceType {
    /// Reached within the cluster.
    ClusterIp,
    /// Also reached at a port of every node.
    NodePort,
    /// Also reached through a load balancer.
    LoadBalancer,
    /// A name elsewhere.
    ExternalName,
}

/// `spec.ipFamilyPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyPolicy {
    /// One family.
    Single,
    /// Two, where the cluster has them.
    Prefer,
    /// Two.
    Require,
}

/// The addresses of a Service within the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// None, and none wanted: ExternalName.
    External,
    /// None, and none wanted: `clusterIP: None`.
    Headless,
    /// None yet.
    Unassigned,
    /// One, or one of each family.
    Assigned(Vec<Address>),
}

/// An address as the Service has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// As written, which need not be how Kubernetes would write it.
    pub text: String,
}

/// One of `spec.ports`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// The name; may be empty.
    pub name: String,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// The port at the Service's addresses.
    pub port: u16,
    /// The port at every node; 0 for none.
    pub node_port: u16,
}

impl Service {
    /// Reads a stored Service, plain.
    pub fn read(plain: &[u8]) -> Result<Service, Unreadable> {
        let (_, view) = reading::object(plain, "", "Service")?;
        let service_type = service_type(&view)?;
        let (addresses, has_list) = addresses(&view, service_type)?;
        Ok(Service {
            service_type,
            addresses,
            has_list,
            families: families(&view)?,
            family_policy: family_policy(&view)?,
            ports: objects(&view, &["spec", "ports"])?
                .iter()
                .map(port)
                .collect::<Result<_, _>>()?,
            health_check_node_port: reading::port(&view, &["spec", "healthCheckNodePort"])?,
            is_local: text(&view, &["spec", "externalTrafficPolicy"])? == "Local",
            gives_node_ports: gives_node_ports(&view, service_type)?,
            load_balancer: load_balancer(&view)?,
        })
    }

    /// Its addresses; none where it has none.
    pub fn assigned(&self) -> &[Address] {
        match &self.addresses {
            Addresses::Assigned(addresses) => addresses,
            Addresses::External | Addresses::Headless | Addresses::Unassigned => &[],
        }
    }

    /// All ports that it has at every node, each once.
    pub fn node_ports(&self) -> Vec<u16> {
        let of_ports = self.ports.iter().map(|port| port.node_port);
        let all = of_ports.chain([self.health_check_node_port]);
        let mut ports: Vec<u16> = all.filter(|port| *port != 0).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

fn service_type(view: &View<'_>) -> Result<ServiceType, Unreadable> {
    const TYPE: [&str; 2] = ["spec", "type"];
    match text(view, &TYPE)?.as_str() {
        "ClusterIP" | "" => Ok(ServiceType::ClusterIp),
        "NodePort" => Ok(ServiceType::NodePort),
        "LoadBalancer" => Ok(ServiceType::LoadBalancer),
        "ExternalName" => Ok(ServiceType::ExternalName),
        _ => Err(unfit(&TYPE, "a type of Service")),
    }
}

fn addresses(view: &View<'_>, service_type: ServiceType) -> Result<(Addresses, bool), Unreadable> {
    const ONE: [&str; 2] = ["spec", "clusterIP"];
    const ALL: [&str; 2] = ["spec", "clusterIPs"];
    let all = texts(view, &ALL)?;
    let one = text(view, &ONE)?;
    let has_list = !all.is_empty();
    let first = all.first().unwrap_or(&one).clone();
    let addresses = match (service_type, first.as_str()) {
        (ServiceType::ExternalName, _) => Addresses::External,
        (_, "None") => Addresses::Headless,
        (_, "") => Addresses::Unassigned,
        _ => {
            let all = if has_list { all } else { vec![one] };
            let read = |text: String| {
                let ip = address(&text).ok_or_else(|| unfit(&ALL, "a list of addresses"))?;
                Ok(Address { ip, text })
            };
            Addresses::Assigned(
                all.into_iter()
                    .map(read)
                    .collect::<Result<_, Unreadable>>()?,
            )
        }
    };
    Ok((addresses, has_list))
}

fn families(view: &View<'_>) -> Result<Vec<Family>, Unreadable> {
    const PATH: [&str; 2] = ["spec", "ipFamilies"];
    let family = |name: String| {
        Family::parse(&name).ok_or_else(|| unfit(&PATH, "a list of `IPv4` and `IPv6`"))
    };
    texts(view, &PATH)?.into_iter().map(family).collect()
}

fn family_policy(view: &View<'_>) -> Result<Option<FamilyPolicy>, Unreadable> {
    const PATH: [&str; 2] = ["spec", "ipFamilyPolicy"];
    match text(view, &PATH)?.as_str() {
        "" => Ok(None),
        "SingleStack" => Ok(Some(FamilyPolicy::Single)),
        "PreferDualStack" => Ok(Some(FamilyPolicy::Prefer)),
        "RequireDualStack" => Ok(Some(FamilyPolicy::Require)),
        _ => Err(unfit(&PATH, "a policy of IP families")),
    }
}

fn port(view: &View<'_>) -> Result<ServicePort, Unreadable> {
    let protocol = text(view, &["protocol"])?;
    Ok(ServicePort {
        name: text(view, &["name"])?,
        protocol: match protocol.is_empty() {
            true => "TCP".to_owned(),
            false => protocol,
        },
        port: reading::port(view, &["port"])?,
        node_port: reading::port(view, &["nodePort"])?,
    })
}

fn gives_node_ports(view: &View<'_>, service_type: ServiceType) -> Result<bool, Unreadable> {
    const PATH: [&str; 2] = ["spec", "allocateLoadBalancerNodePorts"];
    match (service_type, field(view, &PATH)?) {
        (ServiceType::NodePort, _) | (ServiceType::LoadBalancer, Field::Absent) => Ok(true),
        (ServiceType::LoadBalancer, Field::Bool(gives)) => Ok(gives),
        (ServiceType::LoadBalancer, _) => Err(unfit(&PATH, "a truth value")),
        (ServiceType::ClusterIp | ServiceType::ExternalName, _) => Ok(false),
    }
}

fn load_balancer(view: &View<'_>) -> Result<Value, Unreadable> {
    match field(view, &["status", "loadBalancer"])? {
        Field::Absent => Ok(Value::Object(serde_json::Map::new())),
        found => Ok(found.to_json()?),
    }
}
