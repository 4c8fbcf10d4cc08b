/** One page of results in docs/benchmarks/, and the pictures beside it. */
export interface Section {
  readonly file: string;
  readonly title: string;
  /** What was measured and how to read it. */
  readonly note: string;
  readonly body: string;
  readonly plots?: readonly { readonly file: string; readonly svg: string }[];
}

export interface BenchOptions {
  /** A few seconds instead of minutes: shows that it runs, measures nothing. */
  readonly small: boolean;
  /** Directory of this project's own pictures. */
  readonly fixtures: string;
  /** The repository. */
  readonly root: string;
  /** Results are written down. */
  readonly write: boolean;
  /** A corpus from outside: its works and other pictures, and queries made from them. */
  readonly pack: string | undefined;
  readonly queries: string | undefined;
  /** How many files to scan. */
  readonly items: number | undefined;
  /** Where a long run keeps what it has, to go on with after it was stopped. */
  readonly dir: string | undefined;
}
