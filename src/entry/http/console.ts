import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import helmet from '@fastify/helmet';
import serveStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** The bundled console, wherever this file was compiled to; undefined when it was not built. */
function findConsole(): string | undefined {
  for (let at = dirname(fileURLToPath(import.meta.url)); dirname(at) !== at; at = dirname(at)) {
    const found = [join(at, 'console'), join(at, 'dist', 'console')].find((candidate) =>
      existsSync(join(candidate, 'static')),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What the server's own paths begin with: no page of the console lives there. */
const NOT_PAGES = /^\/(?:api|openapi\.json|healthz|readyz|metrics|static)(?:[/?]|$)/;

/**
 * The console: its files below /static, and its one page at every other path, because the page reads the path itself.
 * Nothing is loaded from elsewhere, and no script or style runs that was not built in.
 */
export async function consoleRoutes(server: FastifyInstance): Promise<void> {
  const home = findConsole();
  const page = home === undefined ? undefined : await readFile(join(home, 'index.html'), 'utf8');
  await server.register(helmet, {
    enableCSPNonces: true,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'blob:', 'data:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // Whoever ends TLS before this server decides on it for the whole host.
    strictTransportSecurity: false,
  });
  if (home !== undefined) {
    await server.register(serveStatic, {
      root: join(home, 'static'),
      prefix: '/static/',
      // Compressed once, when the console is built: see its vite.config.ts.
      preCompressed: true,
      // Their names change with their content.
      maxAge: '1y',
      immutable: true,
    });
  }
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    if (NOT_PAGES.test(request.url) || request.headers.accept?.includes('text/html') !== true) {
      return reply.callNotFound();
    }
    if (page === undefined) {
      return reply
        .code(503)
        .type('text/plain; charset=utf-8')
        .send('The console is not built. Run: npm run build\n');
    }
    return reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-cache')
      .send(page.replace('__STYLE_NONCE__', reply.cspNonce.style));
  };
  for (const url of ['/', '/*']) server.get(url, { schema: { hide: true } }, answer);
}
