import { formatPlace } from '../kernel/errors.ts';
import { formatDecimalBytes, formatDuration } from '../kernel/figures.ts';
import type { BuildFinding, BuildPlan, BuildReport, PlannedTarget } from './plan.ts';

/** Smallest width of a terminal. */
const columns = 79;

/** Output of `sluice build --dry-run`. */
export function planText(plan: BuildPlan): string {
  const builds = plan.targets.filter(({ action }) => action.kind === 'build').length;
  const reused = plan.targets.length - builds;
  const isOpen = plan.targets.some(({ action }) => action.kind === 'build' && action.isUnasked);
  const head = [
    `${plan.app}: ${isOpen ? 'at most ' : ''}${builds} to build, ${reused} ${reused === 1 ? 'exists' : 'exist'} already`,
    `  tags   ${plan.tags.join(', ')} (${refText(plan)})`,
    `  push   ${pushText(plan)}`,
    ...(plan.cache === undefined
      ? []
      : [`  cache  ${plan.cache.backend}${plan.cache.writes ? '' : ', not written'}: ${plan.cache.why}`]),
    ...(plan.builder === undefined ? [] : [`  with   ${builderText(plan.builder)}`]),
  ];
  return [
    ...head,
    ...plan.targets.flatMap((target) => targetLines(target, plan)),
    ...(plan.unasked.length + plan.notes.length + plan.findings.length > 0 ? [''] : []),
    ...plan.unasked.flatMap(unaskedLines),
    ...plan.notes.map((note) => `! ${note}`),
    ...plan.findings.map(findingLine),
  ].join('\n');
}

function pushText({ push, carried, notPushed }: BuildPlan): string {
  if (!push) return `no: ${notPushed}`;
  return carried
    ? 'no (registry: none): tagged here; the deploy transfers the images to the hosts'
    : 'all images, then all tags at once';
}

function refText({ ref }: BuildPlan): string {
  const what = {
    tag: 'tag',
    branch: 'branch',
    pull: 'pull request',
    queue: 'merge queue',
    none: 'no git ref',
  }[ref.kind];
  return [what, ref.name, ref.dirty ? '(with changes)' : ''].filter((part) => part !== '').join(' ');
}

function builderText({ driver, engine, store }: NonNullable<BuildPlan['builder']>): string {
  if (driver !== 'docker') return `driver ${driver}`;
  const kept = store === 'containerd' ? 'containerd’s image store' : 'the older image store';
  return `engine ${engine ?? 'of unknown version'}, ${kept}`;
}

function unaskedLines({ why, hint }: BuildPlan['unasked'][number]): string[] {
  return [`! ${why} [registry]`, ...(hint === undefined ? [] : [`  ${hint}`])];
}

function targetLines({ target, action, treeTag }: PlannedTarget, { carried }: BuildPlan): string[] {
  const services = target.services.length > 1 ? ` (${target.services.join(', ')})` : '';
  const isReuse = action.kind === 'reuse';
  return [
    '',
    `${target.name}${services}`,
    isReuse
      ? `  skip   the ${carried ? 'engine' : 'registry'} has the image of this tree: ${treeTag}`
      : `  build  ${action.why}`,
    `  to     ${target.repository}`,
    ...(isReuse ? [] : [`  from   ${target.context}`]),
    ...(isReuse ? [] : action.cache.from.map((flag) => `  reads  ${flag}`)),
    ...(isReuse ? [] : action.cache.to.map((flag) => `  writes ${flag}`)),
  ];
}

/** The lines that close a build. */
export function reportText(report: BuildReport): string {
  const built = report.targets.filter(({ outcome }) => outcome === 'built').length;
  const what =
    built === 0
      ? 'Nothing to build: every image exists'
      : `Built ${built} of ${report.targets.length} ${report.targets.length === 1 ? 'image' : 'images'}`;
  const isTagged = Object.keys(report.images).length > 0;
  const tagged = isTagged ? `, tagged ${report.tags.join(', ')}` : ', nothing pushed';
  return [
    `${what}${tagged} in ${formatDuration(report.ms)}`,
    ...report.targets.map(targetLine),
    ...stepLines(report),
    ...report.findings.map(findingLine),
  ].join('\n');
}

/** Within 80 columns for names of usual length; the full digest is in the JSON and in the file of `--images`. */
function targetLine({
  name,
  outcome,
  repository,
  digest,
  pushedBytes,
}: BuildReport['targets'][number]): string {
  const pushed =
    pushedBytes === undefined || outcome === 'reused' ? '' : `  ${formatDecimalBytes(pushedBytes)} pushed`;
  const reference = digest === undefined ? repository : `${repository}@${digest.slice(7, 15)}`;
  return `  ${name.padEnd(16)} ${outcome}  ${reference}${pushed}`;
}

function stepLines({ steps, cache, slowest }: BuildReport): string[] {
  const all = steps.cached + steps.run;
  if (all === 0) return [];
  const ratio = Math.round((steps.cached / all) * 100);
  const from = cache === undefined || cache.backend === 'none' ? '' : ` (${cache.backend})`;
  return [
    `  ${steps.cached} of ${all} steps from the cache${from}, ${ratio} %`,
    ...slowest.map((step) =>
      cut(`  ${formatDuration(step.ms).padStart(8)}  ${step.target} ${shortStep(step.name)}`),
    ),
  ];
}

/** A step on one line: without the flags before its command. */
export function shortStep(name: string): string {
  return name.replace(/^(\[[^\]]*\] )?(RUN|COPY|ADD)(?: --[a-z]+(?:=\S+)?)+/, '$1$2');
}

function cut(line: string): string {
  return line.length > columns ? `${line.slice(0, columns - 1)}…` : line;
}

function findingLine({ target, topic, message, at, url }: BuildFinding): string {
  const place = at === undefined ? '' : `${formatPlace(at)} `;
  return `! ${place}${target === '' ? '' : `${target}: `}${message} [${topic}]${url === undefined ? '' : ` ${url}`}`;
}
