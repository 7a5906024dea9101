// One open chat: header, messages, composer. Several can stand side by side, each with its own person.

import { get, post, unlessOffline } from "./api.js";
import { dropZone } from "./attachments.js";
import { avatar } from "./avatar.js";
import { paintOver } from "./brush.js";
import { summary } from "./bubble.js";
import { createComposer } from "./composer.js";
import { copy, lightbox, popupMenu, toast } from "./dialogs.js";
import { h, icon, iconButton } from "./dom.js";
import { formatted } from "./format.js";
import { presser } from "./keyboard.js";
import { createTimeline } from "./timeline.js";
import { actionText, counted, pageLanguage, words } from "./words.js";

const REACTIONS = ["👍", "❤", "🔥", "🎉", "😁", "🤔", "👎"];

/** `shell`: {close(pane), back(), activate(pane), changed(pane)}. The pane follows the store until `destroy()`. */
export function createPane(store, shell, chat) {
  const pane = {
    store, chat, person: null, language: "en", pending: new Set(), isGroup: chat < 0,
    say: (key, values) => words(pane.language, key, values),
    messages: () => [...(store.messages.get(chat)?.values() ?? [])].sort((a, b) => a.id - b.id),
    who: () => ({ user: pane.person.id, chat, bot: store.bot?.id ?? null }),
    redraw: draw, insert: (text) => composer.insert(text), followLink, destroy,
  };
  pane.person = pane.isGroup ? members()[0] ?? null : store.users.get(chat) ?? null;
  pane.language = pageLanguage(pane.person?.language);

  const presses = presser(pane);
  const context = {
    opened: new Set(), pending: pane.pending, images: new Map(), say: pane.say,
    get language() { return pane.language; },
    get personId() { return pane.person?.id; },
    message: (id) => store.messages.get(chat)?.get(id),
    jump: (id) => timeline.jump(id), press: presses.press, menu: messageMenu, react, vote,
    reply: (message) => composer.reply(message), copy: (text) => copy(text, pane.say), command: (text) => composer.sendText(text),
    follow: followLink, openPhoto,
  };
  const timeline = createTimeline(context);
  const composer = createComposer(pane);
  const header = h("header", { class: "pane-head" });
  const pin = h("button", { type: "button", class: "pin-bar", hidden: true });
  const empty = h("div", { class: "empty", hidden: true });
  let headPrint = null;
  const draft = h("div", { class: "draft", hidden: true, "aria-live": "polite" });
  const room = h("div", { class: "room" }, timeline.element, draft, empty);
  pane.element = h("section", { class: "pane" }, header, pin, room, composer.element);
  dropZone(room, pane.say, (files, photo) => composer.add(files, photo));
  pane.element.addEventListener("focusin", () => shell.activate(pane));
  pane.element.addEventListener("pointerdown", () => shell.activate(pane));

  function members() {
    return (store.chats.get(chat)?.members ?? []).filter((user) => !user.is_bot).map((user) => store.users.get(user.id) ?? user);
  }

  function followLink(href) {
    const link = /^(?:https?:\/\/)?t\.me\/(\w+)\?start=([\w-]+)$/i.exec(href) ?? /^tg:\/\/resolve\?domain=(\w+)&start=([\w-]+)$/i.exec(href);
    if (!link || link[1].toLowerCase() !== store.bot?.username?.toLowerCase()) return false;
    composer.sendText(`/start ${link[2]}`);
    return true;
  }

  function openPhoto(message) {
    const shown = pane.messages().filter((one) => one.photo && !one.deleted);
    const photos = shown.map((one) => ({ url: one.photo.file_url, name: `photo-${one.id}.jpg`, caption: one.caption ?? "", width: one.photo.width, height: one.photo.height }));
    lightbox(photos, Math.max(0, shown.findIndex((one) => one.id === message.id)), pane.say, (photo) => paint(photo, shown[photos.indexOf(photo)]));
  }

  /** What was painted over goes out as a photo; in a group in answer to the picture, for a bot sees little else there. */
  async function paint(photo, message) {
    const painted = await paintOver(photo, pane.say);
    if (!painted) return;
    composer.add([painted]);
    if (pane.isGroup) composer.reply(message);
    composer.focus();
  }

  async function react(message, emoji) {
    const mine = message.reactions.filter(({ users }) => users.includes(pane.person.id)).map((one) => one.emoji);
    try {
      await post("react", { ...pane.who(), message_id: message.id, emoji: mine.includes(emoji) ? null : emoji });
    } catch (refusal) {
      toast(refusal.message, "bad");
    }
  }

  async function vote(message, options) {
    try {
      await post("vote", { ...pane.who(), message_id: message.id, options });
    } catch (refusal) {
      toast(refusal.message, "bad");
    }
  }

  function messageMenu(message, point) {
    const text = message.text ?? message.caption;
    const own = message.from?.id === pane.person?.id;
    popupMenu(point, [
      { icon: "reply", label: pane.say("reply"), act: () => composer.reply(message) },
      text ? { icon: "copy", label: pane.say("copyText"), act: () => copy(text, pane.say) } : null,
      own && text ? { icon: "pen", label: pane.say("edit"), act: () => composer.edit(message) } : null,
      { icon: "out", label: pane.say("forward"), act: () => forward(message, point) },
      message.photo ? { icon: "zoom", label: pane.say("openPhoto"), act: () => openPhoto(message) } : null,
    ].filter(Boolean), { emoji: REACTIONS, onEmoji: (emoji) => react(message, emoji), label: pane.say("messageMenu") });
  }

  function draw() {
    const messages = pane.messages();
    timeline.draw(messages, pane.isGroup);
    const visible = messages.some((message) => !message.deleted);
    empty.hidden = visible;
    if (!visible) drawEmpty();
    const pinned = messages.filter((message) => message.pinned && !message.deleted).at(-1);
    pin.hidden = !pinned;
    if (pinned) pin.replaceChildren(icon("pin"), h("span", { class: "quoted-body" }, h("span", { class: "quoted-name" }, pane.say("pinned")), h("span", { class: "quoted-text" }, summary(pinned, pane.say))));
    pin.onclick = pinned ? () => timeline.jump(pinned.id) : null;
    composer.draw();
  }

  /** What the bot is about to say, as far as it has come. */
  function drawDraft() {
    const now = store.drafts.get(chat);
    draft.hidden = !now;
    if (!now) return;
    draft.replaceChildren(h("div", { class: "text", dir: "auto" }, now.text ? formatted(now.text, now.entities, { ...context, place: "draft" }) : pane.say("thinking")),
      now.can_stop ? h("button", { type: "button", class: "key", on: { click: stop } }, pane.say("stop")) : "");
  }

  async function stop() {
    try {
      await post("stop", pane.who());
    } catch (refusal) {
      toast(refusal.message, "bad");
    }
  }

  /** Asks where to, and forwards there in the name of the person. */
  function forward(message, point) {
    const chats = [...store.chats.values()].filter((one) => one.id === pane.person.id || (one.id < 0 && one.type !== "channel"));
    popupMenu(point, chats.map((one) => ({ icon: "out", label: one.id > 0 ? store.bot?.name ?? one.title : one.title, act: async () => {
      try {
        await post("forward", { user: pane.person.id, bot: store.bot?.id ?? null, from_chat: chat, chat: one.id, message_id: message.id });
      } catch (refusal) {
        toast(refusal.message, "bad");
      }
    } })), { label: pane.say("forward") });
  }

  function drawEmpty() {
    const about = pane.isGroup ? "" : pane.about?.description || pane.about?.short_description;
    empty.replaceChildren(h("div", { class: "empty-card" }, store.bot ? avatar({ ...store.bot, is_bot: true }, "huge") : "",
      h("h2", {}, store.bot?.name ?? pane.say("emptyTitle")), h("p", {}, about || pane.say(pane.isGroup ? "emptyGroup" : "emptyText"))));
  }

  function drawHead() {
    const known = store.chats.get(chat);
    const action = store.actions.get(chat);
    const bot = store.bot;
    const title = pane.isGroup ? known?.title ?? pane.say("group") : bot?.name ?? pane.say("bot");
    const face = pane.isGroup ? { id: chat, title } : bot ? { ...bot, is_bot: true } : { id: 0, name: "…" };
    const print = JSON.stringify([title, face.id, action?.action, action?.from.id, pane.person, pane.language, members()]);
    if (print === headPrint) return; // an open list of members must not close under the reader's hand
    headPrint = print;
    const idle = pane.isGroup ? counted(pane.language, "members", known?.members?.length ?? 0) : pane.say("bot");
    const status = action
      ? h("span", { class: "acting" }, pane.isGroup ? `${action.from.name} ` : "", actionText(action.action, pane.say), h("i", { class: "dots", "aria-hidden": "true" }))
      : h("span", {}, idle);
    header.replaceChildren(
      iconButton("back", pane.say("back"), () => shell.back(), { class: "back" }), avatar(face),
      h("div", { class: "pane-title" }, h("h1", {}, title), h("div", { class: "pane-status", "aria-live": "polite" }, status)),
      pane.isGroup ? speaker() : h("span", { class: "as-chip" }, pane.person ? avatar(pane.person, "mini") : "", h("span", {}, pane.person?.name ?? "")),
      iconButton("close", pane.say("closePane"), () => shell.close(pane), { class: "close-pane" }));
  }

  function speaker() {
    const select = h("select", { class: "speaker", "aria-label": pane.say("speakAs"), title: pane.say("speakAs") },
      members().map((user) => h("option", { value: user.id, selected: user.id === pane.person?.id }, user.name)));
    select.addEventListener("change", () => become(store.users.get(Number(select.value))));
    return h("label", { class: "as-chip" }, pane.person ? avatar(pane.person, "mini") : "", select);
  }

  function become(person) {
    pane.person = person ?? null;
    pane.language = pageLanguage(person?.language);
    timeline.relabel();
    composer.relabel();
    composer.enable(Boolean(person));
    drawHead();
    draw();
    loadCommands().catch(unlessOffline);
    shell.changed(pane);
  }

  async function loadCommands() {
    if (!store.bot || !pane.person) return;
    pane.about = await get("commands", { user: pane.person.id, chat, bot: store.bot.id });
    composer.setCommands(pane.about.commands ?? []);
    draw();
  }

  const offs = [
    store.on("messages", (id) => id === chat && draw()),
    store.on("draft", (id) => id === chat && drawDraft()),
    store.on("loaded", (id) => id === chat && composer.settle()),
    store.on("action", (id) => id === chat && drawHead()),
    store.on("chats", () => {
      if (pane.isGroup && !pane.person && members().length) become(members()[0]);
      else drawHead();
    }),
    store.on("people", () => become(store.users.get(pane.person?.id ?? chat))),
    store.on("callback_answer", presses.answered),
    store.on("commands", () => loadCommands().catch(unlessOffline)),
    store.on("connection", () => { drawHead(); draw(); }),
  ];
  function destroy() {
    for (const off of offs) off();
    pane.element.remove();
  }

  become(pane.person);
  store.loadChat(chat).then(() => composer.focus()).catch(unlessOffline);
  return pane;
}
