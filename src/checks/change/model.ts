/** The lines that a change adds or alters, by file from the top of the repository. */
export interface ChangedLines {
  /** The commit it is compared with. */
  readonly base: string;
  readonly files: ReadonlyMap<string, ReadonlySet<number>>;
}
