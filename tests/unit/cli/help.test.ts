import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { buildProgram } from '../../../src/entry/cli/program.ts';

/** The help that a command prints. */
function helpOf(command: Command): string {
  let printed = '';
  command.configureOutput({ writeOut: (text) => (printed += text) }).outputHelp();
  return printed;
}

function withAllBelow(command: Command, path: string): [string, Command][] {
  return [
    [path, command],
    ...command.commands.flatMap((below) => withAllBelow(below, `${path} ${below.name()}`)),
  ];
}

test('every command has a help with an example of itself', async () => {
  const commands = withAllBelow(await buildProgram(undefined), 'utsushi');
  expect(commands.length).toBeGreaterThan(50);
  for (const [path, command] of commands) {
    expect([path, helpOf(command)]).toEqual([
      path,
      expect.stringMatching(new RegExp(`\\nExamples?:\\n(.*\\n)*? .*${path}\\b`)),
    ]);
  }
});

test('one command asked for is loaded without the others', async () => {
  const program = await buildProgram('check');
  expect(program.commands.map((command) => command.name())).toEqual(['check']);
  const all = await buildProgram('nonsense');
  expect(all.commands.map((command) => command.name())).toEqual(
    expect.arrayContaining(['catalogue', 'check', 'case', 'evidence', 'webhook', 'up', 'demo']),
  );
});
