// The messages of one chat, kept in step with the store. Only rows whose message changed are drawn again, in their place.

import { bubble } from "./bubble.js";
import { h, iconButton } from "./dom.js";
import { words, dayName } from "./words.js";

const RUN_GAP = 300; // seconds: messages of one sender closer than this stand together

/** Rows to show: albums joined, runs of one sender marked by `first` and `last`. */
export function unitsOf(messages, personId, isGroup) {
  const units = [];
  for (const message of messages) {
    if (message.deleted) continue;
    const before = units.at(-1);
    if (message.album && before?.messages[0].album === message.album) before.messages.push(message);
    else units.push({ key: message.album ? `album-${message.album}` : `m${message.id}`, messages: [message] });
  }
  const together = (a, b) => a && b && !a.messages[0].notice && !b.messages[0].notice && a.messages[0].from.id === b.messages[0].from.id
    && Math.abs(b.messages[0].date - a.messages[0].date) < RUN_GAP;
  units.forEach((unit, i) => {
    const from = unit.messages[0].from;
    unit.own = from?.id === personId;
    unit.first = !together(units[i - 1], unit);
    unit.last = !together(unit, units[i + 1]);
    unit.showName = isGroup && !unit.own && unit.first && !unit.messages[0].notice;
    const day = new Date(unit.messages[0].date * 1000).toDateString();
    unit.newDay = i === 0 || day !== new Date(units[i - 1].messages[0].date * 1000).toDateString();
  });
  return units;
}

/**
 * The scrolling list. `context` is handed on to the bubbles (see bubble.js); `context.language` and `context.personId` may change between
 * draws. Returns {element, draw(messages, isGroup), jump(id), relabel()}.
 */
export function createTimeline(context) {
  const list = h("div", { class: "rows", role: "log", "aria-live": "polite", "aria-relevant": "additions" });
  const scroller = h("div", { class: "timeline", tabindex: "0" }, list);
  const unread = h("span", { class: "badge", hidden: true });
  const down = iconButton("down", context.say("toBottom"), () => toBottom(true), { class: "to-bottom" });
  down.append(unread);
  down.hidden = true;
  const rows = new Map(); // unit key -> {row, print, contents}
  let pinned = true; // the reader is at the end, and stays there as messages come and grow
  let fresh = 0;
  let drawnBefore = false;

  const toBottom = (smooth = false) => scroller.scrollTo({ top: scroller.scrollHeight, behavior: smooth && !reducedMotion() ? "smooth" : "instant" });
  const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;

  scroller.addEventListener("scroll", () => {
    pinned = atEnd();
    if (pinned) fresh = 0;
    showDown();
  }, { passive: true });
  const keepEnd = new ResizeObserver(() => {
    if (pinned) toBottom();
  });
  keepEnd.observe(list);
  keepEnd.observe(scroller);

  function showDown() {
    down.hidden = pinned;
    unread.hidden = fresh === 0;
    unread.textContent = String(fresh);
  }

  function draw(messages, isGroup) {
    const units = unitsOf(messages, context.personId, isGroup);
    const wanted = new Set();
    let at = null;
    const place = (node) => {
      const next = at ? at.nextSibling : list.firstChild;
      if (node !== next) list.insertBefore(node, next);
      at = node;
    };
    for (const unit of units) {
      if (unit.newDay) {
        const name = dayName(context.language, unit.messages[0].date);
        const key = `day-${new Date(unit.messages[0].date * 1000).toDateString()}`;
        wanted.add(key);
        if (!rows.has(key)) rows.set(key, { row: h("div", { class: "day" }) });
        const { row } = rows.get(key);
        if (row.textContent !== name) row.textContent = name;
        place(row);
      }
      wanted.add(unit.key);
      place(rowFor(unit));
    }
    for (const [key, { row }] of [...rows]) {
      if (wanted.has(key)) continue;
      rows.delete(key);
      row.remove();
    }
    if (pinned) toBottom();
    drawnBefore = true;
    showDown();
  }

  function rowFor(unit) {
    const contents = JSON.stringify([unit.messages, quotedVersions(unit)]);
    const pending = [...context.pending].filter((key) => unit.messages.some((message) => key.startsWith(`${message.id}:`)));
    const print = JSON.stringify([unit.own, unit.last, unit.showName, context.language, pending]);
    const known = rows.get(unit.key);
    if (known && known.print === print && known.contents === contents) {
      known.row.classList.toggle("first", unit.first);
      return known.row;
    }
    const row = known?.row ?? h("article", { class: "row", data: { ids: "" } });
    context.images = new Map([...row.querySelectorAll("img[data-slot]")].map((image) => [image.dataset.slot, image]));
    const focused = row.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    renew(row, bubble(unit, context));
    row.className = `row ${unit.own ? "own" : ""} ${unit.first ? "first" : ""} ${unit.last ? "last" : ""}`;
    row.dataset.ids = unit.messages.map((message) => message.id).join(" ");
    if (focused) row.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    if (known && known.contents !== contents) row.classList.add("changed");
    else if (!known && drawnBefore) {
      row.classList.add("new");
      if (!unit.own && !pinned) fresh += 1;
      if (unit.own) pinned = true;
    }
    rows.set(unit.key, { row, print, contents });
    return row;
  }

  function quotedVersions(unit) {
    return unit.messages.map((message) => {
      const original = message.reply_to ? context.message(message.reply_to) : null;
      return original ? [original.edits, original.deleted] : null;
    });
  }

  /** Scrolls to a message and lights it up for a moment. */
  function jump(id) {
    const row = [...list.children].find((one) => one.dataset.ids?.split(" ").includes(String(id)));
    if (!row) return;
    row.scrollIntoView({ block: "center", behavior: reducedMotion() ? "instant" : "smooth" });
    row.classList.remove("lit");
    requestAnimationFrame(() => row.classList.add("lit"));
  }

  function relabel() {
    scroller.setAttribute("aria-label", words(context.language, "write"));
    down.setAttribute("aria-label", context.say("toBottom"));
    down.title = context.say("toBottom");
  }

  list.addEventListener("animationend", (event) => event.target.classList.remove("changed", "new", "lit"));
  return { element: h("div", { class: "timeline-frame" }, scroller, down), draw, jump, relabel };
}

/** Puts new contents into a row. A keyboard that stays the same is not touched: an edit must not spoil a press that has begun. */
function renew(row, contents) {
  const before = row.querySelector(".keyboard");
  const stack = contents.find((node) => node.classList.contains("stack"));
  const after = stack?.querySelector(".keyboard");
  if (!before || before.dataset.print !== after?.dataset.print) {
    row.replaceChildren(...contents);
    return;
  }
  before.parentElement.style.cssText = stack.style.cssText;
  before.parentElement.firstElementChild.replaceWith(stack.firstElementChild);
  if (row.firstElementChild !== before.parentElement) row.firstElementChild.replaceWith(contents[0]);
}

function reducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
