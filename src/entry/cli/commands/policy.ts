import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type App } from '../../../app.ts';
import { UtsushiError } from '../../../errors.ts';
import { filesBelow } from '../../../features/catalogue/index.ts';
import {
  type Calibration,
  type StoredPolicy,
  SIMULATED,
  calibrationReport,
  currentPolicy,
  listPolicies,
  measureCalibration,
  percent,
  policyImpact,
  promise,
  showPolicy,
  storeCalibration,
  tiersOf,
  why,
} from '../../../features/checks/index.ts';
import { ALGORITHM_VERSION } from '../../../vision/fingerprint/fingerprint.ts';
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
import { progressBar } from '../progress-bar.ts';
import { table } from '../table.ts';

export function policyCommands(): Command[] {
  const policy = new Command('policy')
    .description('the thresholds in force, and those before them')
    .addHelpText('after', '\nExample:\n  utsushi policy show');
  policy
    .command('show')
    .description('one policy: its thresholds, why they were set, and what was measured')
    .argument('[version]', 'default: the one in force', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi policy show')
    .action(runShow);
  policy
    .command('list')
    .description('every policy, the one in force first')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi policy list')
    .action(runList);
  policy
    .command('dry-run')
    .description('what other thresholds would do to the alerts of stored outputs; changes nothing')
    .option('--high <score>', 'threshold for works of tier high (default: as it is)', parseThreshold)
    .option('--standard <score>', 'threshold for works of tier standard (default: as it is)', parseThreshold)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi policy dry-run --high 0.4 --standard 0.7')
    .action(runDryRun);
  return [policy, calibrateCommand()];
}

interface CalibrateOptions extends CommonOptions {
  readonly negatives: string;
  readonly targetFpr: number;
  readonly works: number;
  readonly suspects?: 'count' | 'set-aside';
  readonly dryRun?: boolean;
  readonly out?: string;
  readonly lang: Language;
}

async function runDryRun(options: CommonOptions & { high?: number; standard?: number }): Promise<void> {
  await withApp(options, 'policy', async (app) => {
    const { tiers } = await currentPolicy(app.db);
    const thresholds = {
      high: options.high ?? tiers.high.minConfidence,
      standard: options.standard ?? tiers.standard.minConfidence,
    };
    const bar = progressBar('compare stored outputs');
    const impact = await policyImpact(app.checks, thresholds, bar.update).finally(bar.stop);
    if (options.json === true) {
      printJson({ thresholds, ...impact });
      return;
    }
    print(
      `thresholds ${thresholds.high} (high) and ${thresholds.standard} (standard) would add ${impact.add} alerts and drop ${impact.drop} of the ${impact.drop + impact.keep} that wait for review`,
    );
    say(
      `${impact.outputs} stored outputs compared, ${impact.unreadable} could not be read; nothing was changed`,
    );
  });
}

function parseThreshold(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('must be a number from 0 to 1');
  return value;
}

function calibrateCommand(): Command {
  return new Command('calibrate')
    .description('set thresholds by what pictures known to be different score against your catalogue')
    .requiredOption('--negatives <dir>', 'folder of pictures that copy none of your works')
    .option(
      '--target-fpr <share>',
      'share of such pictures that may raise a candidate, per tier; needs three divided by it as many pictures',
      parseRate,
      0.001,
    )
    .option(
      '--works <n>',
      'works of each tier from which simulated copies are made, to show what is found',
      wholeNumber(0, 10_000),
      20,
    )
    .addOption(
      new Option(
        '--suspects <what>',
        'what to do with pictures that look like copies after all; without it nothing is stored when there are any',
      ).choices(['count', 'set-aside']),
    )
    .option('--dry-run', 'measure and draw, and store no policy')
    .option('--out <dir>', 'where the report goes (default: calibrations/ in the data directory)')
    .addOption(
      new Option('--lang <language>', 'language of the summary')
        .choices(['ja', 'en'])
        .default(localLanguage()),
    )
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExamples:\n  utsushi calibrate --negatives other-pictures/ --dry-run\n  utsushi calibrate --negatives other-pictures/ --target-fpr 0.001\n\nExit: 0 measured (and stored), 2 usage, 3 failed or a person must look first',
    )
    .action(runCalibrate);
}

async function runCalibrate(options: CalibrateOptions): Promise<void> {
  await withApp(options, 'calibrate', async (app) => {
    const negatives = await filesBelow(options.negatives, true).catch((cause: unknown) => {
      throw new UtsushiError('usage', `--negatives: cannot read ${options.negatives}`, { cause });
    });
    const bar = progressBar(options.lang === 'ja' ? '較正' : 'calibrating');
    let last = 0;
    const calibration = await measureCalibration(app.checks, {
      negatives,
      targetFpr: options.targetFpr,
      suspects: options.suspects,
      works: options.works,
      // One bar for both steps: the copies begin where the negatives ended.
      onProgress: (step, done, total) => {
        if (step === 'negatives') last = total;
        bar.update(step === 'negatives' ? done : last + done, step === 'negatives' ? total : last + total);
      },
    }).finally(() => bar.stop());
    const undecided = calibration.suspectsAre === 'undecided';
    const version =
      options.dryRun === true || undecided ? null : await storeCalibration(app.checks, calibration, actor());
    const folder =
      options.out ??
      join(app.config.dataDir, 'calibrations', version === null ? 'not-stored' : `policy-${version}`);
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(calibrationReport(calibration, version)))
      await writeFile(join(folder, name), text);
    if (options.json === true) printJson({ policyVersion: version, report: folder, ...calibration });
    else describe(calibration, version, folder, options.lang);
    if (undecided && options.dryRun !== true) {
      throw new UtsushiError(
        'suspected_copies',
        `pictures given as different that look like copies: ${calibration.suspects.length}; see ${join(folder, 'calibration.html')}`,
      );
    }
  });
}

function describe(calibration: Calibration, version: number | null, folder: string, lang: Language): void {
  const ja = lang === 'ja';
  for (const [tier, measured] of tiersOf(calibration)) {
    const { threshold, thresholdBefore, copies } = measured;
    print(
      `${tier}  ${ja ? 'しきい値' : 'threshold'} ${threshold.minConfidence} (${ja ? '以前' : 'before'} ${thresholdBefore})`,
    );
    print(`  ${promise(measured, calibration.targetFpr)[lang]}`);
    print(
      ja
        ? `  誤報率の95 %信頼区間 ${percent(threshold.interval[0])} – ${percent(threshold.interval[1])}。模擬複製は${copies.of}件中${copies.found}件が見つかりました。`
        : `  95 % confidence interval of the rate: ${percent(threshold.interval[0])} – ${percent(threshold.interval[1])}. ${copies.found} of ${copies.of} simulated copies are found.`,
    );
  }
  for (const tier of ['high', 'standard'] as const) {
    if (calibration.tiers[tier] === null)
      print(
        ja ? `${tier}  作品がないため変更なし` : `${tier}  no work in the catalogue: threshold left as it is`,
      );
  }
  if (calibration.suspects.length > 0) {
    print(
      ja
        ? '\n写しかもしれない絵(人が見てください):'
        : '\nGiven as different, but these may be copies (a person must look):',
    );
    print(
      table(
        [],
        calibration.suspects.map((each) => [
          `  ${each.score.toFixed(3)}`,
          each.file,
          each.title,
          each.reference,
        ]),
      ),
    );
  }
  if (calibration.magnets.length > 0) {
    print(ja ? '\n何にでも似てしまう作品:' : '\nWorks that resemble everything:');
    print(
      table(
        [],
        calibration.magnets.map((each) => [
          `  ${each.title}`,
          each.reference,
          why(each)[lang],
          ja ? `${each.first}枚で一番` : `first for ${each.first}`,
          ja ? `特徴点 ${each.keypoints}` : `${each.keypoints} keypoints`,
        ]),
      ),
    );
  }
  const { unreadable } = calibration.negatives;
  for (const { file, code } of unreadable) say(`${code}: ${file}`);
  print(`\n${SIMULATED[lang]}`);
  print(
    version === null
      ? ja
        ? `ポリシーは保存していません。報告: ${folder}`
        : `No policy was stored. Report: ${folder}`
      : ja
        ? `ポリシー ${version} が有効になりました。報告: ${folder}`
        : `Policy ${version} is in force. Report: ${folder}`,
  );
}

async function runShow(version: number | undefined, options: CommonOptions): Promise<void> {
  await withApp(options, 'policy', async (app) => {
    const policy = await showPolicy(app.db, version ?? (await currentPolicy(app.db)).version);
    if (options.json === true) printJson(policy);
    else print(describePolicy(policy));
  });
}

function describePolicy({ version, tiers, reason, createdAt, calibration }: StoredPolicy): string {
  const lines = [`policy ${version}, since ${createdAt.toISOString()}: ${reason}`];
  for (const tier of ['high', 'standard'] as const) {
    const { minConfidence, depth } = tiers[tier];
    lines.push(`  ${tier}  candidates from ${minConfidence}, searched ${depth}`);
    const measured = calibration?.tiers[tier];
    if (calibration && measured)
      lines.push(`    ${promise(measured, calibration.targetFpr)[localLanguage()]}`);
  }
  if (calibration !== null && calibration.algorithmVersion !== ALGORITHM_VERSION) {
    lines.push(
      `  measured with algorithm ${calibration.algorithmVersion}, not ${ALGORITHM_VERSION}: run utsushi calibrate again`,
    );
  }
  return lines.join('\n');
}

async function runList(options: CommonOptions): Promise<void> {
  await withApp(options, 'policy', async (app: App) => {
    const policies = await listPolicies(app.db);
    if (options.json === true) for (const policy of policies) printJson(policy);
    else
      print(
        table(
          ['VERSION', 'HIGH', 'STANDARD', 'SINCE', 'REASON'],
          policies.map(({ version, tiers, reason, createdAt }) => [
            version,
            tiers.high.minConfidence,
            tiers.standard.minConfidence,
            createdAt.toISOString().slice(0, 16),
            reason,
          ]),
        ),
      );
    process.exitCode = EXIT.ok;
  });
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (text.trim() === '' || !(rate > 0 && rate <= 0.5))
    throw new InvalidArgumentError('must be above 0 and at most 0.5');
  return rate;
}
