import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import type { App } from '../../../app.ts';
import { type ErrorCode, UtsushiError } from '../../../errors.ts';
import type { Change, ScanSummary } from '../../../features/monitoring/index.ts';
import { NO_LEGAL_FINDING } from '../../../vision/matching/match.ts';
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
import { progressBar } from '../progress-bar.ts';
import { table } from '../table.ts';

const EMPTY = 'No monitors. Describe them in a file and apply it: utsushi monitor apply monitors.yml';
const ITEMS_SHOWN = 20;

export function monitorCommand(): Command {
  const monitor = new Command('monitor')
    .description('watch places where outputs appear, on schedule')
    .addHelpText('after', '\nExample:\n  utsushi monitor apply monitors.yml');
  monitor
    .command('apply')
    .description(
      'make the monitors exactly those of a file (YAML or JSON); shows what changes before it acts',
    )
    .argument('<file>', 'the monitors')
    .option('--yes', 'do not ask, also on a terminal')
    .option('--dry-run', 'only show what would change')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      `
Example:
  utsushi monitor apply monitors.yml

  # monitors.yml
  monitors:
    - name: drop-folder
      source: { kind: directory, path: outputs }
      tiers: [high]
    - name: list
      source: { kind: urls, file: urls.csv }
      schedule: { cron: '0 3 * * *', tz: Asia/Tokyo }`,
    )
    .action(runApply);
  monitor
    .command('list')
    .description('list the monitors')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi monitor list --json')
    .action(runList);
  monitor
    .command('show')
    .description('show one monitor with its last scans')
    .argument('<name>', 'the monitor’s name')
    .option('--scans <n>', 'at most this many scans', wholeNumber(1, 1_000), 10)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi monitor show drop-folder')
    .action(runShow);
  monitor
    .command('run')
    .description('scan now')
    .argument('<name>', 'the monitor’s name')
    .option('--wait', 'until everything it finds is checked; works without `utsushi up`')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExample:\n  utsushi monitor run drop-folder --wait --json\n\nExit with --wait: 0 no candidate, 1 candidates found, 2 usage, 3 something failed',
    )
    .action(runRun);
  for (const paused of [true, false]) {
    monitor
      .command(paused ? 'pause' : 'resume')
      .description(paused ? 'stop running a monitor on schedule' : 'run a monitor on schedule again')
      .argument('<name>', 'the monitor’s name')
      .addOption(jsonOption())
      .addOption(dataDirOption())
      .addHelpText('after', `\nExample:\n  utsushi monitor ${paused ? 'pause' : 'resume'} drop-folder`)
      .action((name: string, options: CommonOptions) => runPause(name, paused, options));
  }
  return monitor;
}

const monitoring = () => import('../../../features/monitoring/index.ts');

async function runApply(
  path: string,
  options: CommonOptions & { yes?: boolean; dryRun?: boolean },
): Promise<void> {
  const { applyMonitors, planMonitors, readMonitors, showSpec } = await monitoring();
  const specs = await readMonitors(path);
  await withApp(options, 'monitor', async (app) => {
    const plan = await planMonitors(app.db, specs);
    const changes = plan.filter(({ action }) => action !== 'unchanged').length;
    if (options.json !== true)
      for (const change of plan)
        print(describe(change, change.action === 'create' ? showSpec(change.spec!) : []));
    if (options.dryRun === true) {
      if (options.json === true) plan.forEach((change) => printJson(toJson(change)));
      return;
    }
    const ask = process.stdin.isTTY && process.stdout.isTTY && options.yes !== true && options.json !== true;
    if (ask && changes > 0 && !(await confirmed(`Apply ${changes} change${changes === 1 ? '' : 's'}?`))) {
      say('Nothing was changed.');
      return;
    }
    const done = await applyMonitors(app.db, specs, { actor: actor(), at: app.checks.clock() });
    if (options.json === true) done.forEach((change) => printJson(toJson(change)));
    else {
      const count = (action: Change['action']) => done.filter((each) => each.action === action).length;
      print(
        `${count('create')} created, ${count('update')} updated, ${count('delete')} removed, ${count('unchanged')} unchanged`,
      );
    }
    await passOn(app);
  });
}

/** Stored is stored: should the queue be away, the schedules follow when it is back. */
async function passOn(app: App): Promise<void> {
  await app.syncSchedules().catch((thrown: unknown) => {
    say(`The schedules follow when the queue is back: ${thrown instanceof Error ? thrown.message : thrown}`);
  });
}

const SIGNS = { create: '+', update: '~', delete: '-', unchanged: ' ' } as const;

function describe({ name, action, fields }: Change, created: readonly string[]): string {
  const head = `${SIGNS[action]} ${name}${action === 'unchanged' ? '  (unchanged)' : ''}`;
  const changed = fields.map(({ field, before, after }) => `    ${field}: ${before} -> ${after}`);
  return [head, ...created.map((line) => `    ${line}`), ...changed].join('\n');
}

function toJson({ name, action, fields }: Change) {
  return { monitor: name, action, changes: fields };
}

async function confirmed(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^(y|yes|はい)$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

async function runList(options: CommonOptions): Promise<void> {
  const { monitorViews, showScope } = await monitoring();
  await withApp(options, 'monitor', async (app) => {
    const monitors = await monitorViews(app.db, app.checks.protocol, await nextRunsOf(app));
    if (options.json === true) monitors.forEach(printJson);
    else if (monitors.length === 0) say(EMPTY);
    else {
      print(
        table(
          ['MONITOR', 'SOURCE', 'SCOPE', 'SCHEDULE', 'STATE', 'LAST SCAN', 'NEXT RUN'],
          monitors.map((each) => [
            each.name,
            each.source.kind,
            showScope(each.scope),
            each.scheduleText,
            each.paused ? 'paused' : (each.lastScan?.state ?? 'never ran'),
            each.lastScan === null
              ? '–'
              : `${each.lastScan.startedAt.toISOString()}: ${each.lastScan.new} new, ${each.lastScan.candidates} candidates`,
            each.nextRunAt?.toISOString() ?? '–',
          ]),
        ),
      );
    }
  });
}

/** Undefined where the queue is away. */
async function nextRunsOf(app: App): Promise<Map<string, Date> | undefined> {
  return app
    .queue()
    .then((queue) => queue.nextRuns('start-scan'))
    .catch(() => undefined);
}

async function runShow(name: string, options: CommonOptions & { scans: number }): Promise<void> {
  const { listScans, monitorView, scanFailures, showScope } = await monitoring();
  await withApp(options, 'monitor', async (app) => {
    const shown = await monitorView(app.db, name, app.checks.protocol, await nextRunsOf(app));
    const scans = await listScans(app.db, { monitor: name, limit: options.scans });
    const failures = scans[0] === undefined ? [] : await scanFailures(app.db, scans[0].id, ITEMS_SHOWN);
    if (options.json === true) {
      printJson({ ...shown, scans, failures });
      return;
    }
    print(
      table(
        [],
        [
          ['monitor', shown.name],
          ['source', JSON.stringify(shown.source)],
          ['scope', showScope(shown.scope)],
          ['schedule', shown.scheduleText],
          ['territory', shown.territory ?? '–'],
          ['state', shown.paused ? 'paused' : 'running on schedule'],
          ['next run', shown.nextRunAt?.toISOString() ?? '–'],
        ],
      ),
    );
    if (scans.length === 0) {
      say('It never ran. To run it now: utsushi monitor run NAME --wait');
      return;
    }
    print('');
    print(
      table(
        ['STARTED', 'STATE', 'SEEN', 'NEW', 'CHECKED', 'CANDIDATES', 'FAILED', 'SKIPPED', 'NOTE'],
        scans.map((scan) => [
          scan.startedAt.toISOString(),
          scan.state,
          scan.seen,
          scan.new,
          scan.checked,
          scan.candidates,
          scan.failed,
          scan.skipped,
          scan.error?.message ?? scan.stoppedShort ?? '',
        ]),
      ),
    );
    for (const { item, code, message } of failures) say(`${item}: ${code}: ${message}`);
  });
}

async function runRun(name: string, options: CommonOptions & { wait?: boolean }): Promise<void> {
  const { findMonitor, runScan, scanFailures, startScan } = await monitoring();
  await withApp(options, 'monitor', async (app) => {
    const monitor = await findMonitor(app.db, name);
    const { scanId, isNew } = await startScan(app.db, monitor.id, 'person', app.checks.clock());
    if (!isNew) say('A scan of this monitor runs already; this is that one.');
    if (options.wait !== true) {
      const queue = await app.queue();
      await queue.add('scan', { scanId }, { jobId: scanId });
      if (options.json === true) printJson({ monitor: name, scanId, state: 'running' });
      else print(`Scan ${scanId} is queued; \`utsushi up\` or a worker does it.`);
      return;
    }
    // The scan is done here, and its checks by whoever is there; here as well, so that nobody else need be.
    await app.startWorkers(['checks']);
    const bar = progressBar(name);
    const scan = await runScan(app.scans, scanId, {
      signal: new AbortController().signal,
      lastAttempt: true,
      onProgress: (progress) => bar.update(progress.finished, progress.new),
    }).finally(bar.stop);
    if (options.json === true) printJson(resultOf(scan));
    else {
      print(
        `${scan.seen} seen, ${scan.new} new: ${scan.checked} checked, ${scan.candidates} with candidates, ${scan.failed} failed, ${scan.skipped} known already`,
      );
      if (scan.candidates > 0) say(NO_LEGAL_FINDING[localLanguage()]);
    }
    for (const { item, code, message } of await scanFailures(app.db, scanId, ITEMS_SHOWN))
      say(`${item}: ${code}: ${message}`);
    if (scan.error !== null) throw new UtsushiError(scan.error.code as ErrorCode, scan.error.message);
    process.exitCode = scan.failed > 0 ? EXIT.failed : scan.candidates > 0 ? EXIT.candidates : EXIT.ok;
  });
}

function resultOf({ monitor, seen, new: fresh, checked, candidates, failed, skipped }: ScanSummary) {
  return { monitor, seen, new: fresh, checked, candidates, failed, skipped };
}

async function runPause(name: string, paused: boolean, options: CommonOptions): Promise<void> {
  const { pauseMonitor } = await monitoring();
  await withApp(options, 'monitor', async (app) => {
    await pauseMonitor(app.db, name, paused, { actor: actor(), at: app.checks.clock() });
    if (options.json === true) printJson({ monitor: name, paused });
    else print(paused ? `${name} is paused.` : `${name} runs on schedule again.`);
    await passOn(app);
  });
}
