/** A certificate for `localhost` that nobody trusts by itself. Made by openssl; undefined where there is none. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Certificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

const REQUEST = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=inside';

export const NO_OPENSSL = 'there is no openssl here to make a certificate with';

export async function makeCertificate(): Promise<Certificate | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'utsushi-ca-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const names = ['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert];
    await promisify(execFile)('openssl', [...REQUEST.split(' '), ...names]);
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  } catch {
    return undefined;
  } finally {
    await rm(folder, { recursive: true });
  }
}
