import { readFileSync } from 'node:fs';
import { messageOf } from '../kernel/errors.ts';
import { tellDeploy } from './results/deploy.ts';
import { defineAction } from './step/action.ts';
import { place, registryLogin, serverContextOf, serverLogin } from './step/credentials.ts';
import { deploymentInputs, recorded } from './step/deployment.ts';
import { duration, flag, list, type Reader, text, type Values } from './step/inputs.ts';
import type { Job } from './step/job.ts';
import { undoable, undoRest } from './step/post.ts';

type Images = Readonly<Record<string, string>>;

/** Images by service: the JSON output of `build`, the path of a file with that JSON, or lines `service=reference`. */
const images: Reader<Images> = (given) => {
  if (given === '') return {};
  if (given.startsWith('{')) return fromJson(given);
  const lines = given.split(/[\n,]/).map((line) => line.trim());
  if (lines.every((line) => line === '' || /^[^=\s]+=\S+$/.test(line))) {
    return Object.fromEntries(
      lines
        .filter((line) => line !== '')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  }
  if (lines.length > 1) throw new Error('must be JSON, the path of a JSON file, or lines service=reference');
  return fromJson(read(given));
};

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`is neither JSON nor the path of a readable file (${messageOf(error).split(',')[0]})`);
  }
}

function fromJson(json: string): Images {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new Error('is not valid JSON: expected {"service":"reference"}');
  }
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = isMap ? Object.entries(value as object) : [];
  if (!isMap || entries.some(([, reference]) => typeof reference !== 'string')) {
    throw new Error('must map each service to an image reference: {"service":"reference"}');
  }
  return Object.fromEntries(entries) as Images;
}

export const inputs = {
  target: text,
  release: text,
  images,
  watch: duration(3_600_000),
  'dry-run': flag(false),
  backup: flag(true),
  migrate: flag(true),
  preflight: flag(true),
  force: flag(false),
  'replace-edges': flag(false),
  replace: list,
  wait: flag(false),
  ...place,
  ...serverLogin,
  ...registryLogin,
  ...deploymentInputs,
  'slack-webhook-url': text,
} as const;

export async function runDeploy(given: Values<typeof inputs>, job: Job): Promise<boolean> {
  const context = serverContextOf(given, job.effects);
  const { target, release, watch: watchMs, 'replace-edges': replaceEdges } = given;
  job.effects.log.info(`Deploying ${release ?? 'this commit'}${target ? ` to ${target}` : ''}`);
  if (given['dry-run']) {
    const { printPlan } = await import('./results/plan.ts');
    return await printPlan(context, given, job);
  }
  const { deployTarget } = await import('../operations/deploy/deploy.ts');
  const deploy = () => deployTarget(context, target, { ...given, release, watchMs, replaceEdges });
  return tellDeploy(await recorded(given, job, () => undoable(job, given, deploy)), job);
}

export const action = defineAction({ name: 'deploy', inputs, main: runDeploy, post: undoRest });
