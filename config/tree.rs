//! A YAML tree that keeps text, style and position of every value.

use crate::{Location, Problems};
use serde::de::DeserializeOwned;

/// One value of the tree.
#[derive(Debug, Clone)]
pub struct Node {}

impl Node {
    /// Parses one YAML document (the first) of a source called `file`.
    pub fn parse(_text: &str, _file: &str) -> Result<Node, Problems> {
        todo!()
    }
    /// A null without position: for components that were named without settings.
    pub fn null() -> Node {
        todo!()
    }
    /// Where it stands.
    pub fn location(&self) -> Option<&Location> {
        todo!()
    }
    /// Whether it is null or absent.
    pub fn is_null(&self) -> bool {
        todo!()
    }
    /// The value of a key, if this is a map that has it.
    pub fn get(&self, _key: &str) -> Option<&Node> {
        todo!()
    }
    /// Takes a key out of a map: how shared fronts read their keys out of a component's node.
    pub fn take(&mut self, _key: &str) -> Option<Node> {
        todo!()
    }
    /// Pairs of a map in order with the location of the key; empty for other kinds.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Location, &Node)> {
        std::iter::empty()
    }
    /// Elements of a list; empty for other kinds.
    pub fn items(&self) -> impl Iterator<Item = &Node> {
        std::iter::empty()
    }
    /// The text of a scalar as written.
    pub fn text(&self) -> Option<&str> {
        todo!()
    }
    /// Lays `over` on this tree: maps merge, everything else is replaced.
    pub fn merge(self, _over: Node) -> Node {
        todo!()
    }
    /// Deserializes by serde; positions of this tree are in the problems.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Problems> {
        todo!()
    }
}
