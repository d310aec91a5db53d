import { reservedGroups, unreservedNames } from '../secrets/reserved.ts';

/** The chapter of docs/config.md about names that no file may ask for. */
export function reservedChapter(): string {
  const where = {
    never: 'nowhere',
    builds: '`build.job-credentials`',
    everywhere: '`build.job-credentials`, `env`, `env-secret`, `notify`',
  } as const;
  const rows = reservedGroups.map(({ names, are, allowed }) => {
    const list = names.map((name) => `\`${name}\``).join(', ');
    return `| ${list} | ${are} | ${where[allowed]} |`;
  });
  return `## Reserved variables

Some variables of the environment Sluice runs in are credentials of the job. Compose files, Dockerfiles and env files
must not read them, so Sluice keeps them out of interpolation, build arguments, build secrets,
\`environment: [NAME]\`, \`env_file\` and \`secrets: environment:\`, with and without a target. If a file asks for one of
them, Sluice refuses it and names the file and the key (\`compose.reserved\`, \`env.reserved\`). It never substitutes an
empty text. It also refuses a file of \`/proc\`, \`/sys\` or \`/dev\` as a build secret, a Dockerfile or a context.

| names, in any case | content | sluice.yml may name them in |
|---|---|---|
${rows.join('\n')}

The variables that \`env-secret\` and \`notify.slack\` name are reserved as well. Not reserved: ${unreservedNames.map((name) => `\`${name}\``).join(', ')}.

The list is about the environment of the job, not about the names of an app. If the app needs an \`AWS_ACCESS_KEY_ID\`,
set it in an env file of the target: the app and its build then get that value.

A build secret may contain the job's token only if sluice.yml allows it:

\`\`\`yaml
build:
  job-credentials: [GITHUB_TOKEN]
\`\`\`

A build argument never contains it: arguments are part of the image. A cache in S3 that the compose files name uses the AWS
keys of the job only if \`AWS_ACCESS_KEY_ID\` is listed there.`;
}
