// Keeps what is the same for everybody and named by its content; see cryptopulse/installable.py.
// No page and no answer of the product is ever kept.
const FACTS = {{ facts|safe }};
const KEPT = `cryptopulse-${FACTS.version}`;
const STATIC = new URL(FACTS.static, self.location).href;
const NAMED_BY_CONTENT = /\.[0-9a-f]{12}\.\w+$/;

self.addEventListener("install", (event) => {
  event.waitUntil(keepOfflinePage().then(() => self.skipWaiting()));
});

async function keepOfflinePage() {
  const cache = await caches.open(KEPT);
  // Without the person's cookies: the page must be nobody's.
  await cache.put(FACTS.offline, await fetch(FACTS.offline, { credentials: "omit", cache: "reload" }));
  await Promise.all(FACTS.files.map(async (url) => {
    const response = await fetch(url, { mode: url.startsWith("/") ? "same-origin" : "cors" });
    if (response.ok) await cache.put(url, response);
  }));
}

self.addEventListener("activate", (event) => {
  event.waitUntil(takeOver());
});

async function takeOver() {
  for (const name of await caches.keys()) {
    if (name.startsWith("cryptopulse-") && name !== KEPT) await caches.delete(name);
  }
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    event.respondWith(page(event));
  } else if (request.url.startsWith(STATIC) && NAMED_BY_CONTENT.test(request.url)) {
    event.respondWith(file(request));
  }
});

async function page(event) {
  try {
    return (await event.preloadResponse) || (await fetch(event.request));
  } catch {
    return (await caches.match(FACTS.offline)) || Response.error();
  }
}

async function file(request) {
  const cache = await caches.open(KEPT);
  const known = await cache.match(request, { ignoreVary: true });
  if (known) return known;
  const response = await fetch(request);
  if (response.ok && response.status === 200) await cache.put(request, response.clone());
  return response;
}
