import fc from 'fast-check';
import { drawCertificateNumber, readCertificateNumber } from './certificate-number';

describe('certificate numbers', () => {
  it('name the year of the issue, in UTC', () => {
    expect(drawCertificateNumber(new Date('2026-12-31T23:59:59.999Z'))).toMatch(/^ERC-2026-/);
    expect(drawCertificateNumber(new Date('2027-01-01T00:00:00Z'))).toMatch(/^ERC-2027-/);
  });

  it('are read as they were drawn, in any case and with look-alikes typed for one another', () => {
    const drawn = Array.from({ length: 500 }, () => drawCertificateNumber(new Date()));
    for (const number of drawn) {
      expect(readCertificateNumber(number)).toBe(number);
      const [prefix, year, code = ''] = number.toLowerCase().split('-');
      const misread = code.replaceAll('0', 'o').replaceAll('1', 'l');
      expect(readCertificateNumber(` ${prefix}-${year}-${misread} `)).toBe(number);
    }
    // Of 2^30 numbers two of so many may be the same, about once in 9 000 times: whoever issues one draws again.
    expect(new Set(drawn).size).toBeGreaterThanOrEqual(499);
  });

  it.each([
    '',
    'ERC-2026-7K3M9',
    'ERC-2026-7K3M9QX',
    'ERC-26-7K3M9Q',
    'ERC-2026-7K3M9U',
    'ERC–2026–7K3M9Q',
    'null',
  ])('%j is none', (typed) => expect(readCertificateNumber(typed)).toBeUndefined());

  it('whatever is typed is a number in stored form, or none', () => {
    fc.assert(
      fc.property(fc.string(), (typed) => {
        const read = readCertificateNumber(typed);
        return read === undefined || /^ERC-\d{4}-[0-9A-HJKMNP-TV-Z]{6}$/.test(read);
      }),
    );
  });
});
