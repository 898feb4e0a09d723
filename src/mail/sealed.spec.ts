import { seal, unseal } from './sealed';

describe('a sealed text', () => {
  const sealed = seal('a secret', 'Token: 42 – grüezi');

  it('opens with the secret that sealed it', () => {
    expect(unseal('a secret', sealed)).toBe('Token: 42 – grüezi');
  });

  it('tells nothing, and is never the same twice', () => {
    expect(Buffer.from(sealed, 'base64').toString('latin1')).not.toContain('42');
    expect(seal('a secret', 'Token: 42 – grüezi')).not.toBe(sealed);
  });

  it('does not open with another secret, changed, or cut', () => {
    const changed = Buffer.from(sealed, 'base64');
    changed.writeUInt8(changed.readUInt8(30) ^ 1, 30);
    expect(unseal('another secret', sealed)).toBeUndefined();
    expect(unseal('a secret', changed.toString('base64'))).toBeUndefined();
    expect(unseal('a secret', sealed.slice(0, 20))).toBeUndefined();
  });
});
