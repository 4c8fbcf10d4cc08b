/** The console as a reviewer uses it: a real browser, a real server, the fixtures' alerts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NO_BROWSER, findBrowser, launchBrowser } from '../support/browser.ts';
import { Observer } from '../support/observer.ts';
import { artwork } from '../support/pictures.ts';
import { Processes, mustSucceed } from '../support/processes.ts';
import { Receiver, isSignedWith } from '../support/receiver.ts';
import { type ConsoleUnderTest, OUTPUTS, startConsole } from '../support/console.ts';

const PASSWORD = 'correct horse battery';
const found = findBrowser();
if (found === undefined) console.warn(`tests/browser is skipped: ${NO_BROWSER}`);

describe.skipIf(found === undefined)('the console', () => {
  let server: ConsoleUnderTest;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    [server, browser] = await Promise.all([
      startConsole((files) => files.filter((_, at) => at % 3 === 0)),
      launchBrowser(),
    ]);
    context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'ja-JP' });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // The browser's own words about answers of 4xx are no fault of the page.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        complaints.push(message.text());
    });
  });
  // What one test kept from the page must not reach the next.
  afterEach(() => page.unrouteAll());
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const open = async (path: string) => {
    await page.goto(`${server.url}${path}`);
    await page.locator('main, form').first().waitFor();
  };
  /** Goes there as a link does, without loading the application anew, and waits until all that it asks for has come. */
  const show = async (path: string) => {
    await page.evaluate((to) => history.pushState(null, '', to), path);
    await page.waitForFunction(
      (to) =>
        location.pathname === to &&
        document.querySelector('main') !== null &&
        document.querySelector('.mantine-Loader-root, .mantine-Skeleton-root') === null,
      path,
    );
    // Answers that are drawn by then must be so in a painted frame, where colours are what people see.
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
  };
  const total = async () => Number((await page.getByTestId('total').textContent())!.replaceAll(/\D/g, ''));
  const decisionOf = async (id: string) =>
    (await (await page.request.get(`${server.url}/api/alerts/${id}`)).json()) as {
      state: string;
      decision: string | null;
      events: { actor: string; event: { type: string; reason: string | null } }[];
    };

  it('shows nothing without sign-in, and loads nothing from elsewhere', async () => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await open('/');
    await page.getByRole('button', { name: 'サインイン' }).waitFor();
    const answer = await page.request.get(`${server.url}/`, { headers: { accept: 'text/html' } });
    expect(answer.headers()['content-security-policy']).toContain("default-src 'none'");
    expect(asked.filter((url) => !url.startsWith(server.url))).toEqual([]);
    expect((await page.request.get(`${server.url}/api/alerts`)).status()).toBe(401);
  });

  it('lets the first admin in by the one-time link, once', async () => {
    await page.goto(server.link);
    await page.getByLabel('新しいパスワード（12文字以上）').fill(PASSWORD);
    await page.getByLabel('新しいパスワード（確認）').fill(PASSWORD);
    await page.getByRole('button', { name: '設定してはじめる' }).click();
    await page.getByRole('heading', { name: '受信箱' }).waitFor();
    const again = await browser.newContext();
    const second = await again.newPage();
    const used = await second.request.post(`${server.url}/api/session/link`, {
      data: { token: server.link.split('/').at(-1), password: PASSWORD },
      headers: { origin: server.url },
    });
    expect(used.status()).toBe(401);
    await again.close();
  });

  it('lets in whom the command line adds, by a link to where the console is', async () => {
    const added = await server.processes.run('user', 'add', 'hana', '--role', 'reviewer', '--json');
    mustSucceed(added);
    const { link } = JSON.parse(added.stdout) as { link: { url: string } };
    const elsewhere = await browser.newContext({ locale: 'ja-JP' });
    const hers = await elsewhere.newPage();
    await hers.goto(link.url);
    await hers.getByLabel('新しいパスワード（12文字以上）').waitFor();
    expect(hers.url()).toContain(server.url);
    await elsewhere.close();
  });

  it('decides a cluster at once', async () => {
    await open('/');
    const chip = page.getByRole('button', { name: /近似 ([4-9]|\d\d) 件/ }).first();
    const all = await total();
    await chip.click();
    // The whole list stays until the cluster's has come.
    await expect.poll(total).toBeLessThan(all);
    await page.getByRole('button', { name: 'すべて選択' }).waitFor();
    const size = await total();
    expect(size).toBeGreaterThanOrEqual(4);
    await page.getByRole('button', { name: 'すべて選択' }).click();
    await page.keyboard.press('4');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText(`${size} 件を「容認」としました`).waitFor();
  });

  it('triages 20 alerts by the keyboard alone', async () => {
    await open('/');
    const before = await total();
    expect(before).toBeGreaterThanOrEqual(20);
    await page.locator('[data-alert]').first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByTestId('workbench').waitFor();
    const decided: string[] = [];
    for (let i = 0; i < 20; i++) {
      const id = page.url().split('/alerts/')[1]!.split('?')[0]!;
      // What is pressed while the pictures are still on their way is for nobody.
      await page.locator(`[data-testid=workbench][data-alert="${id}"]`).waitFor();
      decided.push(id);
      if (i % 4 === 0) {
        await page.keyboard.press('1');
        await page.getByRole('dialog').waitFor();
        await page.keyboard.press('2');
        await page.keyboard.press('Enter');
      } else {
        await page.keyboard.press('2');
      }
      await page.waitForURL((url) => !url.pathname.endsWith(id));
    }
    await page.keyboard.press('Escape');
    // Near-copies of what was decided may have gone with it.
    await expect.poll(total).toBeLessThanOrEqual(before - 20);
    const states = await Promise.all(decided.map(decisionOf));
    expect(states.map(({ decision }) => decision)).toEqual(
      decided.map((_, i) => (i % 4 === 0 ? 'confirm' : 'not-similar')),
    );
    const { actor, event } = states[0]!.events.at(-1)!;
    expect(event).toMatchObject({ type: 'decided', reason: '作品の特徴的な部分が現れている' });
    expect(actor).toBe('admin');
  });

  it('takes the last decision back', async () => {
    await open('/');
    await page.locator('[data-alert]').first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByTestId('workbench').waitFor();
    const path = new URL(page.url()).pathname;
    const id = path.split('/').at(-1)!;
    await page.keyboard.press('2');
    // The next alert may still be on its way, and so may the decision's answer.
    await page.waitForURL((url) => url.pathname !== path);
    await page.keyboard.press('u');
    await page.waitForURL((url) => url.pathname === path);
    await expect.poll(async () => (await decisionOf(id)).decision).toBeNull();
  });

  it('shows the work in place of the output while a key is held, and zooms both', async () => {
    await open('/');
    await page.locator('[data-alert]').first().waitFor();
    await page.keyboard.press('Enter');
    const stage = page.getByTestId('workbench');
    await stage.waitFor();
    await stage.locator('img').nth(1).waitFor();
    const shown = async () =>
      stage.locator('img').evaluateAll((all) => all.map((each) => (each as HTMLImageElement).src));
    const [work, output] = await shown();
    expect([work, output].map((src) => /references|outputs/.exec(src!)![0])).toEqual([
      'references',
      'outputs',
    ]);
    await page.keyboard.down(' ');
    await expect.poll(shown).toEqual([work, work]);
    await page.keyboard.up(' ');
    await expect.poll(shown).toEqual([work, output]);
    const scales = async () =>
      stage
        .locator('img')
        .evaluateAll((all) => all.map((each) => new DOMMatrix(getComputedStyle(each).transform).a));
    const before = await scales();
    for (let i = 0; i < 5; i++) await page.keyboard.press('+');
    await expect
      .poll(async () => (await scales()).every((scale, at) => scale > before[at]! * 1.05))
      .toBe(true);
  });

  it('tells the second reviewer that somebody decided first, and loses nothing', async () => {
    await open('/');
    await page.locator('[data-alert]').first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByTestId('workbench').waitFor();
    const id = new URL(page.url()).pathname.split('/').at(-1)!;
    // The page must not hear of it before it decides.
    await page.route('**/api/live', (route) => route.abort());
    await page.route(`**/api/alerts/${id}`, (route) => route.abort());
    const answer = await page.request.post(`${server.url}/api/alerts/${id}/events`, {
      data: { type: 'decide', decision: 'escalate', reason: 'first' },
      headers: { origin: server.url },
    });
    expect(answer.ok()).toBe(true);
    await page.keyboard.press('2');
    await page.getByText('他の担当者が先に更新しました').waitFor();
    expect((await decisionOf(id)).decision).toBe('escalate');
  });

  it('keeps the first of two decisions from the second reviewer, and says so', async () => {
    const { alerts } = (await (
      await page.request.get(`${server.url}/api/alerts?state=open&limit=1`)
    ).json()) as {
      alerts: { id: string; title: string }[];
    };
    const [{ id, title }] = alerts as [{ id: string; title: string }];
    // Somebody else at the command line, where a confirmation needs a second person.
    const elsewhere = new Processes({
      UTSUSHI_DATA_DIR: server.dataDir,
      UTSUSHI_LOG_LEVEL: 'error',
      UTSUSHI_SECOND_REVIEWER: 'confirm',
    });
    mustSucceed(await elsewhere.run('alerts', 'decide', id, 'confirm', '--reason', 'the same drawing'));
    await open('/?state=second-review');
    await page.locator(`[data-alert="${id}"]`).waitFor();
    expect(await page.locator(`[data-alert="${id}"]`).textContent()).toContain('二次審査待ち');
    await page.keyboard.press('Enter');
    await page.getByTestId('second-review').getByText('二次審査です').waitFor();
    // Its text is in sight, not only its title.
    expect((await page.getByTestId('second-review').boundingBox())!.height).toBeGreaterThan(80);
    await page.getByText('一次担当者 一次審査を終えました').waitFor();
    expect(await page.locator('main').textContent()).not.toContain('the same drawing');
    await page.keyboard.press('2');
    await page.getByText(`「${title}」は一次担当者と判断が分かれたため、上申しました`).waitFor();
    await page.getByText('一次審査は「対応対象とする」、あなたは「類似なし」でした').waitFor();
    expect((await decisionOf(id)).state).toBe('escalated');
  });

  it('writes a tolerance rule, decides many under it, changes it and ends it', async () => {
    await open('/rules');
    await page.getByText('容認ルールはありません').waitFor();
    await page.keyboard.press('n');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('ルールの名称').fill('ファン活動の指針');
    const picker = dialog.getByRole('combobox', { name: '対象の作品またはシリーズ' });
    const { alerts } = (await (
      await page.request.get(`${server.url}/api/alerts?state=open&limit=1`)
    ).json()) as {
      alerts: { assetId: string; title: string }[];
    };
    const { assetId, title } = alerts[0]!;
    await picker.fill(title);
    await page.getByRole('option', { name: title }).first().click();
    await dialog.getByRole('combobox', { name: 'アカウント' }).fill('@fan');
    await page.keyboard.press('Enter');
    await dialog.getByLabel('終了日').fill('2099-03-31');
    await dialog.getByLabel('理由').fill('ガイドラインの範囲内');
    await dialog.getByRole('button', { name: '容認ルールを追加' }).click();
    const row = page.locator('[data-rule]', { hasText: 'ファン活動の指針' });
    await row.getByText('@fan').waitFor();
    await row.getByText('〜2099-03-31').waitFor();

    await open(`/?assetId=${encodeURIComponent(assetId)}`);
    await page.locator('[data-alert]').first().waitFor();
    await page.keyboard.press('Shift+A');
    await page.keyboard.press('4');
    await page.getByRole('combobox', { name: '根拠となる許諾・容認ルール' }).click();
    await page.getByRole('option', { name: 'ファン活動の指針' }).click();
    await page.getByRole('button', { name: '容認', exact: false }).last().click();
    await page.getByText(/件を「容認」としました/).waitFor();
    await open('/rules');
    await row.getByRole('link', { name: /^[1-9]\d* 件$/ }).click();
    await page.getByText('次のルールのもとにある候補です：').waitFor();
    expect(await total()).toBeGreaterThanOrEqual(1);

    await open('/rules');
    await row.getByRole('button', { name: '変更' }).click();
    await dialog.getByLabel('ルールの名称').fill('ファン活動の新しい指針');
    await dialog.getByRole('button', { name: '保存' }).click();
    await page.getByText(/ルールを変更しました。[1-9]\d* 件を見直し/).waitFor();
    const renewed = page.locator('[data-rule]', { hasText: '新しい指針' });
    await renewed.getByRole('button', { name: '終了' }).click();
    await dialog.getByRole('button', { name: '終了' }).click();
    await page.getByText('容認ルールはありません').waitFor();
    await page.getByLabel('終了したルールも表示').check();
    await page.getByText('admin が終了').first().waitFor();
    expect(await page.locator('[data-rule^="tolerance:"]').count()).toBe(2);
  });

  it('adds a webhook, sends a test, gives it a new secret and removes it', async () => {
    await using receiver = await Receiver.open();
    await open('/webhooks');
    await page.getByText('通知先はありません').waitFor();
    await page.keyboard.press('n');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('宛先のURL').fill(receiver.url);
    await dialog.getByRole('button', { name: '通知先を追加' }).click();
    await dialog.getByText(/^whsec_/).waitFor();
    const secret = await dialog.getByText(/^whsec_/).textContent();
    await dialog.getByRole('button', { name: '閉じる' }).click();
    await page.getByRole('button', { name: '試しに送る' }).click();
    await page.getByText(`${receiver.url} に届きました`).waitFor();
    expect(isSignedWith(secret!, receiver.received[0]!)).toBe(true);
    await page.getByRole('button', { name: `その他: ${receiver.url}` }).click();
    await page.getByRole('menuitem', { name: '署名鍵を交換' }).click();
    await dialog.getByRole('button', { name: '署名鍵を交換' }).click();
    await dialog.getByText(/^whsec_/).waitFor();
    expect(await dialog.getByText(/^whsec_/).textContent()).not.toBe(secret);
    await dialog.getByRole('button', { name: '閉じる' }).click();
    await page.getByText(/古い鍵は .* まで有効/).waitFor();
    await page.getByRole('button', { name: `その他: ${receiver.url}` }).click();
    await page.getByRole('menuitem', { name: '削除' }).click();
    await dialog.getByRole('button', { name: '削除' }).click();
    await page.getByText('通知先はありません').waitFor();
  });

  it('sends a dead letter again', async () => {
    await using receiver = await Receiver.open();
    receiver.answer = () => 503;
    const headers = { origin: server.url };
    const added = await page.request.post(`${server.url}/api/webhooks`, {
      data: { url: receiver.url },
      headers,
    });
    const { id: webhook } = (await added.json()) as { id: string };
    const { alerts } = (await (
      await page.request.get(`${server.url}/api/alerts?state=open&limit=1`)
    ).json()) as { alerts: { id: string }[] };
    await page.request.post(`${server.url}/api/alerts/${alerts[0]!.id}/events`, {
      data: { type: 'decide', decision: 'escalate', reason: 'told to whoever listens' },
      headers,
    });
    const observer = new Observer(server.dataDir);
    // Three days of attempts are over.
    await expect
      .poll(async () =>
        observer.query(
          `update deliveries set state = 'dead', settled_at = now(), last_error = 'HTTP 503'
            where state = 'pending' and lease is null and attempts > 0 returning id`,
        ),
      )
      .not.toEqual([]);
    receiver.answer = () => 200;
    await open('/webhooks');
    const letter = page.locator('[data-letter]').first();
    await letter.getByText('HTTP 503').waitFor();
    await letter.getByRole('button', { name: '再送' }).click();
    await page.getByText('再送を予約しました').waitFor();
    await expect.poll(() => receiver.taken.length).toBeGreaterThanOrEqual(1);
    await page.request.delete(`${server.url}/api/webhooks/${webhook}`, { headers });
  });

  it('puts an output aside that only names a work, and brings it back', async () => {
    const name = 'Hoshiyomi no Shahon';
    const bytes = await artwork(4_000, 160).jpeg().toBuffer();
    const answer = await page.request.post(`${server.url}/api/checks`, {
      multipart: { file: { name: `${name}.jpg`, mimeType: 'image/jpeg', buffer: bytes } },
      headers: { origin: server.url },
    });
    expect(answer.status()).toBe(202);
    await expect
      .poll(async () => (await page.request.get(`${server.url}/api/watch?state=open`)).text())
      .toContain(name);
    await open('/watch');
    const entry = page.getByRole('listitem').filter({ hasText: name });
    await entry.getByRole('button', { name: '対象外とする' }).click();
    await entry.waitFor({ state: 'detached' });
    await page.getByText('対象外', { exact: true }).click();
    await entry.getByRole('button', { name: '未確認に戻す' }).click();
    await entry.waitFor({ state: 'detached' });
  });

  it('shows the queues, and lets what failed run again', async () => {
    const answer = await page.request.post(`${server.url}/api/checks`, {
      data: { url: 'http://10.0.0.1/forbidden.png' },
      headers: { origin: server.url },
    });
    expect(answer.status()).toBe(202);
    await open('/system');
    await page.getByRole('button', { name: '失敗した処理を見る：照合' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('check-sighting').first().waitFor();
    await dialog
      .getByText(/fetch_forbidden/)
      .first()
      .waitFor();
    await dialog.getByRole('button', { name: 'すべて再実行' }).click();
    await page.getByText(/[1-9]\d* 件を再実行します/).waitFor();
    await page.keyboard.press('Escape');
  });

  it('opens a case from a confirmed alert, and shows its notice and what is missing', async () => {
    await open('/?state=decided&decision=confirm');
    await page.locator('[data-alert]').first().waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: '案件を開く' }).click();
    await page.waitForURL(/\/cases\//);
    await page.getByText(/送付前に補う項目が \d+ 件あります/).waitFor();
    await page.getByLabel('侵害とする理由').fill('髪飾りの意匠と目の描き方が同一である。');
    await page.getByRole('button', { name: '保存' }).click();
    await page.getByText('申出の内容を更新').waitFor();
    await expect.poll(async () => page.locator('article').textContent()).toContain('髪飾りの意匠');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: '証拠一式（ZIP）' }).click();
    const zip = await readFile(await (await download).path());
    expect(zip.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04');
    await page.getByRole('button', { name: '管理番号' }).click();
    await page.getByLabel('外部の管理番号').fill('LEGAL-2026-17');
    await page.keyboard.press('Enter');
    await page.getByText('外部の管理番号: LEGAL-2026-17').waitFor();
    await open('/cases');
    await page.locator('a[href^="/cases/"]').first().waitFor();
  });

  it('opens a case from what the confirmed alerts have in common, and takes in another alert', async () => {
    await open('/cases');
    const group = page.locator('li', { hasText: '件で案件を開く' }).first();
    await group.getByRole('button', { name: /件で案件を開く/ }).click();
    await page.waitForURL(/\/cases\/[0-9a-f-]{36}/);
    await page.getByRole('button', { name: '候補を追加' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: /^追加/ }).first().click();
    await page.getByText('対象を追加').waitFor();
    const id = page.url().split('/').at(-1)!;
    const { events } = (await (await page.request.get(`${server.url}/api/cases/${id}`)).json()) as {
      events: { event: { type: string } }[];
    };
    expect(events.map(({ event }) => event.type)).toEqual(['opened', 'alert-linked']);
    await page.keyboard.press('Escape');
  });

  it('keeps the name that notices carry, and previews their templates', async () => {
    await open('/notices');
    await page.getByLabel('名称 – 日本語').fill('株式会社アケボノ動画');
    await page.getByRole('button', { name: '保存' }).click();
    await page.getByText('名義を保存しました').waitFor();
    const profile = await (await page.request.get(`${server.url}/api/profile`)).json();
    expect(profile).toEqual({ name: { ja: '株式会社アケボノ動画' }, recipients: [] });
    await page.getByRole('button', { name: '開く' }).first().click();
    await page.locator('article').getByText('株式会社見本出版').first().waitFor();
  });

  it('checks a picture that is dropped on any page', async () => {
    await open('/assets');
    const bytes = await readFile(join(OUTPUTS, 'r13-duel-cropped.png'));
    const transfer = await page.evaluateHandle((base64) => {
      const made = new DataTransfer();
      const raw = Uint8Array.from(atob(base64), (each) => each.codePointAt(0)!);
      made.items.add(new File([raw], 'dropped.png', { type: 'image/png' }));
      return made;
    }, bytes.toString('base64'));
    await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
    const answer = page.getByTestId('check-answer');
    await answer.waitFor();
    await answer.getByText('候補あり').waitFor();
    expect(await answer.getByRole('tab').first().textContent()).toContain('風待ちの屋上 第5話 見開き');
    await page.keyboard.press('Escape');
  });

  it('switches the language and keeps it', async () => {
    await open('/');
    await page.getByTestId('language').first().click();
    await page.getByRole('heading', { name: 'Inbox' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    await page.reload();
    await page.getByRole('heading', { name: 'Inbox' }).waitFor();
    await page.getByTestId('language').first().click();
    await page.getByRole('heading', { name: '受信箱' }).waitFor();
  });

  it('has no serious fault of accessibility, light or dark, wide or narrow', async () => {
    const { alerts } = (await (
      await page.request.get(`${server.url}/api/alerts?state=decided&limit=1`)
    ).json()) as {
      alerts: { id: string; assetId: string }[];
    };
    // With a webhook that fails, whose error is there to be read.
    await using deaf = await Receiver.open();
    deaf.answer = () => 503;
    const headers = { origin: server.url };
    const webhooks = `${server.url}/api/webhooks`;
    await page.request.post(webhooks, { data: { url: deaf.url }, headers });
    await page.request.post(`${server.url}/api/alerts/${alerts[0]!.id}/events`, {
      data: { type: 'reopen', reason: 'told to whoever listens' },
      headers,
    });
    await expect.poll(async () => (await page.request.get(webhooks)).text()).toContain('answered 503');
    const { cases } = (await (await page.request.get(`${server.url}/api/cases`)).json()) as {
      cases: { id: string }[];
    };
    const paths = [
      '/',
      `/alerts/${alerts[0]!.id}`,
      '/watch',
      '/cases',
      cases[0] === undefined ? '/cases' : `/cases/${cases[0].id}`,
      '/assets',
      `/assets/${alerts[0]!.assetId}`,
      '/monitors',
      '/reports',
      '/system',
      '/rules',
      '/webhooks',
      '/notices',
      '/people',
    ];
    const faults: string[] = [];
    for (const [scheme, width] of [
      ['light', 1280],
      ['dark', 390],
    ] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 800 });
      await open('/');
      await page.evaluate(axe.source);
      for (const path of paths) {
        await show(path);
        const found = await page.evaluate(async () => {
          const { violations } = await (
            globalThis as unknown as {
              axe: { run(options: object): Promise<{ violations: Violation[] }> };
            }
          ).axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations'] });
          interface Violation {
            id: string;
            impact: string;
            nodes: { html: string; failureSummary: string }[];
          }
          return violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .flatMap(({ id, nodes }) =>
              nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
            );
        });
        faults.push(
          ...found.map((each) => `${scheme} ${width} ${path.replace(/[0-9a-f-]{36}/, 'ID')}: ${each}`),
        );
      }
    }
    expect(faults).toEqual([]);
  });

  it('said nothing on the browser’s console', () => {
    expect(complaints).toEqual([]);
  });
});
