import { readFile, writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { UtsushiError } from '../../../errors.ts';
import {
  FORMATS,
  FORMS,
  FORM_RULES,
  type Form,
  type Format,
  listTemplates,
  previewTemplate,
  readProfile,
  templateSource,
  writeProfile,
  writeTemplate,
} from '../../../features/takedown/index.ts';
import { type CommonOptions, actor, dataDirOption, jsonOption, withApp } from '../context.ts';
import { print, printJson, say } from '../output.ts';
import { table } from '../table.ts';

/** What notices are made of: who claims (`profile`), and the texts (`template`). */
export function takedownSettingsCommands(): Command[] {
  return [profileCommand(), templateCommand()];
}

function profileCommand(): Command {
  const profile = new Command('profile')
    .description('who makes the claims: name, address, contact, signatory; recipients and terms of your own')
    .addHelpText('after', '\nExample:\n  utsushi profile set profile.yml');
  profile
    .command('set')
    .description('put a profile in force, whole')
    .argument('<file>', 'YAML file (see docs/takedown.md)')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi profile set profile.yml')
    .action(async (file: string, options: CommonOptions) => {
      const source = await readText(file);
      await withApp(options, 'profile', async (app) => {
        const set = await writeProfile(app.db, source, { actor: actor(), at: app.checks.clock() });
        if (options.json === true) printJson(set);
        else say('The profile is in force.');
      });
    });
  profile
    .command('show')
    .description('show the profile in force, as JSON')
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi profile show')
    .action((options: CommonOptions) =>
      withApp(options, 'profile', async (app) => print(JSON.stringify(await readProfile(app.db), null, 2))),
    );
  return profile;
}

interface TemplateOptions extends CommonOptions {
  readonly form: Form;
  readonly lang?: 'ja' | 'en';
}

function templateCommand(): Command {
  const template = new Command('template')
    .description('the texts of notices: versioned, yours to edit; legal review is yours too')
    .addHelpText(
      'after',
      '\nExamples:\n  utsushi template show --form dmca > dmca.yml\n  utsushi template preview dmca.yml --format pdf --out preview.pdf\n  utsushi template put dmca.yml',
    );
  const form = () => new Option('--form <form>', 'form of notice').choices(FORMS).makeOptionMandatory();
  const lang = () => new Option('--lang <language>', 'where the form has both').choices(['ja', 'en']);
  template
    .command('list')
    .description('list the templates in force')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi template list')
    .action((options: CommonOptions) =>
      withApp(options, 'template', async (app) => {
        const templates = await listTemplates(app.db);
        if (options.json === true) for (const each of templates) printJson(each);
        else
          print(
            table(
              ['FORM', 'LANG', 'VERSION', 'DATE', 'SOURCE', 'LACKS'],
              templates.map((each) => [
                each.form,
                each.lang,
                each.version,
                each.date,
                each.source,
                each.lacks.join(', ') || '–',
              ]),
            ),
          );
      }),
    );
  template
    .command('show')
    .description('print a template’s YAML, to edit')
    .addOption(form())
    .addOption(lang())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi template show --form ja-a > ja-a.yml')
    .action((options: TemplateOptions) =>
      withApp(options, 'template', async (app) => {
        const { source } = await templateSource(app.db, options.form, langOf(options));
        print(source.trimEnd());
      }),
    );
  template
    .command('put')
    .description('put a template of yours in force; earlier ones are kept')
    .argument('<file>', 'YAML file, as `template show` prints it')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi template put ja-a.yml')
    .action(async (file: string, options: CommonOptions) => {
      const source = await readText(file);
      await withApp(options, 'template', async (app) => {
        const info = await writeTemplate(app.db, source, { actor: actor(), at: app.checks.clock() });
        if (info.lacks.length > 0)
          say(`Notices will be refused: no part of it states ${info.lacks.join(', ')}.`);
        if (options.json === true) printJson(info);
        else say(`${info.form} ${info.lang} ${info.version} is in force. Legal review of it is yours.`);
      });
    });
  template
    .command('preview')
    .description('fill a template with a made-up case')
    .argument('[file]', 'YAML file that is not in force yet; else the template in force')
    .addOption(new Option('--form <form>', 'form of notice, without a file').choices(FORMS))
    .addOption(lang())
    .addOption(new Option('--format <format>', 'file format').choices(FORMATS).default('text'))
    .option('--out <file>', 'write it to this file instead of standard output')
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi template preview --form ja-a --format pdf --out preview.pdf')
    .action(
      async (
        file: string | undefined,
        options: Partial<TemplateOptions> & { format: Format; out?: string },
      ) => {
        if ((file === undefined) === (options.form === undefined))
          throw new UtsushiError('usage', 'give a file or --form');
        const own = file === undefined ? undefined : await readText(file);
        await withApp(options, 'template', async (app) => {
          const source =
            own ??
            (await templateSource(app.db, options.form!, langOf({ form: options.form!, ...options }))).source;
          const bytes = await previewTemplate(source, options.format, app.checks.clock());
          if (options.out === undefined) process.stdout.write(bytes);
          else await writeFile(options.out, bytes);
        });
      },
    );
  return template;
}

const langOf = ({ form, lang }: { form: Form; lang?: 'ja' | 'en' }) => lang ?? FORM_RULES[form].languages[0]!;

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: Error) => {
    throw new UtsushiError('usage', `cannot read ${file}: ${cause.message}`, { cause });
  });
}
