//! Large graphs of several shapes, for the size test and the benchmark.

use super::Rev;

/// A shape's name and its revisions.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) revs: Vec<Rev>,
}

/// Every shape with about `size` revisions.
pub(crate) fn all(size: usize) -> Vec<Shape> {
    vec![
        Shape { name: "line", revs: (0..size).map(|at| rev(at, at.checked_sub(1).into_iter())).collect() },
        Shape { name: "diamonds", revs: (0..size).map(diamond).collect() },
        Shape { name: "branches", revs: (0..size).map(branch).collect() },
        Shape {
            name: "many heads",
            revs: (0..size).map(|at| rev(at, (at > 0).then_some(0).into_iter())).collect(),
        },
        Shape { name: "one merge", revs: one_merge(size) },
        Shape { name: "crossing dependencies", revs: crossing(size / 3) },
        Shape { name: "labels", revs: labels(size) },
    ]
}

fn rev(at: usize, parents: impl Iterator<Item = usize>) -> Rev {
    Rev {
        id: format!("{at:012x}"),
        parents: parents.map(|parent| format!("{parent:012x}")).collect(),
        message: format!("revision {at}"),
        ..Rev::default()
    }
}

/// One after the other: a point, two sides, their merge, which is the next one's point.
fn diamond(at: usize) -> Rev {
    match at % 3 {
        0 if at == 0 => rev(at, std::iter::empty()),
        0 => rev(at, [at - 2, at - 1].into_iter()),
        1 => rev(at, std::iter::once(at - 1)),
        _ => rev(at, std::iter::once(at - 2)),
    }
}

/// A thousand lines of ten, each with a label and a dependency on the line before.
fn branch(at: usize) -> Rev {
    let mut rev = rev(at, (!at.is_multiple_of(10)).then(|| at - 1).into_iter());
    if at.is_multiple_of(10) {
        rev.labels.push(format!("line{at}"));
        rev.depends_on.extend(at.checked_sub(5).map(|other| format!("{other:012x}")));
    }
    rev
}

/// One root, many children, one revision that merges them all.
fn one_merge(size: usize) -> Vec<Rev> {
    let mut revs: Vec<Rev> = (0..size - 1).map(|at| rev(at, (at > 0).then_some(0).into_iter())).collect();
    revs.push(rev(size - 1, 1..size - 1));
    revs
}

/// Three lines; each revision of the second and third depends on one of the first, so that every
/// dependency is declared twice.
fn crossing(length: usize) -> Vec<Rev> {
    let on_line = |line: usize, at: usize| {
        let number = line * length + at;
        let mut rev = rev(number, (at > 0).then(|| number - 1).into_iter());
        if line > 0 {
            rev.depends_on.push(format!("{at:012x}"));
        }
        rev
    };
    (0..3 * length).map(|at| on_line(at / length, at % length)).collect()
}

/// A line in which every hundredth revision has a label.
fn labels(size: usize) -> Vec<Rev> {
    let labelled = |at: usize| {
        let mut rev = rev(at, at.checked_sub(1).into_iter());
        if at.is_multiple_of(100) {
            rev.labels.push(format!("label{at}"));
        }
        rev
    };
    (0..size).map(labelled).collect()
}
