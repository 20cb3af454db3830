//! What is written is read back, whatever the message says; file names are Alembic's.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use limbeck_core::Source;
use limbeck_core::revision::{
    BranchLabel, Created, DEFAULT_FILE_TEMPLATE, Downgrade, NewDowngrade, NewRevision, Revision, RevisionId,
    file_name, slug, write,
};
use proptest::prelude::*;

fn id(text: &str) -> RevisionId {
    RevisionId::new(text).unwrap()
}

fn example() -> NewRevision {
    NewRevision {
        message: "Add user preferences table".into(),
        id: id("a1b2c3d4e5f6"),
        down_revision: vec![id("004")],
        branch_labels: vec![],
        depends_on: vec![],
        created: Some("2025-11-01 14:30 UTC".into()),
        remarks: vec![],
        upgrade: "CREATE TABLE user_preferences (...);\n".into(),
        downgrade: NewDowngrade::Section("DROP TABLE user_preferences;".into()),
    }
}

#[test]
fn the_layout_is_the_designs() {
    let expected = "\
-- Add user preferences table
--
-- revision:      a1b2c3d4e5f6
-- down_revision: 004
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
CREATE TABLE user_preferences (...);

-- limbeck:downgrade
DROP TABLE user_preferences;
";
    assert_eq!(write(&example()), expected);
}

#[test]
fn remarks_and_reasons_have_their_places() {
    let mut new = example();
    new.remarks = vec!["Proved on PostgreSQL 15.18.".into(), "created: by hand".into()];
    new.downgrade = NewDowngrade::Irreversible("the rows\nare gone".into());
    let text = write(&new);
    assert!(
        text.contains(
            "UTC\n--\n-- Proved on PostgreSQL 15.18.\n-- \\created: by hand\n\n-- limbeck:upgrade\n"
        )
    );
    assert!(text.ends_with("\n\n-- limbeck:irreversible the rows are gone\n"), "{text}");
    let revision = Revision::parse(&Source::new("x.sql", &text)).unwrap();
    assert!(
        matches!(revision.downgrade(), Downgrade::Irreversible { reason, .. } if reason == "the rows are gone")
    );
}

/// Lines that are hard on a header.
fn hard_line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("revision: 5".to_owned()),
        Just("  down_revision : x".to_owned()),
        Just("down-revison: x".to_owned()),
        Just("Created: today".to_owned()),
        Just("limbeck:upgrade".to_owned()),
        Just(" Limbeck : downgrade".to_owned()),
        Just("\\limbeck:upgrade".to_owned()),
        Just("\\\\".to_owned()),
        Just("添加「用户」表 'x' \"y\"".to_owned()),
        Just("- item -- */ /* $$".to_owned()),
        Just("\t tab".to_owned()),
        "[^\u{0}]{0,30}",
    ]
}

/// A message as a header can hold it: see `write`.
fn as_kept(message: &str) -> String {
    let message = message.replace("\r\n", "\n");
    let lines: Vec<&str> = message.split(['\n', '\r']).map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

fn ids(from: &'static str) -> impl Strategy<Value = Vec<RevisionId>> {
    prop::collection::btree_set(from, 0..4).prop_map(|texts| texts.iter().map(|text| id(text)).collect())
}

prop_compose! {
    fn new_revision()(
        lines in prop::collection::vec(hard_line(), 0..6),
        down_revision in ids("d[a-z0-9_.]{1,12}"),
        labels in ids("l[a-z0-9_.]{1,12}"),
        depends_on in ids("o[a-z0-9_.]{1,12}"),
        created in prop::option::of("[0-9][0-9 :UTC-]{0,20}[0-9]"),
        remarks in prop::collection::vec(hard_line(), 0..3),
    ) -> NewRevision {
        NewRevision {
            message: lines.join("\n"),
            down_revision,
            branch_labels: labels.iter().map(|label| BranchLabel::new(label.as_str()).unwrap()).collect(),
            depends_on: depends_on.iter().map(ToString::to_string).collect(),
            created: created.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")),
            remarks,
            ..example()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_written_is_read_back(new in new_revision()) {
        let text = write(&new);
        let revision = Revision::parse(&Source::new("x.sql", &text)).map_err(|p| format!("{p:#}\n{text}")).unwrap();
        let header = revision.header();
        prop_assert_eq!(&header.message, &as_kept(&new.message));
        prop_assert_eq!(&header.id.value, &new.id);
        let read: Vec<_> = header.down_revision.iter().map(|id| id.value.clone()).collect();
        prop_assert_eq!(read, new.down_revision);
        let read: Vec<_> = header.branch_labels.iter().map(|label| label.value.clone()).collect();
        prop_assert_eq!(read, new.branch_labels);
        let read: Vec<_> = header.depends_on.iter().map(|text| text.value.clone()).collect();
        prop_assert_eq!(read, new.depends_on);
        prop_assert_eq!(&header.created, &new.created);
        prop_assert_eq!(revision.upgrade_text().trim(), new.upgrade.trim());
        prop_assert_eq!(revision.downgrade_text().map(str::trim), Some("DROP TABLE user_preferences;"));
    }
}

const CREATED: Created =
    Created { year: 2025, month: 11, day: 1, hour: 4, minute: 30, second: 9, epoch: 1_761_971_409 };

#[test]
fn file_names_follow_the_template() {
    for (template, message, expected) in [
        (DEFAULT_FILE_TEMPLATE, "Add users", "20251101_0430_a1_add_users.sql"),
        (DEFAULT_FILE_TEMPLATE, "", "20251101_0430_a1.sql"),
        ("%%(rev)s_%%(slug)s", "Don't drop \"x\"/y", "a1_don_t_drop_x_y.sql"),
        (
            "%%(year)d/%%(month).2d/%(hour)02d-%(minute)02d-%(second).2d_%(slug)s",
            "é Ü",
            "2025/11/04-30-09_é_ü.sql",
        ),
        ("%(slug)s_%(rev)s", "", "a1.sql"),
        ("%(epoch)s_%(rev)s", "x", "1761971409_a1.sql"),
        ("100%%_%(rev)s", "x", "100%_a1.sql"),
        ("%(rev)s_%(slug)s", "添加 用户 表", "a1_添加_用户_表.sql"),
    ] {
        assert_eq!(file_name(template, &id("a1"), &slug(message, 40), &CREATED).unwrap(), expected);
    }
}

#[test]
fn templates_that_make_no_name_are_refused() {
    for (template, expected) in [
        ("%(slag)s", "did you mean `%(slug)`?"),
        ("%(nonsense)s", "the fields are: rev"),
        ("%(rev)", "does not say how"),
        ("%(rev", "without `)`"),
        ("5%", "without `(`"),
        ("../%(rev)s", "no name for a file"),
        ("/%(rev)s", "no name for a file"),
        ("", "no name for a file"),
    ] {
        let problem = file_name(template, &id("a1"), "x", &CREATED).unwrap_err();
        assert!(format!("{problem:#}").contains(expected), "{problem:#}");
    }
}

#[test]
fn slugs_are_cut_between_words() {
    let message = "create the table of all preferences of every user";
    assert_eq!(slug(message, 40), "create_the_table_of_all_preferences_of");
    assert_eq!(slug("abcdefgh", 4), "abcd");
    assert_eq!(slug("../../etc/passwd", 40), "etc_passwd");
    assert_eq!(slug("?!", 40), "");
}
