//! Overloads of the values of Kubernetes.
//!
//! Promises the functions of Kubernetes' CEL libraries on quantities, addresses,
//! networks, URLs, versions and named formats. Deliberately computes nothing.

use super::Overload;
use super::Sig::{self, Bool, Double, Int, List, Map, Opaque, Optional, String};
use crate::lang::ty::OpaqueType;

const QUANTITY: Sig = Opaque(OpaqueType::Quantity);
const IP: Sig = Opaque(OpaqueType::Ip);
const CIDR: Sig = Opaque(OpaqueType::Cidr);
const URL: Sig = Opaque(OpaqueType::Url);
const SEMVER: Sig = Opaque(OpaqueType::Semver);
const FORMAT: Sig = Opaque(OpaqueType::Format);
const TEXTS: Sig = List(&String);

/// One row each.
pub(super) const ROWS: &[Overload] = overloads! {
    global Quantity "quantity" (String) -> QUANTITY;
    global IsQuantity "isQuantity" (String) -> Bool;
    member QuantitySign "sign" (QUANTITY) -> Int;
    member IsInteger "isInteger" (QUANTITY) -> Bool;
    member AsInteger "asInteger" (QUANTITY) -> Int;
    member AsApproximateFloat "asApproximateFloat" (QUANTITY) -> Double;
    member QuantityAdd "add" (QUANTITY, QUANTITY) -> QUANTITY;
    member QuantityAdd "add" (QUANTITY, Int) -> QUANTITY;
    member QuantitySub "sub" (QUANTITY, QUANTITY) -> QUANTITY;
    member QuantitySub "sub" (QUANTITY, Int) -> QUANTITY;
    member IsGreaterThan "isGreaterThan" (QUANTITY, QUANTITY) -> Bool;
    member IsLessThan "isLessThan" (QUANTITY, QUANTITY) -> Bool;
    member CompareTo "compareTo" (QUANTITY, QUANTITY) -> Int;

    global Ip "ip" (String) -> IP;
    global IsIp "isIP" (String) -> Bool;
    global IsCanonicalIp "ip.isCanonical" (String) -> Bool;
    global ToString "string" (IP) -> String;
    member Family "family" (IP) -> Int;
    member IsUnspecified "isUnspecified" (IP) -> Bool;
    member IsLoopback "isLoopback" (IP) -> Bool;
    member IsLinkLocalMulticast "isLinkLocalMulticast" (IP) -> Bool;
    member IsLinkLocalUnicast "isLinkLocalUnicast" (IP) -> Bool;
    member IsGlobalUnicast "isGlobalUnicast" (IP) -> Bool;

    global Cidr "cidr" (String) -> CIDR;
    global IsCidr "isCIDR" (String) -> Bool;
    global ToString "string" (CIDR) -> String;
    member ContainsIp "containsIP" (CIDR, IP) -> Bool;
    member ContainsIp "containsIP" (CIDR, String) -> Bool;
    member ContainsCidr "containsCIDR" (CIDR, CIDR) -> Bool;
    member ContainsCidr "containsCIDR" (CIDR, String) -> Bool;
    member CidrIp "ip" (CIDR) -> IP;
    member Masked "masked" (CIDR) -> CIDR;
    member PrefixLength "prefixLength" (CIDR) -> Int;

    global Url "url" (String) -> URL;
    global IsUrl "isURL" (String) -> Bool;
    member UrlScheme "getScheme" (URL) -> String;
    member UrlHost "getHost" (URL) -> String;
    member UrlHostname "getHostname" (URL) -> String;
    member UrlPort "getPort" (URL) -> String;
    member UrlEscapedPath "getEscapedPath" (URL) -> String;
    member UrlQuery "getQuery" (URL) -> Map(&String, &TEXTS);

    global Semver "semver" (String) -> SEMVER;
    global Semver "semver" (String, Bool) -> SEMVER;
    global IsSemver "isSemver" (String) -> Bool;
    global IsSemver "isSemver" (String, Bool) -> Bool;
    member IsGreaterThan "isGreaterThan" (SEMVER, SEMVER) -> Bool;
    member IsLessThan "isLessThan" (SEMVER, SEMVER) -> Bool;
    member CompareTo "compareTo" (SEMVER, SEMVER) -> Int;
    member Major "major" (SEMVER) -> Int;
    member Minor "minor" (SEMVER) -> Int;
    member Patch "patch" (SEMVER) -> Int;

    global NamedFormat "format.named" (String) -> Optional(&FORMAT);
    global FormatDns1123Label "format.dns1123Label" () -> FORMAT;
    global FormatDns1123Subdomain "format.dns1123Subdomain" () -> FORMAT;
    global FormatDns1035Label "format.dns1035Label" () -> FORMAT;
    global FormatQualifiedName "format.qualifiedName" () -> FORMAT;
    global FormatDns1123LabelPrefix "format.dns1123LabelPrefix" () -> FORMAT;
    global FormatDns1123SubdomainPrefix "format.dns1123SubdomainPrefix" () -> FORMAT;
    global FormatDns1035LabelPrefix "format.dns1035LabelPrefix" () -> FORMAT;
    global FormatLabelValue "format.labelValue" () -> FORMAT;
    global FormatUri "format.uri" () -> FORMAT;
    global FormatUuid "format.uuid" () -> FORMAT;
    global FormatByte "format.byte" () -> FORMAT;
    global FormatDate "format.date" () -> FORMAT;
    global FormatDatetime "format.datetime" () -> FORMAT;
    member Validate "validate" (FORMAT, String) -> Optional(&TEXTS);
};
