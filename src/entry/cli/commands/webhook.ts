import { Command, InvalidArgumentError, Option } from 'commander';
import type { App } from '../../../app.ts';
import { asUtsushiError } from '../../../errors.ts';
import {
  KINDS,
  type Kind,
  type NewWebhook,
  addWebhook,
  enableWebhook,
  listDead,
  listWebhooks,
  removeWebhook,
  replay,
  rotateSecret,
  sendTest,
} from '../../../features/delivery/index.ts';
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
import { table } from '../table.ts';

const HOUR_MS = 3_600_000;
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
const EXAMPLE_ID = '0192f0c1-5b7e-4c9c-9a0e-2f6c1f7b6d11';
const by = (app: App) => ({ actor: actor(), at: app.checks.clock() });

function id(text: string): string {
  if (!UUID.test(text)) throw new InvalidArgumentError('ids look like the ones `utsushi webhook list` shows');
  return text;
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
}

export function webhookCommand(): Command {
  const root = new Command('webhook')
    .description('tell other systems and people what happens to alerts and cases')
    .addHelpText(
      'after',
      '\nExamples:\n  utsushi webhook add https://hooks.example/utsushi --events "alert.*,case.*" --json\n  utsushi webhook add mailto:rights@example.jp --events alert.opened\n  utsushi webhook dead --json',
    );
  for (const command of [
    addCommand(),
    listCommand(),
    testCommand(),
    rotateCommand(),
    enableCommand(true),
    enableCommand(false),
    removeCommand(),
    deadCommand(),
    replayCommand(),
  ]) {
    root.addCommand(command.addOption(jsonOption()).addOption(dataDirOption()));
  }
  return root;
}

interface AddOptions extends CommonOptions {
  readonly events: string[];
  readonly kind?: Kind;
  readonly tier?: ('high' | 'standard')[];
  readonly digest?: boolean;
  readonly artwork?: boolean;
  readonly callbacks?: boolean;
  readonly lang: 'ja' | 'en';
}

function addCommand(): Command {
  return new Command('add')
    .description('add a webhook and print its secret, which is shown this once')
    .argument('<url>', 'where events are sent: http(s)://…, or mailto: with addresses')
    .option('--events <patterns>', 'event types, parted by commas; * stands for anything', list, ['*'])
    .addOption(new Option('--kind <kind>', 'what stands there (default: as the URL looks)').choices(KINDS))
    .addOption(
      new Option('--tier <tier...>', 'only events of works of these tiers').choices(['high', 'standard']),
    )
    .option('--digest', 'collect what is not of tier high (default for people: chat and mail)')
    .option('--no-digest', 'send everything at once')
    .option('--artwork', 'with a small picture of the output')
    .option('--callbacks', 'who holds the secret may report to cases (default for JSON)')
    .option('--no-callbacks', 'nobody reports with this secret')
    .addOption(
      new Option('--lang <language>', 'of messages to people')
        .choices(['ja', 'en'])
        .default(localLanguage(), 'that of your locale'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  utsushi webhook add https://hooks.example/utsushi --events "alert.*,case.*" --json',
    )
    .action((url: string, options: AddOptions) =>
      withApp(options, 'webhook', async (app) => {
        const { events, kind, tier, digest, artwork, callbacks, lang } = options;
        const wanted: NewWebhook = { url, events, kind, tiers: tier, digest, artwork, callbacks, lang };
        const { webhook, secret } = await addWebhook(app.webhooks, wanted, by(app));
        if (options.json === true) printJson({ ...webhook, secret });
        else {
          print(webhook.id);
          if (secret !== null) print(`Secret, shown this once: ${secret}`);
          say(`Try it: utsushi webhook test ${webhook.id}`);
        }
      }),
    );
}

function listCommand(): Command {
  return new Command('list')
    .description('list the webhooks, never their secrets')
    .addHelpText('after', '\nExample:\n  utsushi webhook list')
    .action((options: CommonOptions) =>
      withApp(options, 'webhook', async (app) => {
        const webhooks = await listWebhooks(app.db);
        if (options.json === true) for (const each of webhooks) printJson(each);
        else if (webhooks.length === 0) say('No webhooks. Add one: utsushi webhook add URL');
        else {
          print(
            table(
              ['ID', 'KIND', 'URL', 'EVENTS', 'STATE', 'WAITING', 'DEAD', 'LAST ERROR'],
              webhooks.map((each) => [
                each.id,
                each.kind,
                each.url,
                each.events.join(','),
                each.enabled ? 'enabled' : 'disabled',
                each.deliveries.pending,
                each.deliveries.dead,
                each.lastError ?? '–',
              ]),
            ),
          );
        }
      }),
    );
}

function testCommand(): Command {
  return new Command('test')
    .description('send a test now, and say whether it was taken')
    .argument('<id>', 'the webhook’s id', id)
    .addHelpText('after', `\nExample:\n  utsushi webhook test ${EXAMPLE_ID}\n\nExit: 0 taken, 3 not`)
    .action((webhookId: string, options: CommonOptions) =>
      withApp(options, 'webhook', async (app) => {
        try {
          const sent = await sendTest(app.delivery, webhookId, by(app));
          if (options.json === true) printJson({ webhookId, delivered: true, ...sent });
          else print('It was taken.');
        } catch (thrown) {
          const error = asUtsushiError(thrown);
          if (options.json !== true || error.code === 'not_found') throw error;
          printJson({ webhookId, delivered: false, error });
          process.exitCode = EXIT.failed;
        }
      }),
    );
}

function rotateCommand(): Command {
  return new Command('rotate')
    .description('make a new secret and print it; the one before stays valid for a while')
    .argument('<id>', 'the webhook’s id', id)
    .option('--overlap <hours>', 'for so long both are valid', wholeNumber(0, 720), 24)
    .addHelpText('after', `\nExample:\n  utsushi webhook rotate ${EXAMPLE_ID} --overlap 48`)
    .action((webhookId: string, options: CommonOptions & { overlap: number }) =>
      withApp(options, 'webhook', async (app) => {
        const overlapMs = options.overlap * HOUR_MS;
        const { webhook, secret } = await rotateSecret(app.webhooks, webhookId, overlapMs, by(app));
        if (options.json === true) printJson({ ...webhook, secret });
        else {
          print(`Secret, shown this once: ${secret}`);
          if (webhook.previousSecretUntil !== null)
            say(`The one before is valid until ${webhook.previousSecretUntil.toISOString()}.`);
        }
      }),
    );
}

function enableCommand(enabled: boolean): Command {
  const name = enabled ? 'enable' : 'disable';
  return new Command(name)
    .description(enabled ? 'let deliveries go on' : 'stop deliveries to a webhook: they wait')
    .argument('<id>', 'the webhook’s id', id)
    .addHelpText('after', `\nExample:\n  utsushi webhook ${name} ${EXAMPLE_ID}`)
    .action((webhookId: string, options: CommonOptions) =>
      withApp(options, 'webhook', async (app) => {
        const webhook = await enableWebhook(app.db, webhookId, enabled, by(app));
        if (options.json === true) printJson(webhook);
        else print(`${webhook.url} is ${name}d`);
      }),
    );
}

function removeCommand(): Command {
  return new Command('remove')
    .description('remove a webhook and what still waits for it')
    .argument('<id>', 'the webhook’s id', id)
    .addHelpText('after', `\nExample:\n  utsushi webhook remove ${EXAMPLE_ID}`)
    .action((webhookId: string, options: CommonOptions) =>
      withApp(options, 'webhook', async (app) => {
        await removeWebhook(app.db, webhookId, by(app));
        if (options.json === true) printJson({ id: webhookId, removed: true });
        else print(`${webhookId} is removed`);
      }),
    );
}

function deadCommand(): Command {
  return new Command('dead')
    .description('list deliveries that were given up after three days')
    .option('--webhook <id>', 'only of this webhook', id)
    .option('--limit <n>', 'at most this many', wholeNumber(1, 100_000), 100)
    .addHelpText('after', '\nExample:\n  utsushi webhook dead --json')
    .action((options: CommonOptions & { webhook?: string; limit: number }) =>
      withApp(options, 'webhook', async (app) => {
        const dead = await listDead(app.db, { webhookId: options.webhook, limit: options.limit });
        if (options.json === true) for (const each of dead) printJson(each);
        else if (dead.length === 0) say('No dead deliveries.');
        else {
          print(
            table(
              ['ID', 'URL', 'EVENT', 'SUBJECT', 'GIVEN UP', 'ATTEMPTS', 'LAST ERROR'],
              dead.map((each) => [
                each.id,
                each.url,
                each.type,
                each.subject,
                each.diedAt.toISOString(),
                each.attempts,
                each.lastError ?? '–',
              ]),
            ),
          );
        }
      }),
    );
}

function replayCommand(): Command {
  return new Command('replay')
    .description('try dead deliveries again, for another three days, under the same idempotency keys')
    .argument('[id]', 'one delivery, as `utsushi webhook dead` shows it', id)
    .option('--webhook <id>', 'all of this webhook', id)
    .option('--all', 'all there are')
    .addHelpText('after', `\nExample:\n  utsushi webhook replay --webhook ${EXAMPLE_ID}`)
    .action(
      (
        delivery: string | undefined,
        options: CommonOptions & { webhook?: string; all?: boolean },
        command: Command,
      ) => {
        const chosen = [delivery, options.webhook, options.all].filter((each) => each !== undefined);
        if (chosen.length !== 1) command.error('say one of: a delivery’s id, --webhook ID, --all');
        return withApp(options, 'webhook', async (app) => {
          const replayed = await replay(app.db, { id: delivery, webhookId: options.webhook }, by(app));
          if (options.json === true) printJson({ replayed });
          else print(`${replayed} to be tried again; workers of the queue \`delivery\` send them`);
        });
      },
    );
}
