import { Command } from 'commander';
import { z } from 'zod';
import { UtsushiError } from '../../../errors.ts';
import { listAlerts, showAlert } from '../../../features/alerts/index.ts';
import type { Match } from '../../../features/checks/index.ts';
import { KIND_LABELS } from '../../../vision/matching/match.ts';
import { type CommonOptions, dataDirOption, jsonOption, wholeNumber, withApp } from '../context.ts';
import { localLanguage, print, printJson, say, table } from '../output.ts';

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
  return alerts;
}

async function runList(options: CommonOptions & { limit: number; asset?: string }): Promise<void> {
  await withApp(options, 'alerts', async (app) => {
    const alerts = await listAlerts(app.db, { limit: options.limit, assetId: options.asset });
    if (options.json === true) for (const alert of alerts) printJson(alert);
    else if (alerts.length === 0) say(EMPTY);
    else {
      const lang = localLanguage();
      print(
        table(
          ['ALERT', 'SCORE', 'KIND', 'WORK', 'TIER', 'SEEN', 'OPENED'],
          alerts.map((alert) => [
            alert.id,
            alert.confidence.toFixed(3),
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
  if (!z.uuid().safeParse(id).success) throw new UtsushiError('not_found', `no alert has the id ${id}`);
  await withApp(options, 'alerts', async (app) => {
    const alert = await showAlert(app.db, id);
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
          ['score', alert.confidence.toFixed(3)],
          ['output', alert.outputSha256],
          ...(match?.reasons ?? []).map((reason) => ['reason', reason[lang]]),
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
