// Inline keyboards under a message, and the keyboard of plain answers that takes the place of a phone's own.

import { post } from "./api.js";
import { alertBox, copy, toast } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { safeLink } from "./format.js";
import { openWebApp } from "./webapp.js";

const MARKS = { url: "out", web_app: "app", copy: "copy", switch_inline: "out" };

/** Rows of buttons for `message`. `press(message, button)` is called; `pending` holds the keys of buttons that wait for their answer. */
export function inlineKeyboard(message, context) {
  const waiting = [...context.pending].filter((key) => key.startsWith(`${message.id}:`));
  const print = JSON.stringify([message.id, message.buttons, waiting]);
  return h("div", { class: "keyboard", role: "group", data: { print } }, message.buttons.map((row) => h("div", { class: "keyboard-row" }, row.map((button) => {
    const busy = context.pending.has(pressKey(message.id, button));
    return h("button", {
      type: "button",
      class: `key ${button.style ?? ""} ${busy ? "waiting" : ""}`,
      disabled: button.kind === "disabled",
      "aria-busy": busy ? "true" : null,
      data: { key: pressKey(message.id, button) },
      on: { click: () => context.press(message, button) },
    }, h("span", { class: "key-text" }, button.text), MARKS[button.kind] ? icon(MARKS[button.kind]) : null);
  }))));
}

export function pressKey(messageId, button) {
  return `${messageId}:${button.data ?? button.text}`;
}

/**
 * What a press does. `pane`: {store, chat, person, say, pending, redraw, insert, followLink}. A callback spins until the bot answers it,
 * at the latest after fifteen seconds; `answered` takes the answers that come later still.
 */
export function presser(pane) {
  const late = new Set(); // presses whose answer may still come
  async function callback(message, button) {
    const key = pressKey(message.id, button);
    if (pane.pending.has(key)) return;
    pane.pending.add(key);
    pane.redraw();
    try {
      const { answer, url, query_id } = await post("press", {
        user: pane.person.id, chat: pane.chat, bot: pane.store.bot?.id, message_id: message.id, button: button.data ?? button.text, wait: 15,
      });
      if (answer) show(answer);
      else if (url) open(url);
      else {
        late.add(query_id);
        toast(pane.say("buttonGone"), "bad");
      }
    } catch (refusal) {
      toast(refusal.message, "bad");
    } finally {
      pane.pending.delete(key);
      pane.redraw();
    }
  }

  async function app(message, button) {
    try {
      const { url } = await post("press", { user: pane.person.id, chat: pane.chat, bot: pane.store.bot?.id, message_id: message.id, button: button.text });
      openWebApp(pane, url, button.text);
    } catch (refusal) {
      toast(refusal.message, "bad");
    }
  }

  function show(answer) {
    if (answer.url) open(answer.url);
    if (!answer.text) return;
    if (answer.alert) alertBox(answer.text, pane.say, pane.store.bot?.name ?? "");
    else toast(answer.text);
  }

  function open(address) {
    const href = safeLink(address);
    if (href && !pane.followLink(href)) window.open(href, "_blank", "noopener");
  }

  function press(message, button) {
    if (button.kind === "copy") copy(button.copy ?? "", pane.say);
    else if (button.kind === "url") open(button.url ?? "");
    else if (button.kind === "web_app") app(message, button);
    else if (button.kind === "switch_inline") pane.insert(`@${pane.store.bot?.username ?? ""} ${button.data ?? ""}`);
    else callback(message, button);
  }

  const answered = (answer) => late.delete(answer.query_id) && show(answer);
  return { press, answered };
}

/** The latest word on the answer keyboard of a chat: {message, rows, one_time, placeholder}, {message, force_reply} or null. */
export function answerKeyboard(messages) {
  for (const message of [...messages].reverse()) {
    if (message.deleted || !message.keyboard) continue;
    if (message.keyboard.remove) return null;
    return { message, ...message.keyboard };
  }
  return null;
}

export function answerRows(keyboard, onChoose) {
  return keyboard.rows.map((row) => h("div", { class: "answer-row" }, row.map((text) =>
    h("button", { type: "button", class: "answer-key", on: { click: () => onChoose(text) } }, text))));
}
