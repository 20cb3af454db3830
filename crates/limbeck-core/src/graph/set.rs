//! A set of node numbers, one bit each.

/// A set of nodes of one graph. Iterates oldest first, since nodes are numbered that way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeSet {
    words: Vec<u64>,
}

impl NodeSet {
    /// The empty set over `len` nodes.
    pub(crate) fn new(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)] }
    }

    /// Adds a node and tells whether it is new.
    pub(crate) fn insert(&mut self, node: usize) -> bool {
        let bit = 1 << (node % 64);
        let new = self.words[node / 64] & bit == 0;
        self.words[node / 64] |= bit;
        new
    }

    pub(crate) fn remove(&mut self, node: usize) {
        self.words[node / 64] &= !(1 << (node % 64));
    }

    pub(crate) fn contains(&self, node: usize) -> bool {
        self.words[node / 64] & (1 << (node % 64)) != 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn union(mut self, other: &Self) -> Self {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
        self
    }

    pub(crate) fn intersection(mut self, other: &Self) -> Self {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
        self
    }

    pub(crate) fn difference(mut self, other: &Self) -> Self {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= !b);
        self
    }

    /// The nodes, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = usize> {
        let used = self.words.iter().enumerate().filter(|(_, word)| **word != 0);
        used.flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::NodeSet;

    fn set(nodes: &[usize]) -> NodeSet {
        let mut set = NodeSet::new(200);
        nodes.iter().for_each(|node| assert!(set.insert(*node)));
        set
    }

    #[test]
    fn keeps_what_is_put_in() {
        let set = set(&[130, 0, 63, 64]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 130]);
        assert_eq!(set.iter().next_back(), Some(130));
        assert_eq!(set.len(), 4);
        assert!(!set.is_empty() && !set.contains(1));
        assert!(!set.clone().insert(63));
    }

    #[test]
    fn combines() {
        let (a, b) = (set(&[1, 2, 100]), set(&[2, 100, 150]));
        assert_eq!(a.clone().union(&b), set(&[1, 2, 100, 150]));
        assert_eq!(a.clone().intersection(&b), set(&[2, 100]));
        assert_eq!(a.difference(&b), set(&[1]));
    }
}
