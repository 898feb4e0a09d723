import { v7 } from 'uuid';

/** A new primary key: UUIDv7, so that keys sort by the time they were made. */
export const newId = (): string => v7();
