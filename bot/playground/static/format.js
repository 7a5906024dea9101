// Text with entities -> nodes. Offsets are UTF-16 units, which is what JavaScript strings are made of.

import { h } from "./dom.js";

const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const SAFE_LINK = /^(https?|mailto|tel|tg):/i;

/** The address as one may follow it, or null when its scheme is not one of ours ("javascript:" and the like). */
export function safeLink(address) {
  const full = /^[a-z][a-z0-9+.-]*:/i.test(address) ? address : `https://${address}`;
  return SAFE_LINK.test(full) ? full : null;
}

/**
 * Nodes for `text`. `context`: `say(key)` the page's words, `opened` a Set of places unfolded by the reader, `place` a name of this text
 * in that set, `command(text)` what a tapped command does, `copy(text)`, `follow(url)` true when a link was dealt with inside the page.
 */
export function formatted(text, entities, context) {
  const inner = entities.filter((entity) => entity.length > 0).sort((a, b) => a.offset - b.offset || b.length - a.length);
  return build(text, 0, text.length, inner, context);
}

function build(text, start, end, entities, context) {
  const nodes = [];
  let at = start;
  for (let i = 0; i < entities.length; ) {
    const entity = entities[i];
    const from = Math.max(entity.offset, at);
    const to = Math.min(entity.offset + entity.length, end);
    let next = i + 1;
    while (next < entities.length && entities[next].offset < to) next += 1;
    if (from < to) {
      if (from > at) nodes.push(text.slice(at, from));
      nodes.push(wrap(entity, text.slice(from, to), build(text, from, to, entities.slice(i + 1, next), context), context));
      at = BLOCKS.has(entity.type) && text[to] === "\n" ? to + 1 : to; // a block ends its line by itself
    }
    i = next;
  }
  if (at < end) nodes.push(text.slice(at, end));
  return nodes;
}

function wrap(entity, raw, children, context) {
  switch (entity.type) {
    case "bold": return h("strong", {}, children);
    case "italic": return h("em", {}, children);
    case "underline": return h("u", {}, children);
    case "strikethrough": return h("s", {}, children);
    case "code": return h("code", { class: "tap", title: context.say("copyText"), on: { click: () => context.copy(raw) } }, children);
    case "pre": return codeBlock(entity, raw, children, context);
    case "blockquote": return h("blockquote", {}, children);
    case "expandable_blockquote": return foldedQuote(entity, children, context);
    case "spoiler": return spoiler(entity, children, context);
    case "text_link": return link(entity.url, children, context);
    case "url": return link(raw, children, context);
    case "email": return link(`mailto:${raw}`, children, context);
    case "phone_number": return link(`tel:${raw}`, children, context);
    case "mention": return h("span", { class: "mention" }, children);
    case "text_mention": return h("span", { class: "mention" }, children);
    case "hashtag": case "cashtag": return h("span", { class: "hashtag" }, children);
    case "bot_command": return h("button", { type: "button", class: "inline-link", on: { click: () => context.command(raw) } }, children);
    default: return h("span", {}, children);
  }
}

function link(address, children, context) {
  const href = safeLink(address);
  if (!href) return h("span", {}, children);
  const click = (event) => {
    if (context.follow(href)) event.preventDefault();
  };
  return h("a", { href, target: "_blank", rel: "noopener noreferrer", title: href, on: { click } }, children);
}

function codeBlock(entity, raw, children, context) {
  const copy = h("button", { type: "button", class: "pre-copy", on: { click: () => context.copy(raw) } }, context.say("copy"));
  return h("div", { class: "pre" }, h("div", { class: "pre-head" }, h("span", {}, entity.language ?? ""), copy), h("pre", {}, h("code", {}, children)));
}

function foldedQuote(entity, children, context) {
  const key = `${context.place}:${entity.offset}`;
  const toggle = h("button", { type: "button", class: "quote-toggle" });
  const words = h("div", { class: "quote-text" }, children);
  const quote = h("blockquote", { class: "expandable" }, words, toggle);
  const fits = new ResizeObserver(() => {
    if (!quote.isConnected) fits.disconnect();
    else if (!context.opened.has(key)) toggle.hidden = words.scrollHeight <= words.clientHeight + 1;
  });
  fits.observe(words);
  function show() {
    const open = context.opened.has(key);
    quote.classList.toggle("open", open);
    toggle.setAttribute("aria-expanded", String(open));
    toggle.setAttribute("aria-label", context.say(open ? "showLess" : "showMore"));
  }
  toggle.addEventListener("click", () => {
    if (!context.opened.delete(key)) context.opened.add(key);
    show();
  });
  show();
  return quote;
}

function spoiler(entity, children, context) {
  const key = `${context.place}:${entity.offset}`;
  const cover = h("span", { class: "spoiler-text" }, children);
  const hidden = h("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": context.say("spoiler") }, cover);
  function reveal() {
    context.opened.add(key);
    hidden.classList.add("open");
    for (const name of ["role", "tabindex", "aria-label"]) hidden.removeAttribute(name);
  }
  hidden.addEventListener("click", reveal);
  hidden.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") reveal();
  });
  if (context.opened.has(key)) reveal();
  return hidden;
}
