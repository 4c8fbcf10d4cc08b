import { Command, Option } from 'commander';
import { UtsushiError } from '../../../errors.ts';
import {
  importCatalogue,
  listAssets,
  listImport,
  reindexCatalogue,
  setAssetEnabled,
  showAsset,
} from '../../../features/catalogue/index.ts';
import { matchRetroactively } from '../../../features/checks/index.ts';
import type { Tier } from '../../../vision/matching/policy.ts';
import { type CommonOptions, EXIT, actor, dataDirOption, jsonOption, withApp } from '../context.ts';
import { print, printJson, say } from '../output.ts';
import { progressBar } from '../progress-bar.ts';
import { table } from '../table.ts';

export function catalogueCommand(): Command {
  const catalogue = new Command('catalogue')
    .description('the works to watch for')
    .addHelpText('after', '\nExample:\n  utsushi catalogue import works/');
  catalogue
    .command('import')
    .description('import reference images: a folder, one picture, or a manifest (CSV or JSONL)')
    .argument('[path]', 'folder, picture or manifest; not needed with --manifest')
    .option('--manifest <file>', 'CSV or JSONL that describes the works; its files are relative to it')
    .addOption(
      new Option('--tier <tier>', 'tier of works that name none')
        .choices(['high', 'standard'])
        .default('standard'),
    )
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExample:\n  utsushi catalogue import works/ --manifest works/manifest.csv --tier high\n\nExit: 0 imported, 2 usage, 3 nothing could be imported',
    )
    .action(runImport);
  catalogue
    .command('reindex')
    .description('fingerprint anew what another version of Utsushi fingerprinted')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExample:\n  utsushi catalogue reindex\n\nExit: 0 all works are found again, 3 some picture cannot be recognised any more',
    )
    .action(runReindex);
  catalogue
    .command('list')
    .description('list the works')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi catalogue list')
    .action(runList);
  catalogue
    .command('show')
    .description('show one work with its reference images and licences')
    .argument('<id>', 'the asset’s id')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi catalogue show moon-rabbit')
    .action(runShow);
  for (const enabled of [false, true]) {
    catalogue
      .command(enabled ? 'enable' : 'disable')
      .description(enabled ? 'watch for a work again' : 'stop watching for a work; nothing is deleted')
      .argument('<id>', 'the asset’s id')
      .addOption(jsonOption())
      .addOption(dataDirOption())
      .addHelpText('after', `\nExample:\n  utsushi catalogue ${enabled ? 'enable' : 'disable'} moon-rabbit`)
      .action((id: string, options: CommonOptions) => runEnable(id, enabled, options));
  }
  return catalogue;
}

async function runImport(
  path: string | undefined,
  options: CommonOptions & { manifest?: string; tier: Tier },
): Promise<void> {
  const source = path ?? options.manifest;
  if (source === undefined)
    throw new UtsushiError('usage', 'say what to import: a folder, a picture, or --manifest FILE');
  const items = await listImport(source, options.manifest);
  if (items.length === 0) throw new UtsushiError('usage', `${options.manifest ?? source} holds no pictures`);
  await withApp(options, 'import', async (app) => {
    const bar = progressBar('import');
    const report = await importCatalogue(app.checks, items, {
      tier: options.tier,
      actor: actor(),
      onProgress: bar.update,
    }).finally(bar.stop);
    const retroBar = progressBar('compare stored outputs');
    const retroactive = await matchRetroactively(app.checks, retroBar.update).finally(retroBar.stop);
    for (const { file, code, message } of report.failed) say(`${file}: ${code}: ${message}`);
    if (options.json === true) printJson({ ...report, retroactive });
    else {
      print(
        `imported ${report.imported}, already there ${report.unchanged}, failed ${report.failed.length} of ${report.total} (catalogue version ${report.catalogueVersion})`,
      );
      if (retroactive.outputs > 0) {
        print(
          `compared ${retroactive.outputs} stored outputs with the new works: ${retroactive.alerts} alerts`,
        );
      }
    }
    process.exitCode = report.imported + report.unchanged > 0 ? EXIT.ok : EXIT.failed;
  });
}

async function runReindex(options: CommonOptions): Promise<void> {
  await withApp(options, 'reindex', async (app) => {
    const bar = progressBar('fingerprint anew');
    const report = await reindexCatalogue(app.checks, bar.update).finally(bar.stop);
    const retroBar = progressBar('compare stored outputs');
    const retroactive = await matchRetroactively(app.checks, retroBar.update).finally(retroBar.stop);
    for (const { file, code, message } of report.failed) say(`${file}: ${code}: ${message}`);
    if (options.json === true) printJson({ ...report, retroactive });
    else
      print(
        `fingerprinted ${report.renewed} reference images anew, failed ${report.failed.length}; ${retroactive.outputs} stored outputs compared: ${retroactive.alerts} alerts`,
      );
    if (report.failed.length > 0) process.exitCode = EXIT.failed;
  });
}

async function runList(options: CommonOptions): Promise<void> {
  await withApp(options, 'catalogue', async (app) => {
    const page = 1_000;
    let after: string | undefined;
    let found = 0;
    for (;;) {
      const assets = await listAssets(app.db, { limit: page, after });
      found += assets.length;
      if (options.json === true) for (const asset of assets) printJson(asset);
      else if (assets.length > 0) {
        const rows = assets.map(({ id, title, tier, references, enabled }) => [
          id,
          title,
          tier,
          references,
          enabled ? 'watched' : 'disabled',
        ]);
        print(table(after === undefined ? ['ID', 'TITLE', 'TIER', 'IMAGES', 'STATE'] : [], rows));
      }
      if (assets.length < page) break;
      after = assets.at(-1)!.id;
    }
    if (found === 0 && options.json !== true)
      say('The catalogue is empty. Begin with: utsushi catalogue import PATH');
  });
}

async function runShow(id: string, options: CommonOptions): Promise<void> {
  await withApp(options, 'catalogue', async (app) => {
    const detail = await showAsset(app.db, id);
    if (options.json === true) {
      printJson(detail);
      return;
    }
    const { asset, references, licences } = detail;
    const { aliases, characters, claim, ...plain } = asset;
    print(
      table(
        [],
        [
          ...Object.entries(plain).map(([name, value]) => [
            name,
            value instanceof Date ? value.toISOString() : String(value ?? '–'),
          ]),
          ['aliases', aliases.join(', ') || '–'],
          ['characters', characters.join(', ') || '–'],
          ...Object.entries(claim).map(([name, value]) => [`claim: ${name}`, value ?? '–']),
        ],
      ),
    );
    print('');
    print(
      table(
        ['REFERENCE IMAGE', 'SIZE', 'SHA-256'],
        references.map((image) => [image.file, `${image.width}x${image.height}`, image.sha256]),
      ),
    );
    if (licences.length === 0) return;
    print('');
    print(
      table(
        ['LICENSEE', 'ACCOUNTS', 'DOMAINS', 'FROM', 'UNTIL', 'TERRITORY'],
        licences.map((licence) => [
          licence.licensee,
          licence.accounts.join(', '),
          licence.domains.join(', '),
          licence.valid_from ?? '–',
          licence.valid_until ?? '–',
          licence.territory.join(', '),
        ]),
      ),
    );
  });
}

async function runEnable(id: string, enabled: boolean, options: CommonOptions): Promise<void> {
  await withApp(options, 'catalogue', async (app) => {
    await setAssetEnabled(app.db, id, enabled, { actor: actor(), at: app.checks.clock() });
    const retroactive = await matchRetroactively(app.checks);
    if (options.json === true) printJson({ id, enabled, retroactive });
    else
      print(
        `${id} is ${enabled ? `watched again; ${retroactive.outputs} stored outputs compared` : 'no longer watched'}`,
      );
  });
}
