import { carriedDigest } from '../../config/images/transferred.ts';
import type { ComposeModel } from '../../config/model.ts';
import { counted } from '../../kernel/figures.ts';
import type { CarriedRecord as CarriedFact } from '../../report/model.ts';
import { type DeployRun, type HostRun, onHosts, settleAll } from '../context.ts';
import type { PlannedEdge } from '../model.ts';
import { validateProject } from '../on-host/compose.ts';
import { type RemoteFile, writeFiles } from '../on-host/write-files.ts';
import { withExistingNetworks } from '../preflight/host-network.ts';
import { askerOf } from '../preflight/owner.ts';
import { platformFor, verifyPlatforms } from '../preflight/platforms.ts';
import { pullImages, registryLogins } from '../project/images.ts';
import { releaseProject } from '../project/project.ts';
import { edgeContainers, firstMap, mapForOlder } from '../traffic/edges.ts';
import type { Step } from '../transaction.ts';
import { type Cargo, lackingImages, megabytes, openCargo, type Recipient } from '../transfer/transfer.ts';
import { imagesOf, removeImages } from './prune.ts';

/** Brings the files and images of the release to the hosts, without touching the running containers. */
export const transfer: Step = {
  name: 'transfer',
  async apply(run, note) {
    const logins = registryLogins(run.effects.env, run.plan.passwordRegistry);
    await using cargo = await loadCargo(run, note);
    const counts = await onHosts(run, async (hostRun) => {
      const missing = hostRun.plan.images.filter((image) => !image.present).map((image) => image.reference);
      const pulled = missing.filter((reference) => carriedDigest(reference) === undefined);
      if (pulled.length > 0) note(`pulling ${counted(pulled.length, 'image')}`);
      // A refused release must not wait for gigabytes of images.
      const refused = new AbortController();
      const signal = AbortSignal.any([run.signal, refused.signal]);
      const { host, layout, plan } = hostRun;
      const project = projectFor(hostRun, run.config.edge.image);
      const { repository } = askerOf(run.config, run.target, run.effects.env);
      const platformOf = (reference: string) => platformFor(plan.record.model, reference);
      const refuse = (error: unknown) => {
        refused.abort(error);
        throw error;
      };
      await settleAll([
        writeFiles(host, layout.app, releaseFiles(hostRun, project, repository), { signal: run.signal }),
        validateProject(host, plan.record.app, project, { signal: run.signal }).catch(refuse),
        pullImages(host, pulled, { logins, signal, platformOf }),
        carryTo({ ...run, signal }, hostRun, cargo, note),
      ]);
      await verifyPlatforms(host, plan);
      return pulled.length;
    });
    return summary(Math.max(...counts), run.recorder.facts.carried);
  },
  async undo(run) {
    await onHosts(run, async (hostRun) => {
      const isKept = hostRun.state.releases.some((release) => release.release === hostRun.plan.release);
      const edges = hostRun.plan.edges.filter((edge) => edge.action === 'create');
      const folders = edges.map((edge) => hostRun.layout.edge(edge.service));
      if (!isKept) folders.push(hostRun.layout.release(hostRun.plan.release));
      if (folders.length > 0) await hostRun.host.exec(['rm', '-rf', '--', ...folders]);
      await removeImages(hostRun.host, broughtInVain(hostRun));
    });
    return 'files and images removed';
  },
};

/** Images that only this release needs. If it never serves they are removed: ten releases that crash would fill the disk. */
export function broughtInVain({ plan, state }: Pick<HostRun, 'plan' | 'state'>): string[] {
  const needed = new Set(
    state.releases.filter(({ release }) => release !== plan.release).flatMap((release) => imagesOf(release)),
  );
  return plan.images
    .filter(({ reference, present }) => !present && !needed.has(reference))
    .map(({ reference }) => reference);
}

/** Exports the images to transfer from the local engine, once for all hosts. */
async function loadCargo(run: DeployRun, note: (text: string) => void): Promise<Cargo | undefined> {
  const recipients = run.hosts.map(recipientOf).filter(({ references }) => references.length > 0);
  if (recipients.length === 0) return undefined;
  note('exporting images from the local engine');
  return await openCargo(recipients, { env: run.effects.env, signal: run.signal });
}

function recipientOf({ host, layout, plan }: HostRun): Recipient {
  return { host, layout, references: lackingImages(plan) };
}

async function carryTo(
  run: DeployRun,
  hostRun: HostRun,
  cargo: Cargo | undefined,
  note: (text: string) => void,
): Promise<void> {
  const recipient = recipientOf(hostRun);
  if (cargo === undefined || recipient.references.length === 0) return;
  const { log } = run.effects;
  const carried = await cargo.carry(recipient, {
    signal: run.signal,
    note,
    detail: (text) => log.detail(text),
  });
  run.recorder.facts.carried.push(carried);
}

function summary(pulled: number, carried: readonly CarriedFact[]): string {
  const parts = pulled === 0 ? [] : [`${counted(pulled, 'image')} pulled`];
  if (carried.length > 0) {
    const moved = Math.max(...carried.map((fact) => fact.moved));
    const layers = Math.max(...carried.map((fact) => fact.layers));
    const bytes = carried.reduce((sum, fact) => sum + fact.bytes, 0);
    const hosts = carried.length > 1 ? ` to ${carried.length} hosts` : '';
    parts.push(`moved ${moved} of ${layers} layers, ${megabytes(bytes)}${hosts}`);
  }
  return parts.length === 0 ? 'images already on the host' : parts.join(', ');
}

/** The project that Compose runs on a host. */
function projectFor({ plan, state, layout }: HostRun, edgeImage: string): ComposeModel {
  const edges = edgeContainers({ plan, state, layout }, edgeImage);
  const project = releaseProject(plan.record, plan.colour, edges, layout.app);
  return withExistingNetworks(project, state.networks ?? []);
}

/** Everything a host needs on disk: record and project of the release, mounted files, files of new edges. */
function releaseFiles(hostRun: HostRun, project: ComposeModel, repository: string | undefined): RemoteFile[] {
  const { plan, state } = hostRun;
  const folder = `releases/${plan.release}`;
  return [
    ...hostRun.files.map((file) => ({
      path: `files/${file.hash}/${file.path}`,
      mode: file.mode,
      content: file.content,
    })),
    ...plan.edges
      .filter((edge) => edge.action === 'create' || edge.action === 'replace')
      .flatMap((edge) =>
        [
          ...edge.files,
          // The map of a running edge stays: it is the state of the switch.
          ...mapOf(hostRun, edge),
          // The folder of the admin socket: a bind mount needs it to exist, owned by the deploy user.
          { path: 'run/.keep', content: '', mode: 0o600 },
        ].map((file) => ({
          path: `edge/${edge.service}/${file.path}`,
          mode: file.mode,
          content: Buffer.from(file.content),
        })),
      ),
    // The record comes last: a release folder without one is an interrupted upload and does not count.
    { path: `${folder}/compose.json`, mode: 0o600, content: json(project) },
    ...(state.releases.some(
      (release) => release.content === plan.record.content && release.release === plan.release,
    )
      ? []
      : [{ path: `${folder}/release.json`, mode: 0o600, content: json(plan.record) }]),
    ...(state.target === undefined
      ? [{ path: 'target', mode: 0o600, content: Buffer.from(plan.record.target) }]
      : []),
    ...(state.repository === undefined && repository !== undefined
      ? [{ path: 'repository', mode: 0o600, content: Buffer.from(repository) }]
      : []),
  ];
}

/** The map of a new edge. A replaced edge keeps its map, which is the state of the switch, unless it lacks a name. */
function mapOf(hostRun: HostRun, edge: PlannedEdge): { path: string; content: string; mode: number }[] {
  const content = edge.action === 'create' ? firstMap(hostRun, edge) : mapForOlder(hostRun, edge.service);
  return content === undefined ? [] : [{ path: 'active.map', content, mode: 0o644 }];
}

function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, undefined, 1)}\n`);
}
