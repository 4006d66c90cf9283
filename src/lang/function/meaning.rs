//! What computes a call: one name for each meaning.
//!
//! Promises that all overloads of one meaning share one name, and that names
//! carry nothing, so that bytecode may number them. Deliberately without types
//! (see the tables beside this file).

/// What computes a call. All overloads of one name that differ in types alone
/// are one function, which looks at the types of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `a == b`
    Equal,
    /// `a != b`
    NotEqual,
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterEqual,
    /// `a in b`
    In,
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `a / b`
    Divide,
    /// `a % b`
    Modulo,
    /// `-a`
    Negate,
    /// `a[b]`
    Index,
    /// `a[?b]`
    OptionalIndex,
    /// `size(a)`
    Size,
    /// `a.contains(b)`
    Contains,
    /// `a.startsWith(b)`
    StartsWith,
    /// `a.endsWith(b)`
    EndsWith,
    /// `a.matches(pattern)`
    Matches,
    /// `bool(a)`
    ToBool,
    /// `bytes(a)`
    ToBytes,
    /// `double(a)`
    ToDouble,
    /// `duration(a)`
    ToDuration,
    /// `dyn(a)`
    Dyn,
    /// `int(a)`
    ToInt,
    /// `string(a)`
    ToString,
    /// `timestamp(a)`
    ToTimestamp,
    /// `type(a)`
    TypeOf,
    /// `uint(a)`
    ToUint,
    /// `t.getFullYear()`
    FullYear,
    /// `t.getMonth()`, from 0
    Month,
    /// `t.getDate()`, from 1
    Date,
    /// `t.getDayOfMonth()`, from 0
    DayOfMonth,
    /// `t.getDayOfWeek()`, Sunday is 0
    DayOfWeek,
    /// `t.getDayOfYear()`, from 0
    DayOfYear,
    /// `t.getHours()`
    Hours,
    /// `t.getMinutes()`
    Minutes,
    /// `t.getSeconds()`
    Seconds,
    /// `t.getMilliseconds()`
    Milliseconds,
    /// `optional.of(a)`
    OptionalOf,
    /// `optional.none()`
    OptionalNone,
    /// `optional.ofNonZeroValue(a)`
    OptionalOfNonZero,
    /// `o.hasValue()`
    HasValue,
    /// `o.value()`
    OptionalValue,
    /// `o.or(other)`
    OptionalOr,
    /// `o.orValue(a)`
    OptionalOrValue,
    /// `optional.unwrap(list)`
    OptionalUnwrap,
    /// `s.charAt(i)`
    CharAt,
    /// `s.indexOf(t)`, of lists too
    IndexOf,
    /// `s.lastIndexOf(t)`, of lists too
    LastIndexOf,
    /// `s.lowerAscii()`
    LowerAscii,
    /// `s.upperAscii()`
    UpperAscii,
    /// `s.replace(old, new)`
    Replace,
    /// `s.split(separator)`
    Split,
    /// `s.substring(from, to)`
    Substring,
    /// `s.trim()`
    Trim,
    /// `list.join(separator)`
    Join,
    /// `s.reverse()`, of lists too
    Reverse,
    /// `s.format(list)`
    Format,
    /// `strings.quote(s)`
    Quote,
    /// `list.isSorted()`
    IsSorted,
    /// `list.sum()`
    Sum,
    /// `list.min()`
    Min,
    /// `list.max()`
    Max,
    /// `list.first()`
    First,
    /// `list.last()`
    Last,
    /// `list.distinct()`
    Distinct,
    /// `list.flatten(depth)`
    Flatten,
    /// `lists.range(n)`
    Range,
    /// `list.slice(from, to)`
    Slice,
    /// `list.sort()`
    Sort,
    /// `sets.contains(a, b)`
    SetsContains,
    /// `sets.equivalent(a, b)`
    SetsEquivalent,
    /// `sets.intersects(a, b)`
    SetsIntersects,
    /// `math.greatest(a, …)`
    Greatest,
    /// `math.least(a, …)`
    Least,
    /// `math.ceil(a)`
    Ceil,
    /// `math.floor(a)`
    Floor,
    /// `math.round(a)`
    Round,
    /// `math.trunc(a)`
    Trunc,
    /// `math.abs(a)`
    Abs,
    /// `math.sign(a)`
    Sign,
    /// `math.isNaN(a)`
    IsNan,
    /// `math.isInf(a)`
    IsInf,
    /// `math.isFinite(a)`
    IsFinite,
    /// `math.bitAnd(a, b)`
    BitAnd,
    /// `math.bitOr(a, b)`
    BitOr,
    /// `math.bitXor(a, b)`
    BitXor,
    /// `math.bitNot(a)`
    BitNot,
    /// `math.bitShiftLeft(a, n)`
    ShiftLeft,
    /// `math.bitShiftRight(a, n)`
    ShiftRight,
    /// `math.sqrt(a)`
    Sqrt,
    /// `base64.encode(bytes)`
    Base64Encode,
    /// `base64.decode(s)`
    Base64Decode,
    /// `regex.replace(s, pattern, by)`
    RegexReplace,
    /// `regex.extract(s, pattern)`
    RegexExtract,
    /// `regex.extractAll(s, pattern)`
    RegexExtractAll,
    /// `s.find(pattern)`
    Find,
    /// `s.findAll(pattern)`
    FindAll,
    /// `quantity(s)`
    Quantity,
    /// `isQuantity(s)`
    IsQuantity,
    /// `q.sign()`
    QuantitySign,
    /// `q.isInteger()`
    IsInteger,
    /// `q.asInteger()`
    AsInteger,
    /// `q.asApproximateFloat()`
    AsApproximateFloat,
    /// `q.add(other)`
    QuantityAdd,
    /// `q.sub(other)`
    QuantitySub,
    /// `q.isGreaterThan(other)`, of versions too
    IsGreaterThan,
    /// `q.isLessThan(other)`, of versions too
    IsLessThan,
    /// `q.compareTo(other)`, of versions too
    CompareTo,
    /// `ip(s)`
    Ip,
    /// `isIP(s)`
    IsIp,
    /// `ip.isCanonical(s)`
    IsCanonicalIp,
    /// `a.family()`
    Family,
    /// `a.isUnspecified()`
    IsUnspecified,
    /// `a.isLoopback()`
    IsLoopback,
    /// `a.isLinkLocalMulticast()`
    IsLinkLocalMulticast,
    /// `a.isLinkLocalUnicast()`
    IsLinkLocalUnicast,
    /// `a.isGlobalUnicast()`
    IsGlobalUnicast,
    /// `cidr(s)`
    Cidr,
    /// `isCIDR(s)`
    IsCidr,
    /// `net.containsIP(ip)`
    ContainsIp,
    /// `net.containsCIDR(other)`
    ContainsCidr,
    /// `net.ip()`
    CidrIp,
    /// `net.masked()`
    Masked,
    /// `net.prefixLength()`
    PrefixLength,
    /// `url(s)`
    Url,
    /// `isURL(s)`
    IsUrl,
    /// `u.getScheme()`
    UrlScheme,
    /// `u.getHost()`
    UrlHost,
    /// `u.getHostname()`
    UrlHostname,
    /// `u.getPort()`
    UrlPort,
    /// `u.getEscapedPath()`
    UrlEscapedPath,
    /// `u.getQuery()`
    UrlQuery,
    /// `semver(s)`
    Semver,
    /// `isSemver(s)`
    IsSemver,
    /// `v.major()`
    Major,
    /// `v.minor()`
    Minor,
    /// `v.patch()`
    Patch,
    /// `format.named(s)`
    NamedFormat,
    /// `format.dns1123Label()`
    FormatDns1123Label,
    /// `format.dns1123Subdomain()`
    FormatDns1123Subdomain,
    /// `format.dns1035Label()`
    FormatDns1035Label,
    /// `format.qualifiedName()`
    FormatQualifiedName,
    /// `format.dns1123LabelPrefix()`
    FormatDns1123LabelPrefix,
    /// `format.dns1123SubdomainPrefix()`
    FormatDns1123SubdomainPrefix,
    /// `format.dns1035LabelPrefix()`
    FormatDns1035LabelPrefix,
    /// `format.labelValue()`
    FormatLabelValue,
    /// `format.uri()`
    FormatUri,
    /// `format.uuid()`
    FormatUuid,
    /// `format.byte()`
    FormatByte,
    /// `format.date()`
    FormatDate,
    /// `format.datetime()`
    FormatDatetime,
    /// `format.validate(s)`
    Validate,
}

impl Function {
    /// Whether its second argument is a regular expression, which is compiled
    /// once where it is a constant.
    pub fn takes_pattern(self) -> bool {
        matches!(
            self,
            Function::Matches
                | Function::Find
                | Function::FindAll
                | Function::RegexReplace
                | Function::RegexExtract
                | Function::RegexExtractAll
        )
    }

    /// Whether it is called on its first argument.
    pub fn is_member(self) -> bool {
        let row = super::overloads().iter().find(|row| row.function == self);
        row.is_some_and(|row| row.member)
    }

    /// What it is called in listings: the name of its first overload.
    pub fn label(self) -> &'static str {
        let row = super::overloads().iter().find(|row| row.function == self);
        row.map_or("?", |row| row.name)
    }
}
