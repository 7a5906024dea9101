// The list of people and groups: whose chat with the bot is open, what came last, what is unread.

import { post } from "./api.js";
import { avatar } from "./avatar.js";
import { summary } from "./bubble.js";
import { popupMenu, toast } from "./dialogs.js";
import { arrowKeys, h, icon, iconButton } from "./dom.js";
import { addGroup, addPerson } from "./people.js";
import { actionText, clock, dayName, words } from "./words.js";

/** `shell`: {language, openChats() -> ids, activeChat(), open(id), openBeside(id)}. Returns {element, draw()}. */
export function createSidebar(store, shell) {
  const say = (key, values) => words(shell.language, key, values);
  const unread = new Map();
  const items = new Map(); // chat id -> its element, which stays while its contents change
  const rows = h("div", { role: "list" });
  const nobody = h("p", { class: "hint" });
  const list = h("nav", { class: "chat-list" }, rows, nobody);
  const head = h("header", { class: "side-head" });
  const foot = h("div", { class: "side-foot" });
  const element = h("aside", { class: "sidebar" }, head, list, foot);
  let frame = null; // what head and foot were drawn from
  const newest = new Map(); // chat id -> id of the latest message seen by this list

  list.addEventListener("keydown", (event) => arrowKeys(event, [...list.querySelectorAll(".chat-row")]));

  /** People in the order of their ids, each with the private chat, then the groups; those who wrote stay where they are. */
  function entries() {
    const people = [...store.users.values()].filter((user) => !user.is_bot).map((user) => ({ id: user.id, title: user.name, who: user, language: user.language }));
    const groups = [...store.chats.values()].filter((chat) => chat.type !== "private").map((chat) => ({ id: chat.id, title: chat.title, who: { id: chat.id, title: chat.title }, group: true }));
    return [...people.sort((a, b) => a.id - b.id), ...groups.sort((a, b) => b.id - a.id)];
  }

  function count(chat) {
    const last = store.chats.get(chat)?.last_message;
    if (!store.loaded) return 0;
    const known = newest.get(chat);
    newest.set(chat, last?.id ?? 0);
    if (shell.openChats().includes(chat)) unread.delete(chat);
    else if (known !== undefined && last && last.id > known && last.from?.is_bot) unread.set(chat, (unread.get(chat) ?? 0) + 1);
    return unread.get(chat) ?? 0;
  }

  function row(entry) {
    const last = store.chats.get(entry.id)?.last_message;
    const action = store.actions.get(entry.id);
    const fresh = count(entry.id);
    const line = action ? actionText(action.action, say) : last && !last.deleted ? summary(last, say) : entry.group ? say("group") : `@${entry.who.username ?? entry.id}`;
    const when = last ? (dayName(shell.language, last.date) === say("today") ? clock(shell.language, last.date) : dayName(shell.language, last.date)) : "";
    const active = shell.activeChat() === entry.id;
    const open = shell.openChats().includes(entry.id);
    const item = items.get(entry.id) ?? newItem(entry.id);
    const button = item.firstElementChild;
    const beside = item.lastElementChild;
    button.className = `chat-row ${active ? "active" : ""} ${open ? "open" : ""}`;
    button.toggleAttribute("aria-current", active);
    button.oncontextmenu = (event) => rowMenu(event, entry);
    beside.title = `${say("openBeside")}: ${entry.title}`;
    beside.setAttribute("aria-label", beside.title);
    const print = JSON.stringify([entry, line, when, fresh, shell.language]);
    if (button.dataset.print !== print) {
      button.dataset.print = print;
      button.replaceChildren(avatar(entry.who),
        h("span", { class: "chat-text" },
          h("span", { class: "chat-top" }, h("span", { class: "chat-name" }, entry.title), entry.language ? h("span", { class: "lang" }, entry.language) : null, entry.who.blocked ? icon("block") : null, h("time", {}, when)),
          h("span", { class: "chat-bottom" },
            h("span", { class: `chat-last ${action ? "acting" : ""}` }, last && !action && !last.notice && last.from?.id === entry.id ? h("b", {}, `${say("you")}: `) : null, line),
            fresh ? h("span", { class: "badge" }, String(fresh)) : null)));
    }
    return item;
  }

  function newItem(id) {
    const item = h("div", { class: "chat-item", role: "listitem" },
      h("button", { type: "button", class: "chat-row", on: { click: () => shell.open(id) } }),
      iconButton("beside", "", () => shell.openBeside(id), { class: "beside" }));
    items.set(id, item);
    return item;
  }

  function rowMenu(event, entry) {
    event.preventDefault();
    const blocked = entry.who.blocked;
    popupMenu({ x: event.clientX, y: event.clientY }, [
      { icon: "beside", label: say("openBeside"), act: () => shell.openBeside(entry.id) },
      !entry.group && store.bot ? { icon: blocked ? "check" : "block", label: say(blocked ? "unblock" : "block"), act: () => block(entry, !blocked) } : null,
    ].filter(Boolean), { label: entry.title });
  }

  async function block(entry, blocked) {
    try {
      await post("user", { id: entry.id, blocked, bot: store.bot.id });
    } catch (refusal) {
      toast(refusal.message, "bad");
    }
  }

  function draw() {
    drawFrame();
    const all = entries();
    list.setAttribute("aria-label", say("people"));
    for (const id of [...items.keys()].filter((one) => !all.some((entry) => entry.id === one))) {
      items.get(id).remove();
      items.delete(id);
    }
    all.map(row).forEach((item, index) => {
      if (rows.children[index] !== item) rows.insertBefore(item, rows.children[index] ?? null);
    });
    nobody.hidden = all.length > 0;
    nobody.textContent = say("nobody");
  }

  function drawFrame() {
    const print = JSON.stringify([store.bots.map(({ id, name, username }) => [id, name, username]), store.bot?.id, shell.language, shell.drawerOpen()]);
    if (print === frame) return;
    frame = print;
    head.replaceChildren(h("img", { src: "/icon.svg", alt: "", class: "logo" }), h("div", { class: "side-title" }, h("strong", {}, "Playground"), botChoice()),
      iconButton("code", say("calls"), () => shell.toggleDrawer(), { class: "drawer-toggle", "aria-expanded": String(shell.drawerOpen()) }));
    foot.replaceChildren(
      h("button", { type: "button", class: "ghost", on: { click: () => addPerson(store, say).then((id) => id && shell.open(id)) } }, say("addPerson")),
      h("button", { type: "button", class: "ghost", disabled: !store.bot, on: { click: () => addGroup(store, say).then((id) => id && shell.open(id)) } }, say("addGroup")));
  }

  function botChoice() {
    if (store.bots.length < 2) return h("span", { class: "side-bot" }, store.bot ? `@${store.bot.username ?? store.bot.name}` : "");
    const select = h("select", { class: "side-bot", "aria-label": say("bots") }, store.bots.map((bot) => h("option", { value: bot.id, selected: bot.id === store.bot?.id }, bot.name)));
    select.addEventListener("change", () => store.chooseBot(Number(select.value)));
    return select;
  }

  for (const name of ["people", "chats", "action", "connection"]) store.on(name, draw);
  return { element, draw };
}
