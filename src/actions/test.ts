import { inputs, runCheck } from './check.ts';
import { defineAction } from './step/action.ts';

export const action = defineAction({
  ...{ name: 'test', inputs, work: () => 'checks' },
  main: (given, job) => runCheck(given, ['test'], job),
});
