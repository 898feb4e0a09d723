import { RELEASE } from '../config/release';
import { pack, packCompressed, unpack, type Envelope } from './envelope';
import { freezeAndMeasure } from './frozen';

const envelope: Envelope = {
  key: 'order:book:solar',
  version: 'abc',
  createdAt: 1,
  freshUntil: 2,
  expiresAt: 3,
  loadMs: 4,
  namespace: '5',
  tagVersions: ['x', 'y'],
  value: { bids: [], note: 'ü'.repeat(1_000) },
};
const travelled = (packed: unknown): unknown => JSON.parse(JSON.stringify(packed));

describe('envelopes', () => {
  it('come back as they were', () => {
    expect(unpack(travelled(pack(envelope)), envelope.key, 1e6)).toEqual(envelope);
  });

  it('come back as they were when compressed, and take less', async () => {
    const packed = await packCompressed(envelope);
    expect(JSON.stringify(packed).length).toBeLessThan(400);
    expect(await unpack(travelled(packed), envelope.key, 1e6)).toEqual(envelope);
  });

  it('are nothing when they would be too large inflated, or cannot be inflated', async () => {
    const packed = await packCompressed(envelope);
    expect(await unpack(packed, envelope.key, 100)).toBeUndefined();
    expect(await unpack({ ...packed, z: 'AAAA' }, envelope.key, 1e6)).toBeUndefined();
  });

  it.each(['a', '"', 'ü', 'ก', '🔋', '\u0001', '\ud800'])(
    'come back compressed whatever they are made of, when they may be as large as they are: %j',
    async (character) => {
      const value = { text: character.repeat(10_000) };
      const packed = await packCompressed({ ...envelope, value });
      const opened = await unpack(travelled(packed), envelope.key, freezeAndMeasure(value));
      expect(opened?.value).toEqual(value);
    },
  );

  it.each([
    ['another form', { f: pack(envelope).f.replace('1', '2') }],
    ['another release', { f: `${pack(envelope).f}.1` }],
    ['another key', { k: 'other' }],
    ['no times', { e: 'soon' }],
    ['no versions', { g: 'x' }],
    ['no value', { v: undefined }],
  ])('are nothing with %s', (_what, change) => {
    expect(unpack(travelled({ ...pack(envelope), ...change }), envelope.key, 1e6)).toBeUndefined();
  });

  it('are nothing to another build of the same version', () => {
    jest.resetModules();
    jest.doMock('../config/release', () => ({ RELEASE, BUILD: `${RELEASE}+another` }));
    const another = jest.requireActual<{ pack: typeof pack; unpack: typeof unpack }>('./envelope');
    expect(another.unpack(travelled(another.pack(envelope)), envelope.key, 1e6)).toEqual(envelope);
    expect(another.unpack(travelled(pack(envelope)), envelope.key, 1e6)).toBeUndefined();
  });

  it.each([null, undefined, 7, 'text', [], {}])('are nothing like %p', (something) => {
    expect(unpack(something, envelope.key, 1e6)).toBeUndefined();
  });
});
