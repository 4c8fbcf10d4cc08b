/** A worker is killed while the receiver has the event and has not answered: another one delivers it again. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { addWebhook, emit } from '../../../src/features/delivery/index.ts';
import { BACKENDS, type Installation, eventually, install } from '../../support/installation.ts';
import { Processes, build } from '../../support/processes.ts';
import { Receiver } from '../../support/receiver.ts';
import { TIMEOUT } from '../../support/scene.ts';

describe.each(BACKENDS)('on %s', TIMEOUT, (backend) => {
  let installation: Installation;
  let app: App;
  let processes: Processes;
  let receiver: Receiver;
  beforeAll(async () => {
    await build();
    receiver = await Receiver.open();
    installation = await install(backend, {
      UTSUSHI_FETCH_ALLOWED_HOSTS: '127.0.0.1',
      UTSUSHI_FETCH_TIMEOUT_MS: '1500',
      UTSUSHI_JOB_LOCK_MS: '2000',
    });
    app = await installation.open();
    processes = new Processes(installation.env);
  });
  afterAll(async () => {
    await processes?.endAll();
    await receiver?.close();
    await installation?.close();
  });

  test('nothing is lost, order holds, the key stays', async () => {
    const at = new Date();
    await addWebhook(app.webhooks, { url: receiver.url }, { actor: 'test', at });
    const caseId = randomUUID();
    const outcomes = ['first', 'second', 'third'];
    for (const outcome of outcomes) {
      const data = { caseId, outcome, externalRef: null, actor: 'test' };
      await emit(app.db, [{ type: 'case.closed', subject: caseId, tier: 'high', at, data }]);
    }
    receiver.answer = () => 'never';
    const start = async () => {
      const worker = processes.start('worker', '--queue', 'delivery');
      await worker.says(/worker is up/);
      return worker;
    };
    const doomed = await start();
    await eventually('the receiver to have the first', async () => receiver.received.length > 0);
    await doomed.end('SIGKILL');
    const before = receiver.received.length;
    receiver.answer = () => 200;
    await start();
    await eventually('all three', async () => receiver.taken.length === 3);
    expect(receiver.taken.map(({ data }) => (data as { outcome: string }).outcome)).toEqual(outcomes);
    expect(receiver.received[before]!.headers['webhook-id']).toBe(
      receiver.received[0]!.headers['webhook-id'],
    );
  });
});
