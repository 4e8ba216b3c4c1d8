// Keeps the badges of {% anomaly_status %} up to date while they are pending, and the sentences of {% anomaly_explanation %} with them, without a reload:
//   <script src="{% static 'finance_ingest/poll.js' %}" data-url="{% url 'anomaly-status' %}" defer></script>
// Badges may be added to the page later. Each change raises an event "ingest-status" on the badge.
(function () {
  "use strict";
  const url = document.currentScript.dataset.url;
  const quickest = 1000;
  const slowest = 15000;
  const most = 200;
  let pause = quickest;

  function pendingBadges() {
    return [...document.querySelectorAll('[data-ingest-status="pending"]')].slice(0, most);
  }

  function show(badge, row) {
    badge.className = "ingest-status ingest-" + (row.status || "none");
    badge.dataset.ingestStatus = row.status;
    badge.textContent = row.text;
    for (const sentence of document.querySelectorAll("[data-ingest-explains]")) {
      if (sentence.dataset.ingestExplains === row.id) {
        sentence.textContent = row.explanation || "";
        sentence.hidden = !row.explanation;
      }
    }
    badge.dispatchEvent(new CustomEvent("ingest-status", {bubbles: true, detail: row}));
  }

  async function ask(badges) {
    const query = new URLSearchParams(badges.map((badge) => ["id", badge.dataset.ingestRow]));
    const response = await fetch(url + "?" + query, {headers: {Accept: "application/json"}, credentials: "same-origin"});
    if (!response.ok) {
      throw new Error("status " + response.status);
    }
    const rows = new Map((await response.json()).rows.map((row) => [row.id, row]));
    let changed = false;
    for (const badge of badges) {
      const row = rows.get(badge.dataset.ingestRow);
      if (row && row.status !== "pending") {
        show(badge, row);
        changed = true;
      }
    }
    return changed;
  }

  async function tick() {
    const badges = document.hidden ? [] : pendingBadges();
    if (badges.length > 0) {
      const changed = await ask(badges).catch(() => false);
      pause = changed ? quickest : Math.min(pause * 1.5, slowest);
    } else {
      pause = quickest;
    }
    setTimeout(tick, pause);
  }

  tick();
})();
