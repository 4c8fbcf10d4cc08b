/** A catalogue, an API over it, and hands to put outputs through the road and to review what comes of them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import type { App, AppOptions } from '../../src/app.ts';
import { buildServer } from '../../src/entry/http/server.ts';
import { importCatalogue, listImport } from '../../src/features/catalogue/index.ts';
import { checkSighting, openSighting } from '../../src/features/checks/index.ts';
import { type Role, addUser, createToken } from '../../src/features/people/index.ts';
import { type Installation, install } from './installation.ts';
import { artwork } from './pictures.ts';

export const TOKEN = 'a-token-only-for-this-test';

export interface SeenAt {
  readonly pageUrl?: string;
  readonly account?: string;
  readonly postedAt?: Date;
}

export class ReviewRoom {
  readonly installation: Installation;
  readonly app: App;
  readonly api: FastifyInstance;

  private constructor(installation: Installation, app: App, api: FastifyInstance) {
    this.installation = installation;
    this.app = app;
    this.api = api;
  }

  /** @param works seeds of artworks to watch for, in the order of their titles `work-0`, `work-1`, … */
  static async open(
    works: readonly number[],
    options: {
      readonly environment?: Record<string, string>;
      readonly app?: Partial<AppOptions>;
      readonly demo?: boolean;
      /** Further columns of the manifest for each work. */
      readonly describe?: (index: number) => Record<string, unknown>;
    } = {},
  ): Promise<ReviewRoom> {
    const installation = await install('postgres', options.environment);
    const app = await installation.open(options.app);
    const folder = join(installation.dataDir, 'works');
    await mkdir(folder);
    const rows: string[] = [];
    for (const [index, seed] of works.entries()) {
      await artwork(seed)
        .png()
        .toFile(join(folder, `work-${index}.png`));
      const row = {
        file: `work-${index}.png`,
        asset_id: `work-${index}`,
        title: `work-${index}`,
        tier: 'high',
        ...options.describe?.(index),
      };
      rows.push(JSON.stringify(row));
    }
    const manifest = join(folder, 'manifest.jsonl');
    await writeFile(manifest, rows.join('\n'));
    await importCatalogue(app.checks, await listImport(manifest, undefined), { tier: 'high', actor: 'test' });
    const api = await buildServer({
      app,
      apiToken: TOKEN,
      ...(options.demo === undefined ? {} : { demo: options.demo }),
    });
    await api.ready();
    return new ReviewRoom(installation, app, api);
  }

  async close(): Promise<void> {
    await this.api.close();
    await this.installation.close();
  }

  /** Adds a person and returns a token of theirs. */
  async person(name: string, role: Role): Promise<string> {
    const by = { actor: 'test', at: this.app.checks.clock() };
    const user = await addUser(this.app.db, { name, role }, by);
    return (await createToken(this.app.db, user, { name: 'test' }, by)).secret;
  }

  async ask(
    method: 'GET' | 'POST' | 'DELETE' | 'PUT',
    url: string,
    payload?: unknown,
    token: string = TOKEN,
  ): Promise<LightMyRequestResponse> {
    return this.api.inject({
      method,
      url: `/api${url}`,
      headers: { authorization: `Bearer ${token}` },
      ...(payload === undefined ? {} : { payload: payload as InjectOptions['payload'] & object }),
    });
  }

  /** The answer's body; fails on any status but 2xx. */
  async get<T>(url: string, token?: string): Promise<T> {
    return mustSucceed<T>(await this.ask('GET', url, undefined, token));
  }

  async post<T>(url: string, payload: unknown, token?: string): Promise<T> {
    return mustSucceed<T>(await this.ask('POST', url, payload, token));
  }

  /** Puts an output through the road as if it had been uploaded. @returns ids of its alerts, in the order of assets */
  async see(bytes: Buffer, at: SeenAt = {}): Promise<readonly string[]> {
    const { checks } = this.app;
    const id = await openSighting(
      checks.db,
      {
        acquisition: 'uploaded',
        acquiredBy: 'test',
        imageUrl: null,
        pageUrl: at.pageUrl ?? null,
        account: at.account ?? null,
        postedAt: at.postedAt ?? null,
      },
      checks.clock(),
    );
    await checks.spool.put(id, bytes);
    return (await checkSighting(checks, id, true))!.alertIds;
  }
}

function mustSucceed<T>(answer: LightMyRequestResponse): T {
  if (answer.statusCode >= 300) throw new Error(`${answer.statusCode}: ${answer.body}`);
  return answer.body === '' ? (undefined as T) : answer.json<T>();
}
