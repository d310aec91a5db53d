import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { actionFiles } from '../../../scripts/action-files.ts';
import { command } from '../../bed/command.ts';
import { artifactActions, nodeAction } from '../../bed/toolkit/artifacts.ts';

const root = join(import.meta.dirname, '../../..');
const act = join(root, '.bed/tools/bin/act');

/** What a step of one of our actions was given. */
export interface Given {
  readonly action: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** In the folder that it shall publish. */
  readonly files: readonly string[];
}

/** A repository on GitHub whose workflows run here, with a witness in the place of each action. */
export interface Stage extends Disposable {
  readonly folder: string;
  run(
    options: RunOptions,
  ): Promise<{ readonly code: number; readonly log: string; readonly given: readonly Given[] }>;
}

export interface RunOptions {
  readonly workflow: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** Somebody changes the artifact between the two jobs. */
  readonly tamper?: boolean;
}

/** Tells what a step gets, and says what the real action would: it is the workflow that is on trial. */
const witness = `
import { appendFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
const inputs = Object.entries(process.env).filter(([name]) => name.startsWith('INPUT_')).map(([name, value]) => [name.slice(6).toLowerCase(), value]);
const dist = process.env.INPUT_DIST ?? '';
const files = existsSync(dist) ? readdirSync(dist, { recursive: true }) : [];
writeFileSync(process.env.WITNESS + '/' + process.hrtime.bigint() + '.json', JSON.stringify({ action: ACTION, inputs: Object.fromEntries(inputs), files, env: process.env }));
appendFileSync(process.env.GITHUB_OUTPUT, 'dist=dist\\nimages={}\\nrelease=v1\\n');
`;

/** @param files of the repository, by path. */
export function stage(files: Readonly<Record<string, string>>): Stage {
  const top = mkdtempSync(join(tmpdir(), 'sluice-stage-'));
  const folder = join(top, 'repository');
  writeAll(folder, files);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, stdio: 'pipe' });
  git('init', '-q', '-b', 'main');
  git('add', '--all');
  git('-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', 'commit', '-qm', 'The app');
  const kit = join(top, 'kit');
  cpSync(join(root, '.github/workflows'), join(kit, '.github/workflows'), { recursive: true });
  for (const { folder: place, name, title, inputs } of actionFiles(root))
    nodeAction(
      join(kit, place),
      { name: title, inputs },
      `const ACTION = ${JSON.stringify(name)};\n${witness}`,
    );
  const repositories = [
    '--local-repository',
    `sluice-ci/sluice@v1=${kit}`,
    ...artifactActions(join(top, 'artifacts')),
  ];
  let runs = 0;
  return {
    folder,
    run: async ({ workflow, inputs, secrets, tamper = false }) => {
      const own = join(top, `run-${runs++}`);
      const seen = join(own, 'seen');
      mkdirSync(seen, { recursive: true });
      const event = join(own, 'event.json');
      writeFileSync(event, JSON.stringify({ ref: 'refs/heads/main', inputs }));
      const env = { WITNESS: seen, ARTIFACTS: join(own, 'artifacts'), ...(tamper ? { TAMPER: '1' } : {}) };
      const flags = [
        ...['workflow_dispatch', '--eventpath', event, '--workflows', `.github/workflows/${workflow}`],
        ...['--platform', 'ubuntu-latest=-self-hosted', ...repositories],
        ...pairs('--secret', secrets),
        ...pairs('--input', inputs),
        ...pairs('--env', env),
      ];
      const path = `${dirname(process.execPath)}:${process.env['PATH']}`;
      const result = await command(['env', `HOME=${own}`, `PATH=${path}`, act, ...flags], {
        cwd: folder,
        timeout: 60_000,
      });
      const names = readdirSync(seen).filter((name) => name.endsWith('.json'));
      const given = names.sort().map((name) => JSON.parse(readFileSync(join(seen, name), 'utf8')) as Given);
      return { code: result.code, log: `${result.stdout}\n${result.stderr}`, given };
    },
    [Symbol.dispose]: () => rmSync(top, { recursive: true, force: true }),
  };
}

function writeAll(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function pairs(flag: string, values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
}
