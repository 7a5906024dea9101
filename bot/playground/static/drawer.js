// What the bot does under the hood: each call of the Bot API with its verdict, and the form that makes calls go wrong.

import { post } from "./api.js";
import { ask, toast } from "./dialogs.js";
import { h, icon, iconButton } from "./dom.js";
import { createFaults } from "./faults.js";
import { words } from "./words.js";

const SHOWN = 200;

/** `shell`: {language, toggleDrawer()}. Returns {element, draw()}. */
export function createDrawer(store, shell) {
  const say = (key, values) => words(shell.language, key, values);
  let pattern = "";
  let refusedOnly = false;
  const unfolded = new Set();
  const filter = h("input", { type: "search", class: "calls-filter" });
  const refused = h("button", { type: "button", class: "choice" });
  const list = h("div", { class: "calls", role: "list" });
  const title = h("h2");
  const bar = h("header", { class: "drawer-head" });
  const faults = createFaults(store, say);
  const element = h("aside", { class: "drawer", hidden: true }, bar, faults.element, h("div", { class: "calls-bar" }, filter, refused), list);

  filter.addEventListener("input", () => {
    pattern = filter.value.trim().toLowerCase();
    drawCalls();
  });
  refused.addEventListener("click", () => {
    refusedOnly = !refusedOnly;
    refused.setAttribute("aria-pressed", String(refusedOnly));
    drawCalls();
  });

  // Polls that went well say nothing but that the bot is alive.
  const wanted = (call) => (call.method !== "getUpdates" || !call.ok || pattern) && (!pattern || call.method.toLowerCase().includes(pattern)) && (!refusedOnly || !call.ok);

  function callRow(call) {
    const verdict = call.ok ? "ok" : call.status || say("dropped");
    const details = h("details", { class: `call ${call.ok ? "" : "refused"}`, role: "listitem", open: unfolded.has(call.id) },
      h("summary", {},
        h("span", { class: "call-method" }, call.method),
        h("span", { class: "call-hint" }, hint(call.params)),
        h("span", { class: "call-verdict" }, String(verdict)),
        h("span", { class: "call-ms" }, `${call.ms < 10 ? call.ms.toFixed(1) : Math.round(call.ms)} ms`)),
      call.error ? h("p", { class: "call-error" }, call.error) : null,
      call.ignored.length ? h("p", { class: "hint" }, say("ignored", { fields: call.ignored.join(", ") })) : null);
    const fill = () => {
      if (!details.open || details.querySelector("pre")) return;
      details.append(h("h3", {}, `${say("params")} · ${new Date(call.time * 1000).toLocaleTimeString(shell.language)}`), h("pre", {}, JSON.stringify(call.params, null, 2)),
        h("h3", {}, say("result")), h("pre", {}, JSON.stringify(call.result ?? call.error, null, 2)));
    };
    details.addEventListener("toggle", () => {
      if (details.open) unfolded.add(call.id);
      else unfolded.delete(call.id);
      fill();
    });
    fill();
    return details;
  }

  function drawCalls() {
    if (element.hidden) return;
    const calls = store.calls.filter(wanted).slice(-SHOWN).reverse();
    list.replaceChildren(...(calls.length ? calls.map(callRow) : [h("p", { class: "hint" }, say("callsHint"))]));
  }

  function onCall(call) {
    if (element.hidden || !wanted(call)) return;
    list.querySelector(".hint")?.remove();
    const row = callRow(call);
    row.classList.add("new");
    list.prepend(row);
    while (list.childElementCount > SHOWN) list.lastElementChild.remove();
  }

  async function reset() {
    if (!(await ask(say("resetAsk"), say))) return;
    try {
      await post("reset");
    } catch (refusal) {
      toast(refusal.message, "bad");
    }
  }

  function draw() {
    title.textContent = say("calls");
    element.setAttribute("aria-label", say("calls"));
    bar.replaceChildren(icon("code"), title, iconButton("trash", say("reset"), reset), iconButton("close", say("close"), () => shell.toggleDrawer()));
    filter.placeholder = say("filter");
    filter.setAttribute("aria-label", say("filter"));
    refused.textContent = say("onlyRefused");
    refused.setAttribute("aria-pressed", String(refusedOnly));
    faults.draw(shell.language);
    drawCalls();
  }

  store.on("call", onCall);
  store.on("calls", drawCalls);
  store.on("faults", faults.load);
  return { element, draw };
}

/** The parameters worth a glance: where to, and the words. */
function hint(params) {
  const text = params?.text ?? params?.caption ?? params?.action ?? params?.callback_query_id ?? "";
  const where = params?.chat_id !== undefined ? `${params.chat_id} ` : "";
  return `${where}${String(text).replace(/\s+/g, " ").slice(0, 80)}`;
}
