// Bringing in people and groups.

import { post } from "./api.js";
import { modal } from "./dialogs.js";
import { h } from "./dom.js";

const LANGUAGES = [["ru", "Русский"], ["en", "English"], ["de", "Deutsch"], ["es", "Español"], ["fr", "Français"], ["zh-hans", "中文"]];

function field(label, control) {
  return h("label", { class: "field" }, h("span", {}, label), control);
}

async function form(title, fields, say, submit) {
  let made = null;
  const error = h("p", { class: "form-error", role: "alert" });
  const body = h("form", {}, h("h2", {}, title), fields, error, h("div", { class: "dialog-actions" },
    h("button", { type: "button", on: { click: () => dialog.close() } }, say("cancel")), h("button", { class: "primary", type: "submit" }, say("add"))));
  const { dialog, closed } = modal("form", body, title);
  body.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      made = await submit(new FormData(body));
      dialog.close();
    } catch (refusal) {
      error.textContent = refusal.message;
    }
  });
  await closed;
  return made;
}

/** Asks for a name and a language; resolves to the new person's id, or null. */
export function addPerson(store, say) {
  return form(say("addPerson"), [
    field(say("name"), h("input", { name: "name", required: true, maxlength: 64, autofocus: true })),
    field(say("username"), h("input", { name: "username", pattern: "[A-Za-z][A-Za-z0-9_]{3,31}", placeholder: "maria_k" })),
    field(say("language"), h("select", { name: "language" }, LANGUAGES.map(([code, name]) => h("option", { value: code }, name)))),
  ], say, async (data) => {
    const id = Math.max(1000, ...[...store.users.values()].filter((user) => !user.is_bot).map((user) => user.id)) + 1;
    const { user } = await post("user", { id, name: data.get("name").trim(), username: data.get("username") || null, language: data.get("language") });
    store.users.set(user.id, user);
    return user.id;
  });
}

/** Asks for a title and members; resolves to the new group's id, or null. */
export function addGroup(store, say) {
  const people = [...store.users.values()].filter((user) => !user.is_bot);
  return form(say("addGroup"), [
    field(say("title"), h("input", { name: "title", required: true, maxlength: 128, autofocus: true })),
    h("fieldset", { class: "members" }, h("legend", {}, say("members")), people.map((user) =>
      h("label", { class: "check" }, h("input", { type: "checkbox", name: "member", value: user.id, checked: true }), h("span", {}, user.name)))),
  ], say, async (data) => {
    const id = Math.min(-1000, ...store.chats.keys()) - 1;
    const { chat } = await post("chat", { chat: id, type: "supergroup", title: data.get("title").trim(), members: data.getAll("member").map(Number), bot: store.bot.id, bot_present: true });
    store.chats.set(chat.id, chat);
    return chat.id;
  });
}
