import fc from 'fast-check';
import { ENERGY_SOURCES } from '../common/request-schemas';
import { costOf, feeOf, price, wattHours } from '../common/units';
import { transfer } from '../ledger/transfer';
import { saleOf, settlementOf } from './sale';

const buyer = { buyerId: 'buyer', orderId: null };

describe('a sale', () => {
  it('is settled without creating or losing a watt-hour or a micro-unit', () => {
    const terms = fc.record({
      source: fc.constantFrom(...ENERGY_SOURCES),
      perKwh: fc.bigInt({ min: 10_000n, max: 10_000_000_000n }).map(price),
      energy: fc.bigInt({ min: 1n, max: 100_000_000n }).map(wattHours),
      bps: fc.integer({ min: 0, max: 1_000 }),
      paidFrom: fc.constantFrom('available' as const, 'reserved' as const),
    });
    fc.assert(
      fc.property(terms, ({ source, perKwh, energy, bps, paidFrom }) => {
        const offer = { id: 'offer', seller_id: 'seller', energy_source: source, price_per_kwh: perKwh };
        const sale = saleOf(offer, energy, buyer, bps);
        expect(sale.total).toBe(costOf(energy, perKwh));
        expect(sale.fee).toBe(feeOf(sale.total, bps));
        expect(sale.fee <= sale.total).toBe(true);
        // A transfer that is out of balance throws.
        expect(() => transfer('sale', sale.id, settlementOf(sale, 'THB', paidFrom))).not.toThrow();
      }),
    );
  });

  it('takes from the buyer the total, gives the seller the rest of it and the platform the fee', () => {
    const offer = {
      id: 'offer',
      seller_id: 'seller',
      energy_source: 'wind' as const,
      price_per_kwh: price(3_333_000n),
    };
    const sale = saleOf(offer, wattHours(1_501n), buyer, 100);
    const booked = settlementOf(sale, 'THB', 'available').map(({ account, amount }) => [
      account.userId ?? account.platform,
      account.asset,
      account.bucket,
      amount,
    ]);
    expect(booked).toEqual([
      ['buyer', 'THB', 'available', -5_002_833n],
      ['seller', 'THB', 'available', 4_952_805n],
      ['fees:marketplace', 'THB', 'available', 50_028n],
      ['seller', 'energy:wind', 'reserved', -1_501n],
      ['buyer', 'energy:wind', 'available', 1_501n],
    ]);
  });
});
