import { Column, PrimaryColumn, type ColumnOptions } from 'typeorm';

/** Column decorators for the kinds of value that every domain stores the same way. */

const integer = {
  from: (value: string | bigint | null) => (value === null ? null : BigInt(value)),
  to: (value: bigint | null | undefined) => value?.toString() ?? value,
};

const bigintColumn = (options: ColumnOptions = {}): PropertyDecorator =>
  Column({ ...options, type: 'bigint', transformer: integer });

/** Energy in watt-hours, a `bigint` on both sides. */
export const EnergyColumn = bigintColumn;
/** Money in micro-units of the settlement currency, a `bigint` on both sides. */
export const MoneyColumn = bigintColumn;
/** Price in micro-units per kWh, a `bigint` on both sides. */
export const PriceColumn = bigintColumn;
/** A place in an order that survives restarts, a `bigint` on both sides. */
export const SequenceColumn = bigintColumn;

/** A primary key made by the application: UUIDv7, see `newId`. */
export const IdColumn = (): PropertyDecorator => PrimaryColumn('uuid');

/** A point in time with milliseconds, the precision that JavaScript keeps, so that keysets lose nothing. */
export const InstantColumn = (options: ColumnOptions = {}): PropertyDecorator =>
  Column({ ...options, type: 'timestamptz', precision: 3 });

export const CreatedAt = (): PropertyDecorator => InstantColumn({ default: () => 'now()' });
/** Written by whoever changes the row; statements in SQL set it to now(). */
export const UpdatedAt = (): PropertyDecorator =>
  InstantColumn({ default: () => 'now()', onUpdate: 'now()' });
