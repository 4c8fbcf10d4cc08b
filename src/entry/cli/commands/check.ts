import { createHash } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Command, InvalidArgumentError, Option } from 'commander';
import { UtsushiError, asUtsushiError } from '../../../errors.ts';
import { filesBelow } from '../../../features/catalogue/index.ts';
import {
  type Ask,
  type CheckAnswer,
  type Question,
  checkTarget,
  currentPolicy,
} from '../../../features/checks/index.ts';
import { KIND_LABELS, NO_LEGAL_FINDING, shownScore } from '../../../vision/matching/match.ts';
import {
  type CommonOptions,
  EXIT,
  actor,
  dataDirOption,
  jsonOption,
  wholeNumber,
  withApp,
} from '../context.ts';
import { type Language, localLanguage, print, printJson, say } from '../output.ts';
import { provenanceLines } from '../provenance-lines.ts';

interface CheckOptions extends CommonOptions {
  readonly minConfidence?: number;
  readonly top?: number;
  readonly record?: boolean;
  readonly pageUrl?: string;
  readonly evidence?: string;
  readonly lang: Language;
}

export function checkCommand(): Command {
  return new Command('check')
    .description('compare outputs with the catalogue; needs no server')
    .argument(
      '<target...>',
      'picture files, directories, http(s) URLs, or - for one path a line on standard input',
    )
    .addOption(jsonOption())
    .option(
      '--min-confidence <x>',
      'list matches of at least this score (0 to 1) instead of the policy’s; 0 lists the best however weak',
      parseConfidence,
    )
    .option(
      '--top <k>',
      'list at most this many matches (default: 5 with --min-confidence, else every candidate)',
      wholeNumber(1, 1_000),
    )
    .option('--record', 'store output, sighting, check and alerts')
    .option('--page-url <url>', 'with --record: the page where the output was seen', parseUrl)
    .option(
      '--evidence <dir>',
      'write a picture (PNG) of each match listed: side by side, overlay, difference',
    )
    .addOption(
      new Option('--lang <language>', 'language of the reasons')
        .choices(['ja', 'en'])
        .default(localLanguage()),
    )
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExamples:\n  utsushi check suspicious.png\n  utsushi check outputs/ https://images.example/1.webp --json\n  utsushi check suspicious.png --evidence evidence/\n  find . -name "*.png" | utsushi check - --json --min-confidence 0\n\nExit: 0 no candidate, 1 candidates found, 2 usage, 3 some target failed',
    )
    .action(runCheck);
}

async function runCheck(targets: string[], options: CheckOptions): Promise<void> {
  if (options.pageUrl !== undefined && options.record !== true) {
    throw new UtsushiError('usage', '--page-url only makes sense with --record');
  }
  await withApp(options, 'check', async (app) => {
    const policy = await currentPolicy(app.db);
    await app.checks.index.refresh(app.db);
    if (app.checks.index.size === 0)
      say('The catalogue is empty, so nothing can match. Begin with: utsushi catalogue import PATH');
    const question: Question =
      options.minConfidence === undefined
        ? 'candidates'
        : { minConfidence: options.minConfidence, top: options.top ?? DEFAULT_TOP };
    const ask = {
      policy,
      question,
      ...(options.record === true ? { record: { by: actor(), pageUrl: options.pageUrl ?? null } } : {}),
      ...(options.evidence === undefined ? {} : { keepEvidence: await evidenceFolder(options.evidence) }),
    };
    let failed = false;
    let candidates = false;
    const lanes = app.checks.compute.size * 2;
    const work = async (target: Target): Promise<CheckAnswer> =>
      typeof target === 'string' ? checkTarget(app.checks, target, ask) : target;
    for await (const found of inOrder(expand(targets), lanes, work)) {
      const answer = 'error' in found ? found : { ...found, matches: found.matches.slice(0, options.top) };
      if (options.json === true) printJson(answer);
      else print(describe(answer, options));
      failed ||= 'error' in answer || answer.matches.some((match) => match.evidenceError !== undefined);
      candidates ||= 'verdict' in answer && answer.verdict === 'candidate';
    }
    if (candidates && options.json !== true) say(NO_LEGAL_FINDING[options.lang]);
    process.exitCode = failed ? EXIT.failed : candidates ? EXIT.candidates : EXIT.ok;
  });
}

/** Writes evidence pictures into a folder, each named after its output, its work and its own content. */
async function evidenceFolder(folder: string): Promise<NonNullable<Ask['keepEvidence']>> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new UtsushiError('usage', `--evidence: cannot write to ${folder}`, { cause });
  });
  const plain = (name: string) => name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '_').slice(-60);
  return async (target, assetId, png) => {
    const digest = createHash('sha256').update(png).digest('hex').slice(0, 8);
    const path = join(folder, `${plain(basename(target))}--${plain(assetId)}--${digest}.png`);
    await writeFile(path, png);
    return path;
  };
}

/** A file or URL to check, or why what was given cannot be. */
type Target = string | Extract<CheckAnswer, { error: unknown }>;

/** Targets as given, directories as the pictures below them, `-` as the lines of standard input. */
async function* expand(targets: readonly string[]): AsyncGenerator<Target> {
  for (const target of targets) {
    if (target === '-') {
      for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
        if (line.trim() !== '') yield* await filesOf(line);
      }
    } else yield* await filesOf(target);
  }
}

async function filesOf(target: string): Promise<Target[]> {
  if (!(await isDirectory(target))) return [target];
  return filesBelow(target, true).catch((thrown: unknown) => {
    const { message } = asUtsushiError(thrown);
    return [{ target, error: { code: 'file_not_found', message } }];
  });
}

async function isDirectory(target: string): Promise<boolean> {
  return stat(target).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * Works on up to `lanes` items at once, and hands out the results in the order of the items, each as soon as it and
 * those before it are there: a slow source of items holds no result back.
 */
async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  lanes: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const source = items[Symbol.asyncIterator]();
  const ahead: Promise<R>[] = [];
  let next: Promise<IteratorResult<T>> | undefined;
  for (let ended = false; !ended || ahead.length > 0;) {
    if (!ended && ahead.length < lanes) next ??= source.next();
    const first = await Promise.race([
      ...ahead.slice(0, 1).map((oldest) => oldest.then((result) => ({ result }))),
      ...(next === undefined ? [] : [next.then((item) => ({ item }))]),
    ]);
    if ('result' in first) {
      void ahead.shift();
      yield first.result;
    } else {
      next = undefined;
      if (first.item.done === true) ended = true;
      else ahead.push(work(first.item.value));
    }
  }
}

function describe(answer: CheckAnswer, { lang, record }: CheckOptions): string {
  if ('error' in answer) return `${answer.target}\n  error  ${answer.error.code}: ${answer.error.message}`;
  const lines = [answer.target];
  if (answer.verdict === 'unhashable') lines.push(`  unhashable  ${answer.reason}`);
  else if (answer.matches.length === 0) lines.push('  no-candidate');
  for (const match of answer.matches) {
    const score = shownScore(match.confidence);
    lines.push(`  ${score}  ${KIND_LABELS[match.kind][lang]}  ${match.title}  (${match.assetId})`);
    lines.push(...match.reasons.map((reason) => `         ${reason[lang]}`));
    if (match.evidence !== undefined) lines.push(`         ${match.evidence}`);
    if (match.evidenceError !== undefined)
      lines.push(`         error  ${match.evidenceError.code}: ${match.evidenceError.message}`);
  }
  lines.push(...provenanceLines(answer.provenance, answer.reliance, lang));
  if (record === true)
    lines.push(`  recorded as ${answer.checkId}; alerts: ${answer.alertIds.join(', ') || 'none'}`);
  return lines.join('\n');
}

/** How many matches are listed when weak ones are asked for. */
const DEFAULT_TOP = 5;

function parseConfidence(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('must be between 0 and 1');
  return value;
}

function parseUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new InvalidArgumentError('must be an http(s) URL');
  return text;
}
