//! The fields that a query wants, as a tree over field numbers, so that one
//! pass over the bytes finds them all.
//!
//! Promises that what is not on the wire gets the value that JSON would show
//! (see [`Node::defaults`]). Deliberately does not read values: `scan` does.

use super::super::schema::{Hop, Label, Leaf, Omit, Row, Scalar, Select};

/// A compiled set of paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(super) root: Node,
    /// How many lists are counted on the way.
    pub(super) counters: u32,
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
}

/// What a slot holds for a field that is not on the wire, where that is not
/// `Absent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Null,
    Composite,
    Zero(Scalar),
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
        whole: Option<u32>,
        items: Vec<(u32, Target)>,
        packed: Option<Scalar>,
    },
    Map {
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
        slot: Option<u32>,
        node: Node,
    },
}

impl Plan {
    /// Adds the way `hops` whose end goes to `slot`.
    pub fn add(&mut self, hops: &[Hop], slot: u32) {
        self.root.add(hops, slot, &mut self.counters);
    }

    /// Completes the tree once all ways are in.
    pub fn finish(&mut self) {
        self.root.finish();
    }
}

impl Node {
    fn add(&mut self, hops: &[Hop], slot: u32, counters: &mut u32) {
        let Some((hop, rest)) = hops.split_first() else {
            return;
        };
        let number = hop.row.number;
        let place = self
            .edges
            .iter()
            .position(|edge| edge.number == number)
            .unwrap_or_else(|| {
                self.edges.push(Edge::new(hop, counters));
                self.edges.len() - 1
            });
        if let Some(edge) = self.edges.get_mut(place)
            && let Some(target) = edge.target(hop, slot)
        {
            target.extend(rest, slot, counters);
        }
    }

    fn finish(&mut self) {
        self.mask = self
            .edges
            .iter()
            .fold(0, |mask, edge| mask | bit(edge.number));
        let (mut defaults, mut beneath) = (Vec::new(), Beneath::default());
        for edge in &mut self.edges {
            edge.finish(&mut defaults, &mut beneath);
        }
        (self.defaults, self.beneath) = (defaults, beneath);
    }
}

/// The bit of a field number; none from 64 on, which is always looked up.
pub(super) fn bit(number: u32) -> u64 {
    1u64.checked_shl(number).unwrap_or(0)
}

impl Edge {
    fn new(hop: &Hop, counters: &mut u32) -> Edge {
        let shape = match hop.row.label {
            Label::One => Shape::One(Target::new(hop)),
            Label::Map => Shape::Map {
                whole: None,
                entries: Vec::new(),
            },
            Label::List => {
                let counter = *counters;
                *counters += 1;
                let packed = match hop.row.of {
                    super::super::schema::Type::Scalar(scalar) => Some(scalar),
                    super::super::schema::Type::Message(_) => None,
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
    fn target(&mut self, hop: &Hop, slot: u32) -> Option<&mut Target> {
        match (&mut self.shape, &hop.select) {
            (Shape::One(target), _) => Some(target),
            (Shape::List { items, .. }, Select::Item(index)) => Some(child(items, index, hop)),
            (Shape::Map { entries, .. }, Select::Entry(key)) => Some(child(entries, key, hop)),
            (Shape::List { whole, .. } | Shape::Map { whole, .. }, _) => {
                *whole = Some(slot);
                None
            }
        }
    }

    fn finish(&mut self, defaults: &mut Vec<(u32, Missing)>, beneath: &mut Beneath) {
        let never_omitted = self.row.omit == Omit::Never;
        match &mut self.shape {
            Shape::One(target) => {
                target.finish(beneath);
                target.defaults(self.row, defaults);
            }
            Shape::List {
                counter,
                whole,
                items,
                ..
            } => {
                beneath.counters.push(*counter);
                beneath.slots.extend(*whole);
                items
                    .iter_mut()
                    .for_each(|(_, target)| target.finish(beneath));
                defaults.extend(
                    whole
                        .filter(|_| never_omitted)
                        .map(|slot| (slot, Missing::Null)),
                );
            }
            Shape::Map { whole, entries } => {
                beneath.slots.extend(*whole);
                entries
                    .iter_mut()
                    .for_each(|(_, target)| target.finish(beneath));
                defaults.extend(
                    whole
                        .filter(|_| never_omitted)
                        .map(|slot| (slot, Missing::Null)),
                );
            }
        }
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
                slot: None,
                node: Node::default(),
            },
        }
    }

    fn extend(&mut self, rest: &[Hop], found: u32, counters: &mut u32) {
        match self {
            Target::Message { node, .. } if !rest.is_empty() => node.add(rest, found, counters),
            Target::Scalar { slot, .. } | Target::Message { slot, .. } => *slot = Some(found),
        }
    }

    fn finish(&mut self, beneath: &mut Beneath) {
        match self {
            Target::Scalar { slot, .. } => beneath.slots.extend(*slot),
            Target::Message { slot, node } => {
                node.finish();
                beneath.slots.extend(*slot);
                beneath.slots.extend(&node.beneath.slots);
                beneath.counters.extend(&node.beneath.counters);
            }
        }
    }

    /// What a single field shows when it is not on the wire.
    fn defaults(&self, row: &Row, defaults: &mut Vec<(u32, Missing)>) {
        let never_omitted = row.omit == Omit::Never;
        let null = |slot: &Option<u32>| {
            slot.filter(|_| never_omitted)
                .map(|slot| (slot, Missing::Null))
        };
        match self {
            Target::Scalar { slot, .. } | Target::Message { slot, .. } if row.pointer => {
                defaults.extend(null(slot));
            }
            Target::Scalar {
                scalar: Scalar::Bytes,
                slot,
                ..
            } => defaults.extend(null(slot)),
            Target::Scalar { scalar, slot, .. } => {
                let zero = slot
                    .filter(|_| never_omitted)
                    .map(|slot| (slot, Missing::Zero(*scalar)));
                defaults.extend(zero);
            }
            Target::Message { slot, node } => {
                defaults.extend(slot.map(|slot| (slot, Missing::Composite)));
                defaults.extend(&node.defaults);
            }
        }
    }
}
