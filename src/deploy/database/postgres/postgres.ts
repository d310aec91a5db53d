import type { DatabaseEngine } from '../engine.ts';
import { dumpDatabase } from './dump.ts';
import { testRestore } from './proof.ts';
import { restoreDatabase } from './restore.ts';

export const postgres: DatabaseEngine = {
  dump: dumpDatabase,
  prove: testRestore,
  restore: restoreDatabase,
};
