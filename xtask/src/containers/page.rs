//! The shell blocks of a page in Markdown.

/// A block that a reader would type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The line where it begins.
    pub(crate) line: usize,
    /// What a comment above it calls it: `<!-- containers: NAME -->`.
    pub(crate) name: Option<String>,
    pub(crate) text: String,
}

const MARK: &str = "<!-- containers: ";

/// All blocks between ```` ```bash ```` and ```` ``` ````, however far they are indented.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut name = None;
    let mut open: Option<(Block, usize)> = None;
    for (number, line) in (1..).zip(page.lines()) {
        let trimmed = line.trim();
        match &mut open {
            Some(_) if trimmed == "```" => blocks.extend(open.take().map(|(block, _)| block)),
            Some((block, indent)) => {
                block.text += line.get(*indent..).unwrap_or_default();
                block.text.push('\n');
            }
            None if trimmed == "```bash" => {
                let block = Block { line: number, name: name.take(), text: String::new() };
                open = Some((block, line.len() - line.trim_start().len()));
            }
            None => {
                let mark = trimmed.strip_prefix(MARK).and_then(|rest| rest.strip_suffix(" -->"));
                name = mark.map(str::to_owned).or(name.filter(|_| trimmed.is_empty()));
            }
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::{Block, blocks};

    #[test]
    fn blocks_with_and_without_names() {
        let page = "```bash\na\n```\n```sql\nb\n```\n1. x\n\n   <!-- containers: two -->\n   ```bash\n   c \\\n     d\n\n   ```\n\
                    <!-- containers: lost -->\ntext\n```bash\n```\n";
        let block = |line, name: Option<&str>, text: &str| Block {
            line,
            name: name.map(Into::into),
            text: text.into(),
        };
        let expected = [block(1, None, "a\n"), block(10, Some("two"), "c \\\n  d\n\n"), block(17, None, "")];
        assert_eq!(blocks(page), expected);
    }
}
