//! Quotes that are never closed, or closed in the wrong place: what a reader of CSV takes in silence, and what it costs rows.
//!
//! A lenient reader takes everything up to the next quote, or to the end of the file, as one field: the rows between vanish.
//! Here the bytes are watched on their way to that reader, by its own rules, and each such quote is noted with its lines.

use std::collections::VecDeque;

/// A quote that cannot be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Bytes of the file before the place where it shows.
    at: u64,
    /// The line in which the quote opens, from 1.
    opens: u64,
    /// The line in which it closes with more behind it; none if the file ends before that.
    closes: Option<u64>,
}

impl Fault {
    /// What to do about it.
    pub(crate) const HINT: &str = "Close it at the end of its field, and write a quote that belongs to the text twice.";

    /// Returns what is wrong, as a clause.
    pub(crate) fn problem(self) -> String {
        match self {
            Self { opens, closes: None, .. } => {
                format!(
                    "the quote that opens in line {opens} is never closed, so all rows behind it would be one field"
                )
            }
            Self { opens, closes: Some(closes), .. } if opens == closes => {
                format!("in line {opens} a field goes on behind its closing quote")
            }
            Self { opens, closes: Some(closes), .. } => format!(
                "the quote that opens in line {opens} is closed in line {closes} with more behind it, so the lines between \
                 would be one field"
            ),
        }
    }

    /// Returns whether other rows than the one it stands in may be lost by it.
    pub(crate) fn swallows(self) -> bool {
        self.closes != Some(self.opens)
    }
}

/// Where the bytes seen so far end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a field without quotes, or before any.
    Outside,
    /// Between the quotes of a field.
    Inside,
    /// Behind a quote that closes a field, or is the first of two.
    Behind,
    /// Behind blanks that follow a closed field.
    Blank,
}

/// Watches the quotes of a CSV file.
#[derive(Debug)]
pub(crate) struct Quotes {
    delimiter: u8,
    place: Place,
    /// The byte before the next; a line end before the first.
    last: u8,
    seen: u64,
    /// Line ends so far, of either kind: a file has one kind, or both at every end.
    feeds: u64,
    returns: u64,
    opens: u64,
    faults: VecDeque<Fault>,
}

impl Quotes {
    /// Watches a file whose fields are parted by `delimiter`, of which so many lines went before.
    pub(crate) fn new(delimiter: u8, lines: u64) -> Self {
        Self {
            delimiter,
            place: Place::Outside,
            last: b'\n',
            seen: 0,
            feeds: lines,
            returns: lines,
            opens: 0,
            faults: VecDeque::new(),
        }
    }

    /// Sees the next bytes. Stretches without a quote cost next to nothing.
    pub(crate) fn see(&mut self, bytes: &[u8]) {
        let mut from = 0;
        // Bytes whose line ends are counted.
        let mut counted = 0;
        if matches!(self.place, Place::Outside | Place::Inside) && !bytes.contains(&b'"') {
            from = bytes.len();
        }
        while let Some(&byte) = bytes.get(from) {
            match self.place {
                Place::Outside | Place::Inside => {
                    let Some(found) = bytes[from..].iter().position(|byte| *byte == b'"') else { break };
                    let quote = from + found;
                    let before = quote.checked_sub(1).map_or(self.last, |before| bytes[before]);
                    if self.place == Place::Inside {
                        self.place = Place::Behind;
                    } else if self.parts(before) {
                        self.place = Place::Inside;
                        self.opens = self.line(&bytes[counted..quote]);
                        counted = quote;
                    }
                    from = quote + 1;
                    continue;
                }
                Place::Behind if byte == b'"' => self.place = Place::Inside,
                Place::Behind | Place::Blank if self.parts(byte) => self.place = Place::Outside,
                Place::Behind | Place::Blank if byte == b' ' || byte == b'\t' => self.place = Place::Blank,
                Place::Behind | Place::Blank => {
                    let closes = Some(self.line(&bytes[counted..from]));
                    counted = from;
                    self.faults.push_back(Fault { at: self.seen + from as u64, opens: self.opens, closes });
                    self.place = Place::Outside;
                }
            }
            from += 1;
        }
        self.line(&bytes[counted..]);
        self.last = bytes.last().copied().unwrap_or(self.last);
        self.seen += bytes.len() as u64;
    }

    /// Sees the end of the file.
    pub(crate) fn end(&mut self) {
        if self.place == Place::Inside {
            self.faults.push_back(Fault { at: self.seen.saturating_sub(1), opens: self.opens, closes: None });
            self.place = Place::Outside;
        }
    }

    /// Takes the first fault among so many bytes of the file, and forgets the others among them.
    pub(crate) fn fault_within(&mut self, bytes: u64) -> Option<Fault> {
        let first = self.faults.pop_front_if(|fault| fault.at < bytes)?;
        while self.faults.pop_front_if(|fault| fault.at < bytes).is_some() {}
        Some(first)
    }

    /// Returns whether a byte ends a field.
    fn parts(&self, byte: u8) -> bool {
        byte == self.delimiter || byte == b'\n' || byte == b'\r'
    }

    /// Counts the line ends of the next bytes and returns the line behind them.
    fn line(&mut self, bytes: &[u8]) -> u64 {
        let count = |end: u8| bytes.iter().map(|byte| u64::from(*byte == end)).sum::<u64>();
        self.feeds += count(b'\n');
        self.returns += count(b'\r');
        1 + self.feeds.max(self.returns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the lines of each fault, seen in pieces of so many bytes.
    fn faults(text: &str, piece: usize) -> Vec<(u64, Option<u64>)> {
        let mut quotes = Quotes::new(b',', 0);
        text.as_bytes().chunks(piece).for_each(|bytes| quotes.see(bytes));
        quotes.end();
        std::iter::from_fn(|| quotes.faults.pop_front()).map(|fault| (fault.opens, fault.closes)).collect()
    }

    #[test]
    fn only_quotes_that_cannot_be_meant_are_noted() {
        for (text, wanted) in [
            ("a,b\n\"x, \"\"y\"\"\",\"two\nlines\"\r\n\"\",\"\"\"\"\n", &[][..]),
            ("5\" tube,b\na \"b\" c,d\n", &[]),
            ("\"a\" ,\"b\"\t\n", &[]),
            ("a,\"b\"", &[]),
            ("a,b\nc,\"d\ne,f\n", &[(2, None)]),
            ("a,b\nc,\"", &[(2, None)]),
            ("a,b\r\nc,\"d\" e,f\r\n", &[(2, Some(2))]),
            ("a,b\rc,\"d\re,\"f\rg,\"h\"\r", &[(2, Some(3))]),
            ("a,\"b\nc,\"d\ne,\"f\n", &[(1, Some(2)), (3, None)]),
            ("\"a\" b,c\n\"d", &[(1, Some(1)), (2, None)]),
        ] {
            for piece in 1..=text.len() {
                assert_eq!(faults(text, piece), wanted, "{text:?} in pieces of {piece}");
            }
        }
    }
}
