// One bubble: a message, or the pictures of one album.

import { avatar } from "./avatar.js";
import { h, icon, iconButton } from "./dom.js";
import { coloured, isFewEmoji } from "./emoji.js";
import { formatted } from "./format.js";
import { inlineKeyboard } from "./keyboard.js";
import { documentCard, mosaic, otherMedia, photoTile, pollCard, shownWidth } from "./media.js";
import { clock } from "./words.js";

/**
 * The content of a timeline row. `unit`: {messages, own, first, last, showName}. `context`: what format.js and media.js need, and
 * `message(id)`, `jump(id)`, `menu(message, point)`, `react(message, emoji)`, `vote(message, options)`, `press`, `pending`, `personId`.
 */
export function bubble(unit, context) {
  const head = unit.messages[0];
  if (head.notice) return [h("div", { class: "notice" }, head.notice)];
  const photos = unit.messages.filter((message) => message.photo);
  const captioned = unit.messages.find((message) => message.text ?? message.caption);
  const text = captioned ? textBlock(captioned, context) : null;
  const pictures = photos.length > 1 ? mosaic(photos, context) : photos.length ? photoTile(photos[0], context, `${photos[0].id}`) : null;
  const files = unit.messages.filter((message) => message.document).map((message) => documentCard(message.document, context));
  const others = unit.messages.filter((message) => message.media).map((message) => otherMedia(message.media, context));
  const media = [pictures, ...others, ...files, head.poll ? pollCard(head, context) : null];
  const body = h("div", { class: "bubble", on: { contextmenu: (event) => openMenu(event, unit, context), dblclick: (event) => quickReply(event, head, context), click: (event) => tapMenu(event, unit, context) } },
    unit.showName ? h("div", { class: "author", style: { "--hue": String(hue(head.from.id)) } }, head.from.name) : null,
    head.forward_from ? h("div", { class: "origin" }, context.say("forwarded", { name: head.forward_from })) : null,
    head.via_bot ? h("div", { class: "origin" }, context.say("via", { name: `@${head.via_bot.username}` })) : null,
    head.reply_to ? quoted(head, context) : null,
    head.caption_above ? [text, media] : media,
    h("div", { class: "words" }, head.caption_above ? null : text, reactions(head, context), stamp(unit.messages, context)));
  const plain = photos.length && !text && !files.length && !head.reply_to && !unit.showName && !head.reactions.length;
  body.classList.toggle("picture-only", Boolean(plain));
  body.classList.toggle("with-picture", photos.length > 0);
  body.classList.toggle("jumbo", Boolean(captioned?.text && isFewEmoji(captioned.text) && !head.reply_to));
  const menu = iconButton("more", context.say("messageMenu"), (event) => openMenu(event, unit, context), { class: "row-menu", "aria-haspopup": "menu" });
  const stack = h("div", { class: "stack" }, h("div", { class: "bubble-line" }, body, menu), head.buttons.length ? inlineKeyboard(head, context) : null);
  if (photos.length) stack.style.setProperty("--width", `${photos.length > 1 ? 420 : shownWidth(photos[0].photo)}px`);
  const face = unit.own ? null : unit.last ? avatar(head.from, "small") : h("span", { class: "avatar-gap" });
  return [face, stack].filter(Boolean);
}

function textBlock(message, context) {
  const text = message.text ?? message.caption;
  return h("div", { class: "text", dir: "auto" }, formatted(text, message.entities, { ...context, place: `${message.id}` }));
}

function hue(id) {
  return (Math.abs(id) * 67) % 360;
}

function stamp(messages, context) {
  const head = messages[0];
  const edited = messages.some((message) => message.edit_date);
  return h("span", { class: "stamp" },
    head.pinned ? icon("pin") : null,
    edited ? h("span", { class: "edited" }, context.say("edited")) : null,
    h("time", { datetime: new Date(head.date * 1000).toISOString(), title: new Date(head.date * 1000).toLocaleString(context.language) }, clock(context.language, head.date)));
}

/** A line of what a message holds, for quotes and lists. */
export function summary(message, say) {
  if (message.notice) return message.notice;
  const text = message.text ?? message.caption;
  if (text) return text.replace(/\s+/g, " ").slice(0, 160);
  if (message.photo) return say("photo");
  if (message.poll) return message.poll.question;
  return message.document?.file_name ?? message.media?.file_name ?? say("file");
}

function quoted(message, context) {
  const original = context.message(message.reply_to);
  const missing = !original || original.deleted;
  const children = missing ? [h("span", { class: "quoted-text" }, context.say("deletedMessage"))] : [
    original.photo ? h("img", { class: "quoted-thumb", src: original.photo.sizes[0]?.file_url ?? original.photo.file_url, alt: "" }) : null,
    h("span", { class: "quoted-body" },
      h("span", { class: "quoted-name" }, original.from.name),
      h("span", { class: "quoted-text" }, message.quote ?? summary(original, context.say)))];
  return h("button", { type: "button", class: "quoted", disabled: missing, style: missing ? {} : { "--hue": String(hue(original.from.id)) }, on: { click: () => context.jump(message.reply_to) } }, children);
}

function reactions(message, context) {
  if (!message.reactions.length) return null;
  return h("div", { class: "reactions" }, message.reactions.map(({ emoji, users }) => {
    const mine = users.includes(context.personId);
    return h("button", { type: "button", class: `reaction ${mine ? "mine" : ""}`, "aria-pressed": String(mine), "aria-label": `${emoji} ${users.length}`, on: { click: () => context.react(message, emoji) } },
      coloured(emoji), users.length > 1 ? h("span", {}, String(users.length)) : null);
  }));
}

function openMenu(event, unit, context) {
  if (event.type === "contextmenu" && (event.target.closest("a") || String(getSelection()))) return;
  event.preventDefault();
  const tile = event.target.closest?.(".photo");
  const under = tile ? unit.messages.find((message) => tile.querySelector(`[data-slot="${message.id}"]`)) : null;
  const box = event.currentTarget.getBoundingClientRect();
  const pointed = event.clientX || event.clientY;
  context.menu(under ?? unit.messages[0], { x: pointed ? event.clientX : box.left, y: pointed ? event.clientY : box.bottom });
}

/** On a touch screen a tap beside the buttons and links opens the menu. */
function tapMenu(event, unit, context) {
  if (event.pointerType === "touch" && !event.target.closest("button, a, code, [role=button], audio, video")) openMenu(event, unit, context);
}

function quickReply(event, message, context) {
  if (event.target.closest("button, a, .text, .pre") || event.pointerType === "touch") return;
  context.reply(message);
}
