import { defineAction } from './action.ts';
import { inputs, runCheck } from './check.ts';

export const action = defineAction({
  ...{ name: 'test', inputs, work: () => 'checks' },
  main: (given, job) => runCheck(given, ['test'], job),
});
