//! Where the values of a YAML text stand, by their path.
//!
//! Read only when there is something to tell, since the parser's copies of the
//! scalars are not wiped. Deliberately keeps no scalar but the keys of mappings,
//! and gives up quietly where the text is no YAML.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput};

use super::fault::Step;

/// Line and column, from 1.
type Place = (usize, usize);

/// Deeper nesting is refused by the decoder.
const MAX_DEPTH: usize = 200;

/// The places of a text.
#[derive(Default)]
pub(super) struct Places {
    top: Option<Node>,
    /// Where a second document begins.
    pub second_document: Option<Place>,
}

#[derive(Clone)]
struct Node {
    place: Place,
    inner: Rc<Inner>,
}

enum Inner {
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

impl Places {
    pub fn read(yaml: &str) -> Places {
        let mut reader = Reader {
            parser: Parser::new_from_str(yaml),
            anchors: HashMap::new(),
        };
        let mut places = Places::default();
        while let Some((event, place)) = reader.next() {
            if matches!(event, Event::DocumentStart(_)) {
                match places.top {
                    None => places.top = reader.node(MAX_DEPTH, None),
                    Some(_) => {
                        places.second_document = Some(place);
                        break;
                    }
                }
            }
        }
        places
    }

    /// Where the value at the path begins.
    pub fn value(&self, path: impl Iterator<Item = Step>) -> Option<Place> {
        self.node(path).map(|node| node.place)
    }

    /// Where the second of these keys stands in the mapping at the path. A key
    /// without a value does not count.
    pub fn second_of(&self, path: impl Iterator<Item = Step>, keys: &[&str]) -> Option<Place> {
        let is_one = |key: &Node| keys.iter().any(|name| key.is_key(name));
        let entries = self.node(path)?.entries().iter();
        let mut found = entries.filter(|(key, value)| is_one(key) && !value.is_nothing());
        found.nth(1).map(|(key, _)| key.place)
    }

    /// Where a key stands the second time in the mapping that begins at
    /// `mapping`.
    pub fn twice(&self, mapping: Place, key: &str) -> Option<Place> {
        self.top.as_ref()?.twice(mapping, key)
    }

    fn node(&self, path: impl Iterator<Item = Step>) -> Option<&Node> {
        path.fold(self.top.as_ref(), |node, step| node?.step(step))
    }
}

impl Node {
    fn entries(&self) -> &[(Node, Node)] {
        match &*self.inner {
            Inner::Mapping(entries) => entries,
            _ => &[],
        }
    }

    fn is_key(&self, key: &str) -> bool {
        matches!(&*self.inner, Inner::Scalar(text) if text == key)
    }

    fn step(&self, step: Step) -> Option<&Node> {
        match (step, &*self.inner) {
            (Step::Item(index), Inner::Sequence(items)) => items.get(index),
            (Step::Field(name), Inner::Mapping(entries)) => {
                let (_, value) = entries.iter().find(|(key, _)| key.is_key(name))?;
                Some(value)
            }
            _ => None,
        }
    }

    fn is_nothing(&self) -> bool {
        matches!(&*self.inner, Inner::Scalar(text) if matches!(text.as_str(), "" | "~" | "null"))
    }

    fn twice(&self, mapping: Place, key: &str) -> Option<Place> {
        let mut own = self.entries().iter().filter(|(own, _)| own.is_key(key));
        if self.place == mapping
            && let Some((key, _)) = own.nth(1)
        {
            return Some(key.place);
        }
        let items = match &*self.inner {
            Inner::Sequence(items) => items.as_slice(),
            _ => &[],
        };
        let values = self.entries().iter().map(|(_, value)| value);
        values
            .chain(items)
            .find_map(|node| node.twice(mapping, key))
    }
}

struct Reader<'y> {
    parser: Parser<'y, StrInput<'y>>,
    anchors: HashMap<usize, Rc<Inner>>,
}

impl<'y> Reader<'y> {
    fn next(&mut self) -> Option<(Event<'y>, Place)> {
        let (event, span) = self.parser.next_event()?.ok()?;
        Some((event, place(&span.start)))
    }

    /// The next value. Where nothing is written it stands at its key.
    fn node(&mut self, depth: usize, key: Option<Place>) -> Option<Node> {
        let (event, place) = self.next()?;
        self.node_of(event, place, depth.checked_sub(1)?, key)
    }

    fn node_of(
        &mut self,
        event: Event<'y>,
        place: Place,
        depth: usize,
        key: Option<Place>,
    ) -> Option<Node> {
        let (anchor, place, inner) = match event {
            Event::Alias(anchor) => {
                let inner = Rc::clone(self.anchors.get(&anchor)?);
                return Some(Node { place, inner });
            }
            Event::Scalar(text, style, anchor, _) => {
                let nothing = text.is_empty() && style == ScalarStyle::Plain;
                let place = key.filter(|_| nothing).unwrap_or(place);
                (anchor, place, Inner::Scalar(text.into_owned()))
            }
            Event::SequenceStart(anchor, _) => (anchor, place, self.sequence(depth)?),
            Event::MappingStart(anchor, _) => (anchor, place, self.mapping(depth)?),
            _ => return None,
        };
        let inner = Rc::new(inner);
        self.anchors.insert(anchor, Rc::clone(&inner));
        Some(Node { place, inner })
    }

    fn sequence(&mut self, depth: usize) -> Option<Inner> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Some(Inner::Sequence(items)),
                (event, place) => {
                    items.push(self.node_of(event, place, depth.checked_sub(1)?, None)?);
                }
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Option<Inner> {
        let mut entries = Vec::new();
        loop {
            match self.next()? {
                (Event::MappingEnd, _) => return Some(Inner::Mapping(entries)),
                (event, place) => {
                    let key = self.node_of(event, place, depth.checked_sub(1)?, None)?;
                    let value = self.node(depth, Some(key.place))?;
                    entries.push((key, value));
                }
            }
        }
    }
}

fn place(marker: &Marker) -> Place {
    (marker.line(), marker.col() + 1)
}
