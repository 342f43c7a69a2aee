// The service worker: the page's own files from the cache, and the last overview, marked as old, while the controller does not answer.
// Nothing else is kept: no answer of the API, no other view. What was kept goes with the session.
const FILES = "files", STATE = "last-state", OVERVIEW = "/";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event, address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) {
    if (address.pathname === "/leave") event.waitUntil(caches.delete(STATE));
    return;
  }
  if (request.mode === "navigate") event.respondWith(visit(request, address));
  // The page asks for itself anew when something happened: what is kept is as new as what was shown.
  else if (address.pathname === OVERVIEW) event.respondWith(fetch(request).then((answer) => keep(answer, address)));
  else if (/^\/static\/[0-9a-f]{16}\//.test(address.pathname)) event.respondWith(file(request, address));
});

async function visit(request, address) {
  try {
    return await keep(await fetch(request), address);
  } catch (error) {
    const kept = await (await caches.open(STATE)).match(OVERVIEW);
    if (!kept) throw error;
    const text = (await kept.text()).replace("<html ", `<html data-offline="${Number(kept.headers.get("X-Kept-At"))}" `);
    return new Response(text, { headers: kept.headers });
  }
}

async function keep(answer, address) {
  if (answer.status === 401) await caches.delete(STATE);
  if (answer.ok && address.pathname === OVERVIEW && !address.search) {
    const kept = answer.clone(), text = await kept.text();
    const headers = { "Content-Type": "text/html; charset=utf-8", "X-Kept-At": String(Date.now() / 1000) };
    const policy = kept.headers.get("Content-Security-Policy");
    if (policy) headers["Content-Security-Policy"] = policy;
    await (await caches.open(STATE)).put(OVERVIEW, new Response(text, { headers }));
  }
  return answer;
}

async function file(request, address) {
  const cache = await caches.open(FILES), kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    const version = address.pathname.split("/")[2];
    for (const old of await cache.keys()) if (!old.url.includes(`/static/${version}/`)) await cache.delete(old);
    await cache.put(request, answer.clone());
  }
  return answer;
}
