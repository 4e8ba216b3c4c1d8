import { request } from "./api.js";

// The stream of events of the server, over fetch, because an EventSource can't send a key in a header. It ends while nobody looks at the tab.
const listeners = new Map();
let last = null;
let running = null;

export const state = { status: null, statusAt: null, isLive: false, lost: null };

export function on(type, listener) {
  if (!listeners.has(type)) listeners.set(type, new Set());
  listeners.get(type).add(listener);
  return () => listeners.get(type).delete(listener);
}

const tell = (type, data) => listeners.get(type)?.forEach(listener => listener(data));

function become(isLive) {
  if (isLive === state.isLive && state.lost !== null) return;
  state.isLive = isLive;
  state.lost = isLive ? false : true;
  tell("link", state);
}

export function start() {
  document.addEventListener("visibilitychange", () => document.hidden ? stop() : run());
  addEventListener("pageshow", run);
  run();
}

export function stop() {
  running?.abort();
  running = null;
}

async function run() {
  if (running || document.hidden) return;
  const mine = running = new AbortController();
  for (let pause = 500; !mine.signal.aborted; pause = Math.min(pause * 2, 5000)) {
    try {
      if (await follow(mine)) pause = 500;
    } catch (error) {
      if (mine.signal.aborted) return;
      if (error.stop) { running = null; return; }
      become(false);
    }
    await new Promise(resolve => setTimeout(resolve, pause));
  }
}

async function follow(mine) {
  const attempt = new AbortController();
  const end = () => attempt.abort();
  mine.signal.addEventListener("abort", end);
  // The server says something at least every 15 seconds.
  let timer = setTimeout(end, 20000);
  try {
    const response = await request("api/events?types=status,anomaly", {
      signal: attempt.signal, headers: { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) },
    });
    if (response.status === 401 || response.status === 403) {
      tell("refused", response.status);
      throw Object.assign(new Error("refused"), { stop: true });
    }
    if (!response.ok) {
      if (response.status === 400) last = null;
      throw new Error(`The server answered ${response.status}.`);
    }
    become(true);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    while (true) {
      const { value, done } = await reader.read();
      if (done) return true;
      clearTimeout(timer);
      timer = setTimeout(end, 20000);
      buffer += value;
      let index;
      while ((index = buffer.indexOf("\n\n")) >= 0) {
        take(buffer.slice(0, index));
        buffer = buffer.slice(index + 2);
      }
    }
  } finally {
    clearTimeout(timer);
    mine.signal.removeEventListener("abort", end);
  }
}

function take(text) {
  let type = "message";
  let data = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("event: ")) type = line.slice(7);
    else if (line.startsWith("id: ")) last = line.slice(4);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  if (!data) return;
  const body = JSON.parse(data);
  if (type === "status") {
    state.status = body;
    state.statusAt = new Date();
  }
  if (type === "restored") last = null;
  tell(type, body);
}
