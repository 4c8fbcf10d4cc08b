import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { z } from 'zod';
import type { App } from '../../../app.ts';
import { UtsushiError } from '../../../errors.ts';
import {
  ATTESTATIONS,
  type CaseSummary,
  FORMATS,
  FORMS,
  type Form,
  type Format,
  approveNotice,
  caseReportSchema,
  draftNotice,
  listCases,
  openCase,
  renderApproved,
  renderDraft,
  reportToCase,
  showCase,
  suggestCases,
  wording,
} from '../../../features/takedown/index.ts';
import {
  type CommonOptions,
  EXIT,
  actor,
  dataDirOption,
  jsonOption,
  wholeNumber,
  withApp,
} from '../context.ts';
import { localLanguage, print, printJson, say } from '../output.ts';
import { table } from '../table.ts';

const EMPTY = 'No cases. Open one from confirmed alerts: utsushi case open ALERT_ID...';

export function caseCommand(): Command {
  const root = new Command('case')
    .description('confirmed alerts on their way through notices and the ladder of escalation')
    .addHelpText(
      'after',
      '\nExamples:\n  utsushi case open ALERT_ID --json\n  utsushi case notice CASE_ID --form ja-a --format pdf --out notice.pdf\n  utsushi case event CASE_ID --type sent --channel web-form --receipt 4711',
    );
  root.addCommand(openCommand());
  root.addCommand(suggestCommand());
  root.addCommand(listCommand());
  root.addCommand(showCommand());
  root.addCommand(setCommand());
  root.addCommand(noticeCommand());
  root.addCommand(approveCommand());
  root.addCommand(eventCommand());
  root.addCommand(closeCommand());
  return root;
}

function openCommand(): Command {
  return new Command('open')
    .description('open a case from confirmed alerts that share a work, a page or a poster')
    .argument('<alert...>', 'ids of confirmed alerts')
    .option('--external-ref <ref>', 'what your own system calls this case')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi case open 0192f0c1-5b7e-4c9c-9a0e-2f6c1f7b6d11 --json')
    .action(async (alerts: string[], options: CommonOptions & { externalRef?: string }) => {
      for (const id of alerts) requireUuid('alert', id);
      await withApp(options, 'case', async (app) => {
        show(await openCase(app.db, alerts, { ...by(app), externalRef: options.externalRef }), options);
      });
    });
}

function suggestCommand(): Command {
  return new Command('suggest')
    .description('confirmed alerts without a case, in groups that could make one')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi case suggest')
    .action((options: CommonOptions) =>
      withApp(options, 'case', async (app) => {
        const suggestions = await suggestCases(app.db);
        if (options.json === true) for (const each of suggestions) printJson(each);
        else if (suggestions.length === 0) say('Every confirmed alert is in a case.');
        else
          print(
            suggestions
              .map(({ alertIds, works }) => {
                const titles = works.map(({ title }) => title).join(', ');
                return `# ${titles}\nutsushi case open ${alertIds.join(' ')}`;
              })
              .join('\n'),
          );
      }),
    );
}

interface ListOptions extends CommonOptions {
  readonly state?: 'open' | 'closed';
  readonly rung?: string;
  readonly alert?: string;
  readonly externalRef?: string;
  readonly dueBefore?: string;
  readonly limit: number;
}

function listCommand(): Command {
  return new Command('list')
    .description('list cases by deadline')
    .addOption(new Option('--state <state>', 'only these').choices(['open', 'closed']))
    .option('--rung <rung>', 'at this rung of the ladder')
    .option('--alert <id>', 'that hold this alert')
    .option('--external-ref <ref>', 'by the reference of your own system')
    .option('--due-before <time>', 'whose term ends before this time (ISO 8601)')
    .option('--limit <n>', 'at most this many', wholeNumber(1, 100_000), 100)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi case list --state open --rung platform-notice')
    .action(async (options: ListOptions) => {
      const { dueBefore, alert, ...rest } = options;
      if (alert !== undefined) requireUuid('alert', alert);
      if (dueBefore !== undefined && Number.isNaN(Date.parse(dueBefore)))
        throw new UtsushiError('usage', '--due-before must be a time like 2026-05-01T00:00:00+09:00');
      await withApp(options, 'case', async (app) => {
        const cases = await listCases(app.db, {
          ...rest,
          alertId: alert,
          dueBefore: dueBefore === undefined ? undefined : new Date(dueBefore),
        });
        if (options.json === true) for (const each of cases) printJson(each);
        else if (cases.length === 0) say(EMPTY);
        else
          print(
            table(
              ['CASE', 'STATE', 'RUNG', 'DUE', 'NEXT', 'WORK', 'REF'],
              cases.map((each) => [
                each.id,
                each.outcome ?? each.state,
                each.rung,
                each.clock?.dueOn ?? '–',
                each.nextAction,
                each.title,
                each.externalRef ?? '–',
              ]),
            ),
          );
      });
    });
}

function showCommand(): Command {
  return new Command('show')
    .description('show one case with its events and approved notices')
    .argument('<case>', 'the case’s id')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi case show CASE_ID')
    .action(async (id: string, options: CommonOptions) => {
      requireUuid('case', id);
      await withApp(options, 'case', async (app) => {
        const found = await showCase(app.db, id);
        if (options.json === true) {
          printJson(found);
          return;
        }
        print(describe(found));
        print('');
        print(
          table(
            ['EVENT', 'AT', 'BY', ''],
            found.events.map(({ at, actor: who, event }) => [
              event.type,
              at.toISOString(),
              who,
              detailOf(event),
            ]),
          ),
        );
        if (found.notices.length === 0) return;
        print('');
        print(
          table(
            ['NOTICE', 'FORM', 'APPROVED', 'BY'],
            found.notices.map((each) => [
              each.noticeId,
              each.form,
              each.approvedAt.toISOString(),
              each.approvedBy,
            ]),
          ),
        );
      });
    });
}

function setCommand(): Command {
  const rights = Object.keys(wording().rights).join(', ');
  return new Command('set')
    .description('decide what notices say: grounds, rights, manner, AI origin, recipient')
    .argument('<case>', 'the case’s id')
    .option('--grounds <text>', 'why the right is infringed, in the notice’s language')
    .option('--rights <articles>', `articles of the Copyright Act asserted, by comma (${rights})`, splitList)
    .addOption(new Option('--manner <item>', 'item 8 of form 様式A').choices(['a', 'b', 'c', 'other']))
    .option('--manner-text <text>', 'its description, for `other`')
    .option('--location <text>', 'where on the page the material is')
    .addOption(
      new Option('--ai-origin <grade>', 'what is said of generation by AI').choices(
        Object.keys(wording().aiOrigin),
      ),
    )
    .option('--ai-reason <text>', 'the reason, for `suspected`')
    .option('--ai-quotation <text>', 'the poster’s own words, for `declared-by-poster`')
    .option('--recipient <name>', 'whom notices go to, in place of the one on record for the page')
    .option('--generator <name>', 'the generator service that the letter goes to')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExample:\n  utsushi case set CASE_ID --ai-origin suspected --ai-reason "hands with six fingers in every picture of this account"',
    )
    .action(async (id: string, options: SetOptions) => {
      const { aiOrigin, aiReason, aiQuotation, recipient } = options;
      if (aiOrigin === undefined && (aiReason ?? aiQuotation) !== undefined)
        throw new UtsushiError('usage', '--ai-reason and --ai-quotation go with --ai-origin');
      const particulars = defined({
        grounds: options.grounds,
        rights: options.rights,
        manner: options.manner,
        mannerText: options.mannerText,
        location: options.location,
        generator: options.generator,
        recipient: recipient === undefined ? undefined : { name: recipient },
        aiOrigin:
          aiOrigin === undefined
            ? undefined
            : defined({ grade: aiOrigin, reason: aiReason, quotation: aiQuotation }),
      });
      if (Object.keys(particulars).length === 0) throw new UtsushiError('usage', 'nothing to set');
      await report(id, { type: 'particulars', particulars }, options);
    });
}

interface SetOptions extends CommonOptions {
  readonly grounds?: string;
  readonly rights?: string[];
  readonly manner?: string;
  readonly mannerText?: string;
  readonly location?: string;
  readonly aiOrigin?: string;
  readonly aiReason?: string;
  readonly aiQuotation?: string;
  readonly recipient?: string;
  readonly generator?: string;
}

interface NoticeOptions extends CommonOptions {
  readonly form: Form;
  readonly format: Format;
  readonly lang?: 'ja' | 'en';
  readonly host?: string;
  readonly out?: string;
  readonly approved?: boolean;
}

const formOption = () => new Option('--form <form>', 'form of notice').choices(FORMS).makeOptionMandatory();
const langOption = () =>
  new Option('--lang <language>', 'where the form is written in both').choices(['ja', 'en']);
const hostOption = () =>
  new Option('--host <host>', 'which recipient’s host, where the case has URLs on several');

function noticeCommand(): Command {
  return new Command('notice')
    .description('write a notice; refuse, with what is missing, when it is incomplete')
    .argument('<case>', 'the case’s id')
    .addOption(formOption())
    .addOption(new Option('--format <format>', 'file format').choices(FORMATS).makeOptionMandatory())
    .addOption(langOption())
    .addOption(hostOption())
    .option('--approved', 'the newest approved notice of this form, as it was approved')
    .option('--out <file>', 'write it to this file instead of standard output')
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExample:\n  utsushi case notice CASE_ID --form ja-a --format pdf --out notice.pdf\n\nExit: 0 written, 2 usage, 3 refused ({"missing":[…]} on standard output) or failed',
    )
    .action(async (id: string, options: NoticeOptions) => {
      requireUuid('case', id);
      await withApp(options, 'case', async (app) => {
        const { form, format, out } = options;
        const bytes =
          options.approved === true
            ? await renderApproved(app.notices, id, { form }, format)
            : await writeDraft(app, id, options);
        if (bytes === undefined) process.exitCode = EXIT.failed;
        else if (out === undefined) process.stdout.write(bytes);
        else await writeFile(out, bytes);
      });
    });
}

/** @returns undefined when the notice is refused */
async function writeDraft(app: App, id: string, options: NoticeOptions): Promise<Buffer | undefined> {
  const draft = await draftNotice(app.db, id, options, app.checks.clock());
  const lang = localLanguage();
  for (const warning of draft.lint.warnings) say(warning[lang]);
  const { missing } = draft.lint;
  if (missing.length === 0) return renderDraft(app.notices, draft, options.format);
  printJson({ missing: missing.map(({ element }) => element), details: missing });
  for (const { element, message, remedy } of missing) say(`${element}: ${message[lang]}  → ${remedy}`);
  return undefined;
}

interface ApproveOptions extends CommonOptions {
  readonly form: Form;
  readonly lang?: 'ja' | 'en';
  readonly host?: string;
  readonly attest: string[];
}

function approveCommand(): Command {
  const points = ATTESTATIONS.map((point) => `  ${point}  ${wording().attestations[point][localLanguage()]}`);
  return new Command('approve')
    .description('approve a complete notice as it stands; you answer for what you attest')
    .argument('<case>', 'the case’s id')
    .addOption(formOption())
    .addOption(langOption())
    .addOption(hostOption())
    .requiredOption('--attest <points>', 'every point below, by comma', splitList)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      `\nPoints:\n${points.join('\n')}\n\nExample:\n  utsushi case approve CASE_ID --form ja-a --attest ${ATTESTATIONS.join(',')}`,
    )
    .action(async (id: string, options: ApproveOptions) => {
      requireUuid('case', id);
      await withApp(options, 'case', async (app) => {
        const request = { ...options, attested: options.attest };
        const { noticeId, case: changed } = await approveNotice(app.notices, id, request, by(app));
        if (options.json === true) printJson({ noticeId, case: changed });
        else print(`approved as notice ${noticeId}`);
      });
    });
}

interface EventOptions extends CommonOptions {
  readonly type: string;
  readonly key?: string;
  readonly expectedSeq?: number;
  readonly [field: string]: unknown;
}

/** Options of `case event` that are fields of a report, by their name there. */
const REPORT_FIELDS = {
  channel: 'channel',
  receipt: 'receipt',
  at: 'at',
  notice: 'noticeId',
  rung: 'rung',
  host: 'host',
  reason: 'reason',
  class: 'class',
  to: 'to',
  text: 'text',
  alert: 'alertId',
  externalRef: 'externalRef',
  outcome: 'outcome',
} as const;

function eventCommand(): Command {
  const types = caseReportSchema.options
    .map((each) => each.shape.type.value)
    .filter((type) => type !== 'particulars' && type !== 'rechecked');
  return new Command('event')
    .description('write down what happened: something was sent, somebody answered')
    .argument('<case>', 'the case’s id')
    .addOption(new Option('--type <type>', 'what happened').choices(types).makeOptionMandatory())
    .option('--channel <channel>', 'sent: by what way, e.g. web-form, e-mail, post')
    .option('--receipt <receipt>', 'sent: the recipient’s ticket or the carrier’s number')
    .option('--at <time>', 'sent, reply: when it happened (ISO 8601; default now)')
    .option('--notice <id>', 'sent: which approved notice (default the newest not yet sent)')
    .option('--rung <rung>', 'sent: at which rung of the ladder')
    .option('--host <host>', 'sent: to which recipient’s host, where the case has URLs on several')
    .option('--class <class>', 'reply: removed, refused, under-investigation, no-answer or counter-claim')
    .option('--to <rung>', 'advance: to which rung (default the next)')
    .option('--reason <text>', 'why it was refused, or why a rung is skipped or taken early, or why closed')
    .option('--alert <id>', 'link: the confirmed alert to take in')
    .option('--text <text>', 'note: what to write down')
    .option('--external-ref <ref>', 'external-ref: what your own system calls this case')
    .option('--outcome <outcome>', 'close: removed, settled, withdrawn, not-pursued or court')
    .option('--key <key>', 'your own id of this report; coming again it changes nothing')
    .option('--expected-seq <n>', 'fail when the case has moved on from this event', wholeNumber(1, 1e9))
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExamples:\n  utsushi case event CASE_ID --type sent --channel web-form --receipt 4711 --at 2026-05-01T10:00:00+09:00 --json\n  utsushi case event CASE_ID --type reply --class refused --reason "not our service" --json\n  utsushi case event CASE_ID --type advance',
    )
    .action(async (id: string, options: EventOptions) => {
      const fields = Object.entries(REPORT_FIELDS).map(([option, field]) => [field, options[option]]);
      await report(id, { type: options.type, ...defined(Object.fromEntries(fields)) }, options);
    });
}

function closeCommand(): Command {
  return new Command('close')
    .description('close a case')
    .argument('<case>', 'the case’s id')
    .requiredOption('--outcome <outcome>', 'removed, settled, withdrawn, not-pursued or court')
    .option('--reason <text>', 'why; needed unless it was removed')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi case close CASE_ID --outcome removed')
    .action((id: string, options: CommonOptions & { outcome: string; reason?: string }) =>
      report(
        id,
        { type: 'close', ...defined({ outcome: options.outcome, reason: options.reason }) },
        options,
      ),
    );
}

async function report(
  id: string,
  given: object,
  options: CommonOptions & { key?: string; expectedSeq?: number },
): Promise<void> {
  requireUuid('case', id);
  const parsed = caseReportSchema.safeParse(given);
  if (!parsed.success) throw new UtsushiError('usage', z.prettifyError(parsed.error));
  await withApp(options, 'case', async (app) => {
    const { key, expectedSeq } = options;
    show(await reportToCase(app.db, id, parsed.data, { ...by(app), key, expectedSeq }), options);
  });
}

function show(found: CaseSummary, options: CommonOptions): void {
  if (options.json === true) printJson(found);
  else print(describe(found));
}

function describe(found: CaseSummary): string {
  const lang = localLanguage();
  const rung = found.ladder.rungs.find(({ id }) => id === found.rung)!;
  return table(
    [],
    [
      ['case', found.id],
      ['work', found.title],
      ['state', found.outcome === null ? found.state : `${found.state}: ${found.outcome}`],
      ['rung', `${rung.label[lang]} (${rung.id})`],
      ['next', found.nextAction],
      ['due', found.clock === null ? '–' : `${found.clock.dueOn} (${found.clock.basis})`],
      [
        'reply',
        found.reply === null ? '–' : [found.reply.class, found.reply.reason].filter(Boolean).join(': '),
      ],
      ['logs last until', `${found.logs.until.slice(0, 10)} (assumed)`],
      ...(found.externalRef === null ? [] : [['reference', found.externalRef]]),
      ...[...new Set(found.materials.map(({ pageUrl, imageUrl }) => pageUrl ?? imageUrl))]
        .filter((url) => url !== null)
        .map((url) => ['material', `${url}${mark(found.urls[url]?.outcome)}`]),
    ],
  );
}

const mark = (outcome: string | undefined) => (outcome === undefined ? '' : `  ${outcome}`);

function detailOf(event: object): string {
  const told = ['class', 'channel', 'receipt', 'to', 'form', 'outcome', 'text', 'reason'] as const;
  const fields: Record<string, unknown> = { ...event };
  return told
    .map((field) => fields[field])
    .filter((value) => typeof value === 'string')
    .join('  ');
}

const by = (app: App) => ({ actor: actor(), at: app.checks.clock() });

function requireUuid(what: 'case' | 'alert', id: string): void {
  if (!z.uuid().safeParse(id).success) throw new UtsushiError('not_found', `no ${what} has the id ${id}`);
}

const splitList = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

function defined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Partial<T>;
}
