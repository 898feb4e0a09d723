import { parse } from 'csv-parse/sync';
import type { Line } from './line-splitter';
import { InvalidCsvHeader } from './meters.errors';
import {
  readingFromJson,
  readingFromText,
  Refusal,
  type Entry,
  type Reading,
  type ReadingText,
} from './reading';

/** Reads the lines of one upload in a format. */
export interface LineFormat {
  /** What a line says; undefined where it says nothing: a blank line, a header. */
  read(line: Line): Entry | undefined;
  /** After the last line. */
  end(): void;
}

type ReadText = (text: string) => Reading | Refusal | undefined;

const REQUIRED = [
  'meter_serial',
  'interval_start',
  'interval_minutes',
  'generated_wh',
  'consumed_wh',
] as const;
const COLUMNS: ReadonlySet<string> = new Set([...REQUIRED, 'quality']);

const isBlank = (text: string): boolean => text.trim() === '';

function entryOf({ number, text }: Line, read: ReadText): Entry | undefined {
  if (text === undefined)
    return { line: number, content: new Refusal('MALFORMED_LINE', 'The line is too long') };
  if (isBlank(text)) return undefined;
  const content = read(text);
  return content && { line: number, content };
}

/** One JSON object per line. */
export class NdjsonFormat implements LineFormat {
  read(line: Line): Entry | undefined {
    return entryOf(line, (text) => {
      try {
        return readingFromJson(JSON.parse(text));
      } catch {
        return new Refusal('MALFORMED_LINE', 'The line is not a JSON object');
      }
    });
  }

  end(): void {
    // An upload without lines says nothing, which is not wrong.
  }
}

/**
 * RFC 4180 with a header line, its columns in any order, others passed over. A record is a line: a quote that
 * is never closed spoils its own line and no other.
 */
export class CsvFormat implements LineFormat {
  private columns: readonly string[] | undefined;

  /** @throws InvalidCsvHeader at the first line that says anything, when it does not name the columns */
  read(line: Line): Entry | undefined {
    return entryOf(line, (text) => {
      if (this.columns !== undefined) return this.reading(text, this.columns);
      this.columns = columnsOf(text);
      return undefined;
    });
  }

  /** @throws InvalidCsvHeader when no line said anything */
  end(): void {
    if (this.columns === undefined) throw new InvalidCsvHeader(REQUIRED, []);
  }

  private reading(text: string, columns: readonly string[]): Reading | Refusal {
    const fields = fieldsOf(text);
    if (fields === undefined) return new Refusal('MALFORMED_LINE', 'The quotes of the line do not match');
    if (fields.length !== columns.length) {
      return new Refusal(
        'MALFORMED_LINE',
        `The line has ${fields.length} fields, the header has ${columns.length}`,
      );
    }
    const named: Record<string, string> = {};
    columns.forEach((column, index) => {
      if (COLUMNS.has(column)) named[column] = fields[index] as string;
    });
    return readingFromText(named as unknown as ReadingText);
  }
}

function columnsOf(header: string): readonly string[] {
  const columns = (fieldsOf(header) ?? []).map((name) => name.toLowerCase());
  const missing = REQUIRED.filter((name) => !columns.includes(name));
  const doubled = columns.filter((name, index) => COLUMNS.has(name) && columns.indexOf(name) !== index);
  if (missing.length > 0 || doubled.length > 0) throw new InvalidCsvHeader(missing, doubled);
  return columns;
}

/** @returns undefined when quotes do not match */
function fieldsOf(text: string): readonly string[] | undefined {
  // Meter files hardly ever quote, and the parser costs many times what splitting does.
  if (!text.includes('"')) return text.split(',').map((field) => field.trim());
  try {
    return parse(text, { trim: true, relax_column_count: true })[0];
  } catch {
    return undefined;
  }
}
