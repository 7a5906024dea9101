// Where one writes: text, attachments, what is being answered, commands, the answer keyboard, the Start button.

import { Offline, post } from "./api.js";
import { createAttachments } from "./attachments.js";
import { summary } from "./bubble.js";
import { toast } from "./dialogs.js";
import { h, icon, iconButton } from "./dom.js";
import { answerKeyboard, answerRows } from "./keyboard.js";
import { createSuggest } from "./suggest.js";
import { openWebApp } from "./webapp.js";

/** `pane`: {store, chat, person, say, language, isGroup, messages()}. Returns {element, reply(message), edit(message), insert(text), send(text), …}. */
export function createComposer(pane) {
  const { say } = pane;
  let target = null; // {message, editing}: what the next text answers or replaces
  let seen = null; // id of the newest message there was when the chat was loaded; what asks for a reply later is fresh
  let forced = 0; // id of the latest question that was honoured
  let used = null; // id of the message whose one-time keyboard was used
  let enabled = true;

  const input = h("textarea", { class: "input", rows: 1, autocomplete: "off", "aria-autocomplete": "list", enterkeyhint: "send" });
  const suggest = createSuggest(say, pick);
  input.setAttribute("aria-controls", suggest.element.id);
  const attachments = createAttachments(say, () => pane.language, refresh);
  const attach = iconButton("clip", say("attach"), () => attachments.input.click());
  const menu = iconButton("slash", say("commands"), () => suggest.toggle());
  const send = iconButton("send", say("send"), submit, { class: "send" });
  const quote = h("div", { class: "target", hidden: true });
  const keys = h("div", { class: "answer-keyboard", role: "group", hidden: true });
  const start = h("button", { type: "button", class: "start", on: { click: () => sendText("/start") } });
  const line = h("div", { class: "composer-line" }, attach, input, menu, send);
  const element = h("div", { class: "composer" }, suggest.element, quote, attachments.element, line, start, keys, attachments.input);

  input.addEventListener("input", refresh);
  input.addEventListener("keydown", (event) => {
    if (suggest.key(event)) refresh(false);
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && target) aim(null);
    else if (event.key === "ArrowUp" && !input.value) editLast(event);
  });
  input.addEventListener("blur", () => setTimeout(() => suggest.hide(), 150));
  input.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    attachments.add(files);
  });

  function refresh(filter = true) {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, 180)}px`;
    if (filter) suggest.draw(input.value);
    input.setAttribute("aria-activedescendant", suggest.active() ?? "");
    const something = Boolean(input.value.trim() || attachments.count());
    send.disabled = !something;
    menu.hidden = !suggest.any() || something;
    input.placeholder = say(attachments.count() ? "caption" : target && !target.editing ? "replyPlaceholder" : "write");
    if (!target && !attachments.count() && current()?.placeholder) input.placeholder = current().placeholder;
  }

  function current() {
    const keyboard = answerKeyboard(pane.messages());
    return keyboard && keyboard.message.id !== used ? keyboard : null;
  }

  function pick(command, sendNow) {
    suggest.hide();
    if (sendNow) {
      input.value = "";
      sendText(`/${command}`);
    } else {
      input.value = `/${command} `;
      input.focus();
    }
    refresh(false);
  }

  /** Sets what the next text answers or replaces; null for nothing. `asked`: by the question itself, not by the person. */
  function aim(message, editing = false, asked = false) {
    target = message ? { message, editing, asked } : null;
    quote.hidden = !target;
    if (target) {
      quote.replaceChildren(icon(editing ? "pen" : "reply"),
        h("div", { class: "quoted-body" }, h("span", { class: "quoted-name" }, editing ? say("editing") : message.from.name), h("span", { class: "quoted-text" }, summary(message, say))),
        iconButton("close", say("cancel"), () => aim(null), { class: "tiny" }));
      if (editing) input.value = message.text ?? message.caption ?? "";
      input.focus();
    } else if (quote.dataset.editing) input.value = "";
    quote.dataset.editing = editing ? "yes" : "";
    refresh(false);
  }

  function editLast(event) {
    const own = pane.messages().filter((message) => message.from?.id === pane.person?.id && !message.deleted && message.text).at(-1);
    if (!own) return;
    event.preventDefault();
    aim(own, true);
  }

  async function submit() {
    const text = input.value.trim();
    const files = attachments.parts();
    if (!text && !files.length) return;
    const aimed = target;
    input.value = "";
    attachments.clear();
    if (aimed) aim(null);
    refresh();
    input.focus();
    const sent = aimed?.editing ? await editText(aimed.message, text) : await deliver(text, files, aimed?.message.id);
    if (!sent && !input.value) {
      input.value = text;
      if (files.length) attachments.add(files.map(([, file]) => file), files[0][0] === "photo");
      refresh();
    }
  }

  async function editText(message, text) {
    return attempt(() => post("edit", { ...pane.who(), message_id: message.id, [message.text === null ? "caption" : "text"]: text }));
  }

  async function deliver(text, files, replyTo) {
    const fields = { ...pane.who(), [files.length ? "caption" : "text"]: text || null, reply_to: replyTo ?? null };
    return attempt(async () => {
      const { messages } = await post("message", fields, files);
      for (const message of messages) if (!pane.store.messages.get(message.chat)?.has(message.id)) pane.store.put(message);
    });
  }

  async function attempt(act) {
    try {
      await act();
      return true;
    } catch (refusal) {
      toast(refusal instanceof Offline ? say("noServer") : say("couldNot", { why: refusal.message }), "bad");
      return false;
    }
  }

  const sendText = (text, replyTo = null) => deliver(text, [], replyTo);

  /** Follows the chat: answer keyboard, ForceReply, the Start button of an empty private chat. */
  function draw() {
    const keyboard = current();
    const empty = !pane.isGroup && !pane.messages().some((message) => !message.deleted);
    start.hidden = !(empty && enabled && !input.value && !attachments.count() && pane.store.bot);
    start.textContent = say("start");
    keys.hidden = !keyboard?.rows;
    const print = JSON.stringify([keyboard?.message.id, keyboard?.rows, pane.person?.id]);
    if (keys.dataset.print !== print) keys.replaceChildren(...(keyboard?.rows ? answerRows(keyboard, (text) => {
      if (keyboard.apps.includes(text)) {
        attempt(async () => openWebApp(pane, (await post("webapp", { ...pane.who(), button: text })).url, text, text));
        return;
      }
      if (keyboard.one_time) used = keyboard.message.id;
      sendText(text, pane.isGroup ? keyboard.message.id : null);
      draw();
    }) : []));
    keys.dataset.print = print;
    followQuestion(keyboard);
    refresh(false);
  }

  /** A fresh question is what the next text answers, until the person has sent something, there is another question, or it is gone. */
  function followQuestion(keyboard) {
    const question = keyboard?.force_reply && !isSpokenAfter(keyboard.message.id) ? keyboard.message : null;
    if (question && seen !== null && question.id > Math.max(seen, forced) && !target?.editing) {
      forced = question.id;
      aim(question, false, true);
    } else if (target?.asked && target.message.id !== question?.id) aim(null);
  }

  const isSpokenAfter = (id) => pane.messages().some((message) => message.id > id && message.from?.id === pane.person?.id);

  /** The chat has been loaded: what it holds is old, but for a question that is its last word. */
  function settle() {
    const last = pane.messages().filter((message) => !message.deleted).at(-1);
    seen = last ? last.id - Number(Boolean(last.keyboard?.force_reply)) : 0;
    draw();
  }

  function relabel() {
    for (const [control, key] of [[attach, "attach"], [menu, "commands"], [send, "send"]]) {
      control.setAttribute("aria-label", say(key));
      control.title = say(key);
    }
    input.setAttribute("aria-label", say("write"));
    attachments.relabel();
  }

  function enable(can) {
    enabled = can;
    line.classList.toggle("off", !can);
    for (const control of [input, attach, menu]) control.disabled = !can;
    refresh(false);
  }

  return {
    element, draw, settle, relabel, enable, sendText, add: attachments.add,
    reply: (message) => aim(message), edit: (message) => aim(message, true),
    setCommands: (list) => { suggest.set(list); refresh(false); },
    insert: (text) => { input.value = text; input.focus(); refresh(); },
    focus: () => { if (matchMedia("(hover: hover)").matches) input.focus({ preventScroll: true }); },
  };
}
