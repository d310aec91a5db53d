import { tagTargets } from '../guess/targets.ts';
import { downloadArtifact, ownAction, uploadArtifact } from './toolkit.ts';
import {
  buildCommand,
  type CallerFacts,
  checkoutStep,
  conditionOf,
  head,
  job,
  literal,
  permissions,
  purposeOf,
  runner,
  targetExpression,
  triggers,
} from './workflow-parts.ts';

/** Of the names and the contents of all files. */
const digestOfFolder =
  "digest=$(find -L . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum -- | sha256sum | cut -d ' ' -f 1)";

/** The build runs on a machine without keys; its folder reaches the other job as an artifact with a digest. */
export function siteJobs(facts: CallerFacts): string[] {
  const { targets } = facts;
  const tagged = tagTargets(targets).map(({ name }) => name);
  return [
    `# ${purposeOf(targets, 'publishes', 'a manual run publishes or restores')}`,
    'name: Sluice CDN',
    ...triggers(targets),
    '      command: { type: choice, options: [publish, rollback], default: publish }',
    '      to: { type: string, default: "", description: "Release to restore, number or name (empty: the previous one)" }',
    ...head('sluice-cdn-${{ github.ref }}'),
    'jobs:',
    // The outputs of a matrix are those of its last leg, so several targets of one tag have separate jobs.
    ...(tagged.length < 2
      ? publication(facts, { target: targetExpression(targets), suffix: '', wanted: '' })
      : targets.flatMap((target) =>
          publication(facts, {
            target: target.name,
            suffix: `-${target.name}`,
            wanted: ` && (${conditionOf(target, tagged)})`,
          }),
        )
    ).slice(1),
  ];
}

function publication(
  facts: CallerFacts,
  { target, suffix, wanted }: { readonly target: string; readonly suffix: string; readonly wanted: string },
): string[] {
  const { config, front } = facts;
  const build = `build${suffix}`;
  return [
    '',
    `  ${build}:`,
    '    name: Build',
    `    if: inputs.command != 'rollback'${wanted}`,
    ...runner(60),
    ...permissions(['contents: read # the sources']),
    '    outputs:',
    '      artifact: ${{ steps.upload.outputs.artifact-id }}',
    '      digest: ${{ steps.digest.outputs.digest }}',
    '    steps:',
    ...checkoutStep,
    '      - id: folder # before the build, which can change sluice.yml',
    `        uses: ${ownAction('cdn')}`,
    '        with:',
    '          command: dist',
    `          target: ${target}`,
    `          config: ${literal(config)}`,
    '      - name: Build',
    '        run: bash -eo pipefail -c "$BUILD_COMMAND"',
    '        env:',
    `          BUILD_COMMAND: ${buildCommand(front)}`,
    `          TARGET: ${target}`,
    '      - id: digest',
    '        name: Digest',
    '        run: |',
    '          set -o pipefail',
    '          cd -- "$DIST"',
    `          ${digestOfFolder}`,
    '          echo "digest=$digest" >>"$GITHUB_OUTPUT"',
    '        env:',
    '          DIST: ${{ steps.folder.outputs.dist }}',
    '      - id: upload',
    `        uses: ${uploadArtifact}`,
    '        with:',
    `          name: sluice-cdn-${target}`,
    '          path: ${{ steps.folder.outputs.dist }}',
    '          include-hidden-files: true',
    '          if-no-files-found: error',
    '          overwrite: true',
    '          retention-days: 1',
    ...job({
      ...{ id: `publish${suffix}`, name: 'Publish', needs: build, minutes: 60, facts, target, kind: 'cdn-' },
      condition: `\${{ !cancelled() && (needs.${build}.result == 'success' || inputs.command == 'rollback')${wanted} }}`,
      rights: ['contents: read # sluice.yml', 'id-token: write # assumes the role of cdn.role'],
      steps: [
        "      - if: inputs.command != 'rollback'",
        `        uses: ${downloadArtifact}`,
        '        with:',
        `          artifact-ids: \${{ needs.${build}.outputs.artifact }}`,
        '          path: ${{ runner.temp }}/sluice-site # outside the checkout',
        '          merge-multiple: true',
        '          digest-mismatch: error',
        '      - name: Compare the digest',
        "        if: inputs.command != 'rollback'",
        '        run: |',
        '          set -o pipefail',
        '          cd -- "$RUNNER_TEMP/sluice-site"',
        `          ${digestOfFolder}`,
        '          if [ "$digest" != "$BUILT" ]; then',
        '            echo "::error title=Artifact::The files have the digest $digest, and the build reported ${BUILT:-none}"',
        '            exit 1',
        '          fi',
        '        env:',
        `          BUILT: \${{ needs.${build}.outputs.digest }}`,
        `      - uses: ${ownAction('cdn')}`,
        '        with:',
        `          target: ${target}`,
        "          command: ${{ inputs.command || 'publish' }}",
        '          to: ${{ inputs.to }}',
        "          dist: ${{ inputs.command != 'rollback' && format('{0}/sluice-site', runner.temp) || '' }}",
        `          config: ${literal(config)}`,
        '        env:',
        ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'CLOUDFLARE_API_TOKEN'].map(
          (name) => `          ${name}: \${{ secrets.${name} }}`,
        ),
      ],
    }),
  ];
}
