import { type Expectation, patternOf, type Way } from './expectation.ts';
import type { Resolved, WrittenConfig } from './resolved.ts';

/** Where Sluice and the expectation differ. */
export interface Mismatch {
  /** The service or the file it is about. */
  readonly subject: string;
  /** `wrong` would do harm or lose a service; `edit` is safe, and less than what was expected. */
  readonly severity: 'wrong' | 'edit';
  readonly text: string;
}

type Plan = Resolved['services'][number];

/** Compares the services that would be deployed with those of an expectation. */
export function compareServices(expected: Expectation, resolved: Resolved): Mismatch[] {
  const unknown = resolved.services.filter(
    ({ name }) => Object.keys(expected.services).length > 0 && !Object.hasOwn(expected.services, name),
  );
  return [
    ...Object.entries(expected.services).flatMap(([name, ways]) =>
      compareService(
        name,
        ways,
        resolved.services.find((service) => service.name === name),
      ),
    ),
    ...unknown.map(({ name, strategy }) =>
      mismatch(name, 'wrong', `is deployed (${strategy}), and was not expected`),
    ),
    ...expected.routing.flatMap((name) => compareRouting(name, resolved)),
    ...expected.leftOut.flatMap((path) => compareLeftOut(path, resolved)),
  ];
}

function compareService(name: string, ways: readonly Way[], plan: Plan | undefined): Mismatch[] {
  const got = plan?.strategy ?? 'absent';
  const same = ways.filter(({ strategy }) => strategy === got);
  if (same.length === 0) {
    const wanted = ways.map(({ strategy }) => strategy);
    return [
      mismatch(
        name,
        severityOf(wanted, got),
        `${got}, expected ${wanted.join(' or ')} (${plan?.reason ?? ''})`,
      ),
    ];
  }
  if (plan === undefined || got !== 'blue-green') return [];
  const results = same.map((way) => [...comparePorts(name, way, plan), ...compareHealth(name, way, plan)]);
  return results.find((result) => result.length === 0) ?? results[0] ?? [];
}

/** Two at once where one is right, or none where one is right, is harm; a gap where none is needed is not. */
function severityOf(wanted: readonly Way['strategy'][], got: Way['strategy']): Mismatch['severity'] {
  const isTwo = got === 'blue-green' || got === 'workers';
  if (wanted.includes('blue-green') || wanted.includes('workers')) {
    return got === 'keep' ||
      got === 'absent' ||
      got === 'job' ||
      (got === 'workers' && !wanted.includes('workers'))
      ? 'wrong'
      : 'edit';
  }
  if (wanted.includes('recreate') || wanted.includes('singleton'))
    return isTwo || got === 'keep' || got === 'absent' || got === 'job' ? 'wrong' : 'edit';
  return 'wrong';
}

function comparePorts(name: string, way: Way, plan: Plan): Mismatch[] {
  const shown = plan.ports.map(({ port, mode }) => `${port}/${mode}`).join(' ') || 'no port';
  const [main] = way.ports;
  if (main === undefined) return [];
  if (plan.ports[0]?.port !== main.port)
    return [mismatch(name, 'wrong', `main port ${shown}, expected ${main.port}`)];
  return way.ports.flatMap(({ port, mode }) => {
    const found = plan.ports.find((plannedPort) => plannedPort.port === port);
    if (found === undefined) return [mismatch(name, 'wrong', `has ${shown}, expected port ${port}`)];
    if (mode === undefined || mode === found.mode) return [];
    return [
      mismatch(name, mode === 'tcp' ? 'wrong' : 'edit', `port ${port} is ${found.mode}, expected ${mode}`),
    ];
  });
}

function compareHealth(name: string, { health }: Way, plan: Plan): Mismatch[] {
  if (health === undefined || health === plan.health) return [];
  const severity = plan.health === undefined ? 'edit' : 'wrong';
  return [mismatch(name, severity, `health ${plan.health ?? 'by TCP alone'}, expected ${health}`)];
}

function compareRouting(name: string, { services }: Resolved): Mismatch[] {
  if (services.some((service) => service.name === name && service.strategy === 'blue-green')) return [];
  return [mismatch(name, 'edit', 'is routed by labels or variables, and has no edge')];
}

function compareLeftOut(path: string, { after }: Resolved): Mismatch[] {
  const users = Object.entries(after ?? {}).filter(([, { volumes = [] }]) =>
    volumes.some(({ type, target }) => type === 'bind' && target === path),
  );
  return users.map(([name]) => mismatch(name, 'wrong', `${path} is still covered by a development mount`));
}

/** Compares what init wrote beside the services. */
export function compareConfig(expected: Expectation, written: WrittenConfig): Mismatch[] {
  const { compose, migrate, backup } = expected;
  return [
    ...(compose === undefined || compose.join() === written.compose.join()
      ? []
      : [
          mismatch(
            compose.at(-1) ?? '',
            'wrong',
            `compose is ${written.compose.join(', ')}, expected ${compose.join(', ')}`,
          ),
        ]),
    ...(migrate === undefined ? [] : compareMigrate(migrate, written.migrate)),
    ...(backup === undefined || backup === (written.backup ?? 'none')
      ? []
      : [mismatch('backup', 'wrong', `of ${written.backup ?? 'nothing'}, expected ${backup}`)]),
  ];
}

function compareMigrate(expected: string, got: WrittenConfig['migrate']): Mismatch[] {
  const shown = got === undefined ? 'none' : `${got.service} ${got.command}`;
  const [service = '', ...rest] = expected.split(' ');
  if (service === 'none')
    return got === undefined ? [] : [mismatch('migrate', 'wrong', `${shown}, expected none`)];
  if (got?.service === service && patternOf(rest.join(' ')).test(got.command)) return [];
  return [mismatch('migrate', 'wrong', `${shown}, expected ${expected}`)];
}

/**
 * Compares what was said.
 *
 * @param notes what init and the plan point out.
 * @param all everything they wrote, sluice.yml included.
 */
export function compareWords(expected: Expectation, notes: string, all: string): Mismatch[] {
  return [
    ...expected.named
      .filter((pattern) => !patternOf(pattern).test(all))
      .map((pattern) => mismatch(pattern, 'wrong', `nothing said matches ${pattern}`)),
    ...expected.strangersNot
      .filter((file) => notes.includes(file))
      .map((file) => mismatch(file, 'edit', `${file} is included, and reported as another compose file`)),
  ];
}

/** @param findings those of Sluice's own rules, as repository.ts shows them. */
export function compareFindings(expected: Expectation, findings: readonly string[]): Mismatch[] {
  return expected.falseAlarms.flatMap((pattern) => {
    const [first, ...more] = findings.filter((finding) => patternOf(pattern).test(finding));
    if (first === undefined) return [];
    const others = more.length === 0 ? '' : ` (and ${more.length} more like it)`;
    return [mismatch('false alarm', 'edit', `${first.split(' | ')[0]}${others}`)];
  });
}

function mismatch(subject: string, severity: Mismatch['severity'], text: string): Mismatch {
  return { subject, severity, text: `${subject}: ${text}` };
}
