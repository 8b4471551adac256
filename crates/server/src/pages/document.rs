//! A text document on a page: blocks that know their place in code points, with cited passages marked.
//!
//! What the browser holds is the text letter by letter, so a selection counts back to the span that is stored.

use std::fmt;

use askama::Template;

/// A passage to mark in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Highlight {
    /// Identifier on the page, to jump to.
    pub(crate) id: String,
    /// First code point, from 0.
    pub(crate) start: u32,
    /// One past the last code point.
    pub(crate) end: u32,
    /// What cites it, in words.
    pub(crate) title: String,
}

/// A document as shown. Place it with `{{ document|safe }}`.
#[derive(Debug, Clone, Template)]
#[template(path = "part/document.html")]
pub(crate) struct Document {
    /// Identifier on the page.
    pub(crate) id: String,
    /// The item, as `data-item`.
    pub(crate) item: String,
    /// Its version, as `data-version`.
    pub(crate) version: u32,
    /// What the region is called.
    pub(crate) label: String,
    /// The text.
    pub(crate) blocks: Vec<Block>,
}

/// A line of a document with its line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// Its first code point in the document.
    pub(crate) start: u32,
    /// Its text, cut wherever a passage begins or ends.
    pub(crate) pieces: Vec<Piece>,
}

/// A stretch of text under the same passages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The text.
    pub(crate) text: String,
    /// Passages that begin here.
    pub(crate) anchors: Vec<String>,
    /// How many passages lie over it.
    pub(crate) depth: usize,
    /// What cites it.
    pub(crate) title: String,
}

impl Piece {
    /// Returns the text as HTML that a browser reads back letter by letter.
    pub(crate) fn kept(&self) -> Kept<'_> {
        Kept(&self.text)
    }
}

/// Text as HTML. A bare carriage return would be dropped by the parser, and with it the count of code points.
pub(crate) struct Kept<'a>(&'a str);

impl fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(place) = rest.find(['&', '<', '>', '"', '\'', '\r']) {
            f.write_str(&rest[..place])?;
            f.write_str(match rest.as_bytes()[place] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                b'\'' => "&#39;",
                _ => "&#13;",
            })?;
            rest = &rest[place + 1..];
        }
        f.write_str(rest)
    }
}

/// Returns a text as blocks: one for each line, its break included. Passages may overlap, touch, span lines, or end
/// beyond the text; an empty one still leaves its anchor.
pub(crate) fn blocks(text: &str, highlights: &[Highlight]) -> Vec<Block> {
    let mut cuts: Vec<u32> = highlights.iter().flat_map(|highlight| [highlight.start, highlight.end]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut cuts = cuts.into_iter().peekable();
    let mut at = 0;
    let mut blocks = Vec::new();
    for line in text.split_inclusive('\n') {
        let mut block = Block { start: at, pieces: Vec::new() };
        let mut from = 0;
        let mut begun = at;
        for (byte, _) in line.char_indices() {
            while cuts.next_if(|cut| *cut < at).is_some() {}
            if cuts.next_if(|cut| *cut == at).is_some() && at > begun {
                block.pieces.push(piece(&line[from..byte], begun, highlights));
                (from, begun) = (byte, at);
            }
            at += 1;
        }
        block.pieces.push(piece(&line[from..], begun, highlights));
        blocks.push(block);
    }
    blocks
}

fn piece(text: &str, start: u32, highlights: &[Highlight]) -> Piece {
    let anchors = highlights.iter().filter(|highlight| highlight.start == start).map(|highlight| highlight.id.clone());
    let over: Vec<_> =
        highlights.iter().filter(|highlight| highlight.start <= start && start < highlight.end).collect();
    let mut titles: Vec<_> = over.iter().map(|highlight| highlight.title.as_str()).collect();
    titles.dedup();
    Piece { text: text.to_owned(), anchors: anchors.collect(), depth: over.len(), title: titles.join("; ") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    fn mark(id: &str, start: u32, end: u32) -> Highlight {
        Highlight { id: id.to_owned(), start, end, title: format!("cited as {id}") }
    }

    fn shown(text: &str, highlights: &[Highlight]) -> String {
        let blocks = blocks(text, highlights);
        Document { id: "d".into(), item: "i".into(), version: 1, label: "Report".into(), blocks }.render().unwrap()
    }

    /// Writes pieces as `[depth:text]`, blocks apart by `|`.
    fn sketch(blocks: &[Block]) -> String {
        let pieces = |block: &Block| {
            block.pieces.iter().map(|piece| format!("[{}:{}]", piece.depth, piece.text)).collect::<Vec<_>>().concat()
        };
        blocks.iter().map(|block| format!("{}{}", block.start, pieces(block))).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn each_line_is_a_block_that_knows_its_place_in_code_points() {
        let blocks = blocks("Ü😀\r\nb\n\nend", &[]);
        assert_eq!(sketch(&blocks), "0[0:Ü😀\r\n]|4[0:b\n]|6[0:\n]|7[0:end]");
    }

    #[test]
    fn passages_overlap_and_span_lines() {
        let found = blocks("abcdef\nghi", &[mark("one", 1, 4), mark("two", 3, 9)]);
        assert_eq!(sketch(&found), "0[0:a][1:bc][2:d][1:ef\n]|7[1:gh][0:i]");
        let anchors: Vec<_> = found.iter().flat_map(|block| &block.pieces).flat_map(|piece| &piece.anchors).collect();
        assert_eq!(anchors, ["one", "two"]);
        assert_eq!(found[0].pieces[2].title, "cited as one; cited as two");
    }

    #[test]
    fn a_passage_beyond_the_end_or_without_length_does_no_harm() {
        assert_eq!(sketch(&blocks("abc", &[mark("far", 2, 90), mark("out", 50, 60)])), "0[0:ab][1:c]");
        assert_eq!(sketch(&blocks("abc", &[mark("none", 1, 1)])), "0[0:a][0:bc]");
        assert_eq!(blocks("", &[mark("none", 0, 3)]), []);
    }

    #[test]
    fn carriage_returns_and_markup_reach_the_reader_as_letters() {
        let html = shown("a\r\n<b>&\"'</b>", &[mark("m", 3, 6)]);
        assert!(html.contains("data-start=\"0\">a&#13;\n</div>"), "{html}");
        assert!(
            html.contains(
                "<span id=\"m\"></span><mark title=\"cited as m\">&lt;b&gt;</mark>&amp;&quot;&#39;&lt;/b&gt;</div>"
            ),
            "{html}"
        );
    }

    #[test]
    fn a_long_document_is_cut_once() {
        let text = "The mean fell by 4 points. ".repeat(12_000);
        let highlights: Vec<_> = (0..20).map(|place| mark("m", place * 10_000, place * 10_000 + 9)).collect();
        let found = blocks(&text, &highlights);
        let back: String = found.iter().flat_map(|block| &block.pieces).map(|piece| piece.text.as_str()).collect();
        assert_eq!(back, text);
    }
}
