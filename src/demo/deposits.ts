import { z } from 'zod';
import { formatMoney } from '../common/units';
import type { ApiClient } from './api-client';
import { refusedWith } from './api-problem';
import { decimal, pageOf } from './api-values';
import type { Member } from './household-account';
import { inParallel } from './parallel';
import { WIDTH, type ReplayRun } from './replay-run';
import type { TradingDay } from './trading-plan';

/** Money that an admin booked in for a user, in micro-units. */
export interface BookedDeposit {
  readonly userId: string;
  readonly amount: bigint;
  readonly reference: string;
}

const bookings = pageOf(
  z.object({ after: z.object({ userId: z.string(), amount: decimal(6), reference: z.string() }) }),
);
const anything = z.unknown();

/** Every deposit that was ever booked in, from the audit trail. */
export async function bookedDeposits(admin: ApiClient): Promise<BookedDeposit[]> {
  const booked: BookedDeposit[] = [];
  for await (const some of admin.pages('/api/admin/audit?action=deposit.booked', bookings)) {
    booked.push(...some.map(({ after }) => after));
  }
  return booked;
}

/**
 * Gives every buyer what its bids can cost at most, each day's once: a deposit's reference names the days it
 * was made for, so a longer data set brings another deposit for its new days only.
 */
export async function deposit(
  { admin, progress }: ReplayRun,
  members: readonly Member[],
  days: readonly TradingDay[],
): Promise<void> {
  progress.begin('Depositing', members.length);
  const booked = await bookedDeposits(admin);
  await inParallel(members, WIDTH, async ({ userId, household: { serial } }, index) => {
    const covered = spansOf(serial, booked);
    const missing = days.flatMap(({ day, deposits }) =>
      deposits.filter(({ household }) => household === index && !covered.some((span) => includes(span, day))),
    );
    const amount = missing.reduce((sum, one) => sum + one.amount, 0n);
    const [first, last] = [missing.at(0)?.day, missing.at(-1)?.day];
    if (amount > 0n) await book(admin, { userId, amount, reference: `replay:${serial}:${first}..${last}` });
    progress.advance();
  });
}

async function book(admin: ApiClient, { userId, amount, reference }: BookedDeposit): Promise<void> {
  try {
    await admin.post('/api/ledger/deposits', { userId, amount: formatMoney(amount), reference }, anything);
  } catch (error) {
    if (!refusedWith(error, 'REFERENCE_TAKEN')) throw error;
  }
}

type Span = readonly [first: string, last: string];

function spansOf(serial: string, booked: readonly BookedDeposit[]): Span[] {
  const prefix = `replay:${serial}:`;
  return booked
    .filter(({ reference }) => reference.startsWith(prefix))
    .map(({ reference }) => {
      const [first = '', last = ''] = reference.slice(prefix.length).split('..');
      return [first, last] as const;
    });
}

/** Days such as 2026-01-31 sort as text. */
const includes = ([first, last]: Span, day: string): boolean => first <= day && day <= last;
