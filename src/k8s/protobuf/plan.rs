//! The fields that a query wants, as a tree over field numbers, so that one
//! pass over the bytes finds them all.
//!
//! Promises that what is not on the wire gets the value that JSON would show
//! (see [`Node::defaults`]), and that scalars go straight to their slots:
//! everything else is gathered in pieces at its [`Place`] first, since later
//! bytes may extend it. Deliberately does not read values: `scan` does.

use super::super::schema::{Hop, Kind, Label, Leaf, Omit, Row, Scalar, Select, Special, Type};

/// A compiled set of paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(super) root: Node,
    /// How many lists are counted on the way.
    pub(super) counters: u32,
    /// Where pieces of messages are gathered.
    pub(super) places: Vec<Place>,
}

/// What pieces of messages come to, once all are there.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub what: What,
    pub slots: Vec<u32>,
}

/// What a place gathers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
    /// The pieces of the message itself.
    Message(Kind),
    /// Those of the message that has the list or map.
    Whole(&'static Row),
    /// The pieces of a special message, with its field.
    Special(Kind, Special, &'static Row),
}

/// What is wanted of a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// A bit for each field number below 64 that has an edge.
    pub mask: u64,
    pub edges: Vec<Edge>,
    /// What slots hold once the message is there and its fields are not.
    pub defaults: Vec<(u32, Missing)>,
    /// Everything that is beneath: an entry of a map that comes again
    /// replaces it.
    pub beneath: Beneath,
}

/// What a node's subtree writes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Beneath {
    pub slots: Vec<u32>,
    pub counters: Vec<u32>,
    pub places: Vec<u32>,
}

/// What stands for a field that is not on the wire, where that is not
/// `Absent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The slot is null.
    Null,
    /// The slot holds the zero.
    Zero(Scalar),
    /// The place holds an empty message.
    Empty,
}

#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub number: u32,
    row: &'static Row,
    pub shape: Shape,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    One(Target),
    List {
        counter: u32,
        /// The place of the whole list.
        whole: Option<u32>,
        items: Vec<(u32, Target)>,
        packed: Option<Scalar>,
    },
    Map {
        /// The place of the whole map.
        whole: Option<u32>,
        entries: Vec<(Box<str>, Target)>,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Target {
    Scalar {
        scalar: Scalar,
        slot: Option<u32>,
        omit_zero: bool,
    },
    Message {
        place: Option<u32>,
        node: Node,
    },
    Special {
        place: u32,
    },
}

/// What a plan counts and gathers, while it is made.
pub(super) struct Room<'p> {
    counters: &'p mut u32,
    places: &'p mut Vec<Place>,
}

impl Room<'_> {
    /// The place at `known`, or a new one, for `slot` as well.
    fn place(&mut self, known: Option<u32>, what: What, slot: u32) -> u32 {
        let place = known.unwrap_or(self.places.len() as u32);
        match self.places.get_mut(place as usize) {
            Some(place) => place.slots.push(slot),
            None => self.places.push(Place {
                what,
                slots: vec![slot],
            }),
        }
        place
    }
}

impl Plan {
    /// Adds the way `hops` whose end goes to `slot`.
    pub fn add(&mut self, hops: &[Hop], slot: u32) {
        let mut room = Room {
            counters: &mut self.counters,
            places: &mut self.places,
        };
        self.root.add(hops, slot, &mut room);
    }

    /// Completes the tree once all ways are in.
    pub fn finish(&mut self) {
        self.root.finish(&self.places);
    }
}

impl Node {
    fn add(&mut self, hops: &[Hop], slot: u32, room: &mut Room<'_>) {
        let Some((hop, rest)) = hops.split_first() else {
            return;
        };
        let number = hop.row.number;
        let place = self
            .edges
            .iter()
            .position(|edge| edge.number == number)
            .unwrap_or_else(|| {
                self.edges.push(Edge::new(hop, room));
                self.edges.len() - 1
            });
        if let Some(edge) = self.edges.get_mut(place)
            && let Some(target) = edge.target(hop, slot, room)
        {
            target.extend(hop, rest, slot, room);
        }
    }

    fn finish(&mut self, places: &[Place]) {
        self.mask = self
            .edges
            .iter()
            .fold(0, |mask, edge| mask | bit(edge.number));
        let (mut defaults, mut beneath) = (Vec::new(), Beneath::default());
        for edge in &mut self.edges {
            edge.finish(places, &mut defaults, &mut beneath);
        }
        (self.defaults, self.beneath) = (defaults, beneath);
    }
}

/// The bit of a field number; none from 64 on, which is always looked up.
pub(super) fn bit(number: u32) -> u64 {
    1u64.checked_shl(number).unwrap_or(0)
}

impl Edge {
    fn new(hop: &Hop, room: &mut Room<'_>) -> Edge {
        let shape = match hop.row.label {
            Label::One => Shape::One(Target::new(hop)),
            Label::Map => Shape::Map {
                whole: None,
                entries: Vec::new(),
            },
            Label::List => {
                let counter = *room.counters;
                *room.counters += 1;
                let packed = match hop.row.of {
                    Type::Scalar(scalar) => Some(scalar),
                    Type::Message(_) => None,
                };
                Shape::List {
                    counter,
                    whole: None,
                    items: Vec::new(),
                    packed,
                }
            }
        };
        Edge {
            number: hop.row.number,
            row: hop.row,
            shape,
        }
    }

    /// Where `hop` goes on; `None` where it ends at the whole list or map.
    fn target(&mut self, hop: &Hop, slot: u32, room: &mut Room<'_>) -> Option<&mut Target> {
        match (&mut self.shape, &hop.select) {
            (Shape::One(target), _) => Some(target),
            (Shape::List { items, .. }, Select::Item(index)) => Some(child(items, index, hop)),
            (Shape::Map { entries, .. }, Select::Entry(key)) => Some(child(entries, key, hop)),
            (Shape::List { whole, .. } | Shape::Map { whole, .. }, _) => {
                *whole = Some(room.place(*whole, What::Whole(hop.row), slot));
                None
            }
        }
    }

    fn finish(
        &mut self,
        places: &[Place],
        defaults: &mut Vec<(u32, Missing)>,
        beneath: &mut Beneath,
    ) {
        match &mut self.shape {
            Shape::One(target) => {
                target.finish(places, beneath);
                target.defaults(self.row, places, defaults);
            }
            Shape::List {
                counter,
                whole,
                items,
                ..
            } => {
                beneath.counters.push(*counter);
                beneath.gather(*whole, places);
                for (_, target) in items {
                    target.finish(places, beneath);
                }
                nulls(self.row, *whole, places, defaults);
            }
            Shape::Map { whole, entries } => {
                beneath.gather(*whole, places);
                for (_, target) in entries {
                    target.finish(places, beneath);
                }
                nulls(self.row, *whole, places, defaults);
            }
        }
    }
}

impl Beneath {
    fn gather(&mut self, place: Option<u32>, places: &[Place]) {
        self.places.extend(place);
        self.slots.extend(slots(place, places));
    }
}

fn slots(place: Option<u32>, places: &[Place]) -> impl Iterator<Item = u32> {
    let place = place.and_then(|place| places.get(place as usize));
    place
        .into_iter()
        .flat_map(|place| place.slots.iter().copied())
}

/// A nil pointer, list or map is null where JSON does not omit it.
fn nulls(row: &Row, place: Option<u32>, places: &[Place], defaults: &mut Vec<(u32, Missing)>) {
    if row.omit == Omit::Never {
        defaults.extend(slots(place, places).map(|slot| (slot, Missing::Null)));
    }
}

/// The target under `key`, made where there is none.
fn child<'t, K: PartialEq + Clone>(
    targets: &'t mut Vec<(K, Target)>,
    key: &K,
    hop: &Hop,
) -> &'t mut Target {
    let place = targets
        .iter()
        .position(|(known, _)| known == key)
        .unwrap_or(targets.len());
    if place == targets.len() {
        targets.push((key.clone(), Target::new(hop)));
    }
    &mut targets[place].1
}

impl Target {
    fn new(hop: &Hop) -> Target {
        match hop.leaf() {
            Leaf::Scalar(scalar) => {
                let single = hop.row.label == Label::One && !hop.row.pointer;
                let omit_zero = single && hop.row.omit != Omit::Never;
                Target::Scalar {
                    scalar,
                    slot: None,
                    omit_zero,
                }
            }
            _ => Target::Message {
                place: None,
                node: Node::default(),
            },
        }
    }

    fn extend(&mut self, hop: &Hop, rest: &[Hop], found: u32, room: &mut Room<'_>) {
        match (self, hop.row.of, hop.leaf()) {
            (Target::Scalar { slot, .. }, ..) => *slot = Some(found),
            (Target::Message { node, .. }, ..) if !rest.is_empty() => node.add(rest, found, room),
            (Target::Message { place, .. }, Type::Message(kind), Leaf::Message) => {
                *place = Some(room.place(*place, What::Message(kind), found));
            }
            (target, Type::Message(kind), Leaf::Special(special)) => {
                let known = match target {
                    Target::Special { place } => Some(*place),
                    _ => None,
                };
                let what = What::Special(kind, special, hop.row);
                let place = room.place(known, what, found);
                *target = Target::Special { place };
            }
            _ => {}
        }
    }

    fn finish(&mut self, places: &[Place], beneath: &mut Beneath) {
        match self {
            Target::Scalar { slot, .. } => beneath.slots.extend(*slot),
            Target::Special { place } => beneath.gather(Some(*place), places),
            Target::Message { place, node } => {
                node.finish(places);
                beneath.gather(*place, places);
                beneath.slots.extend(&node.beneath.slots);
                beneath.counters.extend(&node.beneath.counters);
                beneath.places.extend(&node.beneath.places);
            }
        }
    }

    /// What a single field shows when it is not on the wire.
    fn defaults(&self, row: &Row, places: &[Place], defaults: &mut Vec<(u32, Missing)>) {
        match self {
            Target::Scalar { scalar, slot, .. } if row.omit == Omit::Never => {
                let nil = row.pointer || *scalar == Scalar::Bytes;
                let missing = if nil {
                    Missing::Null
                } else {
                    Missing::Zero(*scalar)
                };
                defaults.extend(slot.map(|slot| (slot, missing)));
            }
            Target::Scalar { .. } => {}
            Target::Message { place, .. } if row.pointer => nulls(row, *place, places, defaults),
            Target::Message { place, node } => {
                defaults.extend(place.map(|place| (place, Missing::Empty)));
                defaults.extend(&node.defaults);
            }
            Target::Special { place } if is_nil(row) => nulls(row, Some(*place), places, defaults),
            Target::Special { place } => defaults.push((*place, Missing::Empty)),
        }
    }
}

/// Whether a special field that is not on the wire is nil in Go: a pointer, or
/// a list in disguise.
pub(super) fn is_nil(row: &Row) -> bool {
    let strings = matches!(row.of, Type::Message(of) if of.special() == Some(Special::Strings));
    row.pointer || strings
}
