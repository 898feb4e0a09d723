import { makeCounterProvider } from '@willsoto/nestjs-prometheus';

export const TRADING_OPERATIONS = 'trading_operations_total';

export type TradingOperation = 'order' | 'cancel' | 'expire';
/** `refused` is a rule or a balance that said no; `failed` is us. */
export type TradingResult = 'ok' | 'refused' | 'failed';

export const tradingOperations = makeCounterProvider({
  name: TRADING_OPERATIONS,
  help: 'Orders placed, cancelled and expired, by result',
  labelNames: ['operation', 'result'],
});
