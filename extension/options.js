const form = document.querySelector('form');
const said = form.querySelector('output');

const kept = await chrome.storage.local.get(['server', 'token']);
form.elements.server.value = kept.server ?? '';
form.elements.token.value = kept.token ?? '';

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const server = new URL(form.elements.server.value).origin;
  // Only this one host may be reached from the background.
  const granted = await chrome.permissions.request({ origins: [`${server}/*`] });
  if (!granted) {
    said.textContent = '権限がありません / not permitted';
    return;
  }
  await chrome.storage.local.set({ server, token: form.elements.token.value });
  said.textContent = '保存しました / saved';
});
