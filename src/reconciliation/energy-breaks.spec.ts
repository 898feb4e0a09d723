import fc from 'fast-check';
import type { MintLeg } from '../ledger/supply.service';
import type { MintClaim } from '../meters/mint-evidence.service';
import { ofCertifiedPeriod, ofMints, ofRefusedRevision, ofStrayBooking } from './energy-breaks';

const mint: MintClaim = { id: 'm1', userId: 'ann', source: 'solar', energyWh: 5_000n };
const issue = (amount: bigint, leg: Partial<MintLeg> = {}): MintLeg => ({
  mintId: 'm1',
  userId: null,
  platform: 'issuance',
  asset: 'energy:solar',
  amount: -amount,
  ...leg,
});
const credit = (amount: bigint, leg: Partial<MintLeg> = {}): MintLeg => ({
  mintId: 'm1',
  userId: 'ann',
  platform: null,
  asset: 'energy:solar',
  amount,
  ...leg,
});

describe('mints beside their bookings', () => {
  it('agree when the energy went from issuance to the user', () => {
    expect(ofMints([mint], [issue(5_000n), credit(5_000n)])).toEqual([]);
  });

  it('miss one that was not booked, whatever else was', () => {
    const others = [issue(5_000n, { mintId: 'm2' }), credit(5_000n, { mintId: 'm2' })];
    expect(ofMints([mint], others)).toMatchObject([
      { type: 'MINT_NOT_BOOKED', entityId: 'm1', expected: 5_000n, actual: 0n },
    ]);
  });

  it.each([
    ['less', [issue(4_000n), credit(4_000n)], 4_000n],
    ['to somebody else', [issue(5_000n), credit(5_000n, { userId: 'ben' })], 0n],
    [
      'of another source',
      [issue(5_000n, { asset: 'energy:wind' }), credit(5_000n, { asset: 'energy:wind' })],
      0n,
    ],
    ['from another account', [issue(5_000n, { platform: 'deposits' }), credit(5_000n)], 5_000n],
    ['one side only', [credit(5_000n)], 5_000n],
    ['and something more', [issue(5_000n), credit(5_000n), credit(1n, { asset: 'THB' })], 5_000n],
  ])('differ when it was booked %s', (_, legs, actual) => {
    expect(ofMints([mint], legs)).toMatchObject([
      { type: 'MINT_BOOKED_DIFFERENTLY', entityId: 'm1', expected: 5_000n, actual },
    ]);
  });

  it('agree exactly when the booked energy is the minted energy', () => {
    const energy = fc.bigInt(1n, 10n ** 12n);
    fc.assert(
      fc.property(energy, energy, (minted, booked) => {
        const breaks = ofMints([{ ...mint, energyWh: minted }], [issue(booked), credit(booked)]);
        return breaks.length === (minted === booked ? 0 : 1);
      }),
    );
  });

  it('leave over a booking of no mint, with what it issued', () => {
    const booking = { transferId: 't1', reference: 'm1' };
    expect(ofStrayBooking(booking, [issue(700n), credit(700n), issue(1n, { mintId: 'm2' })])).toMatchObject({
      type: 'BOOKED_WITHOUT_MINT',
      entityId: 't1',
      expected: 0n,
      actual: 700n,
    });
  });
});

describe('a refused revision', () => {
  const figures = { id: 'r1', serial: 'S-1', intervalStart: new Date('2026-05-01T00:00:00Z') };

  it('differs in what was generated', () => {
    const revision = {
      ...figures,
      generatedWh: 10n,
      consumedWh: 5n,
      refusedGeneratedWh: 12n,
      refusedConsumedWh: 6n,
    };
    expect(ofRefusedRevision(revision)).toMatchObject({ expected: 12n, actual: 10n });
  });

  it('or else in what was consumed', () => {
    const revision = {
      ...figures,
      generatedWh: 10n,
      consumedWh: 5n,
      refusedGeneratedWh: 10n,
      refusedConsumedWh: 6n,
    };
    expect(ofRefusedRevision(revision)).toMatchObject({ expected: 6n, actual: 5n });
  });
});

describe('a certified period', () => {
  const period = { issuanceId: 'i1', meterId: 'm', from: new Date(0), to: new Date(1), energyWh: 100n };

  it('may attest all that was generated, or less', () => {
    expect(ofCertifiedPeriod(period, 100n)).toBeUndefined();
    expect(ofCertifiedPeriod(period, 101n)).toBeUndefined();
  });

  it('never more', () => {
    expect(ofCertifiedPeriod(period, 99n)).toMatchObject({
      type: 'CERTIFIED_MORE_THAN_GENERATED',
      expected: 99n,
      actual: 100n,
    });
  });
});
