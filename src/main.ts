import 'reflect-metadata';
import { explain } from './database/explained-error';
import { startServer } from './server';

startServer(process.env).catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`, () => process.exit(1));
});
