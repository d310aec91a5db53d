import { counted, formatCount, formatDuration, formatSeconds, formatShare } from '../kernel/figures.ts';
import { watchTotals } from './facts.ts';
import { type DeployReport, durationOf, type Serving, type WatchRecord, wasSwitched } from './model.ts';
import { oneLine } from './text.ts';

/**
 * The serving release, then the outcome of the deploy, in one line of plain text. The serving release comes only from
 * `serving`, independent of the outcome.
 */
export function headline(report: DeployReport): string {
  const clauses = [servingClause(report), unknownClause(report), outcomeClause(report)];
  return oneLine(clauses.filter((clause) => clause !== '').join('; '), 600);
}

/** The reader's next step. */
export function nextAction(report: DeployReport): string {
  return oneLine(report.nextAction, 1000) || 'Nothing to do.';
}

function servingClause(report: DeployReport): string {
  const { serving, app } = report;
  const target = oneLine(report.target, 60);
  const releases = [...new Set(serving.map((entry) => entry.release))];
  const [only] = releases;
  if (only === undefined) {
    if (report.unreachable.length > 0) return `the release on ${target} is unknown`;
    return `${target} serves no release of ${oneLine(app, 60)}`;
  }
  if (releases.length > 1) {
    const parts = releases.map((release) => `${oneLine(release, 60)} ${placesOf(release, serving)}`);
    return `${target} serves different releases of ${oneLine(app, 60)}: ${parts.join(', ')}`;
  }
  const verb = report.outcome === 'unchanged' ? 'already serves' : 'serves';
  const hosts = new Set(serving.map((entry) => entry.host)).size;
  return `${target} ${verb} ${oneLine(app, 60)} ${oneLine(only, 60)}${colourOf(serving)} on ${counted(hosts, 'host')}`;
}

/** ` (green)` if all services that have a color have the same one. */
function colourOf(serving: readonly Serving[]): string {
  const colours = new Set(serving.flatMap(({ colour }) => (colour === undefined ? [] : [colour])));
  const [colour] = colours;
  return colours.size === 1 && colour !== undefined ? ` (${oneLine(colour, 20)})` : '';
}

/** Where a release serves while others serve elsewhere: hosts, or services of a host that serves several. */
function placesOf(release: string, serving: readonly Serving[]): string {
  const hosts = [
    ...new Set(serving.filter((candidate) => candidate.release === release).map((item) => item.host)),
  ];
  const places = hosts.map((host) => {
    const here = serving.filter((candidate) => candidate.host === host);
    const mine = here.filter((candidate) => candidate.release === release);
    const name = oneLine(host, 60);
    if (mine.length === here.length) return `${name}${colourOf(mine)}`;
    return `${name} (${mine.map((item) => oneLine(item.service, 40)).join(', ')})`;
  });
  return `on ${abridged(places)}`;
}

function unknownClause(report: DeployReport): string {
  if (report.unreachable.length === 0) return '';
  return `${abridged(report.unreachable.map((host) => oneLine(host, 60)))} could not be reached`;
}

function abridged(names: readonly string[]): string {
  return names.length <= 4
    ? names.join(', ')
    : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}

function outcomeClause(report: DeployReport): string {
  const release = oneLine(report.release, 60);
  const why = report.error === undefined ? '' : `: ${sentence(report.error.message)}`;
  switch (report.outcome) {
    case 'confirmed':
      return confirmedClause(report);
    case 'unchanged':
      return 'nothing was changed';
    case 'reverted':
      return revertedClause(report);
    case 'undone':
      return `${release} was ${wasSwitched(report) ? 'undone after' : 'undone before'} the switch${why}`;
    case 'failed-before-change':
      return `the ${report.command} of ${release} stopped before it changed anything${why}`;
    case 'interrupted':
      return interruptedClause(report);
    case 'split':
      return `the ${report.command} of ${release} did not finish on all hosts${why}`;
  }
}

function confirmedClause(report: DeployReport): string {
  const { previousRelease, release, error } = report;
  if (error !== undefined) return `it is confirmed, but ${sentence(error.message)}`;
  const took = formatDuration(durationOf(report));
  const before = previousRelease === undefined ? '' : oneLine(previousRelease, 60);
  const seen = watchedClause(report.watch);
  if (before === '' || previousRelease === release) return `deployed in ${took}${seen}`;
  const how = report.command === 'rollback' ? 'rolled back from' : 'replaced';
  return `${how} ${before} in ${took}${seen}`;
}

function watchedClause(watch: readonly WatchRecord[]): string {
  const { requests, errors5xx: errors } = watchTotals(watch);
  if (watch.length === 0) return '';
  if (requests === 0) return ', no requests during the watch';
  const failed = errors === 0 ? 'no 5xx' : `${formatCount(errors)} × 5xx (${formatShare(errors, requests)})`;
  return `, ${failed} in ${counted(requests, 'watched request')}`;
}

function revertedClause(report: DeployReport): string {
  const release = oneLine(report.release, 60);
  // When one host reverts, all do: the first one has the reason.
  const culprit = report.watch
    .filter((watch) => watch.outcome === 'reverted')
    .sort(
      (a, b) => Number(a.reason === undefined) - Number(b.reason === undefined) || a.seconds - b.seconds,
    )[0];
  if (culprit === undefined) {
    const why = report.error === undefined ? '' : `: ${sentence(report.error.message)}`;
    return `${release} was reverted${why}`;
  }
  const why = culprit.reason ? sentence(culprit.reason) : numbersOf(culprit);
  return `${release} was reverted after ${formatSeconds(culprit.seconds)}: ${why}`;
}

function numbersOf(watch: WatchRecord): string {
  const { requests, errors5xx } = watch;
  return `5xx rate ${formatShare(errors5xx, requests)} of ${counted(requests, 'answer')}`;
}

function interruptedClause(report: DeployReport): string {
  const release = oneLine(report.release, 60);
  const steps = report.hosts.flatMap((host) => host.steps);
  const last = steps.findLast((step) => step.outcome === 'running') ?? steps.at(-1);
  const where = last === undefined ? '' : ` in step ${oneLine(last.name, 40)}`;
  const clause = `the ${report.command} of ${release} was interrupted${where}`;
  if (!isArmed(report)) return clause;
  const to = report.previousRelease === undefined ? 'it' : `to ${oneLine(report.previousRelease, 60)}`;
  return `${clause} before it was confirmed, so the guard reverts ${to}`;
}

/** Whether a host switched and neither confirmed nor reverted, as far as this run saw. */
function isArmed(report: DeployReport): boolean {
  const gone =
    report.unreachable.length === 0 && report.serving.every((serving) => serving.release !== report.release);
  if (gone) return false;
  const ended = new Set(
    report.events.filter((event) => event.kind !== 'switched').map((event) => event.host),
  );
  return report.events.some((event) => event.kind === 'switched' && !ended.has(event.host));
}

/** A message as part of a sentence: one line, no full stop. */
function sentence(text: string): string {
  return oneLine(text, 240).replace(/\.$/, '');
}
