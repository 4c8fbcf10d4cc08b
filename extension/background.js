/** Right-click on a picture: it goes to Utsushi with the page as this person sees it, sign-in and all. */
import { submit } from './submit.js';

const MENU = 'utsushi-submit';

chrome.runtime.onInstalled.addListener(() => {
  chrome.contextMenus.create({ id: MENU, contexts: ['image'], title: 'Utsushi に提出 / Submit to Utsushi' });
  void chrome.runtime.openOptionsPage();
});

chrome.contextMenus.onClicked.addListener(({ menuItemId, srcUrl }, tab) => {
  if (menuItemId === MENU && tab !== undefined) void run(tab, srcUrl);
});

async function run(tab, srcUrl) {
  const show = (text, colour) =>
    chrome.scripting.executeScript({ target: { tabId: tab.id }, func: toast, args: [text, colour] });
  try {
    const { server, token } = await chrome.storage.local.get(['server', 'token']);
    if (!server || !token) {
      await chrome.runtime.openOptionsPage();
      return;
    }
    const { id } = await submit(await capture(tab, srcUrl), { server, token });
    await show(`Utsushi: 受け付けました / submitted (${id.slice(0, 8)})`, '#14532d');
  } catch (error) {
    await show(`Utsushi: ${error.message}`, '#7f1d1d');
  }
}

/** Everything about the tab that the API takes. */
async function capture(tab, srcUrl) {
  const [{ result: page }] = await chrome.scripting.executeScript({
    target: { tabId: tab.id },
    func: readPage,
    args: [srcUrl],
  });
  const visible = await chrome.tabs.captureVisibleTab(tab.windowId, { format: 'png' });
  return {
    pageUrl: tab.url,
    imageUrl: srcUrl?.startsWith('http') ? srcUrl : undefined,
    title: tab.title,
    capturedAt: new Date().toISOString(),
    software: navigator.userAgent,
    image: page.image === null ? undefined : await blobOf(page.image),
    png: await blobOf(visible),
    html: new Blob([page.html], { type: 'text/html' }),
    mhtml: await chrome.pageCapture.saveAsMHTML({ tabId: tab.id }),
  };
}

const blobOf = async (dataUrl) => (await fetch(dataUrl)).blob();

/** Runs in the page, so that its cookies open what only this person may see. A picture it may not read stays null. */
async function readPage(srcUrl) {
  const image = await fetch(srcUrl, { credentials: 'include' })
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

/** Runs in the page: says for a moment what became of it. */
function toast(text, colour) {
  const note = document.createElement('div');
  note.textContent = text;
  note.style.cssText = `position:fixed;z-index:2147483647;right:16px;bottom:16px;padding:12px 16px;border-radius:8px;font:14px sans-serif;color:#fff;background:${colour}`;
  document.body.append(note);
  setTimeout(() => note.remove(), 5_000);
}
