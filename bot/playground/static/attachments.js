// Files on their way out: picked, pasted or dropped, shown above the input, sent as photos or as files.

import { paintOver } from "./brush.js";
import { toast } from "./dialogs.js";
import { h, icon, iconButton } from "./dom.js";
import { fileSize } from "./words.js";

const MOST = 10; // an album holds two to ten
const PHOTO = /^image\/(jpeg|png|webp|gif|bmp)$/;
const KINDS = [["photo", PHOTO], ["video", /^video\/(mp4|webm|quicktime)$/], ["voice", /^audio\/(ogg|opus)$/], ["audio", /^audio\//]];
const ALBUMS = { photo: "seen", video: "seen", voice: "voice", audio: "music" }; // what goes into one album

/** What a file is to a chat: a photo, a film, a voice, music; otherwise just a file. */
const kindOf = (file) => KINDS.find(([, type]) => type.test(file.type))?.[0] ?? "document";

/** The strip of chosen files. `onChange()` after every change. Returns {element, input, add, clear, parts(), count(), relabel()}. */
export function createAttachments(say, language, onChange) {
  let files = []; // {file, url}
  let asPhoto = true;
  const element = h("div", { class: "attachments", hidden: true });
  const input = h("input", { type: "file", multiple: true, hidden: true });
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });

  /** Takes files in; `photo` says how they go out (photos only when every file is a picture). */
  function add(more, photo = true) {
    if (!files.length) asPhoto = photo;
    else asPhoto &&= photo;
    if (files.length + more.length > MOST) toast(say("tooMany"), "bad");
    files = [...files, ...more.slice(0, MOST - files.length).map((file) => ({ file, url: PHOTO.test(file.type) ? URL.createObjectURL(file) : null }))];
    draw();
  }

  function remove(index) {
    if (files[index].url) URL.revokeObjectURL(files[index].url);
    files.splice(index, 1);
    draw();
  }

  async function paint(index) {
    const before = files[index];
    const painted = await paintOver({ url: before.url, name: before.file.name }, say);
    const at = files.indexOf(before); // it may have been removed, or sent, meanwhile
    if (!painted || at < 0) return;
    URL.revokeObjectURL(before.url);
    files[at] = { file: painted, url: URL.createObjectURL(painted) };
    draw();
  }

  function clear() {
    for (const { url } of files) if (url) URL.revokeObjectURL(url);
    files = [];
    draw();
  }

  const photosOnly = () => files.every(({ url }) => url);
  const mediaOnly = () => new Set(files.map(({ file }) => ALBUMS[kindOf(file)] ?? file.name)).size === 1 && kindOf(files[0].file) in ALBUMS
    && (files.length === 1 || kindOf(files[0].file) !== "voice");

  function parts() {
    const asMedia = asPhoto && files.length && mediaOnly();
    return files.map(({ file }) => [asMedia ? kindOf(file) : "document", file]);
  }

  function draw() {
    element.hidden = !files.length;
    const cards = files.map(({ file, url }, index) => h("figure", { class: "attachment" },
      url ? h("img", { src: url, alt: file.name }) : h("span", { class: "file-icon" }, icon("file")),
      h("figcaption", {}, h("span", { class: "file-name" }, file.name), h("span", { class: "file-size" }, fileSize(language(), file.size))),
      url ? iconButton("brush", `${say("brush")}: ${file.name}`, () => paint(index), { class: "tiny" }) : null,
      iconButton("close", `${say("remove")}: ${file.name}`, () => remove(index), { class: "tiny" })));
    const choice = (value, label) => h("button", { type: "button", class: "choice", "aria-pressed": String(asPhoto === value), on: { click: () => {
      asPhoto = value;
      draw();
    } } }, label);
    element.replaceChildren(h("div", { class: "attachment-cards" }, cards),
      files.length && mediaOnly() ? h("div", { class: "choices" }, choice(true, say(photosOnly() ? "asPhoto" : "asMedia")), choice(false, say("asFile"))) : "");
    onChange();
  }

  return { element, input, add, clear, parts, count: () => files.length, relabel: draw };
}

/** Lets files be dropped on `area`: on its upper half as photos, on its lower half as files. */
export function dropZone(area, say, add) {
  const photo = h("div", { class: "drop-half" });
  const file = h("div", { class: "drop-half" });
  const veil = h("div", { class: "drop-veil", hidden: true }, photo, file);
  area.append(veil);
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  area.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    photo.replaceChildren(icon("photo"), say("dropPhoto"));
    file.replaceChildren(icon("file"), say("dropFile"));
    veil.hidden = false;
  });
  veil.addEventListener("dragover", (event) => {
    event.preventDefault();
    photo.classList.toggle("over", photo.contains(event.target));
    file.classList.toggle("over", file.contains(event.target));
  });
  veil.addEventListener("dragleave", (event) => {
    if (!veil.contains(event.relatedTarget)) veil.hidden = true;
  });
  veil.addEventListener("drop", (event) => {
    event.preventDefault();
    veil.hidden = true;
    add([...event.dataTransfer.files], !file.contains(event.target));
  });
}
