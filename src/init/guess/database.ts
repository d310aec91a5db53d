import type { ComposeModel, ComposeService } from '../../config/model.ts';
import { callsOf } from '../../config/services/callers.ts';
import { dataOf, imageKind, imageRole, isPostgres, isPostgresKind } from '../../config/services/stores.ts';
import { enumerate } from '../render/terminal.ts';
import type { ServiceSight } from '../study/services.ts';
import type { ServiceGuess } from './services.ts';

export interface MigrationGuess {
  readonly service: string;
  /** undefined: no command is known; the app migrates by itself. */
  readonly command: string | undefined;
  readonly why: string;
  /** A sentence: why the command is written as a comment only. */
  readonly instead: string | undefined;
}

export interface DatabaseGuess {
  /** The service that runs Postgres; undefined: Sluice cannot back up the databases of this app. */
  readonly postgres: string | undefined;
  readonly why: string;
  readonly others: readonly string[];
}

const byStrategy = ['blue-green', 'recreate', 'workers', 'singleton', 'job'];
/** Usual names of a service that migrates the database and exits. */
const jobName =
  /(?:^|[-_.])(?:migrat(?:e|es|ion|ions|or)|db-?migrate|dbmate|flyway|liquibase|prestart|db-?init|init-?db|schema)(?:$|[-_.])/i;
const appName = /^(?:app|web|api|backend|server|main|django|rails|laravel|php)(?:$|[-_.\d])/i;
const jobImage = /^(?:flyway|liquibase|migrate|dbmate|goose|sqitch|atlas)$/;

/** How the database is migrated, from the sources of the service whose image holds the tool. */
export function guessMigration(
  services: readonly ServiceGuess[],
  sights: readonly ServiceSight[],
  model?: ComposeModel,
): MigrationGuess | undefined {
  const rank = (name: string) => {
    const strategy = services.find((service) => service.name === name)?.plan.strategy ?? 'keep';
    const at = byStrategy.indexOf(strategy);
    return at < 0 ? byStrategy.length : at;
  };
  // Of several with the same image: the one that runs the image's own command, then the one that is called the app.
  const main = (name: string) =>
    ((model?.services[name]?.command ?? []).length > 0 ? 2 : 0) + (appName.test(name) ? 0 : 1);
  const strategyOf = (name: string) => services.find((service) => service.name === name)?.plan.strategy;
  // The service that serves first: its image is sure to be of this release. A command that works beats one with a gap.
  const [best] = sights
    .filter(
      ({ name, migrations }) =>
        migrations.length > 0 && !['keep', 'job', undefined].includes(strategyOf(name)),
    )
    .sort((a, b) => gaps(a) - gaps(b) || rank(a.name) - rank(b.name) || main(a.name) - main(b.name));
  const job = jobOf(services, sights, model);
  const self = sights
    .filter(({ name }) => name !== job && strategyOf(name) !== 'keep')
    .sort((a, b) => rank(a.name) - rank(b.name));
  const atStart = self.find((sight) => sight.atStart !== undefined);
  const inCode = self.find((sight) => sight.inCode !== undefined);
  const tool = best?.migrations[0];
  const place = { service: best?.name ?? job ?? atStart?.name ?? inCode?.name ?? '', command: tool?.command };
  const why = tool?.at ?? '';
  if (job !== undefined)
    return { ...place, why, instead: `The job ${job} already migrates once per deploy.` };
  if (atStart?.atStart !== undefined) {
    const { at, line } = atStart.atStart;
    return {
      ...place,
      why,
      instead: `${atStart.name} migrates on every container start: \`${line}\` in ${at}. Remove it to migrate once per deploy, with a lock timeout.`,
    };
  }
  if (
    inCode?.inCode !== undefined &&
    (tool === undefined || tool.gap !== undefined || isSame(best, inCode))
  ) {
    const { at, line } = inCode.inCode;
    return {
      ...place,
      command: tool?.gap === undefined ? tool?.command : undefined,
      why,
      instead: `${inCode.name} appears to migrate from its own code (${line}, ${at}).${tool?.gap === undefined && tool !== undefined ? ' If it does not:' : ''}`,
    };
  }
  if (best === undefined || tool === undefined) return undefined;
  const gap =
    tool.gap === undefined
      ? undefined
      : `${tool.tool} (${tool.at}) cannot run in ${best.name} yet: ${lowered(tool.gap)}`;
  return { ...place, why: tool.at, instead: gap };
}

function gaps({ migrations }: ServiceSight): number {
  return migrations[0]?.gap === undefined ? 0 : 1;
}

function isSame(one: ServiceSight | undefined, other: ServiceSight): boolean {
  return one === undefined || one.context === other.context;
}

/** `Its image…` → `its image…`; names keep their letters. */
function lowered(sentence: string): string {
  return sentence.replace(/^(?:Its|The|No|Nothing|A|Check)\b/, (word) => word.toLowerCase());
}

/** A one-off service that migrates: by what it runs, else by its name or image. */
function jobOf(
  services: readonly ServiceGuess[],
  sights: readonly ServiceSight[],
  model: ComposeModel | undefined,
): string | undefined {
  const jobs = services.filter(({ plan }) => plan.strategy === 'job').map(({ name }) => name);
  const runs = jobs.find((name) => {
    const sight = sights.find((serviceSight) => serviceSight.name === name);
    return sight?.atStart !== undefined;
  });
  return (
    runs ??
    jobs.find((name) => jobName.test(name) || jobImage.test(imageKind(model?.services[name] ?? {}) ?? ''))
  );
}

/** Tools of services besides the one whose migration is written: `migrate` runs one command. */
export function otherMigrations(
  guess: MigrationGuess | undefined,
  sights: readonly ServiceSight[],
): string[] {
  const others = sights.filter(
    ({ name, migrations, atStart, inCode }) =>
      migrations.length > 0 && name !== guess?.service && atStart === undefined && inCode === undefined,
  );
  const chosen = sights.find(({ name }) => name === guess?.service);
  const known = new Set(chosen?.migrations.map(({ tool }) => `${tool} ${chosen.context}`));
  const texts = others.flatMap(({ name, context, migrations }) => {
    const fresh = migrations.filter(({ tool }) => !known.has(`${tool} ${context}`));
    for (const { tool } of fresh) known.add(`${tool} ${context}`);
    return fresh.map(({ tool, at }) => `${tool} of ${name} (${at})`);
  });
  const [first, ...more] = chosen?.migrations ?? [];
  const own = first === undefined ? [] : more.map(({ tool, at }) => `${tool} (${at})`);
  const all = [...own, ...texts];
  return all.length === 0 ? [] : [`\`migrate\` runs one command. Not run: ${enumerate(all)}.`];
}

/** Brokers hold messages in transit: a backup of them is outdated within a minute. */
const brokers =
  /^(?:rabbitmq|(?:cp-)?kafka(?:-native)?|(?:cp-)?zookeeper|redpanda|nats(?:-streaming)?|activemq.*|artemis|pulsar|(?:eclipse-)?mosquitto|emqx|vernemq|hivemq4|beanstalkd|nsq|etcd)$/;

/** The Postgres whose data the app cannot lose, by its image, by what it is built from, or by its volume. */
export function guessBackup(
  model: ComposeModel,
  services: readonly ServiceGuess[],
  sights: readonly ServiceSight[] = [],
): DatabaseGuess | undefined {
  const kept = services
    .filter(({ plan }) => plan.strategy === 'keep')
    .map(({ name }) => {
      const from = sights.find((sight) => sight.name === name)?.image?.from;
      const service = { ...model.services[name], ...(from === undefined ? {} : { from }) };
      const isBuilt = model.services[name]?.build !== undefined;
      return { name, service, isBuilt, kind: imageKind(service) ?? dataOf(service)?.kind ?? 'its data' };
    });
  // Of several: one whose image is Postgres, then one whose volume has the files of a Postgres, then one that is called a
  // database, then the one that most of the app calls: single sign-on or charts may have a separate one.
  const callers = (name: string) => callsOf(name, model).by.length;
  const [postgres] = kept
    .filter(({ service }) => isPostgres(service))
    .map((item) => ({ ...item, signs: signsOf(item.name, item.service) }))
    .sort((a, b) => b.signs - a.signs || callers(b.name) - callers(a.name));
  const others = kept
    .filter(({ name }) => name !== postgres?.name)
    .filter(
      ({ service, kind }) =>
        (imageRole(service) === 'database' && !brokers.test(kind)) || dataOf(service) !== undefined,
    )
    .map(({ name, kind }) => `${name} (${kind})`);
  if (postgres !== undefined) {
    const why = `its image is ${postgres.isBuilt ? 'built from ' : ''}${postgres.kind}`;
    return { postgres: postgres.name, why, others };
  }
  return others.length === 0 ? undefined : { postgres: undefined, why: '', others };
}

function signsOf(name: string, service: ComposeService): number {
  return (
    (isPostgresKind(imageKind(service) ?? '') ? 4 : 0) +
    (dataOf(service)?.kind === 'postgres' ? 2 : 0) +
    (/^(?:db|database|postgres\w*)$/.test(name) ? 1 : 0)
  );
}
