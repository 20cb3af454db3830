//! From headers to a graph, or to everything that is wrong with them.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::{Graph, Node, cycles, labels, order};
use crate::problem::{Code, Problem, Span};
use crate::revision::{BranchLabel, Header, RevisionId, Spanned};

impl Graph {
    /// Checks all headers and links them. The order of the input decides where the graph's own order has
    /// a choice, so give the files in a stable order.
    ///
    /// # Errors
    /// All problems at once: [`Code::GraphDuplicate`], [`Code::GraphMissing`], [`Code::GraphCycle`]
    /// (through parents, dependencies or both), [`Code::GraphLabel`], and [`Code::AmbiguousId`] for a
    /// partial id in `depends_on`.
    pub fn build(headers: Vec<impl Into<Arc<Header>>>) -> Result<Self, Vec<Problem>> {
        let mut draft = Draft::name(headers.into_iter().map(Into::into));
        draft.link();
        draft.find_cycles();
        if draft.problems.is_empty() { Ok(draft.finish()) } else { Err(draft.problems) }
    }
}

/// Headers on their way to a graph; numbers count in `headers`.
#[derive(Default)]
struct Draft {
    headers: Vec<Arc<Header>>,
    ids: BTreeMap<RevisionId, usize>,
    labels: BTreeMap<BranchLabel, usize>,
    /// As declared, resolved, each once.
    parents: Vec<Vec<usize>>,
    dependencies: Vec<Vec<usize>>,
    problems: Vec<Problem>,
}

impl Draft {
    /// Takes the names: ids first, since a label may not be one.
    fn name(headers: impl Iterator<Item = Arc<Header>>) -> Self {
        let mut draft = Self::default();
        for header in headers {
            draft.take_id(header);
        }
        for node in 0..draft.headers.len() {
            let header = Arc::clone(&draft.headers[node]);
            for label in &header.branch_labels {
                draft.take_label(node, label);
            }
        }
        draft
    }

    fn take_id(&mut self, header: Arc<Header>) {
        let id = &header.id.value;
        if let Some(&first) = self.ids.get(id.as_str()) {
            let first = &self.headers[first];
            let problem =
                Problem::new(Code::GraphDuplicate, format!("Revision {id} is present more than once"))
                    .at(header.place(&header.id.span))
                    .also(first.place(&first.id.span), "first used here")
                    .help("give one of the two a new id, or delete the copy");
            self.problems.push(problem);
            return;
        }
        self.ids.insert(id.clone(), self.headers.len());
        self.headers.push(header);
    }

    fn take_label(&mut self, node: usize, label: &Spanned<BranchLabel>) {
        let name = label.value.as_str();
        let by_id = self.ids.get(name).map(|&other| (other, "this is its id"));
        let by_label = self.labels.get(name).map(|&other| (other, "first used here"));
        let Some((other, what)) = by_id.or(by_label) else {
            self.labels.insert(label.value.clone(), node);
            return;
        };
        let (header, taken) = (&self.headers[node], &self.headers[other]);
        let taken_at = match taken.branch_labels.iter().find(|own| own.value == label.value) {
            Some(own) if by_id.is_none() => &own.span,
            _ => &taken.id.span,
        };
        let message = format!(
            "Branch name '{name}' in revision {} already used by revision {}",
            header.id.value, taken.id.value
        );
        let problem = Problem::new(Code::GraphLabel, message)
            .at(header.place(&label.span))
            .also(taken.place(taken_at), what)
            .help(
                "a label names one branch: it stands in the branch's first revision and spreads from there",
            );
        self.problems.push(problem);
    }

    fn link(&mut self) {
        for node in 0..self.headers.len() {
            let parents = self.parents_of(node);
            let dependencies = self.dependencies_of(node);
            self.parents.push(parents);
            self.dependencies.push(dependencies);
        }
    }

    fn parents_of(&mut self, node: usize) -> Vec<usize> {
        let mut parents = Vec::new();
        for parent in self.headers[node].down_revision.clone() {
            match self.ids.get(parent.value.as_str()) {
                Some(&found) if found == node => self.self_loop(node, "Self-loop", &parent.span),
                Some(&found) if parents.contains(&found) => {}
                Some(&found) => parents.push(found),
                None => self.missing(node, parent.value.as_str(), &parent.span),
            }
        }
        parents
    }

    fn dependencies_of(&mut self, node: usize) -> Vec<usize> {
        let mut dependencies = Vec::new();
        for dependency in self.headers[node].depends_on.clone() {
            match self.lookup(&dependency.value)[..] {
                [found] if found == node => self.self_loop(node, "Dependency self-loop", &dependency.span),
                [found] if dependencies.contains(&found) => {}
                [found] => dependencies.push(found),
                [] => self.missing(node, &dependency.value, &dependency.span),
                ref several => {
                    let several = several.to_vec();
                    self.ambiguous(node, &dependency, &several);
                }
            }
        }
        dependencies
    }

    /// An id, a label, or the start of ids.
    fn lookup(&self, name: &str) -> Vec<usize> {
        let exact = self.ids.get(name).or_else(|| self.labels.get(name));
        exact.map_or_else(|| self.starting_with(name), |found| vec![*found])
    }

    fn starting_with(&self, prefix: &str) -> Vec<usize> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let ids = self.ids.range::<str, _>(from);
        ids.take_while(|(id, _)| id.as_str().starts_with(prefix)).map(|(_, node)| *node).collect()
    }

    fn self_loop(&mut self, node: usize, kind: &str, span: &Span) {
        let header = &self.headers[node];
        let message = format!("{kind} is detected in revisions ({})", header.id.value);
        self.problems.push(
            Problem::new(Code::GraphCycle, message)
                .at(header.place(span))
                .help("a revision cannot come after itself: name another one, or leave the line empty"),
        );
    }

    fn missing(&mut self, node: usize, name: &str, span: &Span) {
        let header = &self.headers[node];
        let message = format!("Revision {name} referenced from {} is not present", header.id.value);
        let help = match self.starting_with(name)[..] {
            [one] => format!("write the full id, {}", self.headers[one].id.value),
            _ => {
                "add the missing file, or correct the id; no file in the version locations has it".to_owned()
            }
        };
        self.problems.push(Problem::new(Code::GraphMissing, message).at(header.place(span)).help(help));
    }

    fn ambiguous(&mut self, node: usize, name: &Spanned<String>, found: &[usize]) {
        let message =
            format!("Multiple revisions start with '{}': {}", name.value, self.list(found.iter().copied()));
        self.problems.push(
            Problem::new(Code::AmbiguousId, message)
                .at(self.headers[node].place(&name.span))
                .help("write the full id"),
        );
    }

    fn list(&self, nodes: impl Iterator<Item = usize>) -> String {
        nodes.map(|node| self.headers[node].id.value.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Parents and dependencies of each node together.
    fn below(&self) -> Vec<Vec<usize>> {
        let both = self.parents.iter().zip(&self.dependencies);
        both.map(|(parents, dependencies)| [parents.as_slice(), dependencies].concat()).collect()
    }

    fn find_cycles(&mut self) {
        let plain = cycles::find(&self.parents);
        let mixed = cycles::find(&self.below());
        // The second search sees the cycles of the first one too.
        let mixed = mixed.into_iter().filter(|cycle| !self.is_plain(cycle)).collect::<Vec<_>>();
        for cycle in plain {
            self.cycle("Cycle", &cycle);
        }
        for cycle in mixed {
            self.cycle("Dependency cycle", &cycle);
        }
    }

    fn is_plain(&self, cycle: &[usize]) -> bool {
        links(cycle).all(|(lower, upper)| self.parents[upper].contains(&lower))
    }

    fn cycle(&mut self, kind: &str, cycle: &[usize]) {
        let message = format!("{kind} is detected in revisions ({})", self.list(cycle.iter().copied()));
        let mut problem = Problem::new(Code::GraphCycle, message)
            .help("cut the circle: one of these lines must name another revision, or none");
        for (at, (lower, upper)) in links(cycle).enumerate() {
            let header = &self.headers[upper];
            let place = header.place(self.span_of_link(lower, upper));
            let what = format!("{} comes after {}", header.id.value, self.headers[lower].id.value);
            problem = if at == 0 { problem.at(place).note(what) } else { problem.also(place, what) };
        }
        self.problems.push(problem);
    }

    /// Where the upper header names the lower one.
    fn span_of_link(&self, lower: usize, upper: usize) -> &Span {
        let header = &self.headers[upper];
        let parent = header.down_revision.iter().find(|id| id.value == self.headers[lower].id.value);
        let dependency = || header.depends_on.iter().find(|name| self.lookup(&name.value) == [lower]);
        parent.map(|id| &id.span).or_else(|| dependency().map(|name| &name.span)).unwrap_or(&header.id.span)
    }

    /// Renumbers everything into the graph's order and derives what the links imply.
    fn finish(self) -> Graph {
        let order = order::sort(&self.below());
        let mut rank = vec![0; order.len()];
        order.iter().enumerate().for_each(|(index, old)| rank[*old] = index);
        let renumber = |lists: &[Vec<usize>], old: usize| -> Vec<usize> {
            lists[old].iter().map(|node| rank[*node]).collect()
        };
        let parents: Vec<Vec<usize>> = order.iter().map(|old| renumber(&self.parents, *old)).collect();
        let dependencies = order.iter().map(|old| renumber(&self.dependencies, *old)).collect();
        let headers = order.iter().map(|old| Arc::clone(&self.headers[*old]));
        let mut graph = Graph {
            nodes: nodes(headers, parents, dependencies),
            ids: self.ids.into_iter().map(|(id, old)| (id, rank[old])).collect(),
            labels: self.labels.into_iter().map(|(label, old)| (label, rank[old])).collect(),
        };
        labels::spread(&mut graph);
        graph
    }
}

/// The links of a circle: each member with the next one, the last with the first.
fn links(cycle: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    cycle.iter().copied().zip(cycle.iter().copied().cycle().skip(1))
}

fn nodes(
    headers: impl Iterator<Item = Arc<Header>>,
    parents: Vec<Vec<usize>>,
    mut dependencies: Vec<Vec<usize>>,
) -> Vec<Node> {
    let mut children = vec![Vec::new(); parents.len()];
    let mut dependants = vec![Vec::new(); parents.len()];
    for (node, (parents, dependencies)) in parents.iter().zip(&mut dependencies).enumerate() {
        dependencies.retain(|other| !parents.contains(other));
        parents.iter().for_each(|parent| children[*parent].push(node));
        dependencies.iter().for_each(|other| dependants[*other].push(node));
    }
    let links = parents.into_iter().zip(dependencies).zip(children.into_iter().zip(dependants));
    let node = |(index, (header, ((parents, dependencies), (children, dependants))))| Node {
        header,
        index,
        parents,
        dependencies,
        children,
        dependants,
        labels: Vec::new(),
    };
    headers.zip(links).enumerate().map(node).collect()
}
