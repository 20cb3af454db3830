//! The order of the nodes: parents and dependencies first, lines of one branch together.

/// A permutation of `0..below.len()` in which everything below a node comes before it. `below` must be
/// acyclic. Depends only on the order of the input.
pub(super) fn sort(below: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(below.len());
    let mut seen = vec![false; below.len()];
    for head in heads(below) {
        visit(head, below, &mut seen, &mut order);
    }
    order
}

fn heads(below: &[Vec<usize>]) -> Vec<usize> {
    let mut covered = vec![false; below.len()];
    below.iter().flatten().for_each(|node| covered[*node] = true);
    (0..below.len()).filter(|node| !covered[*node]).collect()
}

/// Depth first with a stack of its own: a line of ten thousand revisions must not need ten thousand
/// frames.
fn visit(start: usize, below: &[Vec<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
    seen[start] = true;
    let mut stack = vec![(start, 0)];
    while let Some((node, next)) = stack.last_mut() {
        match below[*node].get(*next) {
            Some(&parent) => {
                *next += 1;
                if !std::mem::replace(&mut seen[parent], true) {
                    stack.push((parent, 0));
                }
            }
            None => {
                order.push(*node);
                stack.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sort;

    #[test]
    fn keeps_branches_together() {
        // 0 -> 1 -> 3 and 0 -> 2 -> 4, merged in 5.
        let below = [vec![], vec![0], vec![0], vec![1], vec![2], vec![3, 4]];
        assert_eq!(sort(&below), [0, 1, 3, 2, 4, 5]);
    }
}
