//! The order in which changes can run: a graph of what must come before what.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Change};
use super::draft::{Draft, Fact, Key, Role, Stage, keys};
use super::fate::{Fates, is_type};
use super::own_needs::EXPRESSIONS;
use super::removal::Carried;
use super::scope;
use crate::schema::{Constraint, Kind, Name, Need, Object, ObjectId, Persistence, Schema};
use crate::sql::token::{Lexer, TokenKind};

/// Puts the changes in order, and says of each which others must come before it.
pub(super) fn order(fates: &Fates<'_>, carried: &Carried<'_>, drafts: Vec<Draft>) -> Vec<Change> {
    let before = Graph::new(fates, carried, &drafts).before();
    let ranks: Vec<Rank> = drafts.iter().map(rank).collect();
    let sequence = sorted(&before, &ranks);
    let mut positions = vec![0; drafts.len()];
    for (position, &index) in sequence.iter().enumerate() {
        positions[index] = position;
    }
    let mut changes: Vec<Option<Change>> = drafts.into_iter().map(|draft| Some(draft.change)).collect();
    let mut ordered = Vec::with_capacity(changes.len());
    for (position, &index) in sequence.iter().enumerate() {
        let Some(mut change) = changes[index].take() else { continue };
        let mut after: Vec<usize> = before[index].iter().map(|&index| positions[index]).collect();
        // A circle was cut where this does not hold.
        after.retain(|&other| other < position);
        after.sort_unstable();
        change.after = after;
        ordered.push(change);
    }
    ordered
}

/// What decides where the graph does not.
type Rank = (Stage, i32, Option<Name>, i32, ObjectId);

fn rank(draft: &Draft) -> Rank {
    let id = &draft.change.object;
    let family = match id.kind {
        Kind::Table | Kind::ForeignTable | Kind::Index | Kind::Constraint | Kind::Statistics => 50,
        Kind::Rule | Kind::Trigger | Kind::Policy => 90,
        kind if kind < Kind::Table => 0,
        _ => 70,
    };
    let kind = id.kind as i32;
    let relation = if family == 0 { None } else { id.of.clone().or_else(|| id.qualified()) };
    match draft.stage {
        Stage::Clear | Stage::Part => (draft.stage, -family, relation, -kind, id.clone()),
        _ if family == 0 || family == 70 => (draft.stage, family + kind, None, kind, id.clone()),
        _ => (draft.stage, family, relation, kind, id.clone()),
    }
}

/// A topological order. Where there is a circle, which PostgreSQL's own rules leave no room for but an unusual
/// catalog might, the lowest rank in it goes first.
fn sorted(before: &[BTreeSet<usize>], ranks: &[Rank]) -> Vec<usize> {
    let mut waits: Vec<usize> = before.iter().map(BTreeSet::len).collect();
    let mut followers = vec![Vec::new(); before.len()];
    for (index, others) in before.iter().enumerate() {
        for &other in others {
            followers[other].push(index);
        }
    }
    let mut ready: BTreeSet<(&Rank, usize)> =
        (0..before.len()).filter(|&index| waits[index] == 0).map(|index| (&ranks[index], index)).collect();
    let mut open: BTreeSet<(&Rank, usize)> = (0..before.len()).map(|index| (&ranks[index], index)).collect();
    let mut sequence = Vec::with_capacity(before.len());
    while let Some(next) = ready.pop_first().or_else(|| first_of_circle(before, &open)) {
        open.remove(&next);
        sequence.push(next.1);
        for &follower in &followers[next.1] {
            waits[follower] = waits[follower].saturating_sub(1);
            let entry = (&ranks[follower], follower);
            if waits[follower] == 0 && open.contains(&entry) {
                ready.insert(entry);
            }
        }
    }
    sequence
}

/// Everything of a sort that must come before by way of others of the sort, directly or not.
fn all_before(before: &[BTreeSet<usize>], index: usize, is_meant: impl Fn(usize) -> bool) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::new(), vec![index]);
    while let Some(next) = open.pop() {
        open.extend(before[next].iter().copied().filter(|&other| is_meant(other) && found.insert(other)));
    }
    found
}

/// Where all that is open waits: the lowest rank of those that wait for nothing but what waits for them.
fn first_of_circle<'r>(
    before: &[BTreeSet<usize>],
    open: &BTreeSet<(&'r Rank, usize)>,
) -> Option<(&'r Rank, usize)> {
    let is_open: BTreeSet<usize> = open.iter().map(|&(_, index)| index).collect();
    let all_before = |index| all_before(before, index, |it| is_open.contains(&it));
    let in_circle = |&&(_, index): &&(&Rank, usize)| {
        all_before(index).into_iter().all(|other| all_before(other).contains(&index))
    };
    open.iter().find(in_circle).copied()
}

/// Each foreign key, with its table and the one that it refers to.
fn foreign_keys(schema: &Schema) -> impl Iterator<Item = (&ObjectId, [ObjectId; 2])> {
    schema.objects.iter().filter_map(|(id, entry)| {
        let Object::Constraint(Constraint { references: Some(target), .. }) = &entry.object else {
            return None;
        };
        Some((id, [scope::host(schema, id.of.as_ref()?)?, scope::host(schema, target)?]))
    })
}

fn becomes_logged(to: &Schema, table: &ObjectId) -> bool {
    let entry = to.objects.get(table);
    matches!(entry.map(|entry| &entry.object), Some(Object::Table(table)) if table.persistence == Persistence::Permanent)
}

/// The names in the quoted body of a function.
fn body_words(definition: &str) -> BTreeSet<String> {
    let bodies = Lexer::new(definition, 0)
        .filter(|token| matches!(token.kind, TokenKind::DollarText | TokenKind::Text));
    let mut words = BTreeSet::new();
    for body in bodies {
        let body = &definition[body.span];
        let tag = match body.strip_prefix('$').and_then(|rest| rest.find('$')) {
            Some(end) => end + 2,
            None => 1,
        };
        let inner = body.get(tag..body.len().saturating_sub(tag)).unwrap_or_default();
        for token in Lexer::new(inner, 0) {
            match token.kind {
                TokenKind::Word => words.insert(inner[token.span].to_ascii_lowercase()),
                TokenKind::QuotedName => {
                    words.insert(inner[token.span].trim_matches('"').replace("\"\"", "\""))
                }
                _ => false,
            };
        }
    }
    words
}

struct Graph<'a> {
    fates: &'a Fates<'a>,
    carried: &'a Carried<'a>,
    drafts: &'a [Draft],
    /// The changes of each object.
    of: BTreeMap<&'a ObjectId, Vec<usize>>,
    /// What must come before each change.
    before: Vec<BTreeSet<usize>>,
}

impl<'a> Graph<'a> {
    fn new(fates: &'a Fates<'a>, carried: &'a Carried<'a>, drafts: &'a [Draft]) -> Self {
        let mut of: BTreeMap<&ObjectId, Vec<usize>> = BTreeMap::new();
        for (index, draft) in drafts.iter().enumerate() {
            of.entry(&draft.change.object).or_default().push(index);
        }
        Self { fates, carried, drafts, of, before: vec![BTreeSet::new(); drafts.len()] }
    }

    fn before(mut self) -> Vec<BTreeSet<usize>> {
        self.letting_go();
        self.building_up();
        self.names();
        self.facts();
        self.persistence();
        self.annotations();
        self.schemas();
        self.default_privileges();
        self.overloads();
        self.casts();
        self.bodies();
        self.renames();
        self.before
    }

    fn edge(&mut self, first: usize, then: usize) {
        if first != then {
            self.before[then].insert(first);
        }
    }

    fn of(&self, id: &ObjectId) -> &[usize] {
        self.of.get(id).map_or(&[], Vec::as_slice)
    }

    /// All else goes by the new names, except for what has to make room for one of them.
    fn renames(&mut self) {
        let renames: Vec<usize> =
            (0..self.drafts.len()).filter(|&index| self.drafts[index].stage == Stage::Rename).collect();
        if renames.is_empty() {
            return;
        }
        let (frees, drafts) = (self.frees(), self.drafts);
        let mut first: BTreeSet<usize> = BTreeSet::new();
        for &rename in &renames {
            let obstacles = drafts[rename].takes.iter().filter_map(|key| frees.get(key)).flatten();
            for &obstacle in obstacles.filter(|&&index| drafts[index].role == Role::Remove) {
                first.extend(self.all_before(obstacle));
                first.insert(obstacle);
                self.before[rename].insert(obstacle);
            }
        }
        for (position, &rename) in renames.iter().enumerate() {
            for &other in &renames[..position] {
                self.edge(other, rename);
            }
            for index in 0..self.drafts.len() {
                if self.drafts[index].stage != Stage::Rename && !first.contains(&index) {
                    self.edge(rename, index);
                }
            }
        }
    }

    /// Everything that must come before, directly or not.
    fn all_before(&self, index: usize) -> BTreeSet<usize> {
        all_before(&self.before, index, |_| true)
    }

    /// Of routines of one name, those that go do so before something is made that means one of the others: it would mean
    /// one that goes, or could mean either.
    fn overloads(&mut self) {
        for gone in self.removed_overloads() {
            let overloaded = &self.drafts[gone].change.object;
            self.precede(gone, |on| overloaded.is_overload_of(on));
        }
    }

    /// What an expression needs of a cast is its function only, or nothing but the types; still the cast must be there.
    fn casts(&mut self) {
        let is_cast = |index: &usize| {
            self.drafts[*index].change.object.kind == Kind::Cast && self.drafts[*index].makes()
        };
        let casts: Vec<usize> = (0..self.drafts.len()).filter(is_cast).collect();
        for cast in casts {
            let Some(entry) = self.fates.to.objects.get(&self.drafts[cast].change.object) else { continue };
            let has_function = entry.needs.iter().any(|need| need.on.kind == Kind::Routine);
            let means = |on: &ObjectId| {
                (on.kind == Kind::Routine || !has_function) && entry.needs.iter().any(|need| need.on == *on)
            };
            self.precede(cast, means);
        }
    }

    /// A change comes before what says something of certain objects, or of a column. Where that makes a circle it does not
    /// count.
    fn precede(&mut self, first: usize, means: impl Fn(&ObjectId) -> bool) {
        let says = |&(_, draft): &(usize, &Draft)| {
            let is_meant = |need: &Need| means(&need.on) && (draft.makes() || need.by == draft.column);
            matches!(draft.role, Role::Provide | Role::Disturb | Role::Adjust)
                && self
                    .fates
                    .to
                    .objects
                    .get(&draft.change.object)
                    .is_some_and(|it| it.needs.iter().any(is_meant))
        };
        let says: Vec<usize> = self.drafts.iter().enumerate().filter(says).map(|(index, _)| index).collect();
        if says.is_empty() {
            return;
        }
        let before = self.all_before(first);
        says.into_iter().filter(|index| !before.contains(index)).for_each(|index| self.edge(first, index));
    }

    /// Whether the new side has a routine of the name with other arguments.
    fn stays_by_name(&self, gone: &ObjectId) -> bool {
        self.fates.to.objects.keys().any(|id| id.is_overload_of(gone))
    }

    fn removed_overloads(&self) -> Vec<usize> {
        let is_one = |draft: &Draft| {
            draft.role == Role::Remove && matches!(draft.change.object.kind, Kind::Routine | Kind::Operator)
        };
        (0..self.drafts.len()).filter(|&index| is_one(&self.drafts[index])).collect()
    }

    /// A function in SQL is read when it is made, and what its text names must be there; but no catalog knows of that
    /// need, and where it makes a circle with one that is known it does not count.
    fn bodies(&mut self) {
        for (index, draft) in self.drafts.iter().enumerate() {
            let (Action::Create(entry) | Action::Replace(entry)) = &draft.change.action else { continue };
            let Object::Routine(routine) = &entry.object else { continue };
            if routine.language != "sql" {
                continue;
            }
            let words = body_words(&routine.definition);
            for (other, made) in self.drafts.iter().enumerate() {
                let is_named = match (&made.change.action, &made.column) {
                    // What has the name beside it could be meant as well.
                    (Action::Drop(_), _) => {
                        let gone = &made.change.object;
                        words.contains(gone.name.as_str()) && self.stays_by_name(gone)
                    }
                    // A cast has no name; the types between which it is are named.
                    (Action::Create(cast), _) if made.change.object.kind == Kind::Cast => {
                        let is_named = |on: &ObjectId| is_type(on.kind) && words.contains(on.name.as_str());
                        cast.needs.iter().any(|need| is_named(&need.on))
                    }
                    (Action::Create(_) | Action::Replace(_), _) => {
                        words.contains(made.change.object.name.as_str())
                    }
                    (Action::AddColumn { .. }, Some(column)) => words.contains(column.as_str()),
                    _ => false,
                };
                if is_named && other != index && !self.all_before(other).contains(&index) {
                    self.edge(other, index);
                }
            }
        }
    }

    /// Before something goes, what needs it must have let go.
    fn letting_go(&mut self) {
        let mut gone_with: BTreeMap<usize, Vec<&'a ObjectId>> = BTreeMap::new();
        for id in self.carried.all() {
            for remover in self.carriers(id) {
                gone_with.entry(remover).or_default().push(id);
            }
        }
        for (index, draft) in self.drafts.iter().enumerate() {
            if !matches!(draft.role, Role::Remove | Role::Disturb | Role::Aside | Role::Loosen) {
                continue;
            }
            let id = &draft.change.object;
            self.let_go_of(id, draft.column.as_deref(), index);
            if let Some(column) = &draft.column {
                self.let_go_of_children(id, column, index);
            }
            for with in gone_with.get(&index).cloned().unwrap_or_default() {
                self.let_go_of(with, None, index);
            }
        }
    }

    /// What is done to a column is done to the children's. One that is made again does not see it.
    fn let_go_of_children(&mut self, id: &ObjectId, column: &str, index: usize) {
        for child in self.fates.followers(id, column) {
            self.let_go_of(child, Some(column), index);
            if self.fates.rebuilt.contains_key(child) {
                let removes = |&other: &usize| {
                    self.drafts[other].role == Role::Remove && self.drafts[other].column.is_none()
                };
                let removers: Vec<usize> = self.of(child).iter().copied().filter(removes).collect();
                removers.into_iter().for_each(|remover| self.edge(remover, index));
            }
        }
    }

    fn let_go_of(&mut self, id: &ObjectId, column: Option<&str>, index: usize) {
        let role = self.drafts[index].role;
        for (user, need) in self.fates.users(id) {
            let concerned = column.is_none_or(|column| need.column.as_deref() == Some(column));
            if !concerned || (*user == id && (column.is_none() || need.by.as_deref() == column)) {
                continue;
            }
            // A sequence does not mind what becomes of the type of the column that owns it.
            if role == Role::Disturb && column.is_some() && user.kind == Kind::Sequence {
                continue;
            }
            let removers = self.removers(user, need);
            let removed = !removers.is_empty();
            for remover in removers {
                self.edge(remover, index);
            }
            // One that is replaced by one without the need is replaced before.
            let ends = role == Role::Remove || self.fates.has_let_go(user, id, column);
            if ends && !removed {
                for other in self.done_to(user, need.by.as_deref()) {
                    let draft = &self.drafts[other];
                    if draft.column == need.by && draft.role != Role::Tweak {
                        self.edge(other, index);
                    }
                }
            }
        }
    }

    /// The changes that end a need.
    fn removers(&self, user: &ObjectId, need: &Need) -> Vec<usize> {
        let ends = |&index: &usize| {
            let draft = &self.drafts[index];
            match draft.role {
                Role::Remove => draft.column.is_none() || draft.column == need.by,
                Role::Loosen => draft.column == need.by,
                // It has its type still.
                Role::Release => draft.column == need.by && !self.fates.is_type_of(user, need),
                _ => false,
            }
        };
        let done = self.done_to(user, need.by.as_deref()).into_iter();
        let mut removers: Vec<usize> = done.filter(ends).collect();
        // A domain that lets go before it goes need not have gone.
        let releases = |index: &usize| self.drafts[*index].role == Role::Release;
        if need.by.as_deref() == Some(EXPRESSIONS) && removers.iter().any(releases) {
            removers.retain(releases);
        }
        removers.extend(self.carriers(user));
        removers
    }

    /// The changes of an object; where it is about a column, those of its parents, too.
    fn done_to(&self, id: &ObjectId, column: Option<&str>) -> Vec<usize> {
        let mut done = self.of(id).to_vec();
        if let Some(column) = column
            && self.fates.is_passed_on(id, column)
        {
            let elders = self.fates.ancestors(id);
            let of = elders.into_iter().flat_map(|elder| self.of(elder));
            done.extend(of.filter(|&&index| self.drafts[index].column.as_deref() == Some(column)));
        }
        done
    }

    /// The changes that take an object along.
    fn carriers(&self, id: &ObjectId) -> Vec<usize> {
        let Some(carrier) = self.carried.carrier(id) else { return Vec::new() };
        let takes = |&index: &usize| {
            let draft = &self.drafts[index];
            draft.role == Role::Remove && draft.column == carrier.column
        };
        self.of(&carrier.id).iter().copied().filter(takes).collect()
    }

    /// Before something is made, what it needs must be there.
    fn building_up(&mut self) {
        for (index, draft) in self.drafts.iter().enumerate() {
            if !matches!(draft.role, Role::Provide | Role::Disturb | Role::Adjust)
                || draft.stage == Stage::Rename
            {
                continue;
            }
            let id = &draft.change.object;
            let Some(entry) = self.fates.to.objects.get(id) else { continue };
            let makes = draft.makes();
            for need in &entry.needs {
                // A sequence is made before the table that owns it, and owned later.
                let owner = makes && id.kind == Kind::Sequence && need.column.is_some();
                if !owner && (makes || need.by == draft.column) {
                    self.provided(need, id, index);
                }
            }
            if let Some(host) = id.of.as_ref().and_then(|relation| scope::host(self.fates.to, relation)) {
                for other in self.of(&host).to_vec() {
                    if self.drafts[other].makes() {
                        self.edge(other, index);
                    }
                }
            }
        }
    }

    fn provided(&mut self, need: &Need, by: &ObjectId, index: usize) {
        for other in self.done_to(&need.on, need.column.as_deref()) {
            let draft = &self.drafts[other];
            let provides = matches!(draft.role, Role::Provide | Role::Disturb);
            let concerned = match (&draft.column, &need.column) {
                (Some(column), Some(wanted)) => column == wanted,
                // A trigger needs no more than that its table is there.
                (Some(_), None) if by.kind == Kind::Trigger => false,
                // It is replaced before the column changes that it needed.
                (Some(column), None) if self.fates.has_let_go(by, &need.on, Some(column)) => false,
                _ => need.on != *by,
            };
            if provides && concerned {
                self.edge(other, index);
            }
        }
    }

    /// What frees each name.
    fn frees(&self) -> BTreeMap<Key, Vec<usize>> {
        let mut frees: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
        for (index, draft) in self.drafts.iter().enumerate() {
            for key in &draft.frees {
                frees.entry(key.clone()).or_default().push(index);
            }
        }
        for id in self.carried.all() {
            let Some(entry) = self.fates.from.objects.get(id) else { continue };
            for key in keys(id, &entry.object) {
                frees.entry(key).or_default().extend(self.carriers(id));
            }
        }
        frees
    }

    /// A name must be free before it is taken.
    fn names(&mut self) {
        let frees = self.frees();
        for (index, draft) in self.drafts.iter().enumerate() {
            for key in &draft.takes {
                for first in frees.get(key).cloned().unwrap_or_default() {
                    self.edge(first, index);
                }
            }
        }
    }

    fn facts(&mut self) {
        let mut announced: BTreeMap<&Fact, Vec<usize>> = BTreeMap::new();
        for (index, draft) in self.drafts.iter().enumerate() {
            for fact in &draft.announces {
                announced.entry(fact).or_default().push(index);
            }
        }
        for (index, draft) in self.drafts.iter().enumerate() {
            for fact in &draft.awaits {
                for first in announced.get(fact).cloned().unwrap_or_default() {
                    self.edge(first, index);
                }
            }
        }
    }

    /// A logged table may refer to logged ones only: a foreign key goes before a table's turn to the other sort, and comes
    /// after it; of two tables whose key stays, the one that would break the rule waits.
    fn persistence(&mut self) {
        let announced = |(index, draft): (usize, &'a Draft)| match draft.announces.as_slice() {
            [Fact::Persistence(table)] => Some((table, index)),
            _ => None,
        };
        let turns: BTreeMap<&ObjectId, usize> =
            self.drafts.iter().enumerate().filter_map(announced).collect();
        if turns.is_empty() {
            return;
        }
        let after: BTreeMap<&ObjectId, [ObjectId; 2]> = foreign_keys(self.fates.to).collect();
        for (key, ends) in foreign_keys(self.fates.from) {
            let removers: Vec<usize> = self
                .of(key)
                .iter()
                .copied()
                .filter(|&index| self.drafts[index].role == Role::Remove)
                .collect();
            let removers = [removers, self.carriers(key)].concat();
            for turn in ends.iter().filter_map(|end| turns.get(end)) {
                removers.iter().for_each(|&remover| self.edge(remover, *turn));
            }
            // One that refers to another table then is between the turns of the two.
            if let Some([_, target]) = after.get(key).filter(|[_, target]| *target != ends[1]) {
                for swap in self.of(key).to_vec() {
                    turns.get(&ends[1]).into_iter().for_each(|&turn| self.edge(swap, turn));
                    turns.get(target).into_iter().for_each(|&turn| self.edge(turn, swap));
                }
            }
            if let ([user, target], true) = (ends.each_ref().map(|end| turns.get(end)), removers.is_empty())
                && let (Some(&user), Some(&target)) = (user, target)
            {
                match becomes_logged(self.fates.to, &ends[0]) {
                    true => self.edge(target, user),
                    false => self.edge(user, target),
                }
            }
        }
        for (key, ends) in after {
            let makers: Vec<usize> =
                self.of(key).iter().copied().filter(|&index| self.drafts[index].makes()).collect();
            for turn in ends.iter().filter_map(|end| turns.get(end)) {
                makers.iter().for_each(|&maker| self.edge(*turn, maker));
            }
        }
    }

    /// Comments and grants come after what else is done to an object: an object made anew has none.
    fn annotations(&mut self) {
        for (index, draft) in self.drafts.iter().enumerate() {
            if !matches!(draft.change.action, Action::Annotate(_)) {
                continue;
            }
            for other in self.of(&draft.change.object).to_vec() {
                let done = &self.drafts[other];
                let same = draft.column.is_none() || done.column == draft.column;
                if same && done.role != Role::Remove && !matches!(done.change.action, Action::Annotate(_)) {
                    self.edge(other, index);
                }
            }
        }
    }

    /// Default privileges change when all that is new is there, so that it is given what the old ones give.
    fn default_privileges(&mut self) {
        let concerns = |draft: &Draft| draft.change.object.kind == Kind::DefaultPrivileges;
        for (index, draft) in self.drafts.iter().enumerate().filter(|(_, draft)| concerns(draft)) {
            for (first, made) in self.drafts.iter().enumerate() {
                if !concerns(made) && !made.takes.is_empty() && draft.stage != Stage::Rename {
                    self.edge(first, index);
                }
            }
        }
    }

    /// A schema comes before and goes after what is in it.
    fn schemas(&mut self) {
        let mut comes: BTreeMap<&str, usize> = BTreeMap::new();
        let mut goes: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, draft) in self.drafts.iter().enumerate() {
            let id = &draft.change.object;
            match (id.kind, draft.role) {
                (Kind::Schema, Role::Remove) => goes.insert(&id.name, index),
                (Kind::Schema, _) if draft.makes() => comes.insert(&id.name, index),
                _ => None,
            };
        }
        for (index, draft) in self.drafts.iter().enumerate() {
            let Some(schema) = draft.change.object.schema.as_deref() else { continue };
            if let Some(&first) = comes.get(schema) {
                self.edge(first, index);
            }
            if let Some(&last) = goes.get(schema) {
                self.edge(index, last);
            }
        }
    }
}
