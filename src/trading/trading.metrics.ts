import { Injectable } from '@nestjs/common';
import { InjectMetric, makeCounterProvider } from '@willsoto/nestjs-prometheus';
import type { Counter } from 'prom-client';
import type { Transaction } from '../database/transaction';
import type { Execution } from './order';

const OPERATIONS = 'trading_operations_total';
const TRADES = 'trading_trades_total';
const ENERGY = 'trading_energy_wh_total';
const VALUE = 'trading_value_total';
/** Of one unit of the settlement currency. */
const MICRO_UNITS = 1_000_000;

export type TradingOperation = 'order' | 'cancel' | 'expire';
/** `refused` is a rule or a balance that said no; `failed` is us. */
export type TradingResult = 'ok' | 'refused' | 'failed';

export const tradingMetricProviders = [
  makeCounterProvider({
    name: OPERATIONS,
    help: 'Orders placed, cancelled and expired, by result',
    labelNames: ['operation', 'result'],
  }),
  makeCounterProvider({ name: TRADES, help: 'Trades that were committed' }),
  makeCounterProvider({ name: ENERGY, help: 'Energy that changed hands by trades, in watt-hours' }),
  makeCounterProvider({
    name: VALUE,
    help: 'Money that was paid for it, in units of the settlement currency',
  }),
];

/** What trading in this process came to. */
@Injectable()
export class TradingMetrics {
  constructor(
    @InjectMetric(OPERATIONS) private readonly operations: Counter<'operation' | 'result'>,
    @InjectMetric(TRADES) private readonly trades: Counter,
    @InjectMetric(ENERGY) private readonly energy: Counter,
    @InjectMetric(VALUE) private readonly value: Counter,
  ) {}

  count(operation: TradingOperation, result: TradingResult, times: number): void {
    this.operations.inc({ operation, result }, times);
  }

  /** Figures for charts: a float is exact enough for them, and what is exact stands in the books. */
  countTradesAfterCommit(tx: Transaction, executions: readonly Execution[]): void {
    if (executions.length === 0) return;
    const energy = executions.reduce((sum, { quantityWh }) => sum + quantityWh, 0n);
    const amount = executions.reduce((sum, execution) => sum + execution.amount, 0n);
    tx.afterCommit(() => {
      this.trades.inc(executions.length);
      this.energy.inc(Number(energy));
      this.value.inc(Number(amount) / MICRO_UNITS);
    });
  }
}
