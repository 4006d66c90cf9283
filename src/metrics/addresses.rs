//! Which addresses Services have at the destination.
//!
//! Promises the pairs that were last told, and no more of them than a scrape
//! should have. Deliberately does not follow them: who knows tells all anew.

use std::net::IpAddr;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Metrics;

/// So many pairs have a sample.
const MOST: usize = 1_000;

type Labels = [(&'static str, String); 4];

/// All of them.
#[derive(Default)]
pub(super) struct Addresses(Family<Labels, Gauge>);

impl Addresses {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "service_address_info",
            "1 for each address of a Service that is another one at the destination; for the first 1,000",
            self.0.clone(),
        );
    }
}

/// An address of a Service, at both sides.
#[derive(Clone, Debug)]
pub struct Readdressed {
    /// The key of the Service.
    pub key: String,
    /// At the source.
    pub source: IpAddr,
    /// At the destination.
    pub destination: IpAddr,
}

impl Metrics {
    /// These are all addresses of Services that differ; beyond the first 1,000
    /// they are left out.
    pub fn readdressed(&self, all: impl Iterator<Item = Readdressed>) {
        let family = &self.held.addresses.0;
        family.clear();
        for one in all.take(MOST) {
            let mut names = one.key.rsplit('/');
            let (name, namespace) = (names.next(), names.next());
            // `namespace` and `service` are what Prometheus says of the target.
            let labels = [
                (
                    "service_namespace",
                    namespace.unwrap_or_default().to_owned(),
                ),
                ("service_name", name.unwrap_or_default().to_owned()),
                ("source", one.source.to_string()),
                ("destination", one.destination.to_string()),
            ];
            family.get_or_create(&labels).set(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_last_counts() {
        let metrics = Metrics::default();
        let [one, other] = ["10.0.0.1", "10.9.0.7"].map(|text| text.parse().expect("an address"));
        let pair = |key: &str| Readdressed {
            key: key.to_owned(),
            source: one,
            destination: other,
        };
        metrics.readdressed(["/registry/services/specs/shop/old"].into_iter().map(pair));
        metrics.readdressed(["/registry/services/specs/shop/web"].into_iter().map(pair));
        let text = metrics.encode();
        let sample = r#"carry_service_address_info{service_namespace="shop",service_name="web",source="10.0.0.1",destination="10.9.0.7"} 1"#;
        let other = r#"service_name="old""#;
        assert!(text.contains(sample) && !text.contains(other), "{text}");
    }
}
