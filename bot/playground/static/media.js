// Pictures and files inside a bubble.

import { h, icon } from "./dom.js";
import { fileSize } from "./words.js";

const WIDEST = 420;
const TALLEST = 440;

/** The width in CSS pixels at which a lone picture of this shape is shown: as large as the bubble allows, small ones enlarged. */
export function shownWidth({ width, height }) {
  const ratio = width / height;
  return Math.round(Math.max(160, Math.min(WIDEST, TALLEST * ratio)));
}

/**
 * A picture as a button that opens it. `context.images` holds the images on show before this drawing of the bubble, by slot: the same file
 * keeps its element, another file fades in over the old one, so that a progress edit neither jumps nor flashes.
 */
export function photoTile(message, context, slot) {
  const photo = message.photo;
  const key = `${message.id}:photo`;
  const tile = h("button", { type: "button", class: "photo", "aria-label": `${context.say("openPhoto")}: ${altText(message, context)}` });
  tile.style.setProperty("aspect-ratio", `${photo.width} / ${photo.height}`);
  const before = context.images.get(slot);
  if (before?.dataset.url === photo.file_url) tile.append(before);
  else {
    const image = h("img", { src: photo.file_url, alt: altText(message, context), width: photo.width, height: photo.height, decoding: "async", draggable: "false", data: { url: photo.file_url, slot } });
    if (before) {
      before.removeAttribute("data-slot");
      before.classList.add("under");
      tile.append(before);
    }
    image.classList.add("arriving");
    tile.append(image);
    const settle = () => {
      image.classList.remove("arriving");
      if (before) setTimeout(() => before.remove(), 320);
    };
    image.decode().then(settle, settle); // a broken picture shows its alternative text
  }
  const veiled = photo.spoiler && !context.opened.has(key);
  tile.classList.toggle("veiled", veiled);
  tile.addEventListener("click", () => {
    if (photo.spoiler && !context.opened.has(key)) {
      context.opened.add(key);
      tile.classList.remove("veiled");
    } else context.openPhoto(message);
  });
  return tile;
}

export function altText(message, context) {
  return message.caption || context.say("photo");
}

/** Pictures of an album in rows: the split into rows of up to three whose total height comes nearest to a square, rows of like height. */
export function mosaic(messages, context) {
  const ratios = messages.map(({ photo }) => Math.min(2.2, Math.max(0.5, photo.width / photo.height)));
  const rows = bestRows(ratios);
  let at = 0;
  return h("div", { class: "mosaic", role: "group", "aria-label": context.say("album") }, rows.map((count) => {
    const row = h("div", { class: "mosaic-row" });
    for (let i = 0; i < count; i += 1, at += 1) {
      const tile = photoTile(messages[at], context, `${messages[at].id}`);
      tile.style.flex = `${ratios[at]} 1 0`;
      tile.style.setProperty("aspect-ratio", String(ratios[at]));
      row.append(tile);
    }
    return row;
  }));
}

function bestRows(ratios) {
  let best = null;
  function split(at, rows, heights) {
    if (at === ratios.length) {
      const total = heights.reduce((a, b) => a + b, 0);
      const score = Math.abs(total - 1) + 0.6 * (Math.max(...heights) - Math.min(...heights));
      if (!best || score < best.score) best = { score, rows };
      return;
    }
    for (let count = 1; count <= Math.min(3, ratios.length - at); count += 1) {
      const height = 1 / ratios.slice(at, at + count).reduce((a, b) => a + b, 0);
      split(at + count, [...rows, count], [...heights, height]);
    }
  }
  split(0, [], []);
  return best.rows;
}

/** A poll: a press votes, another press on one's own answer takes it back. `context.vote(message, options)`. */
export function pollCard(message, context) {
  const { poll } = message;
  const mine = poll.options.flatMap(({ users }, index) => (users.includes(context.personId) ? [index] : []));
  const total = new Set(poll.options.flatMap(({ users }) => users)).size;
  const choose = (index) => {
    const others = poll.multiple ? mine.filter((one) => one !== index) : [];
    context.vote(message, mine.includes(index) ? others : [...others, index]);
  };
  return h("div", { class: "poll", role: "group", "aria-label": poll.question }, h("p", { class: "poll-question" }, poll.question),
    poll.options.map(({ text, users }, index) => h("button", {
      type: "button", class: "poll-option", disabled: poll.closed, "aria-pressed": String(mine.includes(index)), data: { key: `${message.id}:poll-${index}` }, on: { click: () => choose(index) },
    }, h("span", {}, text), h("span", { class: "poll-share" }, total ? `${Math.round((100 * users.length) / total)} %` : ""))));
}

/** A file: thumbnail or icon, name, size; the whole card downloads it. */
export function documentCard(file, context) {
  const dimensions = file.width && file.height ? `, ${file.width}×${file.height}` : "";
  const thumbnail = file.thumbnail_url
    ? h("img", { src: file.thumbnail_url, alt: "", class: "file-thumb" })
    : h("span", { class: "file-icon" }, icon("file"), h("span", { class: "file-kind" }, (file.file_name ?? "").split(".").pop().slice(0, 4)));
  return h("a", { class: "file", href: file.file_url, download: file.file_name ?? true, "aria-label": `${context.say("download")}: ${file.file_name}` },
    thumbnail,
    h("span", { class: "file-text" },
      h("span", { class: "file-name" }, file.file_name ?? context.say("file")),
      h("span", { class: "file-size" }, fileSize(context.language, file.file_size ?? 0) + dimensions)),
    icon("download"));
}

/** Moving pictures and sounds; what the browser cannot play is still a file to download. */
export function otherMedia(media, context) {
  if (media.type === "audio" || media.type === "voice") return h("audio", { class: "sound", src: media.file_url, controls: true, preload: "metadata" });
  if (media.type === "sticker") return h("img", { class: "sticker", src: media.file_url, alt: context.say("photo") });
  const moving = media.type === "animation";
  if (/^image\//.test(media.mime_type ?? "")) return h("img", { class: "clip", src: media.file_url, alt: media.file_name ?? "" });
  const clip = h("video", { class: "clip", src: media.file_url, controls: !moving, autoplay: moving, loop: moving, playsinline: true, preload: "metadata" });
  clip.muted = moving;
  clip.addEventListener("error", () => clip.replaceWith(documentCard(media, context)));
  return clip;
}
