// The photo editor: a brush over a picture, as Telegram has one. What comes out is a photo for the composer.

import { modal, toast } from "./dialogs.js";
import { h, iconButton } from "./dom.js";

const COLOURS = ["#ff3040", "#ff9500", "#ffdd00", "#34c759", "#0a84ff", "#bf5af2", "#ffffff", "#000000"];
const VIVID = 6; // of them, the first
const SIZES = { min: 2, max: 25, value: 9 }; // percent of the shorter side
const LARGEST = 2560; // what Telegram makes of a photo at most

/** Opens the editor over `photo` ({url, name}); resolves to a JPEG File with the paint on it, or to null where it was left. */
export async function paintOver(photo, say) {
  const image = new Image();
  image.src = photo.url;
  try {
    await image.decode();
  } catch {
    toast(say("brushFailed"), "bad");
    return null;
  }
  const canvas = h("canvas", { class: "brush-canvas", tabindex: "0", "aria-label": say("brush") });
  const scale = Math.min(1, LARGEST / Math.max(image.naturalWidth, image.naturalHeight));
  canvas.width = Math.round(image.naturalWidth * scale);
  canvas.height = Math.round(image.naturalHeight * scale);
  canvas.style.setProperty("--ratio", String(canvas.width / canvas.height));
  const strokes = createStrokes(canvas, image);
  let colour = standingOut(image);
  const size = h("input", { type: "range", ...SIZES, class: "brush-size", "aria-label": say("brushSize") });
  const swatches = COLOURS.map((one) => h("button", { type: "button", class: "swatch", style: { "--swatch": one }, "aria-label": one, "aria-pressed": String(one === colour), on: { click: () => pick(one) } }));
  const undo = iconButton("undo", say("undo"), () => strokes.undo());
  const done = h("button", { type: "button", class: "primary", on: { click: () => dialog.close("done") } }, say("done"));
  const { dialog, closed } = modal("brush", [
    h("div", { class: "lightbox-bar" }, h("span", { class: "lightbox-counter" }, say("brushHint")), undo, iconButton("close", say("cancel"), () => dialog.close(""))),
    h("div", { class: "brush-stage" }, canvas),
    h("div", { class: "brush-tools" }, h("div", { class: "swatches", role: "group", "aria-label": say("colour") }, swatches), size, done),
  ], say("brush"));

  function pick(one) {
    colour = one;
    for (const [at, swatch] of swatches.entries()) swatch.setAttribute("aria-pressed", String(COLOURS[at] === one));
  }

  const place = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [(event.clientX - left) / width * canvas.width, (event.clientY - top) / height * canvas.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    strokes.begin(colour, size.value / 100 * Math.min(canvas.width, canvas.height), place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) for (const one of event.getCoalescedEvents?.() ?? [event]) strokes.extend(place(one));
  });
  dialog.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z") {
      event.preventDefault();
      strokes.undo();
    }
  });
  strokes.draw();
  if (await closed !== "done" || !strokes.any()) return null;
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  return new File([blob], photo.name.replace(/\.\w+$/, "") + "-painted.jpg", { type: "image/jpeg" });
}

/** The colour that is most unlike anything in the picture: red paint on a red ball is hardly seen, by anybody. */
function standingOut(image) {
  const side = 24;
  const pen = h("canvas", { width: side, height: side }).getContext("2d");
  pen.drawImage(image, 0, 0, side, side);
  const { data } = pen.getImageData(0, 0, side, side);
  const distance = (colour) => {
    const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    let nearest = Infinity;
    for (let at = 0; at < data.length; at += 4) nearest = Math.min(nearest, (data[at] - red) ** 2 + (data[at + 1] - green) ** 2 + (data[at + 2] - blue) ** 2);
    return nearest;
  };
  return COLOURS.slice(0, VIVID).reduce((best, one) => (distance(one) > distance(best) ? one : best));
}

/** What has been painted, stroke by stroke, so that the last can be taken back. */
function createStrokes(canvas, image) {
  const pen = canvas.getContext("2d");
  pen.lineCap = pen.lineJoin = "round";
  let strokes = [];

  function line({ colour, width, points }, from = 0) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(...points[from]);
    for (const point of points.slice(from)) pen.lineTo(...point);
    pen.stroke();
  }

  function draw() {
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    for (const stroke of strokes) line(stroke);
  }

  return {
    draw,
    any: () => strokes.length > 0,
    begin(colour, width, point) {
      strokes.push({ colour, width, points: [point] });
      line(strokes.at(-1)); // a tap is a dot
    },
    extend(point) {
      const stroke = strokes.at(-1);
      stroke.points.push(point);
      line(stroke, stroke.points.length - 2);
    },
    undo() {
      strokes = strokes.slice(0, -1);
      draw();
    },
  };
}
