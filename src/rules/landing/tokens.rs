//! Tokens of ServiceAccounts: what the destination's controllers would do to
//! them.
//!
//! Promises that a token is written only where the destination has its
//! ServiceAccount with the uid that the token names: the controller deletes any
//! other. Deliberately looks at nothing where the policy `systemObjects` says
//! that such things are mirrored as they are.

use std::sync::LazyLock;

use super::owners::Owner;
use super::{Case, Guard, Obstacle};
use crate::k8s::{Field, Key, KeyResource, Path, Record, Step};
use crate::rules::owner_references::Reference;
use crate::rules::policy::{Kept, Policy};

const TYPE: &str = "kubernetes.io/service-account-token";

static TYPE_FIELD: LazyLock<Path> = LazyLock::new(|| Path::new(vec![Step::Field("type".into())]));
static NAME: LazyLock<Path> =
    LazyLock::new(|| Path::annotation("kubernetes.io/service-account.name"));
static UID: LazyLock<Path> =
    LazyLock::new(|| Path::annotation("kubernetes.io/service-account.uid"));

/// What to do about a token that is left out.
const ADVICE: &str = ", and controllers there would delete the token: mirror the ServiceAccount too, with the uid that it has, or make a token for the destination's own";

/// The ServiceAccount that a token is for; `None` of anything else.
pub(super) fn account(place: &Key<'_>, record: &Record<'_>) -> Option<Reference> {
    let is_secret = matches!(place.resource, KeyResource::BuiltIn(own) if own.kind == "Secret");
    let is_token = is_secret && text(record, &TYPE_FIELD) == TYPE;
    is_token.then(|| Reference {
        group: String::new(),
        kind: "ServiceAccount".to_owned(),
        name: text(record, &NAME),
        uid: text(record, &UID),
    })
}

fn text(record: &Record<'_>, path: &Path) -> String {
    match record.get(path) {
        Ok(Field::String(text)) => text.into_owned(),
        _ => String::new(),
    }
}

impl Case<'_> {
    /// Lets a token pass whose ServiceAccount the destination has.
    pub(super) fn accounted(
        &self,
        record: &Record<'_>,
        guards: &mut Vec<Guard>,
    ) -> Result<(), Obstacle> {
        let looks = self.policies.system_objects == Kept::Skip;
        let Some(account) = account(self.place, record).filter(|_| looks) else {
            return Ok(());
        };
        let named = format!("its ServiceAccount `{}`", account.name);
        match self.owner(&named, &account)? {
            Owner::Here(guard) => guards.push(guard),
            Owner::Gone(mut unfit, _) => {
                unfit.reason.push_str(ADVICE);
                return Err(self.left_out(Policy::SystemObjects, unfit));
            }
            Owner::Nowhere => return Err(Obstacle::Skip(Policy::SystemObjects, None)),
        }
        Ok(())
    }
}
