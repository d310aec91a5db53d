import { createHash } from 'node:crypto';
import { command, must } from './command.ts';

export interface ContainerSpec {
  name: string;
  image: string;
  /** Arguments of `docker create` before the image. */
  options: readonly string[];
  /** Changes to what `prepare` does must make a new container as well. */
  version?: string;
  /** Between create and start: copies files into the container. */
  prepare?: () => Promise<void>;
}

const specLabel = 'sluice.bed.spec';

/** Makes the container run as described: leaves it, starts it, or builds it anew (volumes stay). */
export async function ensureContainer(spec: ContainerSpec, log: (line: string) => void): Promise<void> {
  const wanted = createHash('sha256')
    .update(JSON.stringify([spec.image, spec.options, spec.version]))
    .digest('hex')
    .slice(0, 16);
  const format = `{{index .Config.Labels "${specLabel}"}} {{.State.Running}} {{.State.Paused}}`;
  const found = await command(['docker', 'container', 'inspect', '--format', format, spec.name]);
  const [label, running, paused] = found.code === 0 ? found.stdout.trim().split(' ') : [];

  if (label !== wanted) {
    if (found.code === 0) await must(['docker', 'rm', '--force', spec.name]);
    log(`creating ${spec.name}`);
    const options = ['--name', spec.name, '--label', `${specLabel}=${wanted}`, ...spec.options];
    await must(['docker', 'create', ...options, spec.image]);
    await spec.prepare?.();
  }
  if (paused === 'true') await must(['docker', 'unpause', spec.name]);
  if (label !== wanted || running !== 'true') {
    log(`starting ${spec.name}`);
    await must(['docker', 'start', spec.name]);
  }
}

export async function ensureNetwork(name: string, subnet: string): Promise<void> {
  const found = await command([
    'docker',
    'network',
    'inspect',
    '--format',
    '{{(index .IPAM.Config 0).Subnet}}',
    name,
  ]);
  if (found.code === 0 && found.stdout.trim() === subnet) return;
  if (found.code === 0)
    throw new Error(`network ${name} exists with ${found.stdout.trim()}, not ${subnet}: remove it`);
  await must(['docker', 'network', 'create', '--subnet', subnet, name]);
}
