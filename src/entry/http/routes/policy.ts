import { z } from 'zod';
import type { App } from '../../../app.ts';
import { currentPolicy } from '../../../features/checks/index.ts';
import type { ApiServer } from '../api.ts';

const tier = z.object({ minConfidence: z.number(), depth: z.enum(['standard', 'deep']) });

/** The thresholds in force. */
export function policyRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'GET',
    url: '/policy',
    schema: {
      summary: 'The policy in force: from which match score a work of each tier has candidates',
      response: { 200: z.object({ version: z.number(), tiers: z.object({ high: tier, standard: tier }) }) },
    },
    handler: async () => {
      const { version, tiers } = await currentPolicy(app.db);
      return { version, tiers };
    },
  });
}
