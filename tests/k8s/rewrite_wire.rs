//! Protobuf values written in ways that gogo would not choose, all of which
//! read the same: with unknown fields, with lengths longer than they need be,
//! with scalars that a later one overrides, messages in two parts and lists
//! packed.
//!
//! Which bytes are messages is guessed, since a text may look like one; the
//! caller tells by whether the value still reads the same.

const MAGIC: &[u8] = b"k8s\0";

/// The number of the first unknown field.
const UNKNOWN: u64 = 50_000;

/// A field: its tag and the rest as they are, or the fields within.
#[derive(Clone, Debug)]
enum Node {
    Scalar(u64, Vec<u8>),
    Message(u64, Vec<Node>, bool),
}

/// A value that can be varied.
#[derive(Clone, Debug)]
pub struct Tree(Vec<Node>);

/// A way to write something else that reads the same.
#[derive(Clone, Copy, Debug)]
pub enum Variation {
    /// An unknown field at some place of a message.
    Unknown,
    /// A length with one byte more.
    Overlong,
    /// A message in two parts.
    Split,
    /// A field that the one behind it overrides.
    Overridden,
    /// Numbers that follow each other, packed.
    Packed,
}

impl Tree {
    /// Takes a value in its envelope apart.
    pub fn parse(value: &[u8]) -> Option<Tree> {
        nodes(value.strip_prefix(MAGIC)?).map(Tree)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        self.0.iter().for_each(|node| write(node, &mut out));
        out
    }

    /// How many messages there may be in it.
    pub fn messages(&self) -> usize {
        fn count(nodes: &[Node]) -> usize {
            let within = |node: &Node| match node {
                Node::Message(_, nodes, _) => 1 + count(nodes),
                Node::Scalar(..) => 0,
            };
            nodes.iter().map(within).sum()
        }
        count(&self.0)
    }

    /// Varies the message number `which` at the place `at`.
    pub fn vary(&mut self, mut which: usize, at: usize, how: Variation) {
        vary(&mut self.0, &mut which, at, how);
    }
}

fn vary(nodes: &mut Vec<Node>, which: &mut usize, at: usize, how: Variation) {
    for place in 0..nodes.len() {
        let Node::Message(number, within, overlong) = &mut nodes[place] else {
            continue;
        };
        if *which > 0 {
            *which -= 1;
            vary(within, which, at, how);
            if *which == usize::MAX {
                return;
            }
            continue;
        }
        *which = usize::MAX;
        match how {
            Variation::Unknown => {
                let at = at % (within.len() + 1);
                within.insert(at, unknown(at));
            }
            Variation::Overlong => *overlong = true,
            Variation::Split => {
                let rest = within.split_off(at % (within.len() + 1));
                let second = Node::Message(*number, rest, false);
                nodes.insert(place + 1, second);
            }
            Variation::Overridden => override_one(within, at),
            Variation::Packed => pack(within, at),
        }
        return;
    }
}

/// An unknown field of one of the four wire types.
fn unknown(at: usize) -> Node {
    let number = UNKNOWN + at as u64 % 500;
    match at % 4 {
        0 => Node::Scalar(number << 3, vec![0xfe, 0xff, 3]),
        1 => Node::Scalar(number << 3 | 1, vec![at as u8; 8]),
        2 => Node::Scalar(number << 3 | 2, vec![3, 0xff, at as u8, 0]),
        _ => Node::Scalar(number << 3 | 5, vec![at as u8; 4]),
    }
}

fn override_one(nodes: &mut Vec<Node>, at: usize) {
    if let Some(at) = at.checked_rem(nodes.len())
        && let Node::Scalar(tag, content) = &nodes[at]
    {
        let other = match tag & 7 {
            0 => vec![5],
            2 => vec![2, b'o', b'k'],
            _ => content.clone(),
        };
        let other = Node::Scalar(*tag, other);
        nodes.insert(0, other);
    }
}

fn pack(nodes: &mut Vec<Node>, at: usize) {
    let Some(at) = at.checked_rem(nodes.len()) else {
        return;
    };
    let Node::Scalar(tag, _) = nodes[at] else {
        return;
    };
    if tag & 7 != 0 {
        return;
    }
    let same = |node: &Node| matches!(node, Node::Scalar(other, _) if *other == tag);
    let end = at + nodes[at..].iter().take_while(|node| same(node)).count();
    let mut content = Vec::new();
    for node in nodes.drain(at..end) {
        if let Node::Scalar(_, number) = node {
            content.extend(number);
        }
    }
    let mut packed = Vec::new();
    varint(content.len() as u64, &mut packed);
    packed.extend(content);
    nodes.insert(at, Node::Scalar(tag & !7 | 2, packed));
}

/// The value without its unknown fields.
pub fn without_unknown(value: &[u8]) -> Vec<u8> {
    let envelope = value.strip_prefix(MAGIC).expect("a protobuf value");
    [MAGIC, &stripped(envelope).expect("well-formed")].concat()
}

/// How many unknown fields there are, whatever they are in.
pub fn count_unknown(value: &[u8]) -> usize {
    // Their tags take three bytes.
    value.windows(3).filter(|three| is_unknown(three)).count()
}

fn is_unknown(tag: &[u8]) -> bool {
    read_varint(&mut { tag }).is_some_and(|tag| (UNKNOWN..UNKNOWN + 500).contains(&(tag >> 3)))
}

fn stripped(message: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut out) = (message, Vec::new());
    while !rest.is_empty() {
        let field = rest;
        let tag = read_varint(&mut rest)?;
        let content = content(tag, &mut rest)?;
        let whole = &field[..field.len() - rest.len()];
        if tag >> 3 >= UNKNOWN {
            continue;
        }
        let has_unknown = content.windows(3).any(is_unknown);
        match stripped(content).filter(|_| tag & 7 == 2 && has_unknown) {
            Some(within) => {
                varint(tag, &mut out);
                varint(within.len() as u64, &mut out);
                out.extend(within);
            }
            None => out.extend(whole),
        }
    }
    Some(out)
}

/// The content of a field, without its length.
fn content<'a>(tag: u64, rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let before = *rest;
    let length = match tag & 7 {
        0 => {
            read_varint(rest)?;
            let length = before.len() - rest.len();
            *rest = before;
            length
        }
        1 => 8,
        2 => usize::try_from(read_varint(rest)?).ok()?,
        5 => 4,
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(content)
}

fn nodes(message: &[u8]) -> Option<Vec<Node>> {
    let (mut rest, mut nodes) = (message, Vec::new());
    while !rest.is_empty() {
        let tag = read_varint(&mut rest)?;
        if !(1..200).contains(&(tag >> 3)) {
            return None;
        }
        let field = rest;
        let content = content(tag, &mut rest)?;
        let fields = self::nodes(content).filter(|_| tag & 7 == 2 && !content.is_empty());
        nodes.push(match fields {
            Some(fields) => Node::Message(tag >> 3, fields, false),
            None => Node::Scalar(tag, field[..field.len() - rest.len()].to_vec()),
        });
    }
    Some(nodes)
}

fn write(node: &Node, out: &mut Vec<u8>) {
    match node {
        Node::Scalar(tag, content) => {
            varint(*tag, out);
            out.extend(content);
        }
        Node::Message(number, nodes, overlong) => {
            let mut content = Vec::new();
            nodes.iter().for_each(|node| write(node, &mut content));
            varint(number << 3 | 2, out);
            varint(content.len() as u64, out);
            if let (true, Some(last)) = (overlong, out.last_mut()) {
                *last |= 0x80;
                out.push(0);
            }
            out.extend(content);
        }
    }
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for place in 0..10 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}
