import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { describe, expect, test } from 'vitest';
import { EVENTS, type EventType, messageSchema } from '../../../src/features/delivery/index.ts';

const FOLDER = fileURLToPath(new URL('../../../docs/events/', import.meta.url));
const TYPES = Object.keys(EVENTS) as EventType[];

describe('docs/events says what the code says (npx vitest run tests/unit/features/event-schemas.test.ts -u)', () => {
  test.each(TYPES)('%s', async (type) => {
    const text = await format(JSON.stringify(messageSchema(type)), { parser: 'json', printWidth: 110 });
    await expect(text).toMatchFileSnapshot(`${FOLDER}${type}.json`);
  });

  test('and of nothing else', async () => {
    expect((await readdir(FOLDER)).toSorted()).toEqual(TYPES.map((type) => `${type}.json`).toSorted());
  });
});
