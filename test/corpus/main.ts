/**
 * `node test/corpus/main.ts FOLDER [--only NAME]… [--json FILE] [--jobs N]`: see README.md. FOLDER holds checkouts of
 * public repositories, each named `owner__name`.
 */
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkoutsIn, knownCommits, repositoryOf } from './checkout.ts';
import { type Outcome, tryRepository } from './repository.ts';
import { tableText } from './table.ts';
import { good } from './verdict.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
    jobs: { type: 'string', default: '1' },
  },
});
const [given] = positionals;
if (given === undefined) throw new Error('name the folder of the checkouts');
const folder = resolve(given);
const here = new URL('.', import.meta.url).pathname;

const commits = await knownCommits(join(here, 'repositories.txt'));
const present = await checkoutsIn(folder);
const chosen: string[] = [];
for (const name of present.filter(
  (checkout) => values.only.length === 0 || values.only.some((only) => checkout.includes(only)),
)) {
  const hasExpectation = await access(expectationOf(name)).then(
    () => true,
    () => false,
  );
  if (hasExpectation) chosen.push(name);
  else console.error(`${name}: no ${expectationOf(name)}, left out`);
}
const absent = [...commits.keys()].filter((key) => !present.some((name) => repositoryOf(name) === key));
if (absent.length > 0) console.error(`Not in ${folder}: ${absent.join(', ')}`);

const outcomes: Outcome[] = [];
const waiting = [...chosen];
const work = await mkdtemp(join(tmpdir(), 'sluice-corpus-'));
try {
  await Promise.all(
    Array.from({ length: Number(values.jobs) }, (_, lane) => runLane(join(work, String(lane)))),
  );
} finally {
  await rm(work, { recursive: true, force: true });
}
outcomes.sort(
  (a, b) => chosen.indexOf(a.repository.replace('/', '__')) - chosen.indexOf(b.repository.replace('/', '__')),
);
console.log(tableText(outcomes));
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(outcomes, undefined, 2)}\n`);
process.exitCode = outcomes.length > 0 && outcomes.every(({ verdict }) => good.includes(verdict)) ? 0 : 1;

async function runLane(lane: string): Promise<void> {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const outcome = await tryRepository(join(folder, name), expectationOf(name), lane);
    const known = commits.get(outcome.repository);
    const other =
      known === undefined || outcome.commit === '' || known === outcome.commit ? '' : `, not at ${known}`;
    console.error(`${outcome.repository}: ${outcome.verdict} (${outcome.seconds} s${other})`);
    outcomes.push(outcome);
  }
}

function expectationOf(name: string): string {
  return join(here, 'expectations', `${name}.yml`);
}
