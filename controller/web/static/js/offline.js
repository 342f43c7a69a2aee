// Offline: the worker keeps the last overview for when nothing answers. Where nobody is signed in, it keeps nothing.

export function workOffline(stranger) {
  if (!("serviceWorker" in navigator) || !window.isSecureContext) return;
  if (stranger) caches.delete("last-state");
  navigator.serviceWorker.register("/static/worker.js", { scope: "/" }).catch(() => {});
  if (document.documentElement.dataset.offline !== undefined) addEventListener("online", () => location.reload());
}
