import { Command } from 'commander';

/** Where each command lives, in the order of the help. Loading them all takes longer than most of them run. */
const COMMANDS: readonly (readonly [names: string, load: () => Promise<Command[]>])[] = [
  ['catalogue', async () => [(await import('./commands/catalogue.ts')).catalogueCommand()]],
  ['check', async () => [(await import('./commands/check.ts')).checkCommand()]],
  ['provenance', async () => [(await import('./commands/provenance.ts')).provenanceCommand()]],
  ['policy calibrate', async () => (await import('./commands/policy.ts')).policyCommands()],
  ['alerts', async () => [(await import('./commands/alerts.ts')).alertsCommand()]],
  ['rules watch reports', async () => (await import('./commands/review.ts')).reviewCommands()],
  [
    'user token',
    async () => {
      const { tokenCommand, userCommand } = await import('./commands/people.ts');
      return [userCommand(), tokenCommand()];
    },
  ],
  ['case', async () => [(await import('./commands/case.ts')).caseCommand()]],
  ['evidence', async () => [(await import('./commands/evidence.ts')).evidenceCommand()]],
  [
    'profile template',
    async () => (await import('./commands/takedown-settings.ts')).takedownSettingsCommands(),
  ],
  ['monitor', async () => [(await import('./commands/monitor.ts')).monitorCommand()]],
  ['coverage', async () => [(await import('./commands/coverage.ts')).coverageCommand()]],
  ['webhook', async () => [(await import('./commands/webhook.ts')).webhookCommand()]],
  ['up worker migrate doctor audit', async () => (await import('./commands/operate.ts')).operateCommands()],
  ['demo', async () => [(await import('./commands/demo.ts')).demoCommand()]],
];

/** The command asked for; all of them for whoever asks for help, or for something that is not there. */
function wanted(name: string | undefined): (() => Promise<Command[]>)[] {
  const found = COMMANDS.filter(([names]) => name !== undefined && names.split(' ').includes(name));
  return (found.length > 0 ? found : COMMANDS).map(([, load]) => load);
}

/**
 * The command line with the command of this name, or with all of them where there is none. Nothing in it ends the
 * process.
 */
export async function buildProgram(name: string | undefined): Promise<Command> {
  const program = new Command('utsushi')
    .description('Names outputs of generative AI that look like your works, for a person to decide.')
    .version('0.1.0')
    .addHelpText(
      'after',
      '\nExamples:\n  utsushi demo\n  utsushi catalogue import works/\n  utsushi check suspicious.png',
    );
  for (const load of wanted(name)) {
    for (const command of await load()) program.addCommand(command);
  }
  everyCommand(program, (command) => command.exitOverride().showHelpAfterError('(see --help)'));
  return program;
}

function everyCommand(command: Command, apply: (command: Command) => void): void {
  apply(command);
  for (const child of command.commands) everyCommand(child, apply);
}
