// What the page knows: people, bots, chats, messages. It loads them, applies the events and tells the views what changed.

import { follow, get, post, unlessOffline } from "./api.js";
import { emitter } from "./dom.js";

const FIRST_PEOPLE = [
  { id: 1001, name: "Анна", username: "anna", language: "ru" },
  { id: 1002, name: "Bob", username: "bob", language: "en" },
];
const FIRST_GROUP = { chat: -1000, title: "Art club", type: "supergroup", members: FIRST_PEOPLE.map(({ id }) => id) };

/**
 * Tells its listeners: `people`, `chats`, `messages` (chat id), `loaded` (chat id), `action` (chat id), `draft` (chat id), `callback_answer` (data), `call` (call), `calls`,
 * `commands`, `faults`, `connection`.
 */
export function createStore() {
  const hub = emitter();
  const store = {
    on: hub.on,
    users: new Map(),
    bots: [],
    bot: null,
    chats: new Map(),
    messages: new Map(),
    actions: new Map(),
    drafts: new Map(), // chat id -> what the bot is about to say
    calls: [],
    connected: null,
    loaded: false,
    load,
    loadChat,
    chooseBot,
    refreshBots,
    put,
  };
  let turn = Promise.resolve();
  const inTurn = (act) => (turn = turn.then(act, act)); // one load after another
  const loading = new Map(); // chat id -> events that came while its transcript was on the way

  /** A private chat belongs to one bot; a group may hold several. */
  const isOurs = (chat) => (chat.bots ?? [chat.bot]).includes(store.bot?.id);

  function put(message) {
    const known = store.messages.get(message.chat) ?? new Map();
    known.set(message.id, message);
    store.messages.set(message.chat, known);
    const chat = store.chats.get(message.chat);
    if (chat && (!chat.last_message || chat.last_message.id <= message.id)) chat.last_message = message;
    hub.emit("messages", message.chat);
    hub.emit("chats");
  }

  const apply = {
    message({ chat, message }) {
      endAction(message);
      if (!store.chats.has(chat)) loadChats().catch(unlessOffline);
      put(message);
    },
    edit({ message }) {
      if (message.photo || message.document) endAction(message);
      put(message);
    },
    reaction: ({ message }) => put(message),
    delete({ chat, message_id }) {
      const message = store.messages.get(chat)?.get(message_id);
      if (message) put({ ...message, deleted: true });
    },
    pin({ chat, message_id, pinned }) {
      const message = store.messages.get(chat)?.get(message_id);
      if (message) put({ ...message, pinned });
    },
    chat_action: ({ chat, ...action }) => setAction(chat, action),
    draft: ({ chat, draft }) => setDraft(chat, draft),
  };

  function onEvent(name, data) {
    if (name === "call") {
      store.calls.push(data.call);
      if (store.calls.length > 1000) store.calls.splice(0, 200);
      hub.emit("call", data.call);
    } else if (name === "reset") inTurn(load).catch(unlessOffline);
    else if (name === "fault") hub.emit("faults");
    else if (name === "commands") hub.emit("commands");
    else if (name === "bot") inTurn(refreshBots).catch(unlessOffline);
    else if (name === "user") {
      store.users.set(data.user.id, data.user);
      hub.emit("people");
    } else if (name === "chat") {
      if (isOurs(data.chat)) store.chats.set(data.chat.id, data.chat);
      hub.emit("chats");
    } else if (data.chat > 0 && data.bot !== store.bot?.id) return;
    else if (name === "callback_answer") hub.emit("callback_answer", data);
    else if (loading.has(data.chat)) loading.get(data.chat).push([name, data]);
    else apply[name]?.(data);
  }

  function endAction(message) {
    if (store.actions.get(message.chat)?.from.id === message.from?.id) setAction(message.chat, null);
  }

  function setAction(chat, action) {
    clearTimeout(store.actions.get(chat)?.timer);
    if (action) {
      const timer = setTimeout(() => setAction(chat, null), Math.max(0, action.expires * 1000 - Date.now()));
      store.actions.set(chat, { ...action, timer });
    } else store.actions.delete(chat);
    hub.emit("action", chat);
  }

  function setDraft(chat, draft) {
    clearTimeout(store.drafts.get(chat)?.timer);
    if (draft) store.drafts.set(chat, { ...draft, timer: setTimeout(() => setDraft(chat, null), Math.max(0, draft.expires * 1000 - Date.now())) });
    else store.drafts.delete(chat);
    hub.emit("draft", chat);
  }

  async function refreshBots() {
    const { bots } = await get("bots");
    const before = JSON.stringify(store.bots);
    store.bots = bots;
    if (!bots.length) for (const chat of store.messages.keys()) store.messages.set(chat, new Map());
    const current = bots.find((bot) => bot.id === store.bot?.id) ?? bots.find((bot) => bot.default) ?? bots[0] ?? null;
    const changed = current?.id !== store.bot?.id;
    store.bot = current;
    if (changed) await loadEverythingOfBot();
    if (changed || before !== JSON.stringify(bots)) hub.emit("connection");
  }

  async function chooseBot(id) {
    store.bot = store.bots.find((bot) => bot.id === id) ?? store.bot;
    await loadEverythingOfBot();
    hub.emit("connection");
  }

  async function loadEverythingOfBot() {
    const open = [...store.messages.keys()];
    store.messages.clear();
    await loadChats();
    if (store.bot && ![...store.chats.values()].some((chat) => chat.type !== "private") && store.users.has(FIRST_PEOPLE[0].id)) {
      await post("chat", { ...FIRST_GROUP, bot: store.bot.id, bot_present: true });
    }
    await Promise.all(open.map(loadChat));
    hub.emit("commands");
  }

  async function loadChats() {
    if (!store.bot) return;
    const { chats } = await get("chats", { bot: store.bot.id });
    store.chats = new Map(chats.filter(isOurs).map((chat) => [chat.id, chat]));
    hub.emit("chats");
  }

  /** Everything anew: at the start, after a reconnection, after a reset. Brings in the first people when there are none. */
  async function load() {
    const { users } = await get("users");
    if (!users.some((user) => !user.is_bot)) {
      for (const person of FIRST_PEOPLE) users.push((await post("user", person)).user);
    }
    store.users = new Map(users.map((user) => [user.id, user]));
    hub.emit("people");
    store.bot = null;
    store.bots = [];
    store.chats = new Map();
    await refreshBots();
    store.calls = (await get("calls", { limit: 300 })).calls.filter((call) => call.method !== "getUpdates" || !call.ok || call.result?.length);
    store.loaded = true;
    hub.emit("calls");
    hub.emit("faults");
    hub.emit("connection");
  }

  async function loadChat(chat) {
    if (!store.messages.has(chat)) store.messages.set(chat, new Map());
    if (!store.bot || loading.has(chat)) return;
    loading.set(chat, []);
    try {
      const { chat: known, messages } = await get("transcript", { chat, bot: store.bot.id, limit: 1000 });
      store.messages.set(chat, new Map(messages.map((message) => [message.id, message])));
      setDraft(chat, known?.draft ?? null);
    } finally {
      const events = loading.get(chat);
      loading.delete(chat);
      for (const [name, data] of events) apply[name]?.(data);
    }
    hub.emit("messages", chat);
    hub.emit("loaded", chat);
  }

  follow(onEvent, async (connected) => {
    const before = store.connected;
    store.connected = connected;
    if (before !== connected) hub.emit("connection");
    if (connected) await inTurn(load);
  });
  setInterval(() => {
    if (store.connected && store.loaded && !document.hidden) inTurn(refreshBots).catch(unlessOffline);
  }, 3000);
  return store;
}
