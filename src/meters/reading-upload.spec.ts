import { Readable } from 'node:stream';
import { UnsupportedUpload, UploadInterrupted } from './meters.errors';
import type { Entry } from './reading';
import { batchesOf } from './reading-upload';

const HEADER = 'meter_serial,interval_start,interval_minutes,generated_wh,consumed_wh\n';
const LINE = 'GTX-1,2021-06-30T22:00:00Z,15,7,20\n';

async function all(contentType: string | undefined, body: unknown): Promise<(readonly Entry[])[]> {
  const batches: (readonly Entry[])[] = [];
  for await (const batch of batchesOf({ contentType, body })) batches.push(batch);
  return batches;
}

const streamOf = (...chunks: string[]) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

describe('an upload', () => {
  it('is read in batches of a thousand', async () => {
    const batches = await all('text/csv; charset=utf-8', streamOf(HEADER, LINE.repeat(2_500)));
    expect(batches.map((batch) => batch.length)).toEqual([1_000, 1_000, 500]);
    expect(batches.at(-1)?.at(-1)?.line).toBe(2_501);
  });

  it('is read no further than its batches are taken', async () => {
    let read = 0;
    const chunks = function* () {
      yield Buffer.from(HEADER);
      for (; read < 50_000; read += 100) yield Buffer.from(LINE.repeat(100));
    };
    let taken = 0;
    let furthest = 0;
    const body = Readable.from(chunks(), { highWaterMark: 1 });
    for await (const batch of batchesOf({ contentType: 'text/csv', body })) {
      taken += batch.length;
      furthest = Math.max(furthest, read - taken);
    }
    expect(taken).toBe(50_000);
    expect(furthest).toBeLessThanOrEqual(500);
  });

  it('of JSON is one reading or an array, each answered on its own', async () => {
    const [batch] = await all('application/json', [{}, 'rubbish', null]);
    expect(batch?.map(({ line, content }) => [line, content])).toEqual([
      [1, expect.objectContaining({ code: 'MALFORMED_LINE' })],
      [2, expect.objectContaining({ code: 'MALFORMED_LINE' })],
      [3, expect.objectContaining({ code: 'MALFORMED_LINE' })],
    ]);
    expect(await all('application/json', { meterSerial: 'GTX-1' })).toHaveLength(1);
    expect(await all('application/json', [])).toEqual([]);
  });

  it('of any other type is refused', async () => {
    await expect(all('application/xml', streamOf('<xml/>'))).rejects.toBeInstanceOf(UnsupportedUpload);
    await expect(all(undefined, undefined)).rejects.toBeInstanceOf(UnsupportedUpload);
  });

  it('that breaks off says so, after the batches that were complete', async () => {
    const broken = Readable.from(
      (function* () {
        yield Buffer.from(HEADER + LINE.repeat(1_500));
        throw new Error('aborted');
      })(),
    );
    const batches: (readonly Entry[])[] = [];
    const reading = async () => {
      for await (const batch of batchesOf({ contentType: 'text/csv', body: broken })) batches.push(batch);
    };
    await expect(reading()).rejects.toBeInstanceOf(UploadInterrupted);
    expect(batches.map((batch) => batch.length)).toEqual([1_000]);
  });

  it('is read to its end when nobody wants the rest, so that the answer gets out', async () => {
    const body = streamOf('no header\n', LINE.repeat(10));
    await expect(all('text/csv', body)).rejects.toMatchObject({ code: 'INVALID_CSV_HEADER' });
    await new Promise((resolve) => body.once('end', resolve));
    expect(body.readableEnded).toBe(true);
  });
});
