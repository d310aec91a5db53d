import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChecksReport } from '../../src/checks/model.ts';
import { copyCheckout } from './checkout.ts';
import { jsonOf, type Ran, type Refusal, runNode, runSluice } from './command.ts';
import { compareConfig, compareFindings, compareServices, compareWords, type Mismatch } from './compare.ts';
import { type Expectation, readExpectation } from './expectation.ts';
import { brokenInvariants } from './invariants.ts';
import type { Resolved } from './resolved.ts';
import { productionValues, runnerEnv } from './variables.ts';
import { judge, type Verdict } from './verdict.ts';

/** All that is known of one repository after a run. */
export interface Outcome {
  readonly repository: string;
  readonly stack: string;
  readonly commit: string;
  readonly verdict: Verdict;
  /** Exit code of init, and how many files it wrote. */
  readonly init: { readonly code: number; readonly files: number };
  /** How many services the offline plan has; undefined: there is none. */
  readonly services: number | undefined;
  /** How many images would be built, or the code of the error. */
  readonly build: string;
  /** Findings of Sluice's own rules, by rule. */
  readonly rules: Readonly<Record<string, number>>;
  readonly findings: readonly string[];
  readonly mismatches: readonly Mismatch[];
  readonly refusals: readonly Refusal[];
  readonly notes: readonly string[];
  readonly seconds: number;
}

const server = ['--production', 'deploy@server.example.com', '--no-staging'];
const ownChecks = ['dockerfile', 'compose', 'env', 'capacity'];
const target = 'production';

/**
 * Puts one repository through init, the offline plan, `build --print` and the own rules.
 *
 * @param source its checkout; never written to.
 * @param work gets the copy and a home folder.
 */
export async function tryRepository(source: string, expectationFile: string, work: string): Promise<Outcome> {
  const begun = performance.now();
  const expected = await readExpectation(expectationFile);
  const { repository, folder, commit } = await copyCheckout(source, join(work, 'copy'));
  const home = join(work, 'home');
  await rm(home, { recursive: true, force: true });
  await mkdir(home);
  const place = { folder, home, env: {} };

  // Before init: what it writes is not what the repository says.
  const values = await productionValues(folder, expected.compose ?? [], expected.env);
  const init = await runSluice(['init', ...server, ...expected.init, '--json'], place);
  const answer = jsonOf(init.stdout) as InitAnswer | undefined;
  const yml = await readFile(join(folder, 'sluice.yml'), 'utf8').catch(() => undefined);
  const base = {
    repository,
    stack: expected.stack,
    commit,
    notes: [...(answer?.notHandled ?? []), ...(answer?.notes ?? [])],
  };
  const files = (answer?.files ?? []).length;
  if (init.code !== 0 || yml === undefined) {
    const ended = judge(expected, [init], [], '');
    const rest = { services: undefined, build: '', rules: {}, findings: [], mismatches: ended.mismatches };
    return {
      ...base,
      ...rest,
      verdict: ended.verdict,
      init: { code: init.code, files },
      refusals: init.errors,
      seconds: since(begun),
    };
  }

  const env = runnerEnv(yml, target, values);
  const resolve = new URL('resolve.ts', import.meta.url).pathname;
  const config = await runNode([resolve, target], { ...place, env });
  const offline = jsonOf(config.stdout) as Partial<Resolved> | undefined;
  const resolved = config.code === 0 ? (offline as Resolved) : undefined;
  const build = await runSluice(['build', target, '--print', '--json'], { ...place, env });
  const checks = await runSluice(
    ['check', ...ownChecks.flatMap((name) => ['--only', name]), '--json'],
    place,
  );

  const found = findingsOf(checks);
  const notes = [...base.notes, ...(resolved?.services ?? []).flatMap((service) => service.notes ?? [])];
  const refusals = [...config.errors, ...(resolved?.faults ?? [])];
  const words = [...notes, ...refusals.map(({ message }) => message)].join('\n');
  const mismatches = [
    ...(offline?.config === undefined ? [] : compareConfig(expected, offline.config)),
    ...(resolved === undefined ? [] : compareServices(expected, resolved)),
    ...(resolved === undefined ? [] : brokenInvariants(resolved, [folder, home])),
    ...compareWords(
      expected,
      notes.join('\n'),
      [words, yml, JSON.stringify(answer?.next ?? ''), ...found.findings].join('\n'),
    ),
    ...compareBuild(expected, build),
    ...compareFindings(expected, found.findings),
  ];
  const ended = judge(expected, [init, config, build, checks], mismatches, words, refusals);
  return {
    ...base,
    verdict: ended.verdict,
    init: { code: init.code, files },
    services: resolved?.services.length,
    build: buildText(build),
    ...found,
    mismatches: ended.mismatches,
    refusals,
    notes,
    seconds: since(begun),
  };
}

interface InitAnswer {
  readonly files?: readonly { readonly path: string }[];
  readonly notHandled?: readonly string[];
  readonly notes?: readonly string[];
  readonly next?: unknown;
}

function since(begun: number): number {
  return Math.round((performance.now() - begun) / 100) / 10;
}

function compareBuild({ builds }: Expectation, ran: Ran): Mismatch[] {
  const count = buildText(ran);
  if (builds === undefined || count === String(builds)) return [];
  return [{ subject: 'build', severity: 'edit', text: `build --print: ${count}, expected ${builds} images` }];
}

function buildText({ code, stdout, errors }: Ran): string {
  if (code !== 0) return errors.map((error) => error.code).join(', ') || `exit ${code}`;
  const plan = jsonOf(stdout) as { plan?: { targets?: unknown[] } } | undefined;
  return String(plan?.plan?.targets?.length ?? 0);
}

function findingsOf({ stdout }: Ran): Pick<Outcome, 'rules' | 'findings'> {
  const report = jsonOf(stdout) as ChecksReport | undefined;
  const findings = (report?.results ?? []).flatMap((checkResult) => checkResult.findings);
  const rules: Record<string, number> = {};
  for (const { rule } of findings) rules[rule] = (rules[rule] ?? 0) + 1;
  const shown = findings.map(
    ({ rule, level, message, at, code }) =>
      `${level} ${rule} ${at?.file}:${at?.line} ${message} | ${code ?? ''}`,
  );
  return { rules, findings: shown };
}
