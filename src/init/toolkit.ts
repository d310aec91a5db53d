/** Where the reusable workflows live, as `uses:` names it: the one place that says so. */
export const toolkit = 'sluice-ci/sluice@v1';

/** `sluice-ci/sluice/.github/workflows/ci.yml@v1` */
export function reusable(workflow: string): string {
  const [repository, ref] = toolkit.split('@');
  return `${repository}/.github/workflows/${workflow}@${ref}`;
}
