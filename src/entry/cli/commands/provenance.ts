import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { asUtsushiError } from '../../../errors.ts';
import { catalogueTerms } from '../../../features/catalogue/index.ts';
import { relianceTexts } from '../../../platform/provenance/index.ts';
import { type CommonOptions, EXIT, dataDirOption, jsonOption, withApp } from '../context.ts';
import { type Language, localLanguage, print, printJson } from '../output.ts';
import { provenanceLines } from '../provenance-lines.ts';

/** Said where nothing was found: absence is never evidence. */
const NOTHING_FOUND = {
  ja: '生成元を示す記録は見つかりませんでした(無いことは何の証拠にもなりません)。',
  en: 'No mark of a generator was found; that proves nothing.',
};

export function provenanceCommand(): Command {
  return new Command('provenance')
    .description('what a file’s bytes say about its generator, graded, and which works its prompt names')
    .argument('<file...>', 'picture files')
    .addOption(jsonOption())
    .addOption(
      new Option('--lang <language>', 'language of the sentences')
        .choices(['ja', 'en'])
        .default(localLanguage()),
    )
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExample:\n  utsushi provenance suspicious.png\n\nExit: 0 read, 2 usage, 3 some file could not be read',
    )
    .action(runProvenance);
}

async function runProvenance(files: string[], options: CommonOptions & { lang: Language }): Promise<void> {
  await withApp(options, 'provenance', async (app) => {
    const terms = await catalogueTerms(app.db);
    for (const target of files) {
      try {
        const provenance = await app.checks.compute.readProvenance({
          source: { path: target },
          limits: app.checks.limits,
        });
        const texts = [...relianceTexts(provenance), { where: 'file name', text: basename(target) }];
        const reliance = terms.match(texts);
        if (options.json === true) printJson({ target, ...provenance, reliance });
        else {
          const nothing = provenance.findings.length > 0 ? [] : [`  ${NOTHING_FOUND[options.lang]}`];
          print([target, ...nothing, ...provenanceLines(provenance, reliance, options.lang)].join('\n'));
        }
      } catch (thrown) {
        const error = asUtsushiError(thrown);
        if (options.json === true) printJson({ target, error: error.toJSON() });
        else print(`${target}\n  error  ${error.code}: ${error.message}`);
        process.exitCode = EXIT.failed;
      }
    }
  });
}
