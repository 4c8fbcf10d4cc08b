/**
 * Takes the pictures of the console that the documentation shows, in both languages, on the fixtures' alerts:
 *
 *   node --import tsx tests/browser/screenshots.ts [FOLDER]      default: docs/screenshots
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { launchBrowser } from '../support/browser.ts';
import { Processes, mustSucceed } from '../support/processes.ts';
import { OUTPUTS, startConsole } from '../support/console.ts';

const FOLDER = process.argv[2] ?? fileURLToPath(new URL('../../docs/screenshots', import.meta.url));
/** Settled: pictures are there and nothing moves any more. */
const CALM_MS = 700;

await mkdir(FOLDER, { recursive: true });
const [server, browser] = await Promise.all([startConsole(), launchBrowser()]);
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'ja-JP' });
  const page = await context.newPage();
  await page.goto(server.link);
  await page.getByLabel('新しいパスワード（12文字以上）').waitFor();
  await shoot(page, 'ja-first-sign-in');
  await page.getByLabel('新しいパスワード（12文字以上）').fill('correct horse battery');
  await page.getByLabel('新しいパスワード（確認）').fill('correct horse battery');
  await page.getByRole('button', { name: '設定してはじめる' }).click();
  await page.locator('[data-alert]').first().waitFor();
  const caseId = await decideSome(page);
  await setUpSome(page);
  const secondId = await confirmElsewhere(page);
  const { alerts } = await ask<{ alerts: { id: string; assetId: string; title: string }[] }>(
    page,
    'GET',
    '/alerts?state=open&limit=200',
  );
  const partial = alerts.find(({ title }) => title.includes('紫苑')) ?? alerts[0]!;
  for (const language of ['ja', 'en'] as const) {
    await page.evaluate((chosen) => localStorage.setItem('utsushi-language', chosen), language);
    const visit = async (path: string, name: string, act?: () => Promise<void>) => {
      await page.goto(`${server.url}${path}`);
      await page.locator('h1').first().waitFor();
      await act?.();
      await shoot(page, `${language}-${name}`);
    };
    await visit('/', 'inbox', () => page.locator('[data-alert]').first().waitFor());
    await visit(`/alerts/${partial.id}`, 'workbench', () => page.keyboard.press('s'));
    await visit(`/alerts/${partial.id}`, 'workbench-points', async () => {
      await page.keyboard.press('s');
      await page.getByTestId('workbench').waitFor();
      await page.keyboard.press('p');
    });
    await visit(`/alerts/${partial.id}`, 'workbench-overlay', () => page.keyboard.press('o'));
    await visit(`/alerts/${partial.id}`, 'workbench-difference', () => page.keyboard.press('d'));
    await visit(`/alerts/${partial.id}`, 'decision', async () => {
      await page.keyboard.press('s');
      await page.keyboard.press('1');
      await page.getByRole('dialog').waitFor();
    });
    await visit('/', 'help', async () => {
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
    });
    await visit('/', 'check', () => drop(page, join(OUTPUTS, 'r13-duel-cropped.png')));
    await visit('/assets', 'assets');
    await visit(`/assets/${partial.assetId}`, 'asset');
    await visit('/cases', 'cases');
    await visit(`/cases/${caseId}`, 'case');
    await visit(`/cases/${caseId}`, 'notice', async () => {
      await page.locator('article').waitFor();
      await page
        .locator('[role=alert]')
        .first()
        .evaluate((lint) => lint.scrollIntoView());
    });
    await visit('/watch', 'watch');
    await visit('/monitors', 'monitors');
    await visit('/reports', 'reports');
    await visit('/system', 'system');
    await visit('/notices', 'notices', () =>
      page
        .getByRole('button', { name: language === 'ja' ? '開く' : 'Open' })
        .first()
        .click(),
    );
    await visit('/rules', 'rules', () => page.locator('[data-rule]').first().waitFor());
    await visit('/rules', 'rule', async () => {
      await page.locator('[data-rule]').first().waitFor();
      await page.keyboard.press('n');
      await page.getByRole('dialog').waitFor();
    });
    await visit('/webhooks', 'webhooks', () => page.locator('[data-webhook]').first().waitFor());
    await visit(`/alerts/${secondId}`, 'second-review', () => page.getByTestId('second-review').waitFor());
    await visit('/people', 'people');
    await page.emulateMedia({ colorScheme: 'dark' });
    await visit('/', 'inbox-dark', () => page.locator('[data-alert]').first().waitFor());
    await visit(`/alerts/${partial.id}`, 'workbench-dark', () => page.keyboard.press('s'));
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 390, height: 844 });
    await visit('/', 'inbox-phone', () => page.locator('[data-alert]').first().waitFor());
    await visit(`/alerts/${partial.id}`, 'workbench-phone');
    await page.setViewportSize({ width: 1280, height: 800 });
  }
} finally {
  await browser.close();
  await server.close();
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.waitForLoadState('networkidle').catch(() => {});
  await page.waitForTimeout(CALM_MS);
  const png = await page.screenshot();
  await sharp(png)
    .webp({ quality: 82, effort: 6 })
    .toFile(join(FOLDER, `${name}.webp`));
}

async function ask<T>(page: Page, method: 'GET' | 'POST', path: string, data?: object): Promise<T> {
  const answer = await page.request.fetch(`${server.url}/api${path}`, {
    method,
    headers: { origin: server.url },
    ...(data === undefined ? {} : { data }),
  });
  if (!answer.ok()) throw new Error(`${method} ${path}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** Some decisions for the reports to show, and a case. @returns the case's id */
async function decideSome(page: Page): Promise<string> {
  const { alerts } = await ask<{ alerts: { id: string }[] }>(
    page,
    'GET',
    '/alerts?state=open&sort=confidence',
  );
  const decide = (at: number, decision: string, reason: string) =>
    ask(page, 'POST', `/alerts/${alerts[at]!.id}/events`, { type: 'decide', decision, reason });
  await decide(0, 'confirm', '作品の表現がほぼそのまま現れている');
  await decide(9, 'confirm', '作品の特徴的な部分が現れている');
  await decide(14, 'not-similar', '共通しているのはありふれた要素である');
  await decide(20, 'tolerated', 'ファン活動の指針の範囲内である');
  await decide(25, 'escalate', '権利関係の確認が必要である');
  const opened = await ask<{ id: string; seq: number }>(page, 'POST', '/cases', {
    alertIds: [alerts[0]!.id],
  });
  await ask(page, 'POST', `/cases/${opened.id}/events`, {
    type: 'particulars',
    particulars: {
      rights: ['21', '23'],
      manner: 'b',
      grounds: '人物の顔立ち、髪型、衣装の文様および構図が同一です。',
    },
  });
  return opened.id;
}

/** Rules and webhooks to be shown. */
async function setUpSome(page: Page): Promise<void> {
  const { assets } = await ask<{ assets: { id: string; series: string | null }[] }>(
    page,
    'GET',
    '/assets?limit=50',
  );
  const series = assets.find((asset) => asset.series !== null)!.series!;
  await ask(page, 'POST', '/rules', {
    name: 'ファン活動の指針',
    series,
    accounts: ['@midori_draws', '@hane_sketch'],
    domains: [],
    validUntil: '2027-03-31',
    territory: ['JP'],
    reason: '非営利のファンアートとして容認する',
  });
  await ask(page, 'POST', '/rules', {
    name: '公認アカウントの宣伝',
    assetId: assets[0]!.id,
    accounts: [],
    domains: ['promo.example'],
    reason: '宣伝部の依頼による掲載',
  });
  for (const events of [['alert.*', 'case.*'], ['case.closed']])
    await ask(page, 'POST', '/webhooks', { url: 'http://127.0.0.1:9/utsushi', events });
}

/** A confirmation at the command line that waits for a second person. @returns the alert's id */
async function confirmElsewhere(page: Page): Promise<string> {
  const { alerts } = await ask<{ alerts: { id: string }[] }>(page, 'GET', '/alerts?state=open&limit=3');
  const { id } = alerts[2]!;
  const elsewhere = new Processes({
    UTSUSHI_DATA_DIR: server.dataDir,
    UTSUSHI_LOG_LEVEL: 'error',
    UTSUSHI_SECOND_REVIEWER: 'confirm',
  });
  mustSucceed(await elsewhere.run('alerts', 'decide', id, 'confirm', '--reason', '同じ図柄である'));
  return id;
}

async function drop(page: Page, file: string): Promise<void> {
  const bytes = await readFile(file);
  const transfer = await page.evaluateHandle((base64) => {
    const made = new DataTransfer();
    const raw = Uint8Array.from(atob(base64), (each) => each.codePointAt(0)!);
    made.items.add(new File([raw], 'post-20261123.png', { type: 'image/png' }));
    return made;
  }, bytes.toString('base64'));
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  await page.getByTestId('check-answer').waitFor();
}
