// Offline: the worker keeps the last overview for when nothing answers. Where nobody is signed in, it keeps nothing.
import { tellAges } from "./live.js";

export function workOffline(stranger) {
  if (!("serviceWorker" in navigator) || !window.isSecureContext) return;
  if (stranger) caches.delete("last-state");
  navigator.serviceWorker.register("/static/worker.js", { scope: "/" }).catch(() => {});
  const kept = document.documentElement.dataset.offline, told = document.querySelector(".banner.offline time");
  if (kept === undefined) return;
  told.before(`${new Date(kept * 1000).toLocaleString()}, `);
  told.dataset.at = kept;
  tellAges();
  addEventListener("online", () => location.reload());
}
