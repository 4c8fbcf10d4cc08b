import { Argument, Command, Option } from 'commander';
import { z } from 'zod';
import { UtsushiError } from '../../../errors.ts';
import {
  ALERT_STATES,
  DECISIONS,
  type Decision,
  type InboxFilter,
  type Review,
  readInbox,
  reviewAlert,
  showAlert,
} from '../../../features/alerts/index.ts';
import type { Match } from '../../../features/checks/index.ts';
import { KIND_LABELS, shownScore } from '../../../vision/matching/match.ts';
import { type CommonOptions, actor, dataDirOption, jsonOption, wholeNumber, withApp } from '../context.ts';
import { localLanguage, print, printJson, say } from '../output.ts';
import { table } from '../table.ts';

const EMPTY = 'No alerts. They appear when a recorded check finds a candidate: utsushi check FILE --record';

export function alertsCommand(): Command {
  const alerts = new Command('alerts')
    .description('outputs that wait for a person’s decision')
    .addHelpText('after', '\nExample:\n  utsushi alerts list');
  alerts
    .command('list')
    .description('list alerts, newest first')
    .option('--limit <n>', 'at most this many', wholeNumber(1, 100_000), 100)
    .option('--asset <id>', 'of this work only')
    .addOption(new Option('--state <state...>', 'in these states only').choices(ALERT_STATES))
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi alerts list --asset moon-rabbit')
    .action(runList);
  alerts
    .command('show')
    .description('show one alert with its events and sightings')
    .argument('<id>', 'the alert’s id')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi alerts show 0192f0c1-5b7e-4c9c-9a0e-2f6c1f7b6d11')
    .action(runShow);
  alerts
    .command('decide')
    .description('decide an alert; the decision stands under your name in the audit chain')
    .argument('<id>', 'the alert’s id')
    .addArgument(new Argument('<decision>', 'what it is').choices(DECISIONS))
    .option('--reason <text>', 'why; needed for everything but not-similar')
    .option('--rule <id>', 'with licensed or tolerated: the rule it stands under, e.g. licence:12')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExample:\n  utsushi alerts decide 0192f0c1-5b7e-4c9c-9a0e-2f6c1f7b6d11 not-similar --reason "another cat"\n\nconfirm means that it will be acted upon; it is no finding of infringement.',
    )
    .action((id: string, decision: Decision, options: CommonOptions & { reason?: string; rule?: string }) =>
      runReview(id, { type: 'decide', decision, reason: options.reason, rule: options.rule }, options),
    );
  alerts
    .command('undo')
    .description('take the last decision back')
    .argument('<id>', 'the alert’s id')
    .option('--reason <text>', 'why')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi alerts undo 0192f0c1-5b7e-4c9c-9a0e-2f6c1f7b6d11')
    .action((id: string, options: CommonOptions & { reason?: string }) =>
      runReview(id, { type: 'undo', reason: options.reason }, options),
    );
  alerts
    .command('reopen')
    .description('open a decided alert again')
    .argument('<id>', 'the alert’s id')
    .requiredOption('--reason <text>', 'why')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExample:\n  utsushi alerts reopen 0192f0c1-5b7e-4c9c-9a0e-2f6c1f7b6d11 --reason "new evidence"',
    )
    .action((id: string, options: CommonOptions & { reason: string }) =>
      runReview(id, { type: 'reopen', reason: options.reason }, options),
    );
  return alerts;
}

/** Whoever can read the data directory can write the database itself, so the command line may do everything. */
async function runReview(id: string, review: Review, options: CommonOptions): Promise<void> {
  await withApp(options, 'alerts', async (app) => {
    await reviewAlert(app.db, requireId(id), review, undefined, {
      actor: { id: null, name: actor(), role: 'admin' },
      at: app.checks.clock(),
      secondReview: app.config.secondReview,
    });
    const alert = await showAlert(app.db, id, actor());
    if (options.json === true) printJson(alert);
    else print(`${id}: ${alert.state}${alert.decision === null ? '' : ` (${alert.decision})`}`);
  });
}

/** @throws UtsushiError `not_found` */
function requireId(id: string): string {
  if (!z.uuid().safeParse(id).success) throw new UtsushiError('not_found', `no alert has the id ${id}`);
  return id;
}

async function runList(
  options: CommonOptions & { limit: number; asset?: string; state?: InboxFilter['state'] },
): Promise<void> {
  await withApp(options, 'alerts', async (app) => {
    const { alerts } = await readInbox(
      app.db,
      { assetId: options.asset, state: options.state },
      { limit: options.limit, sort: 'recent' },
      actor(),
    );
    if (options.json === true) for (const alert of alerts) printJson(alert);
    else if (alerts.length === 0) say(EMPTY);
    else {
      const lang = localLanguage();
      print(
        table(
          ['ALERT', 'STATE', 'SCORE', 'KIND', 'WORK', 'TIER', 'SEEN', 'OPENED'],
          alerts.map((alert) => [
            alert.id,
            alert.decision ?? alert.state,
            shownScore(alert.confidence),
            KIND_LABELS[alert.kind][lang],
            alert.title,
            alert.tier,
            alert.sightings,
            alert.openedAt.toISOString(),
          ]),
        ),
      );
    }
  });
}

async function runShow(id: string, options: CommonOptions): Promise<void> {
  await withApp(options, 'alerts', async (app) => {
    const alert = await showAlert(app.db, requireId(id), actor());
    if (options.json === true) {
      printJson(alert);
      return;
    }
    const lang = localLanguage();
    const match = alert.match as Match | null;
    print(
      table(
        [],
        [
          ['alert', alert.id],
          ['work', `${alert.title} (${alert.assetId}, ${alert.tier})`],
          ['kind', KIND_LABELS[alert.kind][lang]],
          ['state', alert.state],
          ['decision', alert.decision === null ? '–' : `${alert.decision}, ${alert.decidedBy}`],
          ['score', shownScore(alert.confidence)],
          ['output', alert.outputSha256],
          ...(match?.reasons ?? []).map((reason) => ['reason', reason[lang]]),
          ...alert.facts.map((fact) => ['fact', fact.sentence[lang]]),
          ...alert.rules.map((rule) => ['rule', `${rule.id} ${rule.name}: ${rule.decision}`]),
        ],
      ),
    );
    print('');
    print(
      table(
        ['SEEN', 'HOW', 'WHERE'],
        alert.seenAt.map((seen) => [
          seen.seenAt.toISOString(),
          seen.acquisition,
          seen.pageUrl ?? seen.imageUrl ?? '–',
        ]),
      ),
    );
    print('');
    print(
      table(
        ['EVENT', 'AT', 'BY'],
        alert.events.map(({ at, actor, event }) => [event.type, at.toISOString(), actor]),
      ),
    );
  });
}
