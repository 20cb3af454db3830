//! Names in other cases, word for word as sqlx makes them (it asks the crate heck).

/// The values of sqlx's `rename_all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Snake,
    Lower,
    Upper,
    Camel,
    Pascal,
    ScreamingSnake,
    Kebab,
    /// serde's only.
    ScreamingKebab,
}

impl Case {
    pub(super) const NAMES: &[(&str, Case)] = &[
        ("snake_case", Self::Snake),
        ("lowercase", Self::Lower),
        ("UPPERCASE", Self::Upper),
        ("camelCase", Self::Camel),
        ("PascalCase", Self::Pascal),
        ("SCREAMING_SNAKE_CASE", Self::ScreamingSnake),
        ("kebab-case", Self::Kebab),
        ("SCREAMING-KEBAB-CASE", Self::ScreamingKebab),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, case)| *case)
    }

    pub(super) fn apply(self, name: &str) -> String {
        match self {
            Self::Lower => return name.to_lowercase(),
            Self::Upper => return name.to_uppercase(),
            _ => {}
        }
        let words = words(name);
        let separator = match self {
            Self::Snake | Self::ScreamingSnake => "_",
            Self::Kebab | Self::ScreamingKebab => "-",
            _ => "",
        };
        let cased = words.iter().enumerate().map(|(at, word)| match self {
            Self::ScreamingSnake | Self::ScreamingKebab => word.to_uppercase(),
            Self::Pascal => capitalised(word),
            Self::Camel if at > 0 => capitalised(word),
            _ => word.to_lowercase(),
        });
        cased.collect::<Vec<_>>().join(separator)
    }
}

/// `UserAccount` becomes `user_account`, `HTTPServer` `http_server`.
pub(super) fn snake(name: &str) -> String {
    Case::Snake.apply(name)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()
    })
}

/// heck's words: a word ends before a capital that follows a small letter, and before the last of several capitals
/// that a small letter follows. Digits end nothing.
fn words(name: &str) -> Vec<String> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mode {
        Boundary,
        Small,
        Capital,
    }
    let mut words = Vec::new();
    for part in name.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty()) {
        let letters: Vec<char> = part.chars().collect();
        let (mut start, mut mode) = (0, Mode::Boundary);
        for (at, pair) in letters.windows(2).enumerate() {
            let (letter, next) = (pair[0], pair[1]);
            let here = match letter {
                _ if letter.is_lowercase() => Mode::Small,
                _ if letter.is_uppercase() => Mode::Capital,
                _ => mode,
            };
            let end = if here == Mode::Small && next.is_uppercase() {
                Some(at + 1)
            } else if mode == Mode::Capital && letter.is_uppercase() && next.is_lowercase() {
                Some(at)
            } else {
                None
            };
            mode = match end {
                Some(end) => {
                    words.push(letters[start..end].iter().collect());
                    start = end;
                    Mode::Boundary
                }
                None => here,
            };
        }
        words.push(letters[start..].iter().collect());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{Case, snake};

    #[test]
    fn words_are_as_sqlx_makes_them() {
        let cases = [
            ("UserAccount", "user_account"),
            ("HTTPServer", "http_server"),
            ("XMLHttpRequest", "xml_http_request"),
            ("Utf8String", "utf8_string"),
            ("A", "a"),
            ("ABC", "abc"),
            ("already_snake", "already_snake"),
            ("ABCDefG", "abc_def_g"),
            ("V2Name", "v2_name"),
        ];
        for (name, expected) in cases {
            assert_eq!(snake(name), expected);
        }
        assert_eq!(Case::Camel.apply("first_name"), "firstName");
        assert_eq!(Case::Pascal.apply("first_name"), "FirstName");
        assert_eq!(Case::ScreamingSnake.apply("InProgress"), "IN_PROGRESS");
        assert_eq!(Case::Kebab.apply("InProgress"), "in-progress");
        assert_eq!(Case::Lower.apply("InProgress"), "inprogress");
    }
}
