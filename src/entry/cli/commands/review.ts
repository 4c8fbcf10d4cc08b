import { Command } from 'commander';
import { z } from 'zod';
import { UtsushiError } from '../../../errors.ts';
import {
  createToleranceRule,
  endToleranceRule,
  listToleranceRules,
  listWatch,
  reviewWatch,
  reviewerReport,
} from '../../../features/alerts/index.ts';
import { type CommonOptions, actor, dataDirOption, jsonOption, wholeNumber, withApp } from '../context.ts';
import { print, printJson, say } from '../output.ts';
import { table } from '../table.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** What stands beside the alerts: rules, the watch queue, reports on reviewing. */
export function reviewCommands(): Command[] {
  return [rulesCommand(), watchCommand(), reportsCommand()];
}

interface NewRuleOptions extends CommonOptions {
  readonly name: string;
  readonly asset?: string;
  readonly series?: string;
  readonly account?: string[];
  readonly domain?: string[];
  readonly from?: string;
  readonly until?: string;
  readonly territory?: string[];
  readonly reason: string;
}

function rulesCommand(): Command {
  const rules = new Command('rules')
    .description('use of your works that you tolerate; licences come with the catalogue')
    .addHelpText('after', '\nExample:\n  utsushi rules list');
  rules
    .command('add')
    .description('tolerate use of a work or a series at named accounts or domains')
    .requiredOption('--name <text>', 'what to call the rule')
    .option('--asset <id>', 'the work')
    .option('--series <name>', 'or the series')
    .option('--account <name...>', 'by these accounts')
    .option('--domain <host...>', 'at these hosts and below them')
    .option('--from <date>', 'first day, like 2026-01-31')
    .option('--until <date>', 'last day')
    .option('--territory <country...>', 'only there (ISO 3166 alpha-2)')
    .requiredOption('--reason <text>', 'why')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExample:\n  utsushi rules add --name "fan works" --series "Moon Rabbit" --domain fans.example --reason "guideline 2026"',
    )
    .action((options: NewRuleOptions) =>
      withApp(options, 'rules', async (app) => {
        const made = await createToleranceRule(
          app.db,
          {
            name: options.name,
            assetId: options.asset,
            series: options.series,
            accounts: options.account ?? [],
            domains: options.domain ?? [],
            validFrom: options.from,
            validUntil: options.until,
            territory: options.territory ?? [],
            reason: options.reason,
          },
          { actor: actor(), at: app.checks.clock() },
        );
        if (options.json === true) printJson(made);
        else print(`${made.rule.id}: ${made.applied} open alerts stand under it now`);
      }),
    );
  rules
    .command('end')
    .description('end a rule; the alerts that stood under it are open again')
    .argument('<id>', 'e.g. tolerance:3')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi rules end tolerance:3')
    .action((id: string, options: CommonOptions) =>
      withApp(options, 'rules', async (app) => {
        const reopened = await endToleranceRule(app.db, id, { actor: actor(), at: app.checks.clock() });
        if (options.json === true) printJson({ id, reopened });
        else print(`${id} has ended; ${reopened} alerts are open again`);
      }),
    );
  rules
    .command('list')
    .description('list the rules in force')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi rules list')
    .action((options: CommonOptions) =>
      withApp(options, 'rules', async (app) => {
        const found = await listToleranceRules(app.db, { ended: false });
        if (options.json === true) for (const rule of found) printJson(rule);
        else if (found.length === 0) say('Nothing is tolerated. See: utsushi rules add --help');
        else {
          print(
            table(
              ['RULE', 'NAME', 'FOR', 'ACCOUNTS', 'DOMAINS', 'FROM', 'UNTIL'],
              found.map((rule) => [
                rule.id,
                rule.name,
                rule.assetId ?? rule.series!,
                rule.accounts.join(', ') || 'any',
                rule.domains.join(', ') || 'any',
                rule.validFrom ?? '–',
                rule.validUntil ?? '–',
              ]),
            ),
          );
        }
      }),
    );
  return rules;
}

function watchCommand(): Command {
  const watch = new Command('watch')
    .description('outputs whose prompt or page names a work which they do not resemble')
    .addHelpText('after', '\nExample:\n  utsushi watch list');
  watch
    .command('list')
    .description('list what is watched and open, newest first')
    .option('--limit <n>', 'at most this many', wholeNumber(1, 1_000), 100)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi watch list')
    .action((options: CommonOptions & { limit: number }) =>
      withApp(options, 'watch', async (app) => {
        const { entries } = await listWatch(app.db, { state: 'open' }, { limit: options.limit });
        if (options.json === true) for (const entry of entries) printJson(entry);
        else if (entries.length === 0) say('Nothing is watched.');
        else {
          print(
            table(
              ['ENTRY', 'WORK', 'NAMED AS', 'SEEN', 'WHERE'],
              entries.map((entry) => [
                entry.id,
                entry.title,
                [...new Set(entry.terms.map(({ term }) => term))].join(', '),
                entry.sightings,
                entry.pageUrl ?? '–',
              ]),
            ),
          );
        }
      }),
    );
  for (const type of ['promote', 'dismiss'] as const) {
    watch
      .command(type)
      .description(
        type === 'promote'
          ? 'act upon it for what the prompt or page says, without a claim that the pictures are similar'
          : 'nothing is to be done about it',
      )
      .argument('<id>', 'the entry’s id')
      .requiredOption('--reason <text>', 'why')
      .addOption(jsonOption())
      .addOption(dataDirOption())
      .addHelpText(
        'after',
        `\nExample:\n  utsushi watch ${type} 0192f0c1-5b7e-4c9c-9a0e-2f6c1f7b6d11 --reason "…"`,
      )
      .action((id: string, options: CommonOptions & { reason: string }) =>
        withApp(options, 'watch', async (app) => {
          if (!z.uuid().safeParse(id).success)
            throw new UtsushiError('not_found', `nothing is watched under the id ${id}`);
          const entry = await reviewWatch(app.db, id, { type, reason: options.reason }, undefined, {
            actor: { id: null, name: actor(), role: 'admin' },
            at: app.checks.clock(),
          });
          if (options.json === true) printJson(entry);
          else print(`${id}: ${entry.state}`);
        }),
      );
  }
  return watch;
}

function reportsCommand(): Command {
  const reports = new Command('reports')
    .description('how the reviewing goes')
    .addHelpText('after', '\nExample:\n  utsushi reports reviewers');
  reports
    .command('reviewers')
    .description('agreement, overturned decisions and time to decision, by tier and person')
    .option('--days <n>', 'the last so many days', wholeNumber(1, 731), 30)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi reports reviewers --days 90')
    .action((options: CommonOptions & { days: number }) =>
      withApp(options, 'reports', async (app) => {
        const until = new Date(app.checks.clock().getTime() + 1);
        const since = new Date(until.getTime() - options.days * DAY_MS);
        const report = await reviewerReport(app.db, { since, until });
        if (options.json === true) {
          printJson(report);
          return;
        }
        const percent = (share: number | null) => (share === null ? '–' : `${Math.round(share * 100)} %`);
        const hours = (time: { p50: number } | null) =>
          time === null ? '–' : (time.p50 / HOUR_MS).toFixed(1);
        const { overall, byTier, byReviewer } = report;
        print(
          table(
            ['WHO', 'DECISIONS', 'OVERTURNED', 'MEDIAN HOURS', 'REVIEWED TWICE', 'AGREED', 'KAPPA'],
            [
              ...[
                { who: 'all', ...overall },
                ...byTier.map((each) => ({ who: `tier ${each.tier}`, ...each })),
              ].map((each) => [
                each.who,
                each.decisions,
                percent(each.overturned),
                hours(each.sinceOpened),
                each.agreement.alerts,
                percent(each.agreement.observed),
                (each.drawn.alerts > 0 ? each.drawn : each.agreement).kappa?.toFixed(2) ?? '–',
              ]),
              ...byReviewer.map((each) => [
                each.reviewer,
                each.decisions,
                percent(each.overturned),
                hours(each.sinceOpened),
                '',
                '',
                '',
              ]),
            ],
          ),
        );
      }),
    );
  return reports;
}
