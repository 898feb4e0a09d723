import { z } from 'zod';
import { refusedWith, ServerUnreachable } from './api-problem';
import { decimal } from './api-values';
import { bookedDeposits, deposit } from './deposits';
import { Explained } from './explained';
import { settleIn, verifyMeter, type Member } from './household-account';
import { meteredIntervals, trade, type OrderCounts } from './market-days';
import { inParallel } from './parallel';
import {
  certifiedOf,
  energyIsConserved,
  figuresOf,
  moneyIsConserved,
  type HouseholdFigures,
} from './replay-figures';
import { WIDTH, type ReplayRun } from './replay-run';
import { planTrading, type MeteredInterval } from './trading-plan';

const LONGEST_CERTIFICATE_MS = 365 * 86_400_000;
const SHOWN_BREAKS = 10;

const intake = z.object({
  accepted: z.int(),
  duplicates: z.int(),
  revised: z.int(),
  rejected: z.int(),
  errors: z.array(z.object({ line: z.int(), code: z.string(), detail: z.string() })),
});
const supply = z.object({
  asset: z.string(),
  mintedKwh: decimal(3),
  issuedKwh: decimal(3),
  heldKwh: decimal(3),
});
const reconciled = z.object({
  id: z.string(),
  status: z.string(),
  breaks: z.int(),
  breaksByType: z.record(z.string(), z.int()),
  checked: z.object({ assets: z.array(supply) }),
});
const breaks = z.object({ items: z.array(z.object({ type: z.string(), detail: z.string() })) });
const account = z.object({ email: z.string(), role: z.string() });
const openMarket = z.object({ status: z.string(), mechanism: z.string(), energySource: z.string() });
const anything = z.unknown();

/** What became of the lines of readings.csv; a line counts from 1, the header included. */
export type Intake = z.output<typeof intake>;

export interface Reconciled {
  readonly id: string;
  readonly status: string;
  readonly breaks: number;
  readonly breaksByType: Readonly<Record<string, number>>;
  /** The first ones, as sentences. */
  readonly first: readonly string[];
  /** Whether minted, issued and held are one figure, for every kind of energy on the platform. */
  readonly supplyAgrees: boolean;
}

/** Everything a replay has to say when it is over. */
export interface ReplayResult {
  readonly dataset: string;
  readonly market: string;
  readonly readings: Intake;
  readonly orders: OrderCounts;
  readonly households: readonly HouseholdFigures[];
  readonly energyConserved: boolean;
  readonly moneyConserved: boolean;
  readonly reconciliation: Reconciled;
  readonly members: readonly Member[];
  readonly seconds: number;
}

/** Whoever is to be the admin is none. */
export class NoAdmin extends Explained {}

/** The market that was named cannot be traded on. */
export class UnusableMarket extends Explained {}

/** True when every order was taken, and every watt-hour and every unit of money is where it should be. */
export const isSound = ({ orders, energyConserved, moneyConserved, reconciliation }: ReplayResult): boolean =>
  orders.refused === 0 && energyConserved && moneyConserved && reconciliation.breaks === 0;

/**
 * Brings a neighbourhood to the market, through the public API alone, from registration to reconciliation.
 * Every step finds out what is done already and does the rest, so it may be stopped anywhere and run again.
 * @throws ApiProblem, ServerUnreachable, Stopped, NotOurs, NoAdmin, UnusableMarket
 */
export async function replay(run: ReplayRun): Promise<ReplayResult> {
  const began = performance.now();
  await requireAdmin(run);
  await requireMarket(run);
  const members = await settle(run);
  const readings = await load(run);
  await mint(run, members);
  const intervals = await meteredIntervals(run, members);
  const days = planTrading(forSale(run, intervals), run.market, run.prices);
  await deposit(run, members, days);
  const orders = await trade(run, members, days);
  await certify(run, members, intervals);
  const reconciliation = await reconcile(run);
  const households = await figures(run, members);
  run.progress.end();
  return {
    dataset: run.dataset.name,
    market: run.market,
    readings,
    orders,
    households,
    energyConserved: energyIsConserved(households) && reconciliation.supplyAgrees,
    moneyConserved: moneyIsConserved(households),
    reconciliation,
    members,
    seconds: (performance.now() - began) / 1000,
  };
}

/** Before anything is done: households get passwords that are made from this admin's. */
async function requireAdmin({ admin }: ReplayRun): Promise<void> {
  const { email, role } = await admin.get('/api/users/me', account);
  if (role === 'admin') return;
  throw new NoAdmin(
    `${email} is ${role}: a replay verifies meters and deposits money, for which it needs an admin`,
  );
}

async function requireMarket({ anybody, market }: ReplayRun): Promise<void> {
  const found = await anybody
    .get(`/api/trading/markets/${encodeURIComponent(market)}`, openMarket)
    .catch((error: unknown) => {
      if (!refusedWith(error, 'MARKET_NOT_FOUND', 'INVALID_INPUT')) throw error;
      throw new UnusableMarket(
        `There is no market "${market}": GET /api/trading/markets lists them, and --market names one`,
      );
    });
  if (found.status !== 'open')
    throw new UnusableMarket(`Market ${market} is ${found.status}: an admin can resume it`);
  if (found.mechanism !== 'continuous' || found.energySource !== 'solar') {
    throw new UnusableMarket(
      `Market ${market} trades ${found.energySource} energy by ${found.mechanism} trading: a replay needs a continuous market of solar energy`,
    );
  }
}

async function settle({ dataset, anybody, admin, secret, timeZone, progress }: ReplayRun): Promise<Member[]> {
  progress.begin('Registering households', dataset.households.length);
  return inParallel(dataset.households, WIDTH, async (household) => {
    const member = await settleIn(anybody, household, secret, timeZone);
    if (!member.isVerified) await verifyMeter(admin, member.meterId);
    progress.advance();
    return member;
  });
}

function load({ dataset, admin, progress }: ReplayRun): Promise<Intake> {
  progress.begin('Loading readings (bytes)', dataset.sizeBytes);
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of dataset.readings()) {
      yield chunk;
      progress.advance(chunk.length);
    }
  };
  return admin.uploadCsv('/api/meters/readings', watched, intake);
}

async function mint({ progress }: ReplayRun, members: readonly Member[]): Promise<void> {
  progress.begin('Minting surplus', members.length);
  await inParallel(members, WIDTH, async ({ api }) => {
    await api.post('/api/meters/mint', {}, anything);
    progress.advance();
  });
}

function forSale({ tradeFrom }: ReplayRun, intervals: readonly MeteredInterval[][]): MeteredInterval[][] {
  if (tradeFrom === undefined) return [...intervals];
  const first = tradeFrom.toISOString();
  return intervals.map((counted) => counted.filter(({ start }) => start >= first));
}

/** Certifies what each PV meter generated and is not certified yet, at most a year at a time. */
async function certify(
  { progress }: ReplayRun,
  members: readonly Member[],
  intervals: readonly (readonly MeteredInterval[])[],
): Promise<void> {
  const generating = members.flatMap((member, index) => {
    const counted = intervals[index] ?? [];
    return counted.some(({ generatedWh }) => generatedWh > 0n) ? [{ member, counted }] : [];
  });
  progress.begin('Certifying', generating.length);
  await inParallel(generating, WIDTH, async ({ member, counted }) => {
    const { upTo } = await certifiedOf(member.api, member.meterId);
    const end = Math.min(endOf(counted), Date.now());
    let from = Date.parse(upTo ?? counted[0]?.start ?? '');
    while (from < end) {
      const to = Math.min(end, from + LONGEST_CERTIFICATE_MS);
      await issue(member, new Date(from), new Date(to));
      from = to;
    }
    progress.advance();
  });
}

function endOf(intervals: readonly MeteredInterval[]): number {
  const last = intervals.at(-1);
  return last === undefined ? 0 : Date.parse(last.start) + last.minutes * 60_000;
}

async function issue({ api, meterId }: Member, from: Date, to: Date): Promise<void> {
  try {
    await api.post(
      '/api/certificates',
      { meterId, from: from.toISOString(), to: to.toISOString() },
      anything,
    );
  } catch (error) {
    if (!refusedWith(error, 'PERIOD_ALREADY_CERTIFIED', 'NOTHING_TO_CERTIFY')) throw error;
  }
}

async function reconcile({ admin, progress }: ReplayRun): Promise<Reconciled> {
  progress.begin('Reconciling', 1);
  const {
    id,
    status,
    breaks: found,
    breaksByType,
    checked,
  } = await admin.post('/api/reconciliations/energy/run', {}, reconciled);
  if (status !== 'completed')
    throw new ServerUnreachable(
      `Reconciliation ${id} is ${status} instead of completed: the server's log says why`,
    );
  const { items } = await admin.get(`/api/reconciliations/${id}/breaks?limit=${SHOWN_BREAKS}`, breaks);
  progress.advance();
  const supplyAgrees = checked.assets.every(
    ({ mintedKwh: minted, issuedKwh: issued, heldKwh: held }) => minted === issued && minted === held,
  );
  return {
    id,
    status,
    breaks: found,
    breaksByType,
    first: items.map(({ type, detail }) => `${type}: ${detail}`),
    supplyAgrees,
  };
}

async function figures(
  { admin, progress }: ReplayRun,
  members: readonly Member[],
): Promise<HouseholdFigures[]> {
  progress.begin('Collecting figures', members.length);
  const booked = await bookedDeposits(admin);
  return inParallel(members, WIDTH, async (member) => {
    const found = await figuresOf(member, booked);
    progress.advance();
    return found;
  });
}
