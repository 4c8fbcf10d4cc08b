import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../../tests/support/browser.ts';
import { markdown, percentile } from '../support/measure.ts';

const COLD = 12;
const STEPS = 40;
/** As long as a quick reviewer looks at one pair. */
const LOOK_MS = 600;

/**
 * What a reviewer sees, in Chromium: from opening an address to both pictures painted, and from a key to the next pair
 * painted.
 *
 * @returns a Markdown table: median and 95th percentile in milliseconds
 */
export async function browserTable(url: string): Promise<string> {
  const browser = await launchBrowser();
  try {
    const ids = await openAlerts(url);
    const cold: Painted[] = [];
    const warm: Painted[] = [];
    for (let i = 0; i < COLD; i++) {
      const context = await newContext(browser);
      const page = await context.newPage();
      // Nothing of the first visit is in the second one's way but the browser's own cache.
      cold.push(await openWorkbench(page, `${url}/alerts/${ids[i]}`));
      warm.push(await openWorkbench(page, `${url}/alerts/${ids[i + COLD]}`));
      await context.close();
    }
    const inboxes: number[] = [];
    for (let i = 0; i < COLD; i++) {
      const context = await newContext(browser);
      const page = await context.newPage();
      await page.goto(url);
      await page.waitForFunction(() => window.measured.rows !== undefined);
      inboxes.push(await page.evaluate(() => window.measured.rows!));
      await context.close();
    }
    const context = await newContext(browser);
    const page = await context.newPage();
    await openWorkbench(page, `${url}/alerts/${ids[0]}`);
    const looked = await press(page, STEPS, LOOK_MS, 'j');
    const decided = await press(page, STEPS, LOOK_MS, '2');
    await context.close();
    const row = (what: string, times: readonly number[]) => [
      what,
      percentile(times, 0.5).toFixed(0),
      percentile(times, 0.95).toFixed(0),
    ];
    return markdown(
      ['in the browser (Chromium, 1280 x 800)', 'p50 ms', 'p95 ms'],
      [
        row(
          'workbench, first paint, nothing cached',
          cold.map(({ paint }) => paint),
        ),
        row(
          'workbench, both pictures painted, nothing cached',
          cold.map(({ pictures }) => pictures),
        ),
        row(
          'workbench, both pictures painted, bundle cached',
          warm.map(({ pictures }) => pictures),
        ),
        row('inbox, rows painted, nothing cached', inboxes),
        row('next alert, from the key to both pictures painted', looked),
        row('decide and next alert, from the key to both pictures painted', decided),
      ],
    );
  } finally {
    await browser.close();
  }
}

interface Painted {
  /** The workbench with its facts. */
  readonly paint: number;
  /** Both pictures too. */
  readonly pictures: number;
}

declare global {
  interface Window {
    /** Milliseconds from the navigation's start. */
    measured: { paint?: number; pictures?: number; rows?: number };
    alertsPainted: { id: string; at: number }[];
    pressedAt: number;
  }
}

async function newContext(browser: Browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'ja-JP' });
  // What runs TypeScript here wraps functions in this.
  await context.addInitScript('globalThis.__name = (named) => named');
  // A frame after the one in which something is there, it has been painted.
  await context.addInitScript(() => {
    window.measured = {};
    window.alertsPainted = [];
    document.addEventListener('keydown', (event) => (window.pressedAt = event.timeStamp), true);
    const note = (name: 'paint' | 'pictures' | 'rows') => {
      window.measured[name] ??= performance.now();
    };
    let shown = '';
    const look = () => {
      const bench = document.querySelector('[data-testid=workbench]');
      const id = bench?.getAttribute('data-alert') ?? '';
      const pictures = [...(bench?.querySelectorAll('img') ?? [])];
      const painted =
        pictures.length >= 2 && pictures.every((each) => each.complete && each.naturalWidth > 0);
      const rows = document.querySelectorAll('li[data-alert]').length > 0;
      requestAnimationFrame(() => {
        if (bench !== null) note('paint');
        if (painted) note('pictures');
        if (rows) note('rows');
        if (painted && id !== shown) {
          shown = id;
          window.alertsPainted.push({ id, at: performance.now() });
        }
        look();
      });
    };
    requestAnimationFrame(look);
  });
  return context;
}

async function openWorkbench(page: Page, address: string): Promise<Painted> {
  await page.goto(address);
  await page.waitForFunction(() => window.measured.pictures !== undefined);
  return page.evaluate(() => window.measured as Painted);
}

/** @returns milliseconds from each key press to the next pair */
async function press(page: Page, times: number, lookMs: number, key: string): Promise<number[]> {
  const waits: number[] = [];
  for (let i = 0; i < times; i++) {
    await page.waitForTimeout(lookMs);
    const before = await page.evaluate(() => window.alertsPainted.length);
    await page.keyboard.press(key);
    await page.waitForFunction((n) => window.alertsPainted.length > n, before);
    waits.push(await page.evaluate(() => window.alertsPainted.at(-1)!.at - window.pressedAt));
  }
  return waits;
}

/** Ids of alerts in the order of the inbox. */
async function openAlerts(url: string): Promise<string[]> {
  const answer = await fetch(`${url}/api/alerts?state=open&limit=${2 * COLD}`);
  return ((await answer.json()) as { alerts: { id: string }[] }).alerts.map(({ id }) => id);
}
