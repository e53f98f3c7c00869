// Building elements. Text only ever enters the page as text nodes: nothing here, or anywhere else, parses markup.

/** An element with properties (`class`, `on…` listeners, `aria-…`/`data-…` attributes, DOM properties) and children (nodes, strings, arrays; null is left out). */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Put `children` in the place of whatever the element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

// Controls other than newline and tab, direction marks and other invisible characters, lone surrogates.
const HIDDEN = /([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff])\1*/g;
const NAMES = { "\u001b": "ESC", "\u0000": "NUL", "\r": "CR", "\u0008": "BS", "\u0007": "BEL", "\u202e": "RLO", "\u202d": "LRO", "\u202b": "RLE", "\u202a": "LRE", "\u202c": "PDF", "\u200f": "RLM", "\u200e": "LRM", "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\u200b": "ZWSP", "\u200d": "ZWJ", "\ufeff": "BOM" };

/** A text as nodes in which every character that would be invisible, or would move others, stands by its name. */
export function visible(text) {
  const nodes = [];
  let position = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > position) nodes.push(document.createTextNode(text.slice(position, match.index)));
    const count = match[0].length / match[1].length;
    const name = NAMES[match[1]] ?? `U+${match[1].codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    nodes.push(el("span", { class: "hidden-character", title: "an invisible character" }, count > 1 ? `${name}×${count}` : name));
    position = match.index + match[0].length;
  }
  if (position < text.length) nodes.push(document.createTextNode(text.slice(position)));
  return nodes;
}

/** A text of a model, isolated so that its direction cannot spill over. */
export function untrusted(text, className = "") {
  return el("bdi", { class: `untrusted ${className}`.trim() }, visible(text));
}

/** A number for people: four digits that matter. */
export function formatNumber(value) {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e7)) return value.toExponential(2);
  return size >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(size < 1 ? 3 : 4)));
}

/** As `formatNumber`, with a sign. */
export function formatSigned(value) {
  return value > 0 ? `+${formatNumber(value)}` : formatNumber(value).replace("-", "−");
}

/** `3 rollouts`, `1 rollout`. */
export function plural(count, noun) {
  return `${formatNumber(count)} ${noun}${count === 1 ? "" : "s"}`;
}
