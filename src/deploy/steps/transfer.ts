import type { HostRun } from '../context.ts';
import { onHosts, settleAll } from '../context.ts';
import { edgeContainers, firstMap } from '../edges.ts';
import { pullImages, registryAuth } from '../images.ts';
import { releaseProject } from '../project.ts';
import type { Step } from '../transaction.ts';
import { type RemoteFile, writeFiles } from '../upload.ts';

/** Brings the release to the hosts: its files and its images. Nothing that serves is touched. */
export const transfer: Step = {
  name: 'transfer',
  async apply(run, note) {
    const auth = registryAuth(run.effects.env);
    const counts = await onHosts(run, async (each) => {
      const missing = each.plan.images.filter((image) => !image.present).map((image) => image.reference);
      if (missing.length > 0) note(`pulling ${missing.length} images`);
      await settleAll([
        writeFiles(each.host, each.layout.app, releaseFiles(each, run.config.edge.image), {
          signal: run.signal,
        }),
        pullImages(each.host, missing, { auth, signal: run.signal }),
      ]);
      return missing.length;
    });
    const pulled = Math.max(...counts);
    return pulled === 0 ? 'images already there' : `${pulled} images pulled`;
  },
  async undo(run) {
    await onHosts(run, async (each) => {
      const isKept = each.state.releases.some((release) => release.release === each.plan.release);
      const edges = each.plan.edges.filter((edge) => edge.action === 'create');
      const folders = edges.map((edge) => each.layout.edge(edge.service));
      if (!isKept) folders.push(each.layout.release(each.plan.release));
      if (folders.length > 0) await each.host.exec(['rm', '-rf', '--', ...folders]);
    });
    return 'its files removed';
  },
};

/** Everything a host needs on disk: record and project of the release, mounted files, files of new edges. */
function releaseFiles(each: HostRun, edgeImage: string): RemoteFile[] {
  const { plan, state } = each;
  const folder = `releases/${plan.release}`;
  const project = releaseProject(plan.record, plan.colour, edgeContainers(each, edgeImage));
  return [
    ...each.files.map((file) => ({
      path: `files/${file.hash}/${file.path}`,
      mode: file.mode,
      content: file.content,
    })),
    ...plan.edges
      .filter((edge) => edge.action === 'create' || edge.action === 'replace')
      .flatMap((edge) =>
        [
          ...edge.files,
          // What a running edge serves is not the transfer's to say.
          ...(edge.action === 'create'
            ? [{ path: 'active.map', content: firstMap(each, edge), mode: 0o644 }]
            : []),
          // The folder of the admin socket; a bind mount needs it to exist, owned by the deploy user.
          { path: 'run/.keep', content: '', mode: 0o600 },
        ].map((file) => ({
          path: `edge/${edge.service}/${file.path}`,
          mode: file.mode,
          content: Buffer.from(file.content),
        })),
      ),
    // The record comes last: a release folder without one is an upload that was cut short, and counts as none.
    { path: `${folder}/compose.json`, mode: 0o600, content: json(project) },
    ...(state.releases.some(
      (release) => release.content === plan.record.content && release.release === plan.release,
    )
      ? []
      : [{ path: `${folder}/release.json`, mode: 0o600, content: json(plan.record) }]),
    ...(state.target === undefined
      ? [{ path: 'target', mode: 0o600, content: Buffer.from(plan.record.target) }]
      : []),
  ];
}

function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, undefined, 1)}\n`);
}
