//! Workbooks of one sheet for export: typed cells under a frozen header. Nothing in them is ever a formula.

use remit_kernel::time::{Date, Instant};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

/// Most characters that a cell can hold.
const CELL_CHARS_MAX: usize = 32_767;
/// Most rows of a sheet, the header among them.
const ROWS_MAX: u32 = 1_048_576;
/// Largest whole number that a cell keeps exactly.
const EXACT_MAX: u64 = 1 << 53;
/// Said at the end of a text that a cell cannot hold in full.
const CUT_NOTE: &str = " [cut here: longer than a cell can hold; see the JSON Lines export]";

/// A typed value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A text, whatever it begins with.
    Text(String),
    /// A whole number; beyond 2^53 it is written as text, so that no digit is lost.
    Whole(i64),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// A date.
    Date(Date),
    /// An instant, written in UTC to the second.
    Instant(Instant),
}

/// Why a workbook could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// More rows than a sheet can hold.
    #[error("a sheet holds {ROWS_MAX} rows: narrow the selection, or export JSON Lines")]
    TooLong,
    /// What the writer says.
    #[error("the workbook cannot be written")]
    Writer(#[from] XlsxError),
}

/// Returns the bytes of a workbook with one sheet.
///
/// # Errors
/// [`SheetError::TooLong`] beyond 1,048,575 rows; [`SheetError::Writer`] for a sheet name that Excel does not take.
pub fn write(
    sheet_name: &str,
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<Cell>>,
) -> Result<Vec<u8>, SheetError> {
    let mut workbook = Workbook::new();
    // The same rows are the same bytes whenever they are asked for: what moves, something else than the clock has moved.
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&ExcelDateTime::from_ymd(2000, 1, 1)?));
    let heading = Format::new().set_bold();
    let formats = Formats {
        day: Format::new().set_num_format("yyyy-mm-dd"),
        moment: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
        literal: Format::new().set_quote_prefix(),
    };
    let sheet = workbook.add_worksheet();
    sheet.set_name(sheet_name)?.set_freeze_panes(1, 0)?;
    for (column, title) in (0..).zip(header) {
        sheet.write_string_with_format(0, column, *title, &heading)?;
    }
    for (row, cells) in (1_u32..).zip(rows) {
        if row == ROWS_MAX {
            return Err(SheetError::TooLong);
        }
        for (column, cell) in (0..).zip(cells) {
            write_cell(sheet, (row, column), cell, &formats)?;
        }
    }
    sheet.set_autofit_max_width(480).autofit();
    Ok(workbook.save_to_buffer()?)
}

struct Formats {
    day: Format,
    moment: Format,
    /// The mark that Excel itself sets for an apostrophe: even when edited, the text stays a text.
    literal: Format,
}

fn write_cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: Cell,
    formats: &Formats,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => return Ok(()),
        Cell::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
            sheet.write_string_with_format(row, column, fit(text), &formats.literal)
        }
        Cell::Text(text) => sheet.write_string(row, column, fit(text)),
        Cell::Whole(whole) if whole.unsigned_abs() > EXACT_MAX => sheet.write_string(row, column, whole.to_string()),
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, which the arm above has checked")]
        Cell::Whole(whole) => sheet.write_number(row, column, whole as f64),
        Cell::Number(number) => sheet.write_number(row, column, number),
        Cell::Flag(flag) => sheet.write_boolean(row, column, flag),
        Cell::Date(date) => sheet.write_datetime_with_format(row, column, excel_date(date)?, &formats.day),
        Cell::Instant(instant) => {
            let moment = ExcelDateTime::from_timestamp(instant.micros().div_euclid(1_000_000))?;
            sheet.write_datetime_with_format(row, column, moment, &formats.moment)
        }
    }?;
    Ok(())
}

fn excel_date(date: Date) -> Result<ExcelDateTime, XlsxError> {
    let part = |part: i8| u8::try_from(part).unwrap_or_default();
    ExcelDateTime::from_ymd(u16::try_from(date.year()).unwrap_or_default(), part(date.month()), part(date.day()))
}

/// Returns the text, cut with a note if a cell cannot hold it.
fn fit(text: String) -> String {
    // Cells count UTF-16 units.
    if text.encode_utf16().count() <= CELL_CHARS_MAX {
        return text;
    }
    let mut left = CELL_CHARS_MAX - CUT_NOTE.len();
    let mut kept: String = text
        .chars()
        .take_while(|letter| left.checked_sub(letter.len_utf16()).map(|rest| left = rest).is_some())
        .collect();
    kept.push_str(CUT_NOTE);
    kept
}
