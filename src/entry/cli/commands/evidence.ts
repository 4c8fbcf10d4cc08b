import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { readTsaTrust } from '../../../app.ts';
import { loadConfig } from '../../../config.ts';
import { UtsushiError } from '../../../errors.ts';
import { type EvidenceReport, sealEvidence, verifyEvidence } from '../../../features/takedown/index.ts';
import { ComputePool } from '../../../platform/compute/pool.ts';
import { openSigner, rotateSigner } from '../../../platform/signing/keys.ts';
import {
  type CommonOptions,
  EXIT,
  actor,
  closeWhenInterrupted,
  dataDirOption,
  jsonOption,
  withApp,
} from '../context.ts';
import { print, printJson, say } from '../output.ts';

/** Exit code of `verify` for a bundle that is not what was sealed. */
const ALTERED = 1;

export function evidenceCommand(): Command {
  const root = new Command('evidence')
    .description('signed bundles of everything a case rests on, to hand over and to check anywhere')
    .addHelpText(
      'after',
      '\nExamples:\n  utsushi evidence export CASE_ID --out bundle.zip\n  utsushi evidence verify bundle.zip',
    );
  root.addCommand(exportCommand());
  root.addCommand(verifyCommand());
  root.addCommand(keyCommand());
  return root;
}

function exportCommand(): Command {
  return new Command('export')
    .description('pack and sign everything a case rests on')
    .argument('<case>', 'the case’s id')
    .requiredOption('--out <file>', 'where to write the ZIP file')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi evidence export CASE_ID --out bundle.zip')
    .action(async (id: string, options: CommonOptions & { out: string }) => {
      if (!/^[0-9a-f-]{36}$/i.test(id)) throw new UtsushiError('usage', `${id} is no id of a case`);
      await withApp(options, 'evidence', async (app) => {
        const { zip, ...bundle } = await sealEvidence(app.evidence, id, {
          actor: actor(),
          at: app.checks.clock(),
        });
        await writeFile(options.out, zip);
        if (options.json === true) printJson({ file: options.out, bytes: zip.length, ...bundle });
        else {
          print(`${options.out}: ${bundle.files} files, ${zip.length} bytes, SHA-256 ${bundle.sha256}`);
          print(`signed by ${bundle.signer}`);
          if (!bundle.timestamped)
            say('not time-stamped: no authority is configured (UTSUSHI_TSA_URL); see docs/evidence.md');
        }
      });
    });
}

function verifyCommand(): Command {
  return new Command('verify')
    .description('check a bundle, offline and without any data of this installation')
    .argument('<file>', 'the ZIP file')
    .option('--trust <fingerprint>', 'of the key that you know to be the sender’s')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExample:\n  utsushi evidence verify bundle.zip --trust 5f0c…\n\nExit: 0 intact, 1 altered (says what), 3 not a bundle',
    )
    .action(async (file: string, options: CommonOptions & { trust?: string }) => {
      if (options.trust !== undefined && !/^[0-9a-f]{64}$/i.test(options.trust))
        throw new UtsushiError('usage', 'a fingerprint has 64 hexadecimal digits');
      const { config } = loadConfig();
      const zip = await readFile(file).catch((cause: unknown) => {
        throw new UtsushiError('file_not_found', `${file} cannot be read`, { cause });
      });
      await using compute = new ComputePool({ size: config.concurrency, ...config.compute });
      using _ = closeWhenInterrupted(() => compute.close());
      const report = await verifyEvidence(zip, {
        compute,
        limits: config.limits,
        trustedKey: options.trust,
        trustedTsa: await readTsaTrust(config),
      });
      if (options.json === true) printJson({ file, ...report });
      else print(describe(report));
      process.exitCode = report.state === 'intact' ? EXIT.ok : ALTERED;
    });
}

function describe(report: EvidenceReport): string {
  const lines = [stateOf(report), ...report.altered.map((what) => `  altered: ${what}`)];
  if (report.caseId !== null) lines.push(`case ${report.caseId}, sealed ${report.createdAt}`);
  if (report.signer !== null) {
    const { fingerprint, trusted } = report.signer;
    const known = {
      true: 'the trusted key',
      false: 'NOT the trusted key',
      null: '署名者未確認 (no --trust given)',
    };
    lines.push(`signed by ${fingerprint}: ${known[`${trusted}`]}`);
  }
  for (const { of, at, authority, trusted } of report.timestamps) {
    lines.push(
      `${of}: time-stamped ${at.toISOString()} by ${authority}${trusted ? '' : ' (authority not trusted here)'}`,
    );
  }
  return lines.join('\n');
}

function stateOf({ state, recomputed, recomputation }: EvidenceReport): string {
  if (state === 'altered') return 'altered';
  if (recomputed === 'yes') return 'intact+recomputed';
  if (recomputed === 'no-match') return `intact (nothing to recompute: ${recomputation})`;
  return `intact, recomputation unavailable (${recomputation})`;
}

function keyCommand(): Command {
  const root = new Command('key')
    .description('the key that signs evidence')
    .addHelpText('after', '\nExample:\n  utsushi evidence key show');
  const folder = (options: CommonOptions) =>
    join(loadConfig({ dataDir: options.dataDir }).config.dataDir, 'keys');
  root
    .command('show')
    .description('its fingerprint, to be told to whoever will verify, by another way than the bundle')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi evidence key show')
    .action(async (options: CommonOptions) => {
      const { fingerprint, publicKey, rotations } = await openSigner(folder(options));
      if (options.json === true) printJson({ fingerprint, publicKey, rotations: rotations.length });
      else print(`${fingerprint}\n${publicKey.trim()}`);
    });
  root
    .command('rotate')
    .description('a new key takes over; the old one says so, and is kept')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi evidence key rotate')
    .action(async (options: CommonOptions) => {
      const { fingerprint, rotations } = await rotateSigner(folder(options), new Date());
      if (options.json === true) printJson({ fingerprint, rotations: rotations.length });
      else print(`new key ${fingerprint}; bundles name all ${rotations.length} keys before it`);
    });
  return root;
}
