import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import { AuditService } from '../audit/audit.service';
import type { Principal } from '../auth/principal';
import { CacheService } from '../cache/cache.service';
import { newId } from '../common/id';
import { DatabaseService } from '../database/database.service';
import { partitionAt, Partitions } from '../database/partitions';
import type { Transaction } from '../database/transaction';
import { MaintenanceService } from '../monitoring/maintenance/maintenance.service';
import { UsersService } from '../users/users.service';
import { IntakeReport } from './intake-report';
import { mayManageMeters } from './meter-rights';
import type { IntakeView } from './meter-views';
import { statsTag } from './meters.cache';
import { READINGS } from './meters.metrics';
import { MetersService } from './meters.service';
import { Refusal, type Entry, type Reading } from './reading';
import { judgeBatch, type BatchOutcome, type RefusedLine } from './reading-batch';
import { refusalOf, type Circumstances } from './reading-rules';
import {
  heldReadings,
  insertReadings,
  keepRevisions,
  replaceReadings,
  settleIntervals,
  type IntakeMeter,
} from './reading-statements';
import { batchesOf, type Upload } from './reading-upload';

interface SoundLine {
  readonly line: number;
  readonly reading: Reading;
}

/** Whose upload it is; the audit trail names all its batches by one id. */
interface Intake {
  readonly principal: Principal;
  readonly uploadId: string;
}

type Outcome = BatchOutcome<IntakeMeter>;

/** Takes readings in, of any number, a batch and a transaction at a time. */
@Injectable()
export class ReadingsIntakeService {
  constructor(
    private readonly database: DatabaseService,
    private readonly partitions: Partitions,
    private readonly meters: MetersService,
    private readonly users: UsersService,
    private readonly audit: AuditService,
    private readonly cache: CacheService,
    private readonly maintenance: MaintenanceService,
    @InjectMetric(READINGS) private readonly counter: Counter<'result'>,
  ) {}

  /**
   * Takes every reading that is sound and says which are not. Batches that are complete stay, whatever
   * becomes of those after them.
   * @throws UnsupportedUpload InvalidCsvHeader UploadInterrupted
   */
  async take(principal: Principal, upload: Upload): Promise<IntakeView> {
    const intake: Intake = { principal, uploadId: newId() };
    const report = new IntakeReport();
    const partitions = new Set<string>();
    for await (const batch of batchesOf(upload)) {
      const { outcome, refusals } = await this.takeBatch(intake, batch);
      report.add(outcome, refusals);
      for (const { reading } of [...outcome.fresh, ...outcome.replaced])
        partitions.add(partitionAt('meter_readings', reading.intervalStart));
      this.count(outcome, refusals.length);
    }
    const view = report.view();
    await this.maintenance.analyzeSoon('meter_readings', view.accepted + view.revised, [...partitions]);
    return view;
  }

  private async takeBatch(
    intake: Intake,
    batch: readonly Entry[],
  ): Promise<{ outcome: Outcome; refusals: readonly RefusedLine[] }> {
    const circumstances: Circumstances = {
      now: new Date(),
      mayLoadHistory: mayManageMeters(intake.principal),
    };
    const { sound, refusals } = sift(batch, circumstances);
    await this.partitions.ensure(
      'meter_readings',
      sound.map(({ reading }) => reading.intervalStart),
    );
    const outcome = await this.database.transaction((tx) => this.write(tx, intake, sound));
    return { outcome, refusals: [...refusals, ...outcome.refusals] };
  }

  private async write(tx: Transaction, intake: Intake, lines: readonly SoundLine[]): Promise<Outcome> {
    const readings = lines.map(({ reading }) => reading);
    const meters = await this.lockMeters(tx, intake.principal, readings);
    const held = await heldReadings(tx, meters, readings);
    const outcome = judgeBatch(lines, meters, held);
    await insertReadings(tx, outcome.fresh);
    await replaceReadings(tx, outcome.replaced);
    await keepRevisions(tx, outcome.revisions, intake.principal.userId);
    await settleIntervals(tx, outcome.lengths);
    this.record(tx, intake, lines, outcome);
    const changed = [...outcome.fresh, ...outcome.replaced].map(({ meter }) => statsTag(meter.ownerId));
    this.cache.invalidateAfterCommit(tx, [...new Set(changed)]);
    return outcome;
  }

  /** By serial, those that the principal may post for. */
  private async lockMeters(
    tx: Transaction,
    principal: Principal,
    readings: readonly Reading[],
  ): Promise<Map<string, IntakeMeter>> {
    const serials = new Set(readings.map(({ meterSerial }) => meterSerial));
    const meters = await this.meters.lockBySerial(tx, principal, [...serials]);
    const owners = new Set(meters.map(({ ownerId }) => ownerId));
    const wallets = await this.users.walletsOf(tx, [...owners]);
    return new Map(
      meters.map((meter) => [meter.serial, { ...meter, walletAddress: wallets.get(meter.ownerId) ?? null }]),
    );
  }

  /** Owners post what is theirs; what somebody posts for others goes into the audit trail. */
  private record(
    tx: Transaction,
    { principal, uploadId }: Intake,
    lines: readonly SoundLine[],
    outcome: Outcome,
  ): void {
    const { accepted, revised } = outcome;
    if (!mayManageMeters(principal) || accepted + revised === 0) return;
    this.audit.record(tx, principal, {
      action: 'readings.loaded',
      entity: 'meter_readings',
      entityId: uploadId,
      after: { firstLine: lines[0]?.line, lastLine: lines.at(-1)?.line, accepted, revised },
    });
  }

  private count({ accepted, duplicates, revised }: Outcome, rejected: number): void {
    this.counter.inc({ result: 'accepted' }, accepted);
    this.counter.inc({ result: 'duplicate' }, duplicates);
    this.counter.inc({ result: 'revised' }, revised);
    this.counter.inc({ result: 'rejected' }, rejected);
  }
}

/** Sorts out what needs no database to be refused. */
function sift(
  batch: readonly Entry[],
  circumstances: Circumstances,
): { sound: SoundLine[]; refusals: RefusedLine[] } {
  const sound: SoundLine[] = [];
  const refusals: RefusedLine[] = [];
  for (const { line, content } of batch) {
    const refusal = content instanceof Refusal ? content : refusalOf(content, circumstances);
    if (refusal !== undefined) refusals.push({ line, refusal });
    else sound.push({ line, reading: content as Reading });
  }
  return { sound, refusals };
}
