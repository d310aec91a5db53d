import { nameOf, type Tree } from './tree.ts';

/** A workflow of the repository that deploys without Sluice. */
export interface OtherDeploy {
  readonly path: string;
  /** The tool or command that shows it. */
  readonly sign: string;
}

const composeUp = 'docker compose up -d';
/** Tests also start containers; on a self-hosted runner, or with a remote engine, it is a deploy. */
const elsewhere = /\bDOCKER_HOST\b|\bself-hosted\b|\bdocker\s+context\s+use\b|--context\b/;

const signs: readonly (readonly [RegExp, string])[] = [
  [/uses:\s*["']?appleboy\/(?:ssh|scp)-action/, 'appleboy/ssh-action'],
  [/uses:\s*["']?(?:easingthemes\/ssh-deploy|burnett01\/rsync-deployments)/i, 'rsync over SSH'],
  [/\bkamal\s+(?:deploy|redeploy)\b/, 'kamal deploy'],
  [/\bdocker[ -]compose\b[^\n]{0,300}\bup\b[^\n]{0,100}(?:-d|--detach)\b/, composeUp],
  [/\bdocker\s+stack\s+deploy\b/, 'docker stack deploy'],
  [/\bdocker\s+rollout\b/, 'docker rollout'],
  [/\bssh\s+(?:-\S+\s+(?:\S+\s+)?){0,10}[\w$.{}-]{1,100}@[\w$.{}-]+/, 'ssh'],
];

/** Workflows that deploy the same app besides Sluice's. */
export async function findOtherDeploys(tree: Tree): Promise<OtherDeploy[]> {
  const files = tree.files.filter((path) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(path));
  const found: OtherDeploy[] = [];
  for (const path of files.filter((file) => !nameOf(file).startsWith('sluice-'))) {
    const text = (await tree.read(path)) ?? '';
    const isElsewhere = elsewhere.test(text);
    const sign = signs.find(
      ([pattern, what]) => pattern.test(text) && (isElsewhere || what !== composeUp),
    )?.[1];
    if (sign !== undefined) found.push({ path, sign });
  }
  return found;
}
