/**
 * The linter from the command line: a complete case is written in every form, and what it lacks is named, that and
 * nothing else, with exit code 3. UTSUSHI_TEST_FULL=1 takes every element of every form, else each element once.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import {
  FORMS,
  FORM_RULES,
  type Form,
  openCase,
  writeProfile,
} from '../../../src/features/takedown/index.ts';
import { CommandLine, buildCommand } from '../../support/command.ts';
import { CLAIMANT, addConfirmed, addWork } from '../../support/confirmed.ts';
import { REMOVALS, dropFromTemplate, restoreTemplates, statedElements } from '../../support/incomplete.ts';
import { type Installation, install } from '../../support/installation.ts';
import { FULL, TIMEOUT } from '../../support/scene.ts';

const BY = { actor: 'reviewer', at: new Date() };
const WRITTEN = FORMS.flatMap((form) => FORM_RULES[form].languages.map((lang) => ({ form, lang })));
type Written = (typeof WRITTEN)[number];

let installation: Installation;
let app: App;
let utsushi: CommandLine;
beforeAll(async () => {
  await buildCommand();
  installation = await install('postgres');
  app = await installation.open();
  utsushi = new CommandLine(installation.env);
  await addWork(app);
  await writeProfile(app.db, JSON.stringify(CLAIMANT), BY);
});
afterAll(() => installation.close());
beforeEach(() => restoreTemplates(app));

async function completeCase(pageUrl: string | null = 'https://x.com/someone/status/1'): Promise<string> {
  return (await openCase(app.db, [await addConfirmed(app, { pageUrl })], BY)).id;
}

interface Refusal {
  readonly missing: string[];
  readonly details: { readonly element: string; readonly remedy: string }[];
}

/** What the command says that the case lacks; nothing when it wrote the notice. */
async function refusal(id: string, { form, lang }: Written): Promise<readonly string[]> {
  const ran = await utsushi.run('case', 'notice', id, '--form', form, '--lang', lang, '--format', 'text');
  if (ran.code === 0) {
    expect(ran.stdout.length).toBeGreaterThan(200);
    return [];
  }
  const { missing, details } = ran.json<Refusal>()[0]!;
  expect(ran.code).toBe(3);
  expect(details.map(({ element }) => element)).toEqual(missing);
  for (const { element, remedy } of details) {
    expect(ran.stderr).toContain(`${element}: `);
    expect(ran.stderr).toContain(remedy);
  }
  return missing;
}

/** Forms that demand an element: all of them, or one, another for each. */
let turn = 0;
function formsWith(element: string, spared?: Form): Written[] {
  const all = WRITTEN.filter(
    ({ form }) => form !== spared && (FORM_RULES[form].elements as readonly string[]).includes(element),
  );
  return FULL ? all : [all[turn++ % all.length]!];
}

test.each(WRITTEN)('a complete case in $form ($lang) exits 0', TIMEOUT, async (written) => {
  expect(await refusal(await completeCase(), written)).toEqual([]);
});

test.each(REMOVALS)(
  'without its content, exit 3 names $element alone',
  TIMEOUT,
  async ({ element, remove, spared }) => {
    const id = await completeCase();
    const restore = await remove(app, id);
    try {
      for (const written of formsWith(element, spared))
        expect({ written, missing: await refusal(id, written) }).toEqual({ written, missing: [element] });
    } finally {
      await restore();
    }
  },
);

test('without an exact address, exit 3 names material-url alone', TIMEOUT, async () => {
  const id = await completeCase('https://x.com/');
  for (const written of formsWith('material-url'))
    expect({ written, missing: await refusal(id, written) }).toEqual({ written, missing: ['material-url'] });
});

// Elsewhere each is taken from the template without a process of its own.
const removable = new Set(REMOVALS.map(({ element }) => element));
const STATED = [...new Set(FORMS.flatMap(statedElements))].filter(
  (element) => FULL || !removable.has(element),
);
test.each(STATED)(
  'with a template that does not state it, exit 3 names %s alone',
  TIMEOUT,
  async (element) => {
    const id = await completeCase();
    for (const written of formsWith(element)) {
      await dropFromTemplate(app, written, element);
      expect({ written, missing: await refusal(id, written) }).toEqual({ written, missing: [element] });
    }
  },
);
