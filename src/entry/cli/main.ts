import { CommanderError } from 'commander';
import { type ErrorCode, asUtsushiError } from '../../errors.ts';
import { EXIT } from './context.ts';
import { say } from './output.ts';
import { buildProgram } from './program.ts';

const USAGE_CODES = new Set<ErrorCode>([
  'usage',
  'too_few_negatives',
  'invalid_config',
  'invalid_monitors',
  'data_dir_in_use',
]);

/** Runs the command line and sets the process's exit code. Never calls process.exit: what is open gets closed. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = await buildProgram(argv[2]);
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

// A reader who has seen enough (`utsushi … | head`) closes the pipe; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await main(process.argv);
