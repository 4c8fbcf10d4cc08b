import type { FastifyInstance } from 'fastify';
import { markdown, percentile } from '../support/measure.ts';
import { ASSETS } from './fill.ts';

/**
 * How long the API takes to answer, without network and browser.
 *
 * @param rounds requests of each kind
 * @returns a Markdown table: median and 95th percentile in milliseconds, measured in front of the HTTP routes
 */
export async function apiTable(server: FastifyInstance, token: string, rounds: number): Promise<string> {
  const ask = async (url: string, payload?: object) => {
    const started = performance.now();
    const answer = await server.inject({
      method: payload === undefined ? 'GET' : 'POST',
      url: `/api${url}`,
      headers: { authorization: `Bearer ${token}` },
      ...(payload === undefined ? {} : { payload }),
    });
    const ms = performance.now() - started;
    if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode} ${answer.body}`);
    return { ms, body: answer.json<{ alerts: { id: string }[]; next: string | null }>() };
  };
  const some = (await ask('/alerts?state=open&limit=1000')).body.alerts;
  const nth = (i: number) => some[i % some.length]!.id;
  let cursor = (await ask('/alerts?limit=1000')).body.next;
  const kinds: [string, (i: number) => Promise<{ ms: number }>][] = [
    ['inbox, first page of 50 with counts', () => ask('/alerts?state=open,in-review&limit=50')],
    [
      'inbox, filtered by tier, kind and score',
      () => ask('/alerts?state=open&tier=high&kind=reproduction&minConfidence=0.6&sort=due&limit=50'),
    ],
    ['inbox, searched by part of a title', (i) => ask(`/alerts?q=Work ${i % ASSETS}&limit=50`)],
    [
      'inbox, page after page',
      async () => {
        const page = await ask(`/alerts?limit=50${cursor === null ? '' : `&after=${cursor}`}`);
        cursor = page.body.next;
        return page;
      },
    ],
    ['one alert in full', (i) => ask(`/alerts/${nth(i)}`)],
    [
      'a decision',
      (i) => ask(`/alerts/${nth(i)}/events`, { type: 'decide', decision: 'confirm', reason: 'bench' }),
    ],
    ['report of 30 days', () => ask('/reports/alerts')],
  ];
  const lines: string[][] = [];
  for (const [what, request] of kinds) {
    await request(0).catch(() => undefined);
    const times: number[] = [];
    for (let i = 1; i <= rounds; i++) times.push((await request(i)).ms);
    lines.push([what, percentile(times, 0.5).toFixed(1), percentile(times, 0.95).toFixed(1)]);
  }
  return markdown(['at the API', 'p50 ms', 'p95 ms'], lines);
}
