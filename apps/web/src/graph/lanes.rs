//! Which lane each revision and each edge takes.

/// What a revision leads to.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    pub(super) parents: Vec<End>,
    pub(super) dependencies: Vec<End>,
}

/// Where an edge ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At a revision further down.
    Row(usize),
    /// Below what is drawn.
    Below,
}

/// What an edge means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Parent,
    Dependency,
}

/// An edge from a revision to what it follows or depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edge {
    /// Row and lane.
    pub(super) from: (usize, usize),
    /// Row and lane; none is below the drawing.
    pub(super) to: Option<(usize, usize)>,
    /// The lane that it takes in between.
    pub(super) lane: usize,
    pub(super) kind: Kind,
}

/// The result.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The lane of each row.
    pub(super) lanes: Vec<usize>,
    pub(super) edges: Vec<Edge>,
    /// How many lanes there are.
    pub(super) width: usize,
}

/// An edge that has begun and not ended.
#[derive(Debug, Clone, Copy)]
struct Strand {
    from: (usize, usize),
    end: End,
    kind: Kind,
}

/// Gives every edge a lane that no revision stands in while the edge passes, the first parent the lane of its child.
pub(super) fn lay_out(links: &[Links]) -> Layout {
    let mut layout = Layout::default();
    let mut open: Vec<Option<Strand>> = Vec::new();
    for (row, links) in links.iter().enumerate() {
        let lane = end_strands(row, &mut open, &mut layout.edges);
        layout.lanes.push(lane);
        layout.width = layout.width.max(lane + 1);
        let parents = links.parents.iter().map(|end| (*end, Kind::Parent));
        let dependencies = links.dependencies.iter().map(|end| (*end, Kind::Dependency));
        for (at, (end, kind)) in parents.chain(dependencies).enumerate() {
            let own = if at == 0 && kind == Kind::Parent { Some(lane) } else { None };
            let place = own.unwrap_or_else(|| free(&open, lane));
            occupy(&mut open, place, Strand { from: (row, lane), end, kind });
        }
        layout.width = layout.width.max(open.len());
    }
    let below = open.iter().enumerate().filter_map(|(lane, strand)| Some((lane, (*strand)?)));
    layout.edges.extend(below.map(|(lane, Strand { from, kind, .. })| Edge { from, to: None, lane, kind }));
    layout
}

/// Ends what leads to this row, and says in which lane the row is: the leftmost that leads there from a child.
fn end_strands(row: usize, open: &mut [Option<Strand>], edges: &mut Vec<Edge>) -> usize {
    let leads_here = |strand: &Strand| strand.end == End::Row(row);
    let leftmost =
        |kind| open.iter().position(|strand| strand.is_some_and(|s| leads_here(&s) && s.kind == kind));
    let lane = leftmost(Kind::Parent).or_else(|| leftmost(Kind::Dependency));
    let lane = lane.unwrap_or_else(|| open.iter().position(Option::is_none).unwrap_or(open.len()));
    for (at, slot) in open.iter_mut().enumerate() {
        if let Some(Strand { from, kind, .. }) = slot.take_if(|strand| leads_here(strand)) {
            edges.push(Edge { from, to: Some((row, lane)), lane: at, kind });
        }
    }
    lane
}

/// The first lane that nothing takes, besides this one.
fn free(open: &[Option<Strand>], besides: usize) -> usize {
    let is_free = |lane: &usize| *lane != besides && open.get(*lane).is_none_or(Option::is_none);
    (0..=open.len() + 1).find(is_free).unwrap_or(open.len())
}

fn occupy(open: &mut Vec<Option<Strand>>, lane: usize, strand: Strand) {
    if open.len() <= lane {
        open.resize(lane + 1, None);
    }
    open[lane] = Some(strand);
}

#[cfg(test)]
mod tests {
    use super::{Edge, End, Kind, Links, lay_out};

    fn links(parents: &[usize], dependencies: &[usize]) -> Links {
        let ends = |rows: &[usize]| rows.iter().map(|row| End::Row(*row)).collect();
        Links { parents: ends(parents), dependencies: ends(dependencies) }
    }

    #[test]
    fn a_line_stays_in_one_lane() {
        let layout = lay_out(&[links(&[1], &[]), links(&[2], &[]), links(&[], &[])]);
        assert_eq!((layout.lanes, layout.width), (vec![0, 0, 0], 1));
    }

    #[test]
    fn a_branch_that_is_merged() {
        // 0 merges 1 and 2, which both follow 3.
        let layout = lay_out(&[links(&[1, 2], &[]), links(&[3], &[]), links(&[3], &[]), links(&[], &[])]);
        assert_eq!((layout.lanes, layout.width), (vec![0, 0, 1, 0], 2));
        let edge = Edge { from: (2, 1), to: Some((3, 0)), lane: 1, kind: Kind::Parent };
        assert!(layout.edges.contains(&edge), "{:?}", layout.edges);
    }

    #[test]
    fn a_dependency_has_a_lane_of_its_own() {
        // 0 follows 1 and depends on 2; 1 and 2 are bases of two branches.
        let layout = lay_out(&[links(&[1], &[2]), links(&[], &[]), links(&[], &[])]);
        assert_eq!((layout.lanes, layout.width), (vec![0, 0, 1], 2));
        assert_eq!(layout.edges[1].kind, Kind::Dependency);
    }

    /// Whatever the graph: where an edge passes a row, no revision stands, and no other edge passes.
    #[test]
    fn nothing_stands_in_the_way() {
        let mut random: u64 = 7;
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).unwrap() % below
        };
        for _ in 0..300 {
            let rows = 1 + next(30);
            let graph: Vec<Links> = (0..rows)
                .map(|row| {
                    let mut ends = || -> Vec<End> {
                        let mut some: Vec<usize> = (0..next(3)).map(|_| row + 1 + next(8)).collect();
                        some.sort_unstable();
                        some.dedup();
                        some.into_iter().map(|to| if to < rows { End::Row(to) } else { End::Below }).collect()
                    };
                    Links { parents: ends(), dependencies: ends() }
                })
                .collect();
            let layout = lay_out(&graph);
            let wanted: usize =
                graph.iter().map(|links| links.parents.len() + links.dependencies.len()).sum();
            assert_eq!(layout.edges.len(), wanted);
            for row in 0..rows {
                let passes = |edge: &&Edge| edge.from.0 < row && edge.to.is_none_or(|(end, _)| end > row);
                let mut taken: Vec<usize> =
                    layout.edges.iter().filter(passes).map(|edge| edge.lane).collect();
                taken.push(layout.lanes[row]);
                let all = taken.len();
                taken.sort_unstable();
                taken.dedup();
                assert_eq!(taken.len(), all, "row {row} of {graph:?}");
                assert!(taken.iter().all(|lane| *lane < layout.width));
            }
        }
    }
}
