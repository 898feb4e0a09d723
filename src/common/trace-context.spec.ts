import { traceContextOf } from './trace-context';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('traceparent', () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    // Only the lowest bit says something about sampling.
    [`00-${TRACE}-${SPAN}-03`, true],
    [`00-${TRACE}-${SPAN}-02`, false],
    // A later version, with and without fields that we do not know.
    [`01-${TRACE}-${SPAN}-01`, true],
    [`cc-${TRACE}-${SPAN}-01-what-comes-next`, true],
  ])('%s is taken', (header, sampled) => {
    expect(traceContextOf(header)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
  });

  it.each([
    ['nothing', undefined],
    ['an empty one', ''],
    ['two of them', [`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`]],
    ['two of them in one', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
    ['the version that is no version', `ff-${TRACE}-${SPAN}-01`],
    ['more than version 00 has', `00-${TRACE}-${SPAN}-01-more`],
    ['a later version that does not set its fields apart', `01-${TRACE}-${SPAN}-01more`],
    ['capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['other letters', `00-${TRACE.replace('4', 'g')}-${SPAN}-01`],
    ['a short trace', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['a short span', `00-${TRACE}-${SPAN.slice(1)}-01`],
    ['no flags', `00-${TRACE}-${SPAN}`],
    ['no trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['no span', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['blanks around it', ` 00-${TRACE}-${SPAN}-01 `],
    ['far too much', `01-${TRACE}-${SPAN}-01-${'a'.repeat(100_000)}`],
  ])('%s is none', (_what, header) => {
    expect(traceContextOf(header)).toBeUndefined();
  });
});
