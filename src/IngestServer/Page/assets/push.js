// Shows what is pushed to this browser, while no page of this server need be open. It takes part in no request: it has no handler of fetch.
self.addEventListener("push", event => {
  let told = {};
  try {
    told = event.data?.json() ?? {};
  } catch {
    // A push service's own test says nothing, or is no JSON.
  }
  event.waitUntil(self.registration.showNotification(told.title || "Something unusual happened", {
    body: told.body || "Open the page to see what.", tag: told.id, data: { link: told.link ?? null },
  }));
});

self.addEventListener("notificationclick", event => {
  event.notification.close();
  const home = new URL(".", self.location);
  let target = new URL("#/anomalies", home);
  try {
    const link = new URL(event.notification.data?.link ?? "", home);
    if (event.notification.data?.link && link.protocol.startsWith("http")) target = link;
  } catch {
    // No link that can be read: the list is shown.
  }
  event.waitUntil(self.clients.openWindow(target.href));
});

// A new version takes over at once: nothing of the old one is kept.
self.addEventListener("install", () => self.skipWaiting());
