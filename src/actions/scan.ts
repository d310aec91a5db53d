import { defineAction } from './action.ts';
import { inputs, runCheck } from './check.ts';

export const action = defineAction({
  ...{ name: 'scan', inputs, work: () => 'checks' },
  main: (given, job) => runCheck(given, ['scan'], job),
});
