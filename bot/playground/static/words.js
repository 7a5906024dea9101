// The page's own words, in the language of the person in whose name one types.

const WORDS = {
  en: {
    copy: "Copy",
    people: "People", addPerson: "New person", addGroup: "New group", search: "Search", bot: "bot", nobody: "No people yet",
    you: "You", group: "group", speakAs: "Write as", openBeside: "Open side by side", closePane: "Close this chat", back: "Back to the list",
    write: "Message", caption: "Add a caption…", replyPlaceholder: "Your reply…", send: "Send", attach: "Attach", commands: "Commands", start: "Start",
    emptyTitle: "Nothing here yet", emptyText: "Say hello, or press Start.", emptyGroup: "Write something, or mention the bot.",
    edited: "edited", reply: "Reply", forward: "Forward", thinking: "Thinking…", stop: "Stop", copyText: "Copy text", edit: "Edit", copied: "Copied", copyFailed: "The browser did not allow copying", react: "React", save: "Save",
    openPhoto: "Open the picture", photo: "Photo", album: "Album", file: "File", download: "Download", close: "Close", previous: "Previous", next: "Next", zoom: "Full size", messageMenu: "Message menu",
    asPhoto: "As photo", asMedia: "To watch or listen", asFile: "As file", remove: "Remove", dropPhoto: "Drop to send as a photo", dropFile: "Drop to send as a file", cancel: "Cancel",
    today: "Today", yesterday: "Yesterday", toBottom: "To the latest message", pinned: "Pinned message", showMore: "Show more", showLess: "Show less", spoiler: "Hidden: press to show",
    forwarded: "Forwarded from {name}", via: "via {name}", deletedMessage: "Deleted message",
    typing: "is typing…", upload_photo: "is sending a photo…", upload_document: "is sending a file…", record_video: "is recording…", upload_video: "is sending a video…",
    upload_voice: "is sending a voice message…", record_voice: "is recording…", choose_sticker: "is choosing a sticker…", find_location: "is looking for a place…",
    noServer: "No connection to the playground. Trying again…", noBot: "No bot here yet. Start one and it will appear by itself.", botAway: "{name} is not connected. Messages will wait for it.",
    calls: "Bot API calls", callsHint: "Every call the bot makes shows up here.", faults: "Make trouble", filter: "Filter by method", onlyRefused: "Refused only", dropped: "dropped", params: "Parameters", ignored: "Passed over, as Telegram does: {fields}", result: "Answer",
    faultMethod: "Method", anyMethod: "any", faultKind: "What happens", kind429: "429, wait", kindDrop: "connection dropped", kindDelay: "slow", faultCount: "times", seconds: "seconds", faultAfter: "after the call took effect", addFault: "Set", clearFaults: "Clear all", noFaults: "Nothing is set to go wrong.", left: "{n} left", untilCleared: "until cleared",
    reset: "Forget everything", resetAsk: "Forget all chats, people and calls?", ok: "OK", name: "Name", username: "Username", language: "Language", add: "Add", title: "Title", members: "Members",
    brush: "Paint over it", brushHint: "Paint over what shall change", brushSize: "Size of the brush", colour: "Colour", undo: "Undo", done: "Done", brushFailed: "This picture cannot be opened",
    couldNot: "Could not send: {why}", buttonGone: "The bot did not answer the button", editing: "Edit the message", members_one: "{n} member", members_other: "{n} members",
    tooMany: "At most ten files at once", block: "Block the bot", unblock: "Unblock the bot", bots: "Bot",
  },
  ru: {
    copy: "Скопировать",
    people: "Люди", addPerson: "Новый человек", addGroup: "Новая группа", search: "Поиск", bot: "бот", nobody: "Пока никого нет",
    you: "Вы", group: "группа", speakAs: "Писать от имени", openBeside: "Открыть рядом", closePane: "Закрыть этот чат", back: "Назад к списку",
    write: "Сообщение", caption: "Подпись…", replyPlaceholder: "Ваш ответ…", send: "Отправить", attach: "Прикрепить", commands: "Команды", start: "Начать",
    emptyTitle: "Здесь пока пусто", emptyText: "Поздоровайтесь или нажмите «Начать».", emptyGroup: "Напишите что-нибудь или упомяните бота.",
    edited: "изм.", reply: "Ответить", forward: "Переслать", thinking: "Думает…", stop: "Остановить", copyText: "Скопировать текст", edit: "Изменить", copied: "Скопировано", copyFailed: "Браузер не разрешил копирование", react: "Реакция", save: "Сохранить",
    openPhoto: "Открыть картинку", photo: "Фото", album: "Альбом", file: "Файл", download: "Скачать", close: "Закрыть", previous: "Предыдущая", next: "Следующая", zoom: "Полный размер", messageMenu: "Меню сообщения",
    asPhoto: "Как фото", asMedia: "Смотреть и слушать", asFile: "Как файл", remove: "Убрать", dropPhoto: "Отпустите, чтобы отправить как фото", dropFile: "Отпустите, чтобы отправить как файл", cancel: "Отмена",
    today: "Сегодня", yesterday: "Вчера", toBottom: "К последнему сообщению", pinned: "Закреплённое сообщение", showMore: "Показать больше", showLess: "Свернуть", spoiler: "Скрыто: нажмите, чтобы показать",
    forwarded: "Переслано от {name}", via: "через {name}", deletedMessage: "Удалённое сообщение",
    typing: "печатает…", upload_photo: "отправляет фото…", upload_document: "отправляет файл…", record_video: "записывает видео…", upload_video: "отправляет видео…",
    upload_voice: "отправляет голосовое…", record_voice: "записывает голосовое…", choose_sticker: "выбирает стикер…", find_location: "ищет место…",
    noServer: "Нет связи с площадкой. Пробуем ещё раз…", noBot: "Бота здесь пока нет. Запустите его, и он появится сам.", botAway: "{name} не на связи. Сообщения его дождутся.",
    calls: "Вызовы Bot API", callsHint: "Здесь появится каждый вызов бота.", faults: "Устроить сбой", filter: "Фильтр по методу", onlyRefused: "Только отказы", dropped: "обрыв", params: "Параметры", ignored: "Пропущено, как в Telegram: {fields}", result: "Ответ",
    faultMethod: "Метод", anyMethod: "любой", faultKind: "Что случится", kind429: "429, подождать", kindDrop: "обрыв связи", kindDelay: "медленно", faultCount: "раз", seconds: "секунд", faultAfter: "после того, как вызов подействовал", addFault: "Задать", clearFaults: "Убрать все", noFaults: "Сбоев не задано.", left: "осталось {n}", untilCleared: "пока не уберут",
    reset: "Забыть всё", resetAsk: "Забыть все чаты, людей и вызовы?", ok: "OK", name: "Имя", username: "Имя пользователя", language: "Язык", add: "Добавить", title: "Название", members: "Участники",
    brush: "Закрасить", brushHint: "Закрасьте то, что нужно изменить", brushSize: "Толщина кисти", colour: "Цвет", undo: "Отменить мазок", done: "Готово", brushFailed: "Эта картинка не открывается",
    couldNot: "Не отправилось: {why}", buttonGone: "Бот не ответил на кнопку", editing: "Изменить сообщение", members_one: "{n} участник", members_few: "{n} участника", members_other: "{n} участников",
    tooMany: "Не больше десяти файлов за раз", block: "Заблокировать бота", unblock: "Разблокировать бота", bots: "Бот",
  },
};

/** "ru" or "en" for a language code such as "ru-RU", "uk" or null. */
export function pageLanguage(code) {
  return /^(ru|be|kk|ky|tg|uk|uz)\b/i.test(code ?? "") ? "ru" : "en";
}

/** The text under `key`, with {name} places filled in. */
export function words(language, key, values = {}) {
  const text = WORDS[language][key] ?? WORDS.en[key];
  if (text === undefined) throw new Error(`no such text: ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** "is sending a photo…" for a chat action; what is not in the list counts as typing. */
export function actionText(action, say) {
  return say(action !== "typing" && action in WORDS.en ? action : "typing");
}

export function counted(language, key, n) {
  const form = new Intl.PluralRules(language).select(n);
  return words(language, `${key}_${form}` in WORDS[language] ? `${key}_${form}` : `${key}_other`, { n });
}

export function clock(language, unix) {
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(unix * 1000);
}

/** "Today", "Yesterday" or the date in words. */
export function dayName(language, unix) {
  const day = new Date(unix * 1000);
  const ago = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(day).setHours(0, 0, 0, 0)) / 86_400_000);
  if (ago === 0) return words(language, "today");
  if (ago === 1) return words(language, "yesterday");
  const sameYear = day.getFullYear() === new Date().getFullYear();
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "long", ...(sameYear ? {} : { year: "numeric" }) }).format(day);
}

export function fileSize(language, bytes) {
  const units = language === "ru" ? ["Б", "КБ", "МБ", "ГБ"] : ["B", "KB", "MB", "GB"];
  let unit = 0;
  let size = bytes;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: unit > 1 ? 1 : 0 }).format(size)} ${units[unit]}`;
}
