//! "Did you mean": the nearest of a few known words.

/// The known word that `typed` most likely meant, if one is near enough: a third of its letters, and at
/// least one, may be wrong, missing, superfluous or exchanged.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let near = |word: &str| (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&typed, &word.to_lowercase()), word))
        .filter(|(edits, word)| *edits <= near(word))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn names_what_was_meant_and_nothing_far() {
        let known = ["upgrade", "downgrade", "when", "batch"];
        assert_eq!(nearest("upgarde", known), Some("upgrade"));
        assert_eq!(nearest("Down-grade", known), Some("downgrade"));
        assert_eq!(nearest("wen", known), Some("when"));
        assert_eq!(nearest("rollback", known), None);
        assert_eq!(nearest("", known), None);
    }
}
