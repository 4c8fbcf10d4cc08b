export interface Gathering {
  /** How long the first one waits for others at most. Milliseconds. */
  readonly lingerMs: number;
  /** How many do not wait for more. */
  readonly enough: () => number;
}

/**
 * Makes one question of many: those that come within a short time, or until there are enough, are asked together, because a round trip and a
 * commit cost the same for one as for twenty.
 *
 * @param askAll answers in the order of the questions. When it fails, each is asked again alone, so that one bad question
 *   is not the failure of its neighbours: a failed call must have had no effect, or be harmless to repeat.
 * @returns asks one
 */
export function gather<Q, A>(
  askAll: (questions: readonly Q[]) => Promise<readonly A[]>,
  { lingerMs, enough }: Gathering,
): (question: Q) => Promise<A> {
  interface Waiting {
    readonly question: Q;
    readonly resolve: (answer: A | Promise<A>) => void;
    readonly reject: (reason: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;

  const askOne = async (question: Q) => (await askAll([question]))[0]!;
  const flush = async () => {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting;
    waiting = [];
    try {
      const answers = await askAll(batch.map(({ question }) => question));
      for (const [i, { resolve }] of batch.entries()) resolve(answers[i]!);
    } catch (thrown) {
      if (batch.length === 1) batch[0]!.reject(thrown);
      else for (const { question, resolve } of batch) resolve(askOne(question));
    }
  };
  return (question) =>
    new Promise<A>((resolve, reject) => {
      waiting.push({ question, resolve, reject });
      if (waiting.length >= enough()) void flush();
      else timer ??= setTimeout(() => void flush(), lingerMs);
    });
}
