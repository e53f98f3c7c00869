// A completion token by token, coloured by what is known of each.
import { el, fill, formatNumber, visible } from "./dom.js";

const NEWLINE = /\n/g;

/** The ways to colour: which column, how a value becomes a class, and what the ends mean. */
const PALETTES = [
  { name: "logprob", title: "logprob", columns: ["logprobs", "behavior_logprobs"], bucket: (value) => sequential(-value / 6), low: "certain (0 nats)", high: "surprising (−6 nats and less)" },
  { name: "entropy", title: "entropy", columns: ["entropies"], bucket: (value) => sequential(value / 4), low: "0 nats", high: "4 nats and more" },
  { name: "ratio", title: "ratio", columns: ["log_ratio"], bucket: (value) => diverging(value / 0.5), low: "less likely than before", high: "more likely than before", isDiverging: true },
  { name: "advantage", title: "advantage", columns: ["advantages"], bucket: (value) => diverging(value / 2), low: "pushed down", high: "pushed up", isDiverging: true },
  { name: "mask", title: "mask", columns: [], bucket: null, low: "read only (not trained on)", high: "written by the model" },
];

function sequential(share) {
  return `q${Math.max(0, Math.min(8, Math.round(8 * share)))}`;
}

function diverging(share) {
  const level = Math.max(-4, Math.min(4, Math.round(4 * share)));
  return level < 0 ? `n${-level}` : `p${level}`;
}

/** The tokens of a rollout with a choice of colours; `load(offset)` gives later ones. */
export class TokensPanel {
  constructor(view, load) {
    this.view = view;
    this.load = load;
    this.tokens = [...view.tokens];
    this.palettes = PALETTES.map((palette) => ({ ...palette, column: view.token_columns.findIndex((name) => palette.columns.includes(name)) }));
    this.choice = el("select", { id: "colour-by", onchange: () => this.#colour() },
      el("option", { value: "" }, "nothing"),
      this.palettes.map((palette) => el("option", { value: palette.name, disabled: !this.#can(palette) }, palette.title + (this.#can(palette) ? "" : " (not recorded)"))));
    this.choice.value = "logprob";
    if (!this.#can(this.palettes[0])) this.choice.value = "";
    this.scale = el("span", { class: "scale" });
    this.status = el("p", { class: "token-status", "aria-live": "polite" }, "Point at a token, or step through them with ← and →.");
    this.box = el("div", { class: "tokens", tabIndex: 0, role: "group", "aria-label": "tokens of the completion", onmouseover: (event) => this.#point(event), onkeydown: (event) => this.#step(event) });
    this.more = el("button", { class: "more", onclick: () => this.#fetch() });
    this.element = el("div", { class: "tokens-panel" }, el("div", { class: "toolbar" }, el("label", { for: "colour-by" }, "colour by"), this.choice, this.scale), this.box, this.more, this.status);
    this.#append(0);
    this.#colour();
  }

  #can(palette) {
    return palette.name === "mask" || palette.column >= 0 || (palette.name === "advantage" && this.view.advantage !== null);
  }

  #append(from) {
    const nodes = this.tokens.slice(from).map((token, place) => {
      const shown = token.text === "" ? [el("span", { class: "part" }, "·")] : visible(token.text.replace(NEWLINE, "↵\n"));
      return el("span", { class: token.is_own ? "t" : "t observed", "data-place": from + place }, shown);
    });
    this.box.append(...nodes);
    const left = this.view.num_tokens - this.tokens.length;
    this.more.hidden = left <= 0;
    this.more.textContent = `show the next of ${formatNumber(left)} more tokens`;
  }

  async #fetch() {
    const from = this.tokens.length;
    try {
      const next = await this.load(from);
      this.tokens.push(...next.tokens);
      this.#append(from);
      this.#colour();
    } catch (error) {
      this.status.textContent = error.message;
    }
  }

  #colour() {
    const palette = this.palettes.find(({ name }) => name === this.choice.value);
    for (const span of this.box.children) {
      const token = this.tokens[Number(span.dataset.place)];
      const own = token.is_own ? "t" : "t observed";
      span.className = palette ? `${own} ${this.#bucket(palette, token)}` : own;
    }
    const steps = !palette ? [] : palette.name === "mask" ? ["q0", "p3"] : palette.isDiverging ? ["n4", "n2", "p0", "p2", "p4"] : ["q0", "q2", "q4", "q6", "q8"];
    fill(this.scale, palette ? [palette.low, " ", steps.map((name) => el("i", { class: name })), " ", palette.high] : null);
  }

  #bucket(palette, token) {
    if (palette.name === "mask") return token.is_own ? "p3" : "q0";
    const value = palette.column >= 0 ? token.values[palette.column] : token.is_own ? this.view.advantage : null;
    return value === null || !token.is_own ? "" : palette.bucket(value);
  }

  #point(event) {
    const span = event.target.closest("[data-place]");
    if (span) this.#select(Number(span.dataset.place));
  }

  #step(event) {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    this.#select(Math.max(0, Math.min(this.tokens.length - 1, (this.selected ?? -1) + move)));
  }

  #select(place) {
    const token = this.tokens[place];
    if (!token) return;
    this.box.children[this.selected]?.removeAttribute("aria-current");
    this.selected = place;
    this.box.children[place].setAttribute("aria-current", "true");
    const values = this.view.token_columns.map((name, column) => `${name.replaceAll("_", " ")} ${formatNumber(token.values[column])}`);
    this.status.textContent = `token ${place + 1} of ${formatNumber(this.view.num_tokens)} · id ${token.id} · ${token.is_own ? "written by the model" : "read from the environment"}${token.is_own ? ` · ${values.join(" · ")}` : ""}`;
  }
}
