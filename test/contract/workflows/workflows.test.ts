import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { guessTargets } from '../../../src/init/guess/targets.ts';
import { renderCaller } from '../../../src/init/render/callers.ts';
import { command } from '../../bed/command.ts';

const root = join(import.meta.dirname, '../../..');
const tools = join(root, '.bed/tools/bin');
/** Those that run here, and those that users copy. */
const workflows = globSync(['.github/workflows/*.yml', 'workflows/**/*.yml'], { cwd: root });
const actions = globSync(['action.yml', 'actions/*/action.yml'], { cwd: root });

test('actionlint finds nothing in any workflow', async () => {
  expect(workflows.length).toBeGreaterThan(5);
  const result = await command([join(tools, 'actionlint'), ...workflows], { cwd: root });
  expect(result.stdout + result.stderr).toBe('');
  expect(result.code).toBe(0);
});

test('zizmor, at its most pedantic, finds nothing in any workflow or action', async () => {
  const files = [...workflows, ...actions, '.github/dependabot.yml'];
  const flags = ['--offline', '--persona', 'pedantic', '--config', '.github/zizmor.yml', '--format', 'json'];
  const result = await command([join(tools, 'zizmor'), ...flags, ...files], { cwd: root });
  expect(result.code, result.stderr).toBe(0);
  expect(JSON.parse(result.stdout)).toEqual([]);
});

test('nor in those that sluice init writes for targets of other names, with the rules that its page has', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-callers-'));
  try {
    const page = readFileSync(join(root, 'docs/init.md'), 'utf8');
    const [, config = ''] = /```yaml\n(# \.github\/zizmor\.yml\n.*?)```/s.exec(page) ?? [];
    writeFileSync(join(folder, 'zizmor.yml'), config);
    const others = ['prod', 'eu-west'].map((name) => ({ name, host: 'deploy@host.example.com' }));
    const targets = guessTargets(undefined, { production: undefined, staging: undefined, others });
    const tagged = targets.map((target) => ({ ...target, requireTag: true }));
    const own = targets.map((target) => ({ ...target, envSecrets: [`${target.prefix}_ENV`] }));
    const files = [targets, tagged, own].flatMap((variant, kind) =>
      [true, false].flatMap((ownJobs) =>
        (['ci', 'deploy', 'rollback', 'backup', 'cdn'] as const).map((caller) => {
          const file = join(folder, `${caller}-${kind}-${ownJobs}.yml`);
          const facts = {
            branches: ['main'],
            config: 'shop/sluice.yml',
            app: 'shop',
            hasRegistryLogin: true,
          };
          writeFileSync(
            file,
            renderCaller(caller, { ...facts, targets: variant, backups: variant, ownJobs }),
          );
          return file;
        }),
      ),
    );
    const lint = await command([join(tools, 'actionlint'), ...files], { cwd: root });
    expect(lint.stdout + lint.stderr).toBe('');
    const flags = ['--offline', '--persona', 'pedantic', '--format', 'json'];
    const rules = ['--config', join(folder, 'zizmor.yml')];
    const audit = await command([join(tools, 'zizmor'), ...flags, ...rules, ...files]);
    expect(JSON.parse(audit.stdout)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a workflow that is not pinned, or lets a title into a shell, would be found', async () => {
  const bad = `on: [pull_request]
permissions: {}
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: someone/something@v1
      - run: echo \${{ github.event.pull_request.title }}
`;
  const lint = await command([join(tools, 'actionlint'), '-'], { stdin: bad });
  expect(lint.code).toBe(1);
  const flags = ['--offline', '--config', join(root, '.github/zizmor.yml'), '--format', 'json', '-'];
  const audit = await command([join(tools, 'zizmor'), ...flags], { stdin: bad });
  const found = (JSON.parse(audit.stdout) as { ident: string }[]).map(({ ident }) => ident);
  expect(found).toEqual(expect.arrayContaining(['unpinned-uses', 'template-injection']));
});

test('what users call takes nothing but GitHub’s checkout and artifacts, and our own actions', () => {
  const uses = workflows.flatMap((file) => [
    ...readFileSync(join(root, file), 'utf8').matchAll(/^\s*(?:- )?uses: (\S+)/gm),
  ]);
  const names = new Set(uses.map(([, name = '']) => name.replace(/@.*/, '')));
  for (const name of names)
    expect(name).toMatch(
      /^(?:actions\/(?:checkout|upload-artifact|download-artifact)|sluice-ci\/sluice(?:\/.*)?)$/,
    );
});

test('every job asks for its own rights and says what for', () => {
  for (const file of workflows) {
    const text = readFileSync(join(root, file), 'utf8');
    const { permissions, jobs } = parse(text) as {
      permissions: object;
      jobs: Record<string, { permissions?: object }>;
    };
    expect(permissions, file).toEqual({});
    for (const [name, job] of Object.entries(jobs)) expect(job.permissions, `${file}: ${name}`).toBeDefined();
    for (const [line] of text.matchAll(/^ {4,}(?:permissions: \{ )?[a-z-]+: (?:read|write)\b.*$/gm))
      expect(line, file).toMatch(/ # \w/);
  }
});
