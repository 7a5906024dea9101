// What appears above the page: toasts, alerts, questions, the menu of a message, the full-size picture.

import { coloured } from "./emoji.js";
import { arrowKeys, h, icon, iconButton } from "./dom.js";

let toasts = null;

/** A short line that goes away by itself; read out by screen readers. */
export function toast(text, kind = "") {
  toasts ??= document.body.appendChild(h("div", { class: "toasts", role: "status", "aria-live": "polite" }));
  const line = h("div", { class: `toast ${kind}` }, text);
  toasts.append(line);
  setTimeout(() => line.classList.add("leaving"), 3200 + Math.min(text.length, 120) * 20);
  line.addEventListener("animationend", (event) => {
    if (event.animationName === "toast-out") line.remove();
  });
}

export async function copy(text, say) {
  try {
    await navigator.clipboard.writeText(text);
    toast(say("copied"), "good");
  } catch {
    const field = document.body.appendChild(h("textarea", { class: "offscreen" }));
    field.value = text;
    field.select();
    const done = document.execCommand("copy"); // the older way also works without the clipboard permission
    field.remove();
    toast(say(done ? "copied" : "copyFailed"), done ? "good" : "bad");
  }
}

/** A modal dialog that removes itself when closed; resolves to its return value. */
export function modal(className, children, label) {
  const dialog = h("dialog", { class: `dialog ${className}`, "aria-label": label }, children);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close("");
  });
  document.body.append(dialog);
  const closed = new Promise((resolve) => dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue);
  }));
  dialog.showModal();
  return { dialog, closed };
}

export function alertBox(text, say, title = "") {
  return modal("alert", h("form", { method: "dialog" }, title ? h("h2", {}, title) : null, h("p", {}, text),
    h("div", { class: "dialog-actions" }, h("button", { class: "primary", value: "ok" }, say("ok")))), title || text).closed;
}

export async function ask(text, say) {
  const answer = await modal("alert", h("form", { method: "dialog" }, h("p", {}, text), h("div", { class: "dialog-actions" },
    h("button", { value: "" }, say("cancel")), h("button", { class: "primary danger", value: "yes" }, say("ok")))), text).closed;
  return answer === "yes";
}

/** A menu at a point: [{icon, label, act}], with a row of emoji above when `emoji` is given. Escape, Tab or a click elsewhere closes it. */
export function popupMenu({ x, y }, items, { emoji = [], onEmoji = null, label = "" } = {}) {
  document.querySelector(".popup-layer")?.remove();
  const opener = document.activeElement;
  const close = () => {
    layer.remove();
    if (opener?.isConnected) opener.focus({ preventScroll: true });
  };
  const pick = (act) => () => {
    close();
    act();
  };
  const reactions = emoji.map((one) => h("button", { type: "button", class: "emoji", role: "menuitem", "aria-label": one, on: { click: pick(() => onEmoji(one)) } }, coloured(one)));
  const rows = items.map((item) => h("button", { type: "button", role: "menuitem", on: { click: pick(item.act) } }, icon(item.icon), h("span", {}, item.label)));
  const menu = h("div", { class: "popup", role: "menu", "aria-label": label }, reactions.length ? h("div", { class: "popup-emoji" }, reactions) : null, rows);
  const layer = h("div", { class: "popup-layer" }, menu);
  layer.addEventListener("pointerdown", (event) => {
    if (event.target === layer) close();
  });
  layer.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    close();
  });
  layer.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else arrowKeys(event, [...reactions, ...rows]);
  });
  document.body.append(layer);
  const { width, height } = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(y, innerHeight - height - 8))}px`;
  (rows[0] ?? reactions[0])?.focus({ preventScroll: true });
}

/** The full-size picture. `photos`: [{url, name, caption, width, height}]; `onPaint(photo)` opens the editor on one; arrows move, Enter or a click toggles the real size, Escape closes. */
export function lightbox(photos, at, say, onPaint) {
  const image = h("img", { class: "lightbox-image", draggable: "false" });
  const stage = h("div", { class: "lightbox-stage" }, image);
  const caption = h("p", { class: "lightbox-caption" });
  const counter = h("span", { class: "lightbox-counter" });
  const save = h("a", { class: "icon-button", title: say("save"), "aria-label": say("save") }, icon("download"));
  const step = (by) => () => show((at + by + photos.length) % photos.length);
  const zoom = () => stage.classList.toggle("full");
  const paint = () => {
    dialog.close();
    onPaint(photos[at]);
  };
  const { dialog, closed } = modal("lightbox", [
    h("div", { class: "lightbox-bar" }, counter, iconButton("brush", say("brush"), paint), iconButton("zoom", say("zoom"), zoom), save, iconButton("close", say("close"), () => dialog.close())),
    stage, caption,
    photos.length > 1 ? [iconButton("left", say("previous"), step(-1), { class: "side left" }), iconButton("right", say("next"), step(1), { class: "side right" })] : null,
  ], say("openPhoto"));
  function show(index) {
    at = index;
    const photo = photos[at];
    stage.classList.remove("full");
    image.src = photo.url;
    image.alt = photo.caption || say("photo");
    image.style.setProperty("--ratio", String(photo.width / photo.height));
    image.style.setProperty("--natural", `${photo.width}px`);
    save.href = photo.url;
    save.download = photo.name;
    caption.textContent = photo.caption;
    caption.hidden = !photo.caption;
    counter.textContent = photos.length > 1 ? `${at + 1} / ${photos.length}` : `${photo.width} × ${photo.height}`;
  }
  image.addEventListener("click", zoom);
  stage.addEventListener("click", (event) => {
    if (event.target === stage) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1)();
    else if (event.key === "ArrowRight") step(1)();
    else if (event.key === "z" || event.key === "+") zoom();
  });
  let from = null;
  stage.addEventListener("touchstart", (event) => { from = event.touches.length === 1 ? event.touches[0].clientX : null; }, { passive: true });
  stage.addEventListener("touchend", (event) => {
    const moved = from === null ? 0 : event.changedTouches[0].clientX - from;
    if (Math.abs(moved) > 60 && !stage.classList.contains("full")) step(moved > 0 ? -1 : 1)();
  });
  show(at);
  return closed;
}
