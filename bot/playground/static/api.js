// The user plane over HTTP: requests, and the stream of events with its reconnections.

/** The server said no; the message is its reason. */
export class Refusal extends Error {}

/** The server could not be reached. */
export class Offline extends Error {}

/** For loads in the background: the stream notices by itself that the server has gone, and all is loaded anew when it is back. */
export function unlessOffline(failure) {
  if (!(failure instanceof Offline)) throw failure;
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (failure) {
    throw new Offline(failure.message);
  }
}

async function answer(response) {
  const body = await response.json().catch(() => null);
  if (response.ok && body?.ok !== false) return body;
  throw new Refusal(body?.error ?? `HTTP ${response.status}`);
}

/** GET /sim/<path>; fields that are null or undefined are left out. Throws Refusal with the server's words, or Offline. */
export async function get(path, fields = {}) {
  const query = new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
  return answer(await reach(`/sim/${path}?${query}`));
}

/** POST /sim/<path> as JSON, or as multipart when `files` ([field, File] pairs) go along. */
export async function post(path, fields = {}, files = []) {
  if (!files.length) {
    return answer(await reach(`/sim/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) }));
  }
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== null && value !== undefined) form.append(name, String(value));
  for (const [field, file] of files) form.append(field, file, file.name);
  return answer(await reach(`/sim/${path}`, { method: "POST", body: form }));
}

export async function forgetFaults() {
  return answer(await reach("/sim/faults", { method: "DELETE" }));
}

const EVENTS = ["message", "edit", "delete", "reaction", "pin", "callback_answer", "chat_action", "call", "chat", "user", "bot", "commands", "draft", "fault", "reset"];

/**
 * Follows /sim/events for as long as the page lives. `onEvent(name, data)` for each event, `onState(connected)` when the stream opens
 * or breaks. A new stream starts at the present, so the listener reloads what it shows whenever it hears `true`; if that fails, the stream is opened anew.
 */
export function follow(onEvent, onState) {
  let wait = 500;
  function connect() {
    const stream = new EventSource("/sim/events");
    let over = false;
    const again = () => {
      if (over) return;
      over = true;
      stream.close();
      onState(false);
      setTimeout(connect, wait);
      wait = Math.min(wait * 1.6, 5000);
    };
    stream.addEventListener("hello", async () => {
      try {
        await onState(true);
        wait = 500;
      } catch (failure) {
        console.error(failure);
        again();
      }
    });
    for (const name of EVENTS) stream.addEventListener(name, (event) => onEvent(name, JSON.parse(event.data)));
    stream.addEventListener("error", again);
  }
  connect();
}
