/** Answers that were asked for before the application was there, by address. */
const answers = new Map<string, Promise<Response | undefined>>();

/** Asks now for what {@link takeEarly} will be asked for. */
export function askEarly(url: string): Promise<Response | undefined> {
  // Whatever goes wrong goes wrong again when it is asked for in earnest, and is told then.
  const answer = fetch(url).then(
    (response) => (response.ok ? response : undefined),
    () => undefined,
  );
  answers.set(url, answer);
  return answer.then((response) => response?.clone());
}

/** The answer that was asked for early, once; nothing where there is none, or it was a refusal. */
export async function takeEarly(url: string): Promise<Response | undefined> {
  const answer = answers.get(url);
  answers.delete(url);
  return answer;
}
