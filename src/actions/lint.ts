import { inputs, runCheck } from './check.ts';
import { defineAction } from './step/action.ts';

export const action = defineAction({
  ...{ name: 'lint', inputs, work: () => 'checks' },
  main: (given, job) => runCheck(given, ['lint'], job),
});
