import { formatKwh } from '../common/units';
import type {
  MintClaim,
  OrphanedReadings,
  RefusedRevision,
  UnmintedSurplus,
  UnprovenMint,
} from '../meters/mint-evidence.service';
import { energyAsset } from '../ledger/transfer';
import type { MintBooking, MintLeg } from '../ledger/supply.service';
import type { CertifiedPeriod } from '../certificates/certified-energy.service';
import { KWH, type Break } from './break';

/** From evidence about readings, mints, their bookings and certificates to breaks. Pure. */

const kwh = (energy: bigint): string => `${formatKwh(energy)} kWh`;

export function ofUnmintedSurplus({ meterId, serial, readings, energyWh }: UnmintedSurplus): Break {
  return {
    type: 'UNMINTED_SURPLUS',
    entity: 'meters',
    entityId: meterId,
    unit: KWH,
    expected: 0n,
    actual: energyWh,
    detail: `Meter ${serial} has ${kwh(energyWh)} of surplus in ${readings} readings that is not minted`,
  };
}

export function ofUnprovenMint({ mintId, serial, energyWh, readings, readingsWh }: UnprovenMint): Break {
  const proven = readings > 0;
  return {
    type: proven ? 'READINGS_MINT_MISMATCH' : 'MINT_WITHOUT_READINGS',
    entity: 'mints',
    entityId: mintId,
    unit: KWH,
    expected: readingsWh,
    actual: energyWh,
    detail: proven
      ? `Mint ${mintId} created ${kwh(energyWh)}, but the ${readings} readings of meter ${serial} in it have a surplus of ${kwh(readingsWh)}`
      : `Mint ${mintId} created ${kwh(energyWh)}, but no reading of meter ${serial} is in it`,
  };
}

export function ofOrphanedReadings({ meterId, serial, mintId, readings, energyWh }: OrphanedReadings): Break {
  return {
    type: 'READING_MARKED_WITHOUT_MINT',
    entity: mintId === null ? 'meters' : 'mints',
    entityId: mintId ?? meterId,
    unit: KWH,
    expected: energyWh,
    actual: 0n,
    detail:
      mintId === null
        ? `${readings} readings of meter ${serial} with ${kwh(energyWh)} are marked as minted, but name no mint`
        : `${readings} readings of meter ${serial} with ${kwh(energyWh)} name mint ${mintId}, but that meter has no such mint`,
  };
}

/** Says the figure that differs: what was generated, or else what was consumed. */
export function ofRefusedRevision(revision: RefusedRevision): Break {
  const { generatedWh, consumedWh, refusedGeneratedWh, refusedConsumedWh } = revision;
  const generationDiffers = generatedWh !== refusedGeneratedWh;
  return {
    type: 'REFUSED_REVISION',
    entity: 'reading_revisions',
    entityId: revision.id,
    unit: KWH,
    expected: generationDiffers ? refusedGeneratedWh : refusedConsumedWh,
    actual: generationDiffers ? generatedWh : consumedWh,
    detail:
      `Meter ${revision.serial} counts with ${kwh(generatedWh)} generated and ${kwh(consumedWh)} consumed from ` +
      `${revision.intervalStart.toISOString()}; later it was said to be ${kwh(refusedGeneratedWh)} and ` +
      `${kwh(refusedConsumedWh)}, which came too late, after the interval was minted or certified`,
  };
}

export function ofCertifiedPeriod(
  { issuanceId, energyWh }: CertifiedPeriod,
  generatedWh: bigint,
): Break | undefined {
  if (energyWh <= generatedWh) return undefined;
  return {
    type: 'CERTIFIED_MORE_THAN_GENERATED',
    entity: 'certificate_issuances',
    entityId: issuanceId,
    unit: KWH,
    expected: generatedWh,
    actual: energyWh,
    detail: `Issuance ${issuanceId} certifies ${kwh(energyWh)}, but its meter generated ${kwh(generatedWh)} in the period`,
  };
}

/**
 * Compares mints with the entries that booked them: each must have moved its energy, of its meter's source,
 * from the issuance account to its user, and nothing else.
 */
export function ofMints(mints: readonly MintClaim[], legs: readonly MintLeg[]): Break[] {
  const booked = byMint(legs);
  return mints.flatMap((mint) => ofMint(mint, booked.get(mint.id) ?? []) ?? []);
}

function byMint(legs: readonly MintLeg[]): Map<string, MintLeg[]> {
  const groups = new Map<string, MintLeg[]>();
  for (const leg of legs) {
    const group = groups.get(leg.mintId);
    if (group === undefined) groups.set(leg.mintId, [leg]);
    else group.push(leg);
  }
  return groups;
}

function ofMint(mint: MintClaim, legs: readonly MintLeg[]): Break | undefined {
  const credited = sum(legs.filter((leg) => isCredit(leg, mint)));
  const issued = -sum(legs.filter((leg) => isIssue(leg, mint)));
  const strays = legs.filter((leg) => !isCredit(leg, mint) && !isIssue(leg, mint));
  if (credited === mint.energyWh && issued === mint.energyWh && strays.length === 0) return undefined;
  const base = { entity: 'mints', entityId: mint.id, unit: KWH, expected: mint.energyWh } as const;
  if (legs.length === 0) {
    return {
      ...base,
      type: 'MINT_NOT_BOOKED',
      actual: 0n,
      detail: `Mint ${mint.id} of ${kwh(mint.energyWh)} is not in the ledger`,
    };
  }
  return {
    ...base,
    type: 'MINT_BOOKED_DIFFERENTLY',
    actual: credited,
    detail:
      `Mint ${mint.id} created ${kwh(mint.energyWh)} of ${mint.source} energy for user ${mint.userId}; the ledger credited ` +
      `them with ${kwh(credited)} and issued ${kwh(issued)}${strays.length === 0 ? '' : ', and moved something else as well'}`,
  };
}

const sum = (legs: readonly MintLeg[]): bigint => legs.reduce((total, { amount }) => total + amount, 0n);

const isCredit = (leg: MintLeg, { userId, source }: MintClaim): boolean =>
  leg.userId === userId && leg.asset === energyAsset(source);

const isIssue = (leg: MintLeg, { source }: MintClaim): boolean =>
  leg.platform === 'issuance' && leg.asset === energyAsset(source);

/** A booking that names a mint which is not there. */
export function ofStrayBooking({ transferId, reference }: MintBooking, legs: readonly MintLeg[]): Break {
  const issued = -sum(legs.filter(({ mintId, platform }) => mintId === reference && platform === 'issuance'));
  return {
    type: 'BOOKED_WITHOUT_MINT',
    entity: 'ledger_transfers',
    entityId: transferId,
    unit: KWH,
    expected: 0n,
    actual: issued,
    detail: `Transfer ${transferId} issued ${kwh(issued)} for mint ${reference}, which does not exist`,
  };
}
