// The list of commands that opens over the input as one types a slash.

import { h } from "./dom.js";

let made = 0;

/** Returns {element, draw(text), key(event), toggle()}; `onPick(command, send)`: `send` is false when only Tab was pressed. */
export function createSuggest(say, onPick) {
  let commands = [];
  let shown = [];
  let at = 0;
  const element = h("div", { class: "suggest", role: "listbox", id: `commands-${(made += 1)}`, hidden: true });

  function show(list) {
    shown = list;
    at = 0;
    element.setAttribute("aria-label", say("commands"));
    element.replaceChildren(...shown.map((one, index) => h("div", { class: "suggestion", role: "option", id: `${element.id}-${index}`, on: {
      pointerdown: (event) => event.preventDefault(),
      click: () => onPick(one.command, true),
    } }, h("span", { class: "suggestion-name" }, `/${one.command}`), h("span", { class: "suggestion-text" }, one.description))));
    element.hidden = !shown.length;
    mark();
  }

  function mark() {
    [...element.children].forEach((row, index) => {
      row.classList.toggle("at", index === at);
      row.setAttribute("aria-selected", String(index === at));
    });
    element.children[at]?.scrollIntoView({ block: "nearest" });
  }

  /** Filters by what stands in the input; only a lone command being typed opens the list. */
  function draw(text) {
    const typed = /^\/(\w*)$/.exec(text);
    show(typed ? commands.filter(({ command }) => command.startsWith(typed[1].toLowerCase())) : []);
  }

  /** True when the key was meant for the list. */
  function key(event) {
    if (element.hidden || event.isComposing) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % shown.length;
      mark();
    } else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey)) onPick(shown[at].command, event.key === "Enter");
    else if (event.key === "Escape") element.hidden = true;
    else return false;
    event.preventDefault();
    return true;
  }

  return {
    element, draw, key,
    toggle: () => show(element.hidden ? commands : []),
    hide: () => show([]),
    active: () => (element.hidden ? null : `${element.id}-${at}`),
    set: (list) => { commands = list; },
    any: () => commands.length > 0,
  };
}
