import { Command, Option } from 'commander';
import { z } from 'zod';
import { UtsushiError } from '../../../errors.ts';
import {
  ROLES,
  type Role,
  addUser,
  changeUser,
  createToken,
  deleteToken,
  findUser,
  listTokens,
  listUsers,
  makeLink,
} from '../../../features/people/index.ts';
import type { App } from '../../../app.ts';
import { type CommonOptions, actor, dataDirOption, jsonOption, withApp } from '../context.ts';
import { print, printJson, say } from '../output.ts';
import { table } from '../table.ts';
import { servedAt } from '../served-at.ts';
import { signInUrl } from '../sign-in-url.ts';

const by = (app: App) => ({ actor: actor(), at: app.checks.clock() });
const roleOption = () => new Option('--role <role>', 'what the person may do').choices(ROLES);

export function userCommand(): Command {
  const user = new Command('user')
    .description('the people who review')
    .addHelpText('after', '\nExample:\n  utsushi user add hana --role reviewer');
  user
    .command('add')
    .description('add a person, and print the one-time link by which they first sign in')
    .argument('<name>', 'letters, digits, . _ @ + -; it never changes')
    .addOption(roleOption().makeOptionMandatory())
    .addOption(new Option('--locale <language>', 'language of the console').choices(['ja', 'en']))
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi user add hana --role reviewer')
    .action((name: string, options: CommonOptions & { role: Role; locale?: 'ja' | 'en' }) =>
      withApp(options, 'user', async (app) => {
        const added = await addUser(app.db, { name, role: options.role, locale: options.locale }, by(app));
        await printLink(app, added, options);
      }),
    );
  user
    .command('link')
    .description('print a new one-time sign-in link; earlier ones stop working')
    .argument('<name>', 'the user’s name')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi user link hana')
    .action((name: string, options: CommonOptions) =>
      withApp(options, 'user', async (app) => printLink(app, await findUser(app.db, { name }), options)),
    );
  user
    .command('change')
    .description('change what a person may do')
    .argument('<name>', 'the user’s name')
    .addOption(roleOption())
    .option('--disable', 'the person can no longer sign in; what they did stays theirs')
    .option('--enable', 'the person can sign in again')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi user change hana --role approver')
    .action((name: string, options: CommonOptions & { role?: Role; disable?: boolean; enable?: boolean }) =>
      withApp(options, 'user', async (app) => {
        const { id } = await findUser(app.db, { name });
        const enabled = options.disable === true ? false : options.enable;
        const changed = await changeUser(app.db, id, { role: options.role, enabled }, by(app));
        if (options.json === true) printJson(changed);
        else print(`${changed.name}: ${changed.role}${changed.enabled ? '' : ', disabled'}`);
      }),
    );
  user
    .command('list')
    .description('list the users')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi user list')
    .action((options: CommonOptions) =>
      withApp(options, 'user', async (app) => {
        const users = await listUsers(app.db);
        if (options.json === true) for (const each of users) printJson(each);
        else if (users.length === 0) say('No users. Add one: utsushi user add NAME --role reviewer');
        else {
          print(
            table(
              ['NAME', 'ROLE', 'STATE', 'SIGN-IN', 'LAST SEEN'],
              users.map((each) => [
                each.name,
                each.role,
                each.enabled ? 'enabled' : 'disabled',
                each.signIn,
                each.lastSignInAt?.toISOString() ?? '–',
              ]),
            ),
          );
        }
      }),
    );
  return user;
}

async function printLink(
  app: App,
  user: { readonly id: string; readonly name: string; readonly role: string },
  options: CommonOptions,
): Promise<void> {
  const { secret, expiresAt } = await makeLink(app.db, user.id, by(app));
  const url = signInUrl(app.config, secret, await servedAt(app.config.dataDir));
  if (options.json === true) {
    printJson({ id: user.id, name: user.name, role: user.role, link: { url, token: secret, expiresAt } });
    return;
  }
  print(`${user.name} (${user.role})`);
  print(`Sign in once, until ${expiresAt.toISOString()}: ${url}`);
}

export function tokenCommand(): Command {
  const token = new Command('token')
    .description('keys to the API; a token may do what its user may')
    .addHelpText('after', '\nExample:\n  utsushi token create --user hana');
  token
    .command('create')
    .description('make a token and print it; it is shown this once')
    .requiredOption('--user <name>', 'whose it is')
    .option('--name <text>', 'what it is for', 'command line')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi token create --user hana --name "nightly export"')
    .action((options: CommonOptions & { user: string; name: string }) =>
      withApp(options, 'token', async (app) => {
        const owner = await findUser(app.db, { name: options.user });
        const made = await createToken(app.db, owner, { name: options.name }, by(app));
        if (options.json === true) printJson({ ...made.token, secret: made.secret });
        else print(made.secret);
      }),
    );
  token
    .command('list')
    .description('list the tokens, never their secrets')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi token list')
    .action((options: CommonOptions) =>
      withApp(options, 'token', async (app) => {
        const tokens = await listTokens(app.db);
        if (options.json === true) for (const each of tokens) printJson(each);
        else if (tokens.length === 0) say('No tokens. Make one: utsushi token create --user NAME');
        else {
          print(
            table(
              ['ID', 'USER', 'NAME', 'MADE', 'LAST USED'],
              tokens.map((each) => [
                each.id,
                each.user,
                each.name,
                each.createdAt.toISOString(),
                each.lastUsedAt?.toISOString() ?? '–',
              ]),
            ),
          );
        }
      }),
    );
  token
    .command('delete')
    .description('delete a token: it stops working at once')
    .argument('<id>', 'the token’s id')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  utsushi token delete 0192f0c1-5b7e-4c9c-9a0e-2f6c1f7b6d11')
    .action((id: string, options: CommonOptions) =>
      withApp(options, 'token', async (app) => {
        if (!z.uuid().safeParse(id).success) throw new UtsushiError('not_found', `no token has the id ${id}`);
        await deleteToken(app.db, id, undefined, by(app));
        if (options.json === true) printJson({ id, deleted: true });
        else print(`${id} no longer works`);
      }),
    );
  return token;
}
