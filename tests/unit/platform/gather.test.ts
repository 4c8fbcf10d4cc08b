import { expect, test } from 'vitest';
import { gather } from '../../../src/platform/storage/gather.ts';

const GATHERING = { lingerMs: 5, enough: () => 3 };

test('what comes together is asked together, in order, and each hears its own answer', async () => {
  const asked: number[][] = [];
  const ask = gather(
    async (questions: readonly number[]) => {
      asked.push([...questions]);
      return questions.map((question) => question * 10);
    },
    { lingerMs: 5, enough: () => 100 },
  );
  expect(await Promise.all([ask(1), ask(2), ask(3)])).toEqual([10, 20, 30]);
  expect(await ask(4)).toBe(40);
  expect(asked).toEqual([[1, 2, 3], [4]]);
});

test('when there are enough they do not wait', async () => {
  const asked: number[] = [];
  const ask = gather(
    async (questions: readonly number[]) => {
      asked.push(questions.length);
      return questions;
    },
    { lingerMs: 60_000, enough: () => 3 },
  );
  expect(await Promise.all([1, 2, 3, 4, 5, 6].map((question) => ask(question)))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(asked).toEqual([3, 3]);
});

test('a round under way does not hold up the next', async () => {
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const ask = gather(async (questions: readonly string[]) => {
    if (questions.includes('slow')) await held;
    return questions;
  }, GATHERING);
  const slow = ask('slow');
  const atWork = await Promise.race([slow, new Promise((resolve) => setTimeout(resolve, 30, 'at work'))]);
  expect(atWork).toBe('at work');
  expect(await ask('quick')).toBe('quick');
  letGo();
  expect(await slow).toBe('slow');
});

test('what fails together is asked alone, so that one failure is not that of its neighbours', async () => {
  const asked: number[][] = [];
  const ask = gather(async (questions: readonly number[]) => {
    asked.push([...questions]);
    if (questions.includes(2)) throw new Error('not this one');
    return questions;
  }, GATHERING);
  expect(await Promise.allSettled([ask(1), ask(2), ask(3)])).toEqual([
    { status: 'fulfilled', value: 1 },
    { status: 'rejected', reason: new Error('not this one') },
    { status: 'fulfilled', value: 3 },
  ]);
  expect(asked).toEqual([[1, 2, 3], [1], [2], [3]]);
});
