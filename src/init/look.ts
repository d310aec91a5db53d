import { realpath } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { type ComposeChoice, chooseCompose } from '../config/compose-choice.ts';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/model.ts';
import { type ComposeFile, findComposeFiles } from './compose-files.ts';
import { type ExampleFile, findExamples } from './env-example.ts';
import { type FrontGuess, findFront } from './front.ts';
import { type GitFacts, type LookEffects, readGit } from './git.ts';
import { readText, readTree, type Tree } from './tree.ts';
import { type ComposeVariable, type EnvFileUse, envFilesOf, variablesOf } from './variables.ts';
import { findOtherDeploys, type OtherDeploy } from './workflows.ts';

/** A repository as it was found; nothing is guessed yet. */
export interface Seen {
  /** The folder sluice.yml belongs to, and all paths start from. */
  readonly folder: string;
  /** From the top of the repository to the folder: `services/shop`; empty where they are the same. */
  readonly below: string;
  readonly tree: Tree;
  readonly git: GitFacts;
  readonly composeFiles: readonly ComposeFile[];
  readonly compose: ComposeChoice<ComposeFile> | undefined;
  readonly variables: readonly ComposeVariable[];
  readonly envFiles: readonly EnvFileUse[];
  readonly examples: readonly ExampleFile[];
  readonly otherDeploys: readonly OtherDeploy[];
  /** A sluice.yml that is there and sound: what it says is known, and not guessed again. */
  readonly present: Config | undefined;
  /** Its text. */
  readonly presentText: string | undefined;
  readonly front: FrontGuess | undefined;
}

/** Looks at a repository: reads files and asks git, and does nothing else. */
export async function lookAt(folder: string, effects: LookEffects): Promise<Seen> {
  const whole = await realpath(folder).catch(() => resolve(folder));
  const [tree, git] = await Promise.all([readTree(whole), readGit(whole, effects)]);
  const top = git.top === undefined ? whole : await realpath(git.top).catch(() => whole);
  const above = top === whole ? tree : { ...(await readTree(top)) };
  const composeFiles = await findComposeFiles(tree);
  const compose = chooseCompose(composeFiles);
  const files = compose?.files ?? [];
  const [examples, otherDeploys, present, presentText, front] = await Promise.all([
    findExamples(tree),
    findOtherDeploys(above),
    readPresent(whole),
    readText(resolve(whole, 'sluice.yml')),
    findFront(tree),
  ]);
  return {
    folder: whole,
    below: relative(top, whole),
    tree,
    git,
    composeFiles,
    compose,
    variables: variablesOf(files),
    envFiles: envFilesOf(files),
    examples,
    otherDeploys,
    present,
    presentText,
    front,
  };
}

async function readPresent(folder: string): Promise<Config | undefined> {
  const file = resolve(folder, 'sluice.yml');
  const text = await readText(file);
  try {
    return text === undefined ? undefined : parseConfig(text, file, folder);
  } catch {
    // What is wrong in it every other command says; here it is a file that is not overwritten.
    return undefined;
  }
}
