/** The OpenAPI document says what every route answers: whoever writes a program beside the console needs no guessing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ReviewRoom } from '../../support/review.ts';

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>
  >;
}

let room: ReviewRoom;
let operations: { readonly name: string; readonly operation: Operation }[];
beforeAll(async () => {
  room = await ReviewRoom.open([0]);
  const answer = await room.api.inject({ url: '/openapi.json' });
  const { paths } = answer.json<{ paths: Record<string, Record<string, Operation>> }>();
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  );
});
afterAll(() => room?.close());

/** Sent bit by bit, for as long as somebody listens; or answered with a redirection. */
const NO_BODY = ['GET /api/live', 'GET /api/session/oidc', 'GET /api/session/oidc/callback'];

test('every route says what it answers, and none that it may be anything', () => {
  expect(operations.length).toBeGreaterThan(60);
  const vague = operations.flatMap(({ name, operation }) =>
    Object.entries(operation.responses)
      .filter(([status]) => status.startsWith('2') && status !== '204')
      .filter(([, { content }]) => {
        const schemas = Object.values(content ?? {}).map(({ schema }) => schema ?? {});
        return schemas.length === 0 || schemas.some((schema) => Object.keys(schema).length === 0);
      })
      .map(([status]) => `${name} ${status}`),
  );
  expect(vague.filter((each) => !NO_BODY.includes(each.replace(/ 200$/, '')))).toEqual([]);
});

test('an alert’s match and provenance are described down to their figures', () => {
  const { operation } = operations.find(({ name }) => name === 'GET /api/alerts/{id}')!;
  const text = JSON.stringify(operation.responses['200']);
  for (const name of ['inliers', 'quad', 'correspondences', 'hashDistance', 'negativePrompt', 'loras'])
    expect(text).toContain(`"${name}"`);
});
