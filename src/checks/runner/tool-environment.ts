/**
 * What GitHub gives to actions and not to the commands of a workflow (the token of the runner, with which caches and
 * artifacts are written), and what would speak in our name: identity tokens, Codecov's token, the files for outputs,
 * variables and the summary.
 */
const ours =
  /^(?:ACTIONS_(?:RUNTIME|CACHE|RESULTS|ID_TOKEN)_\w+|GITHUB_(?:OUTPUT|STATE|ENV|PATH|STEP_SUMMARY)|CODECOV_TOKEN)$/;

/** The environment for tools and tests: they run the code of whoever has made the change. */
export function toolEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.test(name)));
}
