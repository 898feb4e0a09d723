import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import type { Transaction } from '../database/transaction';
import { ScrapeFigures } from '../monitoring/metrics/scrape-figures';
import { ENERGY, ENERGY_BREAK_TYPES } from './break';

const BREAKS = 'reconciliation_breaks';

export const reconciliationMetricProvider = makeGaugeProvider({
  name: BREAKS,
  help: 'Breaks that the last run of the energy check found, by type',
  labelNames: ['type'],
});

type BreaksByType = Readonly<Record<string, number>>;

const LAST_RUN = `
SELECT coalesce((SELECT metadata -> 'breaksByType' FROM reconciliations
                  WHERE project_id IS NULL AND reference = '${ENERGY}' AND status = 'completed'
                  ORDER BY created_at DESC, id DESC LIMIT 1), '{}') AS "breaksByType"`;

/** What the last energy check found, whichever process ran it. */
@Injectable()
export class ReconciliationMetrics implements OnModuleInit {
  constructor(
    private readonly figures: ScrapeFigures,
    @InjectMetric(BREAKS) private readonly breaks: Gauge<'type'>,
  ) {}

  onModuleInit(): void {
    this.figures.add<{ breaksByType: BreaksByType }>({
      name: 'breaks',
      sql: LAST_RUN,
      readsTables: true,
      gauges: [this.breaks],
      show: ({ breaksByType }) => this.show(breaksByType),
    });
  }

  /** Whoever ran it sees at once what others see within a quarter of a minute. */
  showAfterCommit(tx: Transaction, breaksByType: BreaksByType): void {
    tx.afterCommit(() => this.show(breaksByType));
  }

  /** A type that was not found again is zero. */
  private show(breaksByType: BreaksByType): void {
    for (const type of ENERGY_BREAK_TYPES) this.breaks.set({ type }, breaksByType[type] ?? 0);
  }
}
