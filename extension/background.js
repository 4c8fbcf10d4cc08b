/** Right-click on a picture: it goes to Utsushi with the page as this person sees it, sign-in and all. */
import { capture } from './capture.js';
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

/** Runs in the page: says for a moment what became of it. */
function toast(text, colour) {
  const note = document.createElement('div');
  note.textContent = text;
  note.style.cssText = `position:fixed;z-index:2147483647;right:16px;bottom:16px;padding:12px 16px;border-radius:8px;font:14px sans-serif;color:#fff;background:${colour}`;
  document.body.append(note);
  setTimeout(() => note.remove(), 5_000);
}
