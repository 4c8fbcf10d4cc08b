/** A time-stamp authority (RFC 3161) of one's own: openssl behind HTTP. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestAuthority {
  readonly url: string;
  /** Its root certificate. */
  readonly trustFile: string;
  close(): void;
}

/** Whether openssl is on this machine. */
export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const CONFIG = (folder: string) => `
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
[stamp]
extendedKeyUsage = critical, timeStamping
keyUsage = critical, digitalSignature
[tsa]
default_tsa = tsa1
[tsa1]
serial = ${folder}/serial
crypto_device = builtin
signer_cert = ${folder}/tsa.pem
signer_key = ${folder}/tsa.key
certs = ${folder}/ca.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
`;

export async function startAuthority(): Promise<TestAuthority> {
  const folder = mkdtempSync(join(tmpdir(), 'utsushi-tsa-'));
  const openssl = (line: string, ...more: string[]) =>
    execFileSync('openssl', [...line.split(' '), ...more], { cwd: folder, stdio: 'pipe' });
  writeFileSync(join(folder, 'tsa.cnf'), CONFIG(folder));
  writeFileSync(join(folder, 'serial'), '01\n');
  const key = '-newkey rsa:2048 -nodes -config tsa.cnf';
  openssl(
    `req -x509 ${key} -keyout ca.key -out ca.pem -days 2 -extensions ca -subj`,
    '/O=Utsushi tests/CN=Test root',
  );
  openssl(`req ${key} -keyout tsa.key -out tsa.csr -subj`, '/CN=Test time-stamps');
  openssl(
    'x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 2 -extfile tsa.cnf -extensions stamp',
  );
  let queries = 0;
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const query = `query-${queries++}.tsq`;
    writeFileSync(join(folder, query), Buffer.concat(chunks));
    openssl(`ts -reply -config tsa.cnf -queryfile ${query} -out ${query}.tsr`);
    response
      .setHeader('content-type', 'application/timestamp-reply')
      .end(readFileSync(join(folder, `${query}.tsr`)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsa`,
    trustFile: join(folder, 'ca.pem'),
    close: () => {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
