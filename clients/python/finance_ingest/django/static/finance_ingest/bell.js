// Keeps {% notification_bell %} up to date, without a reload:
//   <script src="{% static 'finance_ingest/bell.js' %}" defer></script>
// A number that rises raises an event "ingest-notification" on the bell. A hidden page does not ask.
(function () {
  "use strict";
  const pause = 10000;

  async function ask(bell) {
    const response = await fetch(bell.dataset.ingestBell, {headers: {Accept: "application/json"}, credentials: "same-origin"});
    if (!response.ok) {
      return;
    }
    const {unread, label} = await response.json();
    const before = Number(bell.dataset.ingestUnread);
    bell.dataset.ingestUnread = unread;
    const number = bell.querySelector(".ingest-unread");
    number.textContent = unread;
    number.hidden = unread === 0;
    bell.setAttribute("aria-label", label);
    if (unread > before) {
      bell.dispatchEvent(new CustomEvent("ingest-notification", {bubbles: true, detail: {unread}}));
    }
  }

  async function tick() {
    if (!document.hidden) {
      const bells = [...document.querySelectorAll("[data-ingest-bell]")].filter((bell) => bell.dataset.ingestBell);
      await Promise.all(bells.map((bell) => ask(bell).catch(() => undefined)));
    }
    setTimeout(tick, pause);
  }

  tick();
})();
