import { Command } from 'commander';
import type { AssetCoverage, SourceCoverage } from '../../../features/monitoring/index.ts';
import { showDuration } from '../../../features/catalogue/index.ts';
import { type CommonOptions, dataDirOption, jsonOption, withApp } from '../context.ts';
import { print, printJson, say } from '../output.ts';
import { table } from '../table.ts';

const ASSETS_SHOWN = 20;
const SOMETHING_OVERDUE = 1;

export function coverageCommand(): Command {
  return new Command('coverage')
    .description('what was looked at, by work, tier and source, and what is overdue')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExample:\n  utsushi coverage\n\nExit: 0 nothing overdue, 1 something is, 2 usage, 3 failed',
    )
    .action(runCoverage);
}

async function runCoverage(options: CommonOptions): Promise<void> {
  const { coverage, superviseCoverage } = await import('../../../features/monitoring/index.ts');
  await withApp(options, 'coverage', async (app) => {
    const report = await coverage(app.db, app.checks.protocol, app.checks.clock());
    await superviseCoverage(app.db, report);
    process.exitCode = report.overdue > 0 ? SOMETHING_OVERDUE : 0;
    if (options.json === true) {
      printJson(report);
      return;
    }
    print(
      table(
        ['TIER', 'WORKS', 'OVERDUE', 'UNWATCHED', 'LOOKED FOR EVERY'],
        report.tiers.map((tier) => [
          tier.tier,
          tier.assets,
          tier.overdue,
          tier.unwatched,
          showDuration(tier.cadenceMs),
        ]),
      ),
    );
    if (report.sources.length === 0) say('\nNo monitors: nothing is looked at. utsushi monitor apply --help');
    else {
      print('');
      print(
        table(
          ['MONITOR', 'SOURCE', 'STATE', 'LAST COMPLETE SCAN', 'SCANS', 'SEEN', 'OUTPUTS', 'FAILED'],
          report.sources.map((source) => [
            source.monitor,
            source.kind,
            stateOf(source),
            source.lastScanAt?.toISOString() ?? '–',
            source.scans,
            source.seen,
            source.outputs,
            source.failures,
          ]),
        ),
      );
    }
    const late = report.assets.filter(({ overdue }) => overdue).toSorted(byUrgency);
    if (late.length === 0) return;
    print('');
    print(
      table(
        ['OVERDUE WORK', 'TIER', 'LAST LOOKED FOR', 'WAS DUE', 'MONITORS'],
        late
          .slice(0, ASSETS_SHOWN)
          .map((asset) => [
            asset.title,
            asset.tier,
            asset.lastLookedAt?.toISOString() ?? 'never',
            asset.dueAt.toISOString(),
            asset.monitors.join(', ') || 'none',
          ]),
      ),
    );
    if (late.length > ASSETS_SHOWN) say(`… and ${late.length - ASSETS_SHOWN} more; all of them: --json`);
  });
}

function byUrgency(a: AssetCoverage, b: AssetCoverage): number {
  if (a.tier !== b.tier) return a.tier === 'high' ? -1 : 1;
  return a.dueAt.getTime() - b.dueAt.getTime();
}

function stateOf(source: SourceCoverage): string {
  const states = [
    ...(source.paused ? ['paused'] : []),
    ...(source.failing === null ? [] : ['failing']),
    ...(source.overdue ? ['overdue'] : []),
    ...(source.trend.state === 'steady' ? [] : [source.trend.state]),
    ...(source.stoppedShort === null ? [] : ['incomplete']),
  ];
  return states.join(', ') || (source.lastScanAt === null ? 'not run yet' : 'ok');
}
