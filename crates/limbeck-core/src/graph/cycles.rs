//! Complete cycle detection.

use std::collections::HashMap;

/// Removes nodes that wait for nothing, until only cycles and what stands on them is left.
struct Peel<'a> {
    below: &'a [Vec<usize>],
    above: Vec<Vec<usize>>,
    waiting: Vec<usize>,
    done: Vec<bool>,
}

impl<'a> Peel<'a> {
    fn new(below: &'a [Vec<usize>]) -> Self {
        let mut above = vec![Vec::new(); below.len()];
        for (node, parents) in below.iter().enumerate() {
            parents.iter().for_each(|parent| above[*parent].push(node));
        }
        let waiting = below.iter().map(Vec::len).collect();
        Self { below, above, waiting, done: vec![false; below.len()] }
    }

    /// Removes these nodes and all that then waits for nothing.
    fn release(&mut self, mut ready: Vec<usize>) {
        while let Some(node) = ready.pop() {
            if std::mem::replace(&mut self.done[node], true) {
                continue;
            }
            for &child in &self.above[node] {
                self.waiting[child] -= 1;
                if self.waiting[child] == 0 {
                    ready.push(child);
                }
            }
        }
    }

    /// Walks down from a node that is left. Each such node waits for another, so the walk must come back
    /// to where it was: that is a cycle, here with the lowest node first.
    fn cycle_below(&self, start: usize) -> Vec<usize> {
        let mut trail = vec![start];
        let mut place = HashMap::from([(start, 0)]);
        let mut at = start;
        while let Some(&next) = self.below[at].iter().find(|node| !self.done[**node]) {
            if let Some(&first) = place.get(&next) {
                return trail.split_off(first).into_iter().rev().collect();
            }
            place.insert(next, trail.len());
            trail.push(next);
            at = next;
        }
        trail
    }
}

/// Cycles that have no node in common, enough of them that cutting each leaves none. `below` has each
/// node's parents. In each cycle every node is below the next one, and the last below the first.
pub(super) fn find(below: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut peel = Peel::new(below);
    peel.release((0..below.len()).filter(|node| below[*node].is_empty()).collect());
    let mut found = Vec::new();
    for start in 0..below.len() {
        while !peel.done[start] {
            let cycle = peel.cycle_below(start);
            peel.release(cycle.clone());
            found.push(cycle);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn finds_every_cycle_and_names_only_its_members() {
        assert!(find(&[vec![], vec![0], vec![0, 1]]).is_empty());
        // 1 -> 2 -> 1 above a root, a tail on top, and a second cycle 4, 5, 6.
        let below = [vec![], vec![0, 2], vec![1], vec![2], vec![6], vec![4], vec![5, 3]];
        let cycles = find(&below);
        assert_eq!(cycles, [vec![2, 1], vec![5, 6, 4]]);
    }
}
