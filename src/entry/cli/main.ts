import { Command, CommanderError } from 'commander';
import { type ErrorCode, asUtsushiError } from '../../errors.ts';
import { alertsCommand } from './commands/alerts.ts';
import { caseCommand } from './commands/case.ts';
import { catalogueCommand } from './commands/catalogue.ts';
import { checkCommand } from './commands/check.ts';
import { coverageCommand } from './commands/coverage.ts';
import { demoCommand } from './commands/demo.ts';
import { monitorCommand } from './commands/monitor.ts';
import { evidenceCommand } from './commands/evidence.ts';
import { operateCommands } from './commands/operate.ts';
import { tokenCommand, userCommand } from './commands/people.ts';
import { reviewCommands } from './commands/review.ts';
import { policyCommands } from './commands/policy.ts';
import { provenanceCommand } from './commands/provenance.ts';
import { takedownSettingsCommands } from './commands/takedown-settings.ts';
import { webhookCommand } from './commands/webhook.ts';
import { EXIT } from './context.ts';
import { say } from './output.ts';

const USAGE_CODES = new Set<ErrorCode>([
  'usage',
  'too_few_negatives',
  'invalid_config',
  'invalid_monitors',
  'data_dir_in_use',
]);

/** Runs the command line and sets the process's exit code. Never calls process.exit: what is open gets closed. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('utsushi')
    .description('Names outputs of generative AI that look like your works, for a person to decide.')
    .version('0.1.0')
    .addHelpText(
      'after',
      '\nExamples:\n  utsushi demo\n  utsushi catalogue import works/\n  utsushi check suspicious.png',
    );
  for (const command of [
    catalogueCommand(),
    checkCommand(),
    provenanceCommand(),
    ...policyCommands(),
    alertsCommand(),
    ...reviewCommands(),
    userCommand(),
    tokenCommand(),
    caseCommand(),
    evidenceCommand(),
    ...takedownSettingsCommands(),
    monitorCommand(),
    coverageCommand(),
    webhookCommand(),
    ...operateCommands(),
    demoCommand(),
  ]) {
    program.addCommand(command);
  }
  everyCommand(program, (command) => command.exitOverride().showHelpAfterError('(see --help)'));
  try {
    await program.parseAsync(argv as string[]);
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      // Help and version come this way too, with exit code 0.
      process.exitCode = thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
      return;
    }
    const error = asUtsushiError(thrown);
    say(`utsushi: ${error.code}: ${error.message}`);
    say(`  ${error.remedy}`);
    if (error.code === 'internal')
      say(String(error.cause instanceof Error ? error.cause.stack : error.stack));
    process.exitCode = USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failed;
  }
}

function everyCommand(command: Command, apply: (command: Command) => void): void {
  apply(command);
  for (const child of command.commands) everyCommand(child, apply);
}

// A reader who has seen enough (`utsushi … | head`) closes the pipe; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await main(process.argv);
