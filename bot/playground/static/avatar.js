// Faces: people get their initials on a gradient, bots a small composition of circles and angles drawn from their id.

import { h, svg } from "./dom.js";

const HUES = [[262, 295], [205, 235], [330, 10], [155, 185], [25, 48], [285, 325], [175, 210]];
const PAINTS = ["#ffd166", "#ef476f", "#06d6a0", "#ffffff", "#118ab2", "#f78c6b"];

/** A round avatar for a user or a group: {id, name|title, is_bot}. Decoration; the name stands beside it. */
export function avatar(who, size = "") {
  const name = who.name ?? who.title ?? "?";
  const [from, to] = HUES[Math.abs(who.id) % HUES.length];
  const face = h("span", { class: `avatar ${size}`, "aria-hidden": "true" });
  face.style.background = `linear-gradient(145deg, hsl(${from} 72% 66%), hsl(${to} 68% 52%))`;
  if (who.is_bot) face.append(composition(who.id));
  else face.append(initials(name));
  return face;
}

function initials(name) {
  const parts = name.trim().split(/\s+/);
  return ([...(parts[0] ?? "?")][0] + (parts.length > 1 ? [...parts.at(-1)][0] : "")).toUpperCase();
}

function composition(seed) {
  let state = Math.abs(seed) % 2147483647 || 1;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  for (let i = 0; i < 5; i += 1) random();
  const paint = () => PAINTS[Math.floor(random() * PAINTS.length)];
  const x = 12 + random() * 8;
  const y = 14 + random() * 8;
  const slant = random() * 50 - 25;
  return svg("svg", { viewBox: "0 0 40 40" },
    svg("rect", { width: 40, height: 40, fill: "#272a52" }),
    svg("path", { d: "M30 40 L44 10 L48 44Z", fill: paint(), opacity: 0.9 }),
    svg("circle", { cx: x, cy: y, r: 8.5, fill: paint() }),
    svg("circle", { cx: x, cy: y, r: 4, fill: "#272a52" }),
    svg("circle", { cx: 29, cy: 13, r: 3.2, fill: paint() }),
    svg("path", { d: "M5 33 L34 24", stroke: "#fff", "stroke-width": 1.8, transform: `rotate(${slant} 20 28)` }),
    svg("path", { d: "M9 30 L36 31", stroke: paint(), "stroke-width": 1.3, transform: `rotate(${slant} 20 28)` }));
}
