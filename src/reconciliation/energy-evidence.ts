import { Injectable } from '@nestjs/common';
import { CertifiedEnergyService } from '../certificates/certified-energy.service';
import { UUID_SHAPE } from '../common/cursor';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { SupplyService, type AssetSupply } from '../ledger/supply.service';
import { MintEvidenceService, type MeteringCounts } from '../meters/mint-evidence.service';
import type { Break } from './break';
import { energySupply, ofBalance, ofEntries, ofSupply, type EnergySupply } from './ledger-breaks';
import {
  ofCertifiedPeriod,
  ofMints,
  ofOrphanedReadings,
  ofRefusedRevision,
  ofStrayBooking,
  ofUnmintedSurplus,
  ofUnprovenMint,
} from './energy-breaks';

/** How many mints, bookings or issuances are held in memory at a time. */
const CHUNK = 5_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** What was looked at, and what did not agree. */
export interface EnergyFindings {
  readonly counts: MeteringCounts & {
    readonly bookings: number;
    readonly certificates: number;
    readonly accounts: number;
    readonly entries: bigint;
  };
  readonly supply: readonly EnergySupply[];
  readonly breaks: readonly Break[];
}

/**
 * Compares readings, mints, ledger and certificates in one snapshot of the database: whatever is being minted,
 * traded or certified meanwhile is in it as a whole or not at all.
 */
@Injectable()
export class EnergyEvidence {
  constructor(
    private readonly database: DatabaseService,
    private readonly metering: MintEvidenceService,
    private readonly ledger: SupplyService,
    private readonly certificates: CertifiedEnergyService,
  ) {}

  compare(): Promise<EnergyFindings> {
    return this.database.transaction(async (tx) => {
      await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      // Everything there is gets read: that may take longer than a statement of a request should.
      await tx.query(`SET LOCAL statement_timeout = '10min'`);
      const counts = await this.metering.counts(tx);
      const assets = await this.ledger.assets(tx);
      const supply = energySupply(assets, await this.metering.mintedBySource(tx));
      const metering = await this.ofMeters(tx);
      const mints = await this.ofMints(tx);
      const bookings = await this.ofBookings(tx);
      const ledger = await this.ofLedger(tx, assets);
      const certificates = await this.ofCertificates(tx);
      return {
        counts: { ...counts, bookings: bookings.seen, certificates: certificates.seen, ...totals(assets) },
        supply,
        breaks: [
          ...metering,
          ...mints.breaks,
          ...bookings.breaks,
          ...supply.flatMap(ofSupply),
          ...ledger,
          ...certificates.breaks,
        ],
      };
    });
  }

  private async ofMeters(tx: Transaction): Promise<Break[]> {
    return [
      ...(await this.metering.unmintedSurplus(tx)).map(ofUnmintedSurplus),
      ...(await this.metering.unprovenMints(tx)).map(ofUnprovenMint),
      ...(await this.metering.orphanedReadings(tx)).map(ofOrphanedReadings),
      ...(await this.metering.refusedRevisions(tx)).map(ofRefusedRevision),
    ];
  }

  private ofMints(tx: Transaction): Promise<Seen> {
    return inChunks(
      FIRST_ID,
      (after) => this.metering.mintsAfter(tx, after, CHUNK),
      ({ id }) => id,
      async (mints) =>
        ofMints(
          mints,
          await this.ledger.mintLegs(
            tx,
            mints.map(({ id }) => id),
          ),
        ),
    );
  }

  private ofBookings(tx: Transaction): Promise<Seen> {
    return inChunks(
      '',
      (after) => this.ledger.mintBookingsAfter(tx, after, CHUNK),
      ({ reference }) => reference,
      async (bookings) => {
        const references = bookings.map(({ reference }) => reference);
        const existing = await this.metering.existingMints(
          tx,
          references.filter((text) => UUID_SHAPE.test(text)),
        );
        const stray = bookings.filter(({ reference }) => !existing.has(reference));
        if (stray.length === 0) return [];
        const legs = await this.ledger.mintLegs(
          tx,
          stray.map(({ reference }) => reference),
        );
        return stray.map((booking) => ofStrayBooking(booking, legs));
      },
    );
  }

  private async ofLedger(tx: Transaction, assets: readonly AssetSupply[]): Promise<Break[]> {
    return [
      ...assets.flatMap((asset) => ofEntries(asset) ?? []),
      ...(await this.ledger.unexplainedBalances(tx)).map(ofBalance),
    ];
  }

  private ofCertificates(tx: Transaction): Promise<Seen> {
    return inChunks(
      FIRST_ID,
      (after) => this.certificates.issuancesAfter(tx, after, CHUNK),
      ({ issuanceId }) => issuanceId,
      async (issuances) => {
        const generated = await this.metering.generatedWithin(tx, issuances);
        return issuances.flatMap(
          (issuance, place) => ofCertifiedPeriod(issuance, generated[place] ?? 0n) ?? [],
        );
      },
    );
  }
}

/** How much was gone through, and what of it did not agree. */
interface Seen {
  readonly seen: number;
  readonly breaks: readonly Break[];
}

/** Goes through everything in the order of its key, a chunk at a time. */
async function inChunks<Row>(
  first: string,
  read: (after: string) => Promise<Row[]>,
  keyOf: (row: Row) => string,
  check: (rows: Row[]) => Promise<Break[]>,
): Promise<Seen> {
  const breaks: Break[] = [];
  let seen = 0;
  for (let after = first; ;) {
    const rows = await read(after);
    const last = rows.at(-1);
    if (last === undefined) return { seen, breaks };
    for (const found of await check(rows)) breaks.push(found);
    seen += rows.length;
    after = keyOf(last);
  }
}

function totals(assets: readonly AssetSupply[]): { accounts: number; entries: bigint } {
  return {
    accounts: assets.reduce((total, { accounts }) => total + accounts, 0),
    entries: assets.reduce((total, { entries }) => total + entries, 0n),
  };
}
