//! Finding a quoted passage in a document: the span of a pasted or imported quote.

/// Where a quote stands in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    /// First code point, from 0.
    pub start: u32,
    /// One past the last code point.
    pub end: u32,
}

/// Most matches that are returned; more would not help anybody to choose.
pub const MATCHES_MAX: usize = 50;

/// Returns where `quote` stands in `document`, in order, at most [`MATCHES_MAX`].
///
/// Letter by letter first. If it stands nowhere so, runs of white space count as one space, and typographic quotes,
/// dashes and ligature-free look-alikes as their plain forms; the span returned is that of the document's own text.
/// White space around the quote is ignored. An empty quote has no match.
pub fn find(document: &str, quote: &str) -> Vec<Match> {
    let quote = quote.trim();
    if quote.is_empty() {
        return Vec::new();
    }
    let exact = exact(document, quote);
    if exact.is_empty() { loose(document, quote) } else { exact }
}

fn exact(document: &str, quote: &str) -> Vec<Match> {
    let length = count(quote);
    let mut matches = Vec::new();
    let (mut byte, mut at) = (0, 0);
    while let Some(offset) = document[byte..].find(quote) {
        at += count(&document[byte..byte + offset]);
        matches.push(Match { start: at, end: at + length });
        if matches.len() == MATCHES_MAX {
            break;
        }
        let step = quote.chars().next().map_or(1, char::len_utf8);
        byte += offset + step;
        at += 1;
    }
    matches
}

fn loose(document: &str, quote: &str) -> Vec<Match> {
    let (plain, places) = fold(document);
    let (wanted, _) = fold(quote);
    let wanted = wanted.trim();
    if wanted.is_empty() {
        return Vec::new();
    }
    let length = wanted.chars().count();
    exact(&plain, wanted)
        .into_iter()
        .filter_map(|found| {
            let start = found.start as usize;
            Some(Match { start: *places.get(start)?, end: places.get(start + length - 1)? + 1 })
        })
        .collect()
}

/// Returns the folded text and, for each of its code points, the place in the original.
fn fold(text: &str) -> (String, Vec<u32>) {
    let (mut plain, mut places, mut in_space) =
        (String::with_capacity(text.len()), Vec::with_capacity(text.len()), false);
    for (place, character) in (0_u32..).zip(text.chars()) {
        let folded = match character {
            character if character.is_whitespace() => ' ',
            '\u{2018}' | '\u{2019}' | '\u{2032}' => '\'',
            '\u{201c}' | '\u{201d}' | '\u{2033}' => '"',
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            character => character,
        };
        if folded == ' ' && in_space {
            continue;
        }
        in_space = folded == ' ';
        plain.push(folded);
        places.push(place);
    }
    (plain, places)
}

/// Returns the text between two code points, or what of it exists.
pub fn cut(document: &str, start: u32, end: u32) -> &str {
    let byte = |place: u32| document.char_indices().nth(place as usize).map_or(document.len(), |(byte, _)| byte);
    let from = byte(start);
    &document[from..byte(end).max(from)]
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_found_by_code_points_and_cuts_back() {
        let document = "Überlebenszeit: the mean rose.\nThe mean rose by 4 %.";
        let matches = find(document, " the mean rose ");
        assert_eq!(matches, [Match { start: 16, end: 29 }]);
        assert_eq!(cut(document, 16, 29), "the mean rose");
        assert_eq!(find(document, "mean rose").len(), 2);
    }

    #[test]
    fn white_space_and_dashes_may_differ() {
        let document = "pain fell  from\n5\u{2013}2 points";
        let matches = find(document, "fell from 5-2");
        assert_eq!(matches.len(), 1);
        assert_eq!(cut(document, matches[0].start, matches[0].end), "fell  from\n5\u{2013}2");
        assert_eq!(find(document, "   "), []);
        assert_eq!(find(document, "rose"), []);
    }
}
