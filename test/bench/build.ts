import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exampleFolder } from '../bed/app/tree.ts';
import { command, must } from '../bed/command.ts';
import { standIns } from '../bed/images.ts';
import { monotonic } from '../bed/load/clock.ts';
import { startEngine, type TestEngine } from '../support/build/engine.ts';
import { startRegistry, type TestRegistry } from '../support/build/registry.ts';
import { publish, type Spread, say, seconds, show, spread } from './output.ts';

const program = join(import.meta.dirname, '../../bin/sluice');
const bases = { PYTHON_IMAGE: standIns.python, NODE_IMAGE: standIns.node, NGINX_IMAGE: standIns.nginx };

interface Place {
  readonly folder: string;
  readonly registry: TestRegistry;
  readonly env: Readonly<Record<string, string>>;
}

/** `sluice build` of the example beside `docker buildx bake` by hand, with a registry and engines of their own. */
export async function benchBuild(rounds: number): Promise<void> {
  await using registry = await startRegistry(2048);
  const env: Record<string, string> = {};
  for (const [name, image] of Object.entries(bases)) {
    const reference = `${registry.host}/library/${name.toLowerCase()}:1`;
    await must(['docker', 'tag', image, reference]);
    await must(['docker', 'push', '--quiet', reference]);
    env[name] = reference;
  }
  const folder = mkdtempSync('/tmp/build-bench-');
  try {
    cpSync(exampleFolder, folder, { recursive: true });
    // An engine without a bridge reaches package registries by the host's network alone, for both alike.
    const overlay =
      'services:\n  backend: { build: { network: host } }\n  frontend: { build: { network: host } }\n';
    writeFileSync(join(folder, 'compose.network.yml'), overlay);
    const config =
      'app: bookreader\ncompose: [compose.yml, compose.network.yml]\ntargets: { x: { hosts: [a@b.example.com] } }\n';
    writeFileSync(join(folder, 'sluice.yml'), config);
    writeFileSync(join(folder, '.gitignore'), 'bake.*.json\n');
    git(folder, 'init', '-q', '-b', 'main');
    git(folder, 'add', '--all');
    git(folder, 'commit', '-qm', 'all');
    await measure({ folder, registry, env }, rounds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(place: Place, rounds: number): Promise<void> {
  const { folder, registry } = place;
  const times = { nothing: [] as number[], bakeNothing: [] as number[], retag: [] as number[] };
  const steps: { readonly slowest: readonly object[]; readonly steps: object }[] = [];
  const cold = { sluice: [] as number[], bake: [] as number[], none: [] as number[] };
  {
    await using engine = await startEngine(registry, 'containerd');
    say('building once, without any cache');
    cold.none.push(await sluice(place, engine));
    await bake(place, engine);
    for (let round = 0; round < rounds; round++) {
      times.nothing.push(await sluice(place, engine));
      times.bakeNothing.push(await bake(place, engine));
      git(folder, 'tag', `v1.0.${round}`);
      times.retag.push(await sluice(place, engine));
      git(folder, 'tag', '--delete', `v1.0.${round}`);
    }
  }
  for (let round = 0; round < rounds; round++) {
    say(`one line changed, new engines: round ${round + 1} of ${rounds}`);
    const tools = round % 2 === 0 ? (['sluice', 'bake'] as const) : (['bake', 'sluice'] as const);
    appendFileSync(join(folder, 'backend/bookreader/app.py'), `# round ${round}\n`);
    for (const tool of tools) {
      await using engine = await startEngine(registry, 'containerd');
      cold[tool].push(await (tool === 'sluice' ? sluice(place, engine) : bake(place, engine)));
      if (tool === 'sluice') steps.push(JSON.parse(lastOutput));
    }
  }
  say('one line changed, a new engine, no cache at all');
  appendFileSync(join(folder, 'backend/bookreader/app.py'), '# without\n');
  {
    await using engine = await startEngine(registry, 'containerd');
    cold.none.push(await bake(place, engine, false));
  }
  tell(
    { times, cold },
    steps.map(({ slowest, steps: count }) => ({ slowest, count })),
  );
}

function tell(
  { times, cold }: Record<'times' | 'cold', Record<string, number[]>>,
  steps: readonly object[],
): void {
  const all = Object.fromEntries(
    Object.entries({ ...times, ...cold }).map(([name, numbers]) => [name, spread(numbers)]),
  ) as Record<string, Spread>;
  const of = (name: string) => all[name] ?? spread([]);
  const ratio = (a: string, b: string) => (of(a).median / of(b).median).toFixed(2);
  show(
    ['sluice build', 'wall time', 'beside it', 'wall time', 'ratio'],
    [
      [
        'nothing changed',
        seconds(of('nothing')),
        'docker buildx bake --push',
        seconds(of('bakeNothing')),
        ratio('nothing', 'bakeNothing'),
      ],
      ['a tag after its branch', seconds(of('retag')), '', '', ''],
      [
        'one line changed, cold builder, registry cache',
        seconds(of('sluice')),
        'buildx bake, same flags',
        seconds(of('bake')),
        ratio('sluice', 'bake'),
      ],
      ['', '', 'without a cache', seconds(of('none')), ratio('sluice', 'none')],
    ],
  );
  publish('build', {
    bars: { nothingMs: 1000, retagMs: 1000, coldRatio: 1.05, noneRatio: 0.1 },
    ...all,
    steps,
  });
}

async function sluice({ folder, registry, env }: Place, engine: TestEngine): Promise<number> {
  return await timed(['node', program, 'build', '--json'], folder, {
    ...env,
    CI: 'true',
    REGISTRY: `${registry.host}/sluice`,
    DOCKER_HOST: engine.socket,
  });
}

/** What a team writes by hand: bake over the compose files, pushed, with the cache flags that Sluice chooses. */
async function bake({ folder, registry, env }: Place, engine: TestEngine, cached = true): Promise<number> {
  const files = ['compose.yml', 'compose.network.yml'].flatMap((file) => ['--file', file]);
  const repository = (name: string) => `${registry.host}/bake/${name}`;
  const flags = ['backend', 'frontend'].flatMap((name) => [
    ...['--set', `${name}.tags=${repository(name)}:main`],
    ...(cached
      ? [
          ...['--set', `${name}.cache-from=type=registry,ref=${repository(name)}:cache-main`],
          '--set',
          `${name}.cache-to=type=registry,ref=${repository(name)}:cache-main,mode=max,ignore-error=true,image-manifest=true,oci-mediatypes=true`,
        ]
      : []),
  ]);
  const argv = [
    'docker',
    'buildx',
    'bake',
    ...files,
    '--push',
    '--provenance=false',
    '--progress=plain',
    ...flags,
  ];
  return await timed([...argv, 'backend', 'frontend'], folder, {
    ...env,
    REGISTRY: `${registry.host}/bake`,
    DOCKER_HOST: engine.socket,
  });
}

/** Of the last command: what `sluice build --json` says of its steps. */
let lastOutput = '';

async function timed(
  argv: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const began = monotonic();
  const result = await command(['env', '-C', folder, ...assignments, ...argv]);
  const took = monotonic() - began;
  if (result.code === 0) {
    lastOutput = result.stdout;
    return took;
  }
  throw new Error(
    `${argv.slice(0, 4).join(' ')}: exit code ${result.code}\n${result.stdout.slice(-2000)}\n${result.stderr.slice(-3000)}`,
  );
}

function git(folder: string, ...args: readonly string[]): void {
  execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args]);
}
