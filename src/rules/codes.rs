//! What is found in rules files, by code, but for their expressions (see
//! `lang::codes`).
//!
//! Promises that a code keeps its meaning. Deliberately holds names alone (see
//! `catalogue` for what each means).

use crate::diagnostic::Code;

/// The file is no UTF-8 text.
pub const NOT_TEXT: Code = Code::new("E001");
/// The file is not YAML.
pub const NOT_YAML: Code = Code::new("E002");
/// The file holds more than one YAML document.
pub const SEVERAL_DOCUMENTS: Code = Code::new("E003");
/// A part of YAML that rules files do not use: anchors, aliases, tags.
pub const YAML_FEATURE: Code = Code::new("E004");
/// A key of a mapping that is no plain name.
pub const BAD_KEY: Code = Code::new("E005");
/// A field that is written twice.
pub const FIELD_TWICE: Code = Code::new("E006");
/// More levels than any rule needs.
pub const NESTED_TOO_DEEPLY: Code = Code::new("E007");
/// The file holds nothing.
pub const EMPTY_FILE: Code = Code::new("E008");
/// A field that does not exist.
pub const UNKNOWN_FIELD: Code = Code::new("E010");
/// A field that exists, but not here.
pub const MISPLACED_FIELD: Code = Code::new("E011");
/// A field that must be there.
pub const MISSING_FIELD: Code = Code::new("E012");
/// A list, mapping, text or number where something else must stand.
pub const WRONG_TYPE: Code = Code::new("E013");
/// Nothing where a value must stand.
pub const EMPTY_VALUE: Code = Code::new("E014");
/// A word that is none of those that a field takes.
pub const UNKNOWN_WORD: Code = Code::new("E015");
/// A rule's name that could not be shown.
pub const BAD_RULE_NAME: Code = Code::new("E020");
/// Two rules of one name.
pub const RULE_NAME_TWICE: Code = Code::new("E021");
/// A text that is no API group.
pub const BAD_GROUP: Code = Code::new("E022");
/// A resource without a group in a rule for several groups.
pub const RESOURCE_WITHOUT_GROUP: Code = Code::new("E023");
/// A text that is no API version.
pub const BAD_VERSION: Code = Code::new("E024");
/// A text that is no kind.
pub const BAD_KIND: Code = Code::new("E025");
/// A text that is no namespace.
pub const BAD_NAMESPACE: Code = Code::new("E026");
/// A text that is no object's name.
pub const BAD_NAME: Code = Code::new("E027");
/// A text that is no label key.
pub const BAD_LABEL_KEY: Code = Code::new("E028");
/// A text that is no label value.
pub const BAD_LABEL_VALUE: Code = Code::new("E029");
/// An operator without the values that it needs, or with values that it does not take.
pub const VALUES_OF_OPERATOR: Code = Code::new("E030");
/// A text that is no glob over keys.
pub const BAD_KEY_GLOB: Code = Code::new("E031");
/// More than can be compiled.
pub const TOO_LARGE: Code = Code::new("E032");
/// A text that is no path to a field.
pub const BAD_FIELD_PATH: Code = Code::new("E040");
/// A comparison of a field that is no scalar.
pub const NO_SCALAR_FIELD: Code = Code::new("E041");
/// A `when` that is no text with an expression.
pub const WHEN_WITHOUT_EXPRESSION: Code = Code::new("E050");
/// A comment that YAML joins with the lines below it.
pub const JOINED_COMMENT: Code = Code::new("E051");
/// A function of constants that it can never use.
pub const CONSTANT_WITHOUT_VALUE: Code = Code::new("E060");
/// A field's name in other letter case.
pub const FIELD_CASE: Code = Code::new("W001");
/// A rule without `group`.
pub const NO_GROUP: Code = Code::new("W002");
/// The file begins with a byte order mark.
pub const BYTE_ORDER_MARK: Code = Code::new("W003");
/// A text that YAML reads as something else.
pub const UNQUOTED: Code = Code::new("W004");
/// A value that is written twice in one list.
pub const WRITTEN_TWICE: Code = Code::new("W005");
/// A selector that has no effect beside another field.
pub const IGNORED_SELECTOR: Code = Code::new("W006");
/// An exclude's name with characters of globs.
pub const NAME_IS_NO_GLOB: Code = Code::new("W007");
/// `**` that stops at slashes.
pub const STARS_WITHIN_SEGMENT: Code = Code::new("W008");
/// The file has no rules.
pub const NO_RULES: Code = Code::new("W009");
/// A selector without conditions.
pub const SELECTS_EVERYTHING: Code = Code::new("W010");
/// An exclude that leaves nothing of its rule.
pub const EXCLUDES_EVERYTHING: Code = Code::new("W011");
/// A kind that Kubernetes does not have.
pub const UNKNOWN_KIND: Code = Code::new("W012");
/// A version that no kube-apiserver stores.
pub const OTHER_VERSION: Code = Code::new("W013");
/// A group that Kubernetes does not have.
pub const UNKNOWN_GROUP: Code = Code::new("W014");
/// A resource of a group that the rule shuts out.
pub const FOREIGN_GROUP: Code = Code::new("W015");
/// A glob over keys that are Kubernetes' own.
pub const UNREACHABLE_KEYS: Code = Code::new("W016");
/// A condition that reads nothing and is always the same.
pub const FOREGONE: Code = Code::new("W017");
/// A part that can never have a value.
pub const NEVER_EVALUATED: Code = Code::new("W018");
/// A rule whose conditions contradict each other.
pub const MATCHES_NOTHING: Code = Code::new("W020");
/// A condition that holds for everything that the rest of its rule selects.
pub const ALWAYS_TRUE: Code = Code::new("W021");
/// A condition that never holds.
pub const NEVER_TRUE: Code = Code::new("W022");
/// A rule that selects nothing that an earlier one does not select.
pub const SHADOWED: Code = Code::new("W023");
/// A rule that selects exactly what an earlier one selects.
pub const SAME_RULE: Code = Code::new("W024");
/// An exclude that leaves nothing out.
pub const EXCLUDES_NOTHING: Code = Code::new("W025");
/// An exclude of a kind that its rule does not select.
pub const EXCLUDES_OTHER_KIND: Code = Code::new("W026");
/// An alternative that another one of its list covers.
pub const COVERED_ALTERNATIVE: Code = Code::new("W027");
/// A condition on namespaces for kinds that are in none.
pub const NO_NAMESPACE_OF_KIND: Code = Code::new("W030");
/// Objects whose Namespace no rule selects.
pub const NAMESPACE_NOT_CARRIED: Code = Code::new("W031");
/// Custom resources whose definition no rule selects.
pub const DEFINITION_NOT_CARRIED: Code = Code::new("W032");
/// Objects whose owner no rule selects.
pub const OWNER_NOT_CARRIED: Code = Code::new("W033");
/// A `sequence` that is not the order of the list.
pub const SEQUENCE_ORDER: Code = Code::new("W034");
/// Sequential rules in an order in which a destination cannot use them.
pub const PHASE_ORDER: Code = Code::new("W035");
/// A rule for every group without a namespace.
pub const EVERY_GROUP: Code = Code::new("W036");
/// Leases: leader elections and heartbeats of the source.
pub const COPIES_LEASES: Code = Code::new("W040");
/// Events of the source.
pub const COPIES_EVENTS: Code = Code::new("W041");
/// Nodes and what belongs to a node.
pub const COPIES_NODES: Code = Code::new("W042");
/// Addresses of the source's Pods.
pub const COPIES_ENDPOINTS: Code = Code::new("W043");
/// Allocated addresses of the source's Services.
pub const COPIES_ADDRESSES: Code = Code::new("W044");
/// Tokens of ServiceAccounts.
pub const COPIES_TOKENS: Code = Code::new("W045");
/// Admission webhooks of the source.
pub const COPIES_ADMISSION: Code = Code::new("W046");
/// Objects of the source's control plane in `kube-system`.
pub const COPIES_KUBE_SYSTEM: Code = Code::new("W047");
/// Roles and bindings that every kube-apiserver makes for itself.
pub const COPIES_BOOTSTRAP_RBAC: Code = Code::new("W048");
/// Aggregated APIs of the source.
pub const COPIES_APISERVICES: Code = Code::new("W049");
/// Volumes and attachments of the source.
pub const COPIES_VOLUMES: Code = Code::new("W050");
/// Pods, which are bound to nodes of the source.
pub const COPIES_PODS: Code = Code::new("W051");
/// The ConfigMap that holds the source's certificate authority.
pub const COPIES_ROOT_CA: Code = Code::new("W052");
/// A version in which the data has nothing of the kind.
pub const VERSION_NOT_STORED: Code = Code::new("W053");
/// Policies that leave nothing of a rule.
pub const KEPT_OUT: Code = Code::new("W054");
/// A policy for workloads, and none that it is about.
pub const NOTHING_RESTS: Code = Code::new("W058");
/// A policy for Services, and none that it is about.
pub const NO_SERVICES: Code = Code::new("W059");
/// A policy for volumes, and none that it is about.
pub const NO_VOLUMES: Code = Code::new("W060");
/// A comment for carry that cannot be read.
pub const BAD_DIRECTIVE: Code = Code::new("W090");
/// Secrets, and no encryption configuration.
pub const SECRETS_UNENCRYPTED: Code = Code::new("N001");
/// Services, whose addresses belong to the source.
pub const SERVICES: Code = Code::new("N002");
/// A rule that selects nothing of the data.
pub const SELECTS_NOTHING_NOW: Code = Code::new("N003");
/// An exclude that takes nothing of the data away.
pub const EXCLUDES_NOTHING_NOW: Code = Code::new("N004");
/// A comment for carry that changes nothing.
pub const UNUSED_DIRECTIVE: Code = Code::new("N090");

/// All of them, in their order.
pub const ALL: &[Code] = &[
    NOT_TEXT,
    NOT_YAML,
    SEVERAL_DOCUMENTS,
    YAML_FEATURE,
    BAD_KEY,
    FIELD_TWICE,
    NESTED_TOO_DEEPLY,
    EMPTY_FILE,
    UNKNOWN_FIELD,
    MISPLACED_FIELD,
    MISSING_FIELD,
    WRONG_TYPE,
    EMPTY_VALUE,
    UNKNOWN_WORD,
    BAD_RULE_NAME,
    RULE_NAME_TWICE,
    BAD_GROUP,
    RESOURCE_WITHOUT_GROUP,
    BAD_VERSION,
    BAD_KIND,
    BAD_NAMESPACE,
    BAD_NAME,
    BAD_LABEL_KEY,
    BAD_LABEL_VALUE,
    VALUES_OF_OPERATOR,
    BAD_KEY_GLOB,
    TOO_LARGE,
    BAD_FIELD_PATH,
    NO_SCALAR_FIELD,
    WHEN_WITHOUT_EXPRESSION,
    JOINED_COMMENT,
    CONSTANT_WITHOUT_VALUE,
    FIELD_CASE,
    NO_GROUP,
    BYTE_ORDER_MARK,
    UNQUOTED,
    WRITTEN_TWICE,
    IGNORED_SELECTOR,
    NAME_IS_NO_GLOB,
    STARS_WITHIN_SEGMENT,
    NO_RULES,
    SELECTS_EVERYTHING,
    EXCLUDES_EVERYTHING,
    UNKNOWN_KIND,
    OTHER_VERSION,
    UNKNOWN_GROUP,
    FOREIGN_GROUP,
    UNREACHABLE_KEYS,
    FOREGONE,
    NEVER_EVALUATED,
    MATCHES_NOTHING,
    ALWAYS_TRUE,
    NEVER_TRUE,
    SHADOWED,
    SAME_RULE,
    EXCLUDES_NOTHING,
    EXCLUDES_OTHER_KIND,
    COVERED_ALTERNATIVE,
    NO_NAMESPACE_OF_KIND,
    NAMESPACE_NOT_CARRIED,
    DEFINITION_NOT_CARRIED,
    OWNER_NOT_CARRIED,
    SEQUENCE_ORDER,
    PHASE_ORDER,
    EVERY_GROUP,
    COPIES_LEASES,
    COPIES_EVENTS,
    COPIES_NODES,
    COPIES_ENDPOINTS,
    COPIES_ADDRESSES,
    COPIES_TOKENS,
    COPIES_ADMISSION,
    COPIES_KUBE_SYSTEM,
    COPIES_BOOTSTRAP_RBAC,
    COPIES_APISERVICES,
    COPIES_VOLUMES,
    COPIES_PODS,
    COPIES_ROOT_CA,
    VERSION_NOT_STORED,
    KEPT_OUT,
    NOTHING_RESTS,
    NO_SERVICES,
    NO_VOLUMES,
    BAD_DIRECTIVE,
    SECRETS_UNENCRYPTED,
    SERVICES,
    SELECTS_NOTHING_NOW,
    EXCLUDES_NOTHING_NOW,
    UNUSED_DIRECTIVE,
];

/// Those that only a look at data can find.
pub const OF_DATA: &[Code] = &[
    VERSION_NOT_STORED,
    SELECTS_NOTHING_NOW,
    EXCLUDES_NOTHING_NOW,
];
