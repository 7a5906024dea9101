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
  const list = h("nav", { class: "chat-list" });
  const head = h("header", { class: "side-head" });
  const foot = h("div", { class: "side-foot" });
  const element = h("aside", { class: "sidebar" }, head, list, foot);
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
    return h("div", { class: "chat-item", role: "listitem" },
      h("button", { type: "button", class: `chat-row ${active ? "active" : ""} ${open ? "open" : ""}`, "aria-current": active ? "true" : null, data: { chat: entry.id, key: entry.id }, on: { click: () => shell.open(entry.id), contextmenu: (event) => rowMenu(event, entry) } },
        avatar(entry.who),
        h("span", { class: "chat-text" },
          h("span", { class: "chat-top" }, h("span", { class: "chat-name" }, entry.title), entry.language ? h("span", { class: "lang" }, entry.language) : null, entry.who.blocked ? icon("block") : null, h("time", {}, when)),
          h("span", { class: "chat-bottom" },
            h("span", { class: `chat-last ${action ? "acting" : ""}` }, last && !action && !last.notice && last.from?.id === entry.id ? h("b", {}, `${say("you")}: `) : null, line),
            fresh ? h("span", { class: "badge" }, String(fresh)) : null))),
      iconButton("beside", `${say("openBeside")}: ${entry.title}`, () => shell.openBeside(entry.id), { class: "beside" }));
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
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    head.replaceChildren(h("img", { src: "/icon.svg", alt: "", class: "logo" }), h("div", { class: "side-title" }, h("strong", {}, "Playground"), botChoice()),
      iconButton("code", say("calls"), () => shell.toggleDrawer(), { class: "drawer-toggle", "aria-expanded": String(shell.drawerOpen()) }));
    const all = entries();
    list.setAttribute("aria-label", say("people"));
    list.replaceChildren(h("div", { role: "list" }, all.length ? all.map(row) : h("p", { class: "hint" }, say("nobody"))));
    foot.replaceChildren(
      h("button", { type: "button", class: "ghost", on: { click: () => addPerson(store, say).then((id) => id && shell.open(id)) } }, say("addPerson")),
      h("button", { type: "button", class: "ghost", disabled: !store.bot, on: { click: () => addGroup(store, say).then((id) => id && shell.open(id)) } }, say("addGroup")));
    if (focused) list.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
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
