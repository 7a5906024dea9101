// The form that arranges for calls to fail.

import { forgetFaults, get, post, unlessOffline } from "./api.js";
import { toast } from "./dialogs.js";
import { h } from "./dom.js";

const METHODS = ["sendMessage", "sendPhoto", "sendDocument", "sendMediaGroup", "editMessageText", "editMessageMedia", "editMessageCaption", "editMessageReplyMarkup", "deleteMessage", "answerCallbackQuery", "sendChatAction", "getFile", "getUpdates"];
const KINDS = {
  limit: { label: "kind429", seconds: true, fields: (seconds) => ({ status: 429, retry_after: Math.ceil(seconds) }) },
  failure: { label: "500", fields: () => ({ status: 500 }) },
  refusal: { label: "400", fields: () => ({ status: 400 }) },
  drop: { label: "kindDrop", fields: () => ({ drop: true }) },
  delay: { label: "kindDelay", seconds: true, fields: (seconds) => ({ delay: seconds }) },
};

export function createFaults(store, say) {
  const form = h("form", { class: "fault-form" });
  const active = h("div", { class: "fault-list" });
  const summary = h("summary");
  const element = h("details", { class: "faults" }, summary, form, active);
  let faults = [];
  let drawnIn = null;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const fields = { method: data.get("method"), ...KINDS[data.get("kind")].fields(Number(data.get("seconds"))), count: Number(data.get("count")), when: data.get("after") ? "after" : "before" };
    try {
      await post("faults", fields);
      await load();
    } catch (refusal) {
      toast(refusal.message, "bad");
    }
  });

  function draw(language) {
    drawActive();
    if (language === drawnIn) return; // a half-filled form stays as it is
    drawnIn = language;
    summary.textContent = say("faults");
    const kind = h("select", { name: "kind" }, Object.entries(KINDS).map(([value, { label }]) => h("option", { value }, /^\d/.test(label) ? label : say(label))));
    const seconds = h("input", { name: "seconds", type: "number", min: 0.1, max: 600, step: "any", value: 3 });
    const secondsField = h("label", { class: "field" }, h("span", {}, say("seconds")), seconds);
    const fit = () => { secondsField.hidden = !KINDS[kind.value].seconds; };
    kind.addEventListener("change", fit);
    fit();
    form.replaceChildren(
      h("label", { class: "field wide" }, h("span", {}, say("faultMethod")), h("select", { name: "method" }, h("option", { value: "*" }, say("anyMethod")), METHODS.map((name) => h("option", { value: name }, name)))),
      h("label", { class: "field" }, h("span", {}, say("faultKind")), kind),
      secondsField,
      h("label", { class: "field" }, h("span", {}, say("faultCount")), h("input", { name: "count", type: "number", min: 1, max: 1000, value: 1 })),
      h("label", { class: "check wide" }, h("input", { type: "checkbox", name: "after" }), h("span", {}, say("faultAfter"))),
      h("button", { class: "primary", type: "submit" }, say("addFault")));
  }

  function drawActive() {
    active.replaceChildren(...(faults.length ? [
      ...faults.map((fault) => h("div", { class: "fault" },
        h("span", {}, `${fault.method} · ${fault.drop ? say("kindDrop") : fault.status ?? say("kindDelay")}${fault.retry_after ? ` · ${fault.retry_after} s` : ""}${fault.delay ? ` · ${fault.delay} s` : ""}`),
        h("span", {}, fault.left === null ? say("untilCleared") : say("left", { n: fault.left })))),
      h("button", { type: "button", class: "ghost", on: { click: () => forgetFaults().then(load, (refusal) => toast(refusal.message, "bad")) } }, say("clearFaults")),
    ] : [h("p", { class: "hint" }, say("noFaults"))]));
  }

  async function load() {
    faults = (await get("faults")).faults;
    drawActive();
  }

  return { element, draw, load: () => load().catch(unlessOffline) };
}
