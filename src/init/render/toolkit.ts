/** The repository of the reusable workflows, as `uses:` names it. */
export const toolkit = 'sluice-ci/sluice@v1';

/** The version of actions/checkout that our own workflows use. */
export const checkout = 'actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0';

/** For an artifact between two jobs: download-artifact compares its digest since version 8. */
export const uploadArtifact = 'actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0';
export const downloadArtifact = 'actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1';

/** `sluice-ci/sluice/.github/workflows/ci.yml@v1` */
export function reusable(workflow: string): string {
  return inToolkit(`.github/workflows/${workflow}`);
}

/** `sluice-ci/sluice/actions/deploy@v1` */
export function ownAction(name: string): string {
  return inToolkit(`actions/${name}`);
}

/** `https://github.com/sluice-ci/sluice/blob/main/docs/config.md` */
export function docsPage(name: string): string {
  return `https://github.com/${toolkit.split('@')[0]}/blob/main/docs/${name}.md`;
}

function inToolkit(path: string): string {
  const [repository, ref] = toolkit.split('@');
  return `${repository}/${path}@${ref}`;
}
