// The page: the list of people, one or more open chats beside each other, the drawer, the banner.

import { h, icon } from "./dom.js";
import { createDrawer } from "./drawer.js";
import { createPane } from "./pane.js";
import { createSidebar } from "./sidebar.js";
import { createStore } from "./store.js";
import { pageLanguage, words } from "./words.js";

const MOST_PANES = 3;
const store = createStore();
const panes = [];
let active = null;

const shell = {
  language: pageLanguage(navigator.language),
  openChats: () => panes.map((pane) => pane.chat),
  activeChat: () => active?.chat ?? null,
  drawerOpen: () => !drawer.element.hidden,
  open, openBeside, close, back, activate, toggleDrawer, changed: (pane) => pane === active && activate(pane),
};
const sidebar = createSidebar(store, shell);
const drawer = createDrawer(store, shell);
const banner = h("div", { class: "banner", role: "status", hidden: true });
const room = h("main", { class: "panes" });
const app = document.querySelector("#app");
app.append(sidebar.element, h("div", { class: "middle" }, banner, room), drawer.element);

/** Opens a chat in the active pane. */
function open(chat) {
  const there = panes.find((pane) => pane.chat === chat);
  if (!there) {
    const pane = createPane(store, shell, chat);
    if (active) {
      panes[panes.indexOf(active)] = pane;
      active.element.replaceWith(pane.element);
      active.destroy();
    } else {
      panes.push(pane);
      room.append(pane.element);
    }
    active = null;
    activate(pane);
  } else activate(there);
  app.classList.add("in-chat");
  remember();
}

function openBeside(chat) {
  if (!panes.some((pane) => pane.chat === chat) && panes.length < MOST_PANES) active = null;
  open(chat);
}

function close(pane) {
  panes.splice(panes.indexOf(pane), 1);
  pane.destroy();
  active = null;
  if (panes.length) activate(panes.at(-1));
  else back();
  remember();
  sidebar.draw();
}

function back() {
  app.classList.remove("in-chat");
}

/** The language of the page is that of the person one writes as. */
function activate(pane) {
  const language = pane.language;
  const same = active === pane && shell.language === language;
  active = pane;
  shell.language = language;
  document.documentElement.lang = language;
  if (same) return;
  for (const one of panes) one.element.classList.toggle("active", one === pane);
  room.classList.toggle("several", panes.length > 1);
  drawAll();
}

function drawAll() {
  sidebar.draw();
  drawer.draw();
  drawBanner();
  document.title = store.bot ? `${store.bot.name} · Playground` : "Playground";
}

function toggleDrawer() {
  drawer.element.hidden = !drawer.element.hidden;
  app.classList.toggle("with-drawer", !drawer.element.hidden);
  drawer.draw();
  sidebar.draw();
}

function drawBanner() {
  const bot = store.bot;
  const text = store.connected === false ? "noServer" : !store.loaded ? null : !bot ? "noBot" : bot.connection === "none" ? "botAway" : null;
  banner.hidden = !text;
  if (text) banner.replaceChildren(icon(text === "noServer" ? "offline" : "sleep"), words(shell.language, text, { name: bot?.name ?? "" }));
}

function remember() {
  history.replaceState(null, "", `#${panes.map((pane) => pane.chat).join("+")}`);
}

/** At the start: the chats named in the address, or the first person who speaks the browser's language. */
function openFirst() {
  if (panes.length || !store.loaded) return;
  const named = location.hash.slice(1).split("+").map(Number).filter((id) => store.users.has(id) || store.chats.has(id));
  const people = [...store.users.values()].filter((user) => !user.is_bot).sort((a, b) => a.id - b.id);
  const native = people.find((user) => pageLanguage(user.language) === pageLanguage(navigator.language)) ?? people[0];
  const wide = matchMedia("(min-width: 761px)").matches;
  for (const id of named.length ? named : wide && native ? [native.id] : []) openBeside(id);
  if (!named.length) back();
}

store.on("people", () => {
  for (const pane of panes.filter(({ chat }) => chat > 0 && !store.users.has(chat))) close(pane);
});
store.on("connection", () => {
  openFirst();
  drawAll();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]") && app.classList.contains("in-chat") && matchMedia("(max-width: 760px)").matches) back();
});
drawAll();
