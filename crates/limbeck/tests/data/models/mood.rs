use limbeck::Enum;

#[derive(Debug, PartialEq, Enum)]
#[enum_type(rename_all = "kebab-case")]
pub(crate) enum Mood {
    VeryHappy,
    Sad,
}
