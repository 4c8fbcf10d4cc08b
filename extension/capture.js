/** Everything about a tab that the API takes: the picture, and the whole page as this person sees it. */

// Chromium draws no taller picture in one piece. Pixels.
const MOST_HEIGHT = 16_000;

/**
 * @param {chrome.tabs.Tab} tab
 * @param {string | undefined} srcUrl address of the picture
 * @returns {Promise<Record<string, string | Blob | undefined>>} fields and files; what could not be had is undefined
 */
export async function capture(tab, srcUrl) {
  const capturedAt = new Date();
  const [{ result: page }] = await chrome.scripting.executeScript({
    target: { tabId: tab.id },
    func: readPage,
    args: [srcUrl ?? null],
  });
  const mhtml = await chrome.pageCapture.saveAsMHTML({ tabId: tab.id });
  const whole = await wholePage(tab, capturedAt).catch(() => undefined);
  const png = whole?.png ?? (await visiblePart(tab));
  return {
    pageUrl: tab.url,
    imageUrl: srcUrl?.startsWith('http') ? srcUrl : undefined,
    title: tab.title,
    capturedAt: capturedAt.toISOString(),
    software: `${navigator.userAgent}${whole === undefined ? ' (visible part of the page only)' : ''}`,
    image: page.image === null ? undefined : await blobOf(page.image),
    png,
    html: new Blob([page.html], { type: 'text/html' }),
    mhtml,
    pdf: whole?.pdf,
  };
}

/** The page in its full length, as a picture and printed with address and time in Japan. Only DevTools can do that. */
async function wholePage(tab, at) {
  const target = { tabId: tab.id };
  const send = (method, parameters) => chrome.debugger.sendCommand(target, method, parameters);
  await chrome.debugger.attach(target, '1.3');
  try {
    const { cssContentSize } = await send('Page.getLayoutMetrics');
    const { result: ratio } = await send('Runtime.evaluate', { expression: 'devicePixelRatio' });
    const { data: png } = await send('Page.captureScreenshot', {
      format: 'png',
      captureBeyondViewport: true,
      // One pixel of the picture for one of the page, on every screen.
      clip: {
        x: 0,
        y: 0,
        width: cssContentSize.width,
        height: Math.min(cssContentSize.height, MOST_HEIGHT),
        scale: 1 / ratio.value,
      },
    });
    await send('Emulation.setEmulatedMedia', { media: 'screen' });
    const { data: pdf } = await send('Page.printToPDF', {
      printBackground: true,
      displayHeaderFooter: true,
      headerTemplate: line(escaped(tab.url), japaneseTime(at)),
      footerTemplate: line(
        escaped(tab.title),
        '<span class="pageNumber"></span>/<span class="totalPages"></span>',
      ),
      // A4, in inches.
      paperWidth: 8.27,
      paperHeight: 11.69,
      marginTop: 0.71,
      marginBottom: 0.59,
      marginLeft: 0.4,
      marginRight: 0.4,
    });
    return {
      png: await blobOf(`data:image/png;base64,${png}`),
      pdf: await blobOf(`data:application/pdf;base64,${pdf}`),
    };
  } finally {
    await chrome.debugger.detach(target);
  }
}

/** Where DevTools are forbidden, e.g. by an administrator. */
async function visiblePart(tab) {
  return blobOf(await chrome.tabs.captureVisibleTab(tab.windowId, { format: 'png' }));
}

const blobOf = async (dataUrl) => (await fetch(dataUrl)).blob();

const line = (left, right) =>
  `<div style="font: 8px sans-serif; width: 100%; margin: 0 10mm; display: flex; justify-content: space-between; gap: 5mm"><span style="overflow-wrap: anywhere">${left}</span><span style="white-space: nowrap">${right}</span></div>`;

/** E.g. `2026-11-23 21:15:00 JST`: Japan has no summer time. */
const japaneseTime = (at) =>
  `${new Date(at.getTime() + 9 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')} JST`;

const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/**
 * Runs in the page. Its cookies open what only this person may see; a picture that it may not read stays null. Scrolls
 * to the end and back first: many pages load their pictures when they come into view.
 */
async function readPage(srcUrl) {
  const { scrollX, scrollY, innerHeight } = globalThis;
  for (let y = 0; y < Math.min(document.documentElement.scrollHeight, 16_000); y += innerHeight) {
    globalThis.scrollTo(0, y);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  globalThis.scrollTo(scrollX, scrollY);
  const images = [...document.images].map((image) => image.decode().catch(() => {}));
  await Promise.race([Promise.all(images), new Promise((resolve) => setTimeout(resolve, 5_000))]);
  const image =
    srcUrl === null
      ? null
      : await fetch(srcUrl, { credentials: 'include' })
          .then((answer) => (answer.ok ? answer.blob() : null))
          .then(
            (blob) =>
              blob &&
              new Promise((resolve) => {
                const reader = new FileReader();
                reader.addEventListener('load', () => resolve(reader.result));
                reader.readAsDataURL(blob);
              }),
          )
          .catch(() => null);
  return { image, html: `<!doctype html>${document.documentElement.outerHTML}` };
}
