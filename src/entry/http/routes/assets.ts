import { z } from 'zod';
import type { App } from '../../../app.ts';
import { listAssets, showAsset } from '../../../features/catalogue/index.ts';
import { checkBytes, currentPolicy } from '../../../features/checks/index.ts';
import { type ApiServer, date, limit } from '../api.ts';
import { readUpload } from '../upload.ts';

const tier = z.enum(['high', 'standard']);
const summary = z.object({
  id: z.string(),
  title: z.string(),
  series: z.string().nullable(),
  tier,
  enabled: z.boolean(),
  references: z.number(),
  firstReferenceId: z.string().nullable(),
});
const texts = z.array(z.string());
const detail = z.object({
  asset: z.object({
    id: z.string(),
    title: z.string(),
    series: z.string().nullable(),
    aliases: texts,
    characters: texts,
    tags: texts,
    author: z.string().nullable(),
    rights_holder: z.string().nullable(),
    claim: z.record(z.string(), z.string().nullable()),
    human_authorship: z.string().nullable(),
    tier,
    published: z.string().nullable(),
    enabled: z.boolean(),
    created_at: date,
  }),
  references: z
    .array(
      z.object({
        id: z.string(),
        asset_id: z.string(),
        sha256: z.string(),
        file: z.string(),
        format: z.string(),
        width: z.number(),
        height: z.number(),
        changed_version: z.number(),
      }),
    )
    .readonly(),
  licences: z
    .array(
      z.object({
        id: z.number(),
        asset_id: z.string(),
        licensee: z.string(),
        accounts: texts,
        domains: texts,
        valid_from: z.string().nullable(),
        valid_until: z.string().nullable(),
        territory: texts,
      }),
    )
    .readonly(),
});

/** How many works a search by picture names, however weak the likeness. */
const NEAREST = 20;

/** The catalogue. */
export function assetRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'GET',
    url: '/assets',
    schema: {
      summary: 'Assets by id; q finds part of a title, series, alias, character, author or id',
      querystring: z.object({
        limit,
        after: z.string().optional(),
        q: z.string().max(200).optional(),
        tier: tier.optional(),
      }),
      response: { 200: z.object({ assets: z.array(summary), next: z.string().nullable() }) },
    },
    handler: async ({ query }) => {
      const assets = await listAssets(app.db, query);
      return { assets, next: assets.length === query.limit ? assets.at(-1)!.id : null };
    },
  });
  server.route({
    method: 'POST',
    url: '/assets/search',
    config: { role: 'viewer' },
    schema: {
      summary: 'Works that a picture resembles (multipart, field `file`), best first; nothing is recorded',
      consumes: ['multipart/form-data'],
      response: {
        200: z.object({
          assets: z.array(
            summary.extend({
              match: z.object({
                referenceId: z.string(),
                confidence: z.number(),
                kind: z.enum(['reproduction', 'adaptation']),
              }),
            }),
          ),
        }),
      },
    },
    handler: async (request) => {
      const { bytes, name } = await readUpload(request);
      const { matches } = await checkBytes(app.checks, name, bytes, {
        policy: await currentPolicy(app.db),
        question: { minConfidence: 0, top: NEAREST },
      });
      const ids = matches.map(({ assetId }) => assetId);
      const known = new Map(
        (ids.length === 0 ? [] : await listAssets(app.db, { ids, limit: NEAREST })).map((asset) => [
          asset.id,
          asset,
        ]),
      );
      return {
        assets: matches.flatMap(({ assetId, referenceId, confidence, kind }) => {
          const asset = known.get(assetId);
          return asset === undefined ? [] : [{ ...asset, match: { referenceId, confidence, kind } }];
        }),
      };
    },
  });
  server.route({
    method: 'GET',
    url: '/assets/:id',
    schema: {
      summary: 'One asset with its reference images and licences',
      params: z.object({ id: z.string() }),
      response: { 200: detail },
    },
    handler: ({ params }) => showAsset(app.db, params.id),
  });
}
