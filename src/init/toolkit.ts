/** Where the reusable workflows live, as `uses:` names it: the one place that says so. */
export const toolkit = 'sluice-ci/sluice@v1';

/** The version of actions/checkout that our own workflows use, too. */
export const checkout = 'actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0';

/** `sluice-ci/sluice/.github/workflows/ci.yml@v1` */
export function reusable(workflow: string): string {
  return inToolkit(`.github/workflows/${workflow}`);
}

/** `sluice-ci/sluice/actions/deploy@v1` */
export function ownAction(name: string): string {
  return inToolkit(`actions/${name}`);
}

function inToolkit(path: string): string {
  const [repository, ref] = toolkit.split('@');
  return `${repository}/${path}@${ref}`;
}
