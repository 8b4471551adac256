// As much of SQLite's file format (https://www.sqlite.org/fileformat2.html) as it takes to find a row of a table in the
// bytes of a database: what the table's tree reaches is in use, so a byte changed there is a byte of the record.

const LEAF = 13;
const INTERIOR = 5;
const FILE_HEADER = 100;
/** Bytes that a value takes, by its type below 12. */
const WIDTHS = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];

/** Returns the variable-length integer at an offset, and the offset after it. */
function varint(bytes, at) {
  let value = 0n;
  for (let place = 0; place < 8; place += 1) {
    const byte = bytes[at + place];
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) return [Number(value), at + place + 1];
  }
  return [Number((value << 8n) | BigInt(bytes[at + 8])), at + 9];
}

/** Yields the payload of each row of the table whose tree begins at page `root`, as far as it lies on the row's own page:
 *  a view into the bytes of the file, not a copy. */
function* rows(file, root) {
  const size = file.readUInt16BE(16) === 1 ? 65_536 : file.readUInt16BE(16);
  const usable = size - file[20];
  const page = file.subarray((root - 1) * size, root * size);
  const head = root === 1 ? FILE_HEADER : 0;
  const kind = page[head];
  if (kind !== LEAF && kind !== INTERIOR) throw new Error(`page ${root} is of no table`);
  const count = page.readUInt16BE(head + 3);
  for (let place = 0; place < count; place += 1) {
    const cell = page.readUInt16BE(head + (kind === LEAF ? 8 : 12) + 2 * place);
    if (kind === INTERIOR) {
      yield* rows(file, page.readUInt32BE(cell));
      continue;
    }
    const [length, afterLength] = varint(page, cell);
    const [, start] = varint(page, afterLength);
    // A long payload keeps its beginning here and goes on elsewhere.
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const kept = least + ((length - least) % (usable - 4));
    const here = length <= usable - 35 ? length : kept <= usable - 35 ? kept : least;
    yield page.subarray(start, start + here);
  }
  if (kind === INTERIOR) yield* rows(file, page.readUInt32BE(head + 8));
}

/** Returns the texts and whole numbers of a row; other values are undefined. */
function values(payload) {
  const [headed, first] = varint(payload, 0);
  const read = [];
  let [at, body] = [first, headed];
  while (at < headed) {
    const [type, next] = varint(payload, at);
    const width = type >= 12 ? Math.floor((type - 12) / 2) : WIDTHS[type];
    if (type >= 13 && type % 2 === 1) read.push(payload.toString("utf8", body, body + width));
    else if (type >= 1 && type <= 5) read.push(payload.readIntBE(body, width));
    else read.push(undefined);
    [at, body] = [next, body + width];
  }
  return read;
}

/** Returns the bytes, within those of the file, of the first row of a table for whose values `fits` holds. */
export function findRow(file, table, fits) {
  for (const entry of rows(file, 1)) {
    const [type, name, , root] = values(entry);
    if (type !== "table" || name !== table) continue;
    for (const row of rows(file, root)) if (fits(values(row))) return row;
  }
  throw new Error(`no such row in ${table}`);
}
