import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { UtsushiError } from '../../errors.ts';
import { webUrl } from '../fetch/guard.ts';
import type { Network } from '../fetch/network.ts';
import type { Turns } from '../fetch/turns.ts';
import { type GuardProxy, openGuardProxy } from './guard-proxy.ts';

export interface CaptureSettings {
  /** A Chromium or Chrome; undefined where none is configured. */
  readonly browser: string | undefined;
  readonly network: Network;
  readonly turns: Turns;
  readonly contact: string | undefined;
  /** All of one capture, with the waiting for turns. Milliseconds. */
  readonly timeoutMs: number;
  readonly clock: () => Date;
}

export const CAPTURE_FILES = ['png', 'html', 'mhtml', 'pdf'] as const;
export type CaptureFile = (typeof CAPTURE_FILES)[number];

/** How a page looked at a time. */
export interface PageCapture {
  readonly files: Readonly<Record<CaptureFile, { readonly bytes: Buffer; readonly sha256: string }>>;
  readonly url: string;
  readonly finalUrl: string;
  readonly title: string;
  readonly status: number | null;
  /** Parts of the page that were not asked for, because the host's limits left no time for them. */
  readonly omitted: number;
  readonly at: Date;
  /** The browser and its version. */
  readonly software: string;
}

const VIEWPORT = { width: 1_280, height: 900 };
// Chromium draws no taller picture in one piece. Pixels.
const MOST_HEIGHT = 16_000;
const MOST_TRAFFIC_BYTES = 200 * 2 ** 20;
const HEAP_MB = 512;
/** For what a page loads after it says that it is done. Milliseconds. */
const REST_MS = 5_000;
const QUIET_MS = 500;
const POLL_MS = 50;
/** Of a capture's time, kept for taking what has loaded. Milliseconds. */
const TAKING_MS = 30_000;

/**
 * Captures a page: a picture of its full length, its HTML, an archive of all its parts, and a PDF that bears its URL and
 * the time in Japan on every sheet. The browser lives for this one page, has no way out but through the SSRF guard and
 * the turns of each host, and is killed when the time is over. A page with more parts than its hosts' limits leave time
 * for is captured as far as it came.
 *
 * @throws UtsushiError `browser_missing`, `fetch_forbidden`, `fetch_deferred`, or `capture_failed`
 */
export async function capturePage(url: string, settings: CaptureSettings): Promise<PageCapture> {
  const target = webUrl(url);
  const executablePath = await requireBrowser(settings.browser);
  await settings.network.addressesOf(target);
  let browser: Browser | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    await using proxy = await openGuardProxy({
      network: settings.network,
      turns: settings.turns,
      loadMs: Math.max(settings.timeoutMs / 2, settings.timeoutMs - TAKING_MS),
      lifetimeMs: settings.timeoutMs,
      maxBytes: MOST_TRAFFIC_BYTES,
    });
    const { chromium } = await import('playwright-core');
    browser = await chromium.launch({
      executablePath,
      // Chromium's sandbox refuses to run as root.
      chromiumSandbox: process.getuid?.() !== 0,
      timeout: settings.timeoutMs,
      proxy: { server: proxy.url, username: proxy.username, password: proxy.password, bypass: '<-loopback>' },
      args: [
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-quic',
        // The proxy verifies the hosts' certificates, and shows this one in their place.
        `--ignore-certificate-errors-spki-list=${proxy.spkiSha256}`,
        // Nothing leaves beside the proxy: no look-ups of names, no media connections.
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
        '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
        `--js-flags=--max-old-space-size=${HEAP_MB}`,
      ],
    });
    const opened = browser;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new UtsushiError('capture_failed', `${url} took more than ${settings.timeoutMs} ms to capture`),
        );
        void opened.close().catch(() => {});
      }, settings.timeoutMs);
    });
    const work = takeAll(opened, target.href, settings, proxy);
    work.catch(() => {});
    return await Promise.race([work, late]);
  } catch (thrown) {
    if (thrown instanceof UtsushiError) throw thrown;
    const why = thrown instanceof Error ? thrown.message.split('\n')[0]! : String(thrown);
    throw new UtsushiError('capture_failed', `${url}: ${why}`, { cause: thrown });
  } finally {
    clearTimeout(timer);
    await browser?.close().catch(() => {});
  }
}

/**
 * What the browser says of itself, e.g. `Chromium 156.0.8078.79`.
 *
 * @throws UtsushiError `browser_missing`
 */
export async function browserVersion(path: string | undefined): Promise<string> {
  const program = await requireBrowser(path);
  const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: 10_000 }).catch(
    (cause: Error) => {
      throw new UtsushiError('browser_missing', `${program} --version: ${cause.message}`, { cause });
    },
  );
  return stdout.trim();
}

async function requireBrowser(path: string | undefined): Promise<string> {
  if (path === undefined) throw new UtsushiError('browser_missing', 'UTSUSHI_BROWSER is not set');
  try {
    await access(path, constants.X_OK);
    return path;
  } catch (cause) {
    throw new UtsushiError('browser_missing', `${path} is no program that can be run`, { cause });
  }
}

async function takeAll(
  browser: Browser,
  url: string,
  settings: CaptureSettings,
  proxy: GuardProxy,
): Promise<PageCapture> {
  const context = await browser.newContext({
    viewport: VIEWPORT,
    locale: 'ja-JP',
    timezoneId: 'Asia/Tokyo',
    acceptDownloads: false,
    serviceWorkers: 'block',
    extraHTTPHeaders: settings.contact === undefined ? {} : { from: settings.contact },
  });
  const page = await context.newPage();
  page.setDefaultTimeout(settings.timeoutMs);
  page.on('dialog', (dialog) => void dialog.dismiss().catch(() => {}));
  let hop = url;
  page.on('request', (request) => {
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) hop = request.url();
  });
  const response = await page.goto(url, { waitUntil: 'load' }).catch((thrown: unknown) => {
    throw proxy.refusal(hop) ?? thrown;
  });
  const refusal = proxy.refusal(hop);
  if (refusal !== undefined) throw refusal;
  const at = settings.clock();
  const height = await scrollThrough(page, proxy);
  const png = await page.screenshot(
    height > MOST_HEIGHT
      ? { fullPage: true, clip: { x: 0, y: 0, width: VIEWPORT.width, height: MOST_HEIGHT } }
      : { fullPage: true },
  );
  const html = Buffer.from(await page.content());
  const devtools = await context.newCDPSession(page);
  const { data } = await devtools.send('Page.captureSnapshot', { format: 'mhtml' });
  const finalUrl = page.url();
  const title = await page.title();
  const pdf = await printed(page, { url: finalUrl, title, at });
  return {
    files: { png: hashed(png), html: hashed(html), mhtml: hashed(Buffer.from(data)), pdf: hashed(pdf) },
    url,
    finalUrl,
    title,
    status: response?.status() ?? null,
    omitted: proxy.omitted(),
    at,
    software: `Chromium ${browser.version()}`,
  };
}

/** Many pages load their pictures when they come into view. Returns the page's height in pixels. */
async function scrollThrough(page: Page, proxy: GuardProxy): Promise<number> {
  const height = await page.evaluate(
    async ({ step, most }) => {
      const root = (globalThis as unknown as { document: { documentElement: { scrollHeight: number } } })
        .document.documentElement;
      const { scrollTo } = globalThis as unknown as { scrollTo(x: number, y: number): void };
      for (let y = 0; y < Math.min(root.scrollHeight, most); y += step) {
        scrollTo(0, y);
        await new Promise((resolve) => {
          setTimeout(resolve, 50);
        });
      }
      scrollTo(0, 0);
      return root.scrollHeight;
    },
    { step: VIEWPORT.height, most: MOST_HEIGHT },
  );
  await settled(proxy);
  return height;
}

/** Waits until all that was asked for is there. Some pages never come to rest: these wait for turns only. */
async function settled(proxy: GuardProxy): Promise<void> {
  const began = performance.now();
  let quietSince = began;
  for (;;) {
    const now = performance.now();
    const { all, waiting } = proxy.underWay();
    if (all > 0) quietSince = now;
    if (now - quietSince >= QUIET_MS || (now - began >= REST_MS && waiting === 0)) return;
    await sleep(POLL_MS);
  }
}

/** As on the screen, on A4, with where and when on every sheet. */
async function printed(
  page: Page,
  { url, title, at }: { url: string; title: string; at: Date },
): Promise<Buffer> {
  await page.emulateMedia({ media: 'screen' });
  const line = (left: string, right: string) =>
    `<div style="font: 8px sans-serif; width: 100%; margin: 0 10mm; display: flex; justify-content: space-between; gap: 5mm"><span style="overflow-wrap: anywhere">${left}</span><span style="white-space: nowrap">${right}</span></div>`;
  return page.pdf({
    format: 'A4',
    printBackground: true,
    displayHeaderFooter: true,
    headerTemplate: line(escapeHtml(url), japaneseTime(at)),
    footerTemplate: line(
      escapeHtml(title),
      '<span class="pageNumber"></span>/<span class="totalPages"></span>',
    ),
    margin: { top: '18mm', bottom: '15mm', left: '10mm', right: '10mm' },
  });
}

/** E.g. `2026-11-23 21:15:00 JST`: Japan has no summer time. */
function japaneseTime(at: Date): string {
  return `${new Date(at.getTime() + 9 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')} JST`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function hashed(bytes: Buffer): { bytes: Buffer; sha256: string } {
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}
