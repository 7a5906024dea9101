// Building elements. Strings always become text nodes; nothing in this page parses data as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element: h("button", {class: "x", on: {click}, aria-label: "…"}, "text", child, null). */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same in the SVG namespace. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "style") for (const [property, v] of Object.entries(value)) element.style.setProperty(property, v);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An icon of the sprite in index.html; decoration only, the control around it carries the name. */
export function icon(name) {
  return svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));
}

export function iconButton(name, label, onClick, extra = {}) {
  const { class: more = "", ...attributes } = extra;
  return h("button", { type: "button", class: `icon-button ${more}`, title: label, "aria-label": label, on: { click: onClick }, ...attributes }, icon(name));
}

/** A tiny event hub. `on` returns the function that takes the listener away. */
export function emitter() {
  const listeners = new Map();
  return {
    on(name, listener) {
      if (!listeners.has(name)) listeners.set(name, new Set());
      listeners.get(name).add(listener);
      return () => listeners.get(name).delete(listener);
    },
    emit(name, ...values) {
      for (const listener of [...(listeners.get(name) ?? [])]) listener(...values);
    },
  };
}

/** Moves the focus among `items` with the arrow keys, Home and End. */
export function arrowKeys(event, items) {
  const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  const at = items.indexOf(document.activeElement);
  let next = null;
  if (event.key in steps) next = (at + steps[event.key] + items.length) % items.length;
  else if (event.key === "Home") next = 0;
  else if (event.key === "End") next = items.length - 1;
  if (next === null || !items.length) return;
  event.preventDefault();
  items[next].focus();
}
