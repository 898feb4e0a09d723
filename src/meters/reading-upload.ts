import { Readable } from 'node:stream';
import { LineSplitter, type Line } from './line-splitter';
import { UnsupportedUpload, UploadInterrupted } from './meters.errors';
import { readingFromJson, type Entry } from './reading';
import { CsvFormat, NdjsonFormat, type LineFormat } from './reading-lines';

/** A body as it came: parsed JSON, or a stream of CSV or NDJSON that nobody has read yet. */
export interface Upload {
  readonly contentType: string | undefined;
  readonly body: unknown;
}

/** So many readings are one transaction: enough to pay for it, few enough to hold its locks for a moment. */
const BATCH = 1_000;
const LONGEST_LINE_BYTES = 8_192;

/**
 * Reads an upload batch by batch. Of a stream it holds one batch and one line, and reads on only as the
 * batches are taken.
 * @throws UnsupportedUpload InvalidCsvHeader
 * @throws UploadInterrupted when whoever sends it goes away
 */
export function batchesOf({
  contentType,
  body,
}: Upload): AsyncIterable<readonly Entry[]> | Iterable<readonly Entry[]> {
  switch (contentType?.split(';')[0]?.trim().toLowerCase()) {
    case 'application/json':
      return ofValues(body);
    case 'application/x-ndjson':
      return ofLines(streamOf(body), new NdjsonFormat());
    case 'text/csv':
      return ofLines(streamOf(body), new CsvFormat());
    default:
      throw new UnsupportedUpload();
  }
}

/** An upload without a body has no stream. */
const streamOf = (body: unknown): Readable => (body instanceof Readable ? body : Readable.from([]));

function* ofValues(body: unknown): Generator<readonly Entry[]> {
  const values: unknown[] = Array.isArray(body) ? body : [body];
  for (let start = 0; start < values.length; start += BATCH) {
    yield values
      .slice(start, start + BATCH)
      .map((value, index) => ({ line: start + index + 1, content: readingFromJson(value) }));
  }
}

async function* ofLines(body: Readable, format: LineFormat): AsyncGenerator<readonly Entry[]> {
  let batch: Entry[] = [];
  try {
    for await (const line of linesOf(body)) {
      const entry = format.read(line);
      if (entry !== undefined) batch.push(entry);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    format.end();
    if (batch.length > 0) yield batch;
  } finally {
    // What is left unread would keep the answer from getting out.
    body.resume();
  }
}

async function* linesOf(body: Readable): AsyncGenerator<Line> {
  const splitter = new LineSplitter(LONGEST_LINE_BYTES);
  for await (const chunk of chunksOf(body)) yield* splitter.push(chunk);
  yield* splitter.end();
}

/** Ends without destroying the stream: that would cut the connection before the answer. */
async function* chunksOf(body: Readable): AsyncGenerator<Buffer> {
  try {
    yield* body.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  } catch {
    throw new UploadInterrupted();
  }
}
