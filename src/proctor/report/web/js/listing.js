// The rollouts of a run: by step, by task, by search; and one group side by side.
import { el, fill, formatNumber, formatSigned, plural, untrusted } from "./dom.js";
import { hashOf, refine, rolloutHash } from "./route.js";
import { marksByKey, rewardCell, rolloutTable, verdictBadges } from "./rows.js";

const PAGE = 50;
const ORDER_TITLES = { place: "place in the step", reward: "reward, lowest first", reward_desc: "reward, highest first", advantage: "advantage, lowest first", advantage_desc: "advantage, highest first", length: "length, shortest first", length_desc: "length, longest first" };

/** The last step of a run; null where it has no rollouts. */
export function lastStep(run) {
  return run.steps.length ? run.steps.at(-1)[1] : null;
}

/** The step before (-1) or after (+1) one, among those that have rollouts. */
export function neighbourStep(run, step, direction) {
  const candidate = step + direction;
  if (run.steps.some(([first, last]) => first <= candidate && candidate <= last)) return candidate;
  const edges = direction > 0 ? run.steps.map(([first]) => first).filter((first) => first > step) : run.steps.map(([, last]) => last).filter((last) => last < step).reverse();
  return edges[0] ?? null;
}

/** The list of rollouts. */
export class ListingView {
  constructor(context, parameters) {
    this.context = context;
    this.parameters = parameters;
    this.results = el("div", { class: "results" });
    this.summary = el("p", { class: "summary", "aria-live": "polite" });
    this.form = this.#form();
    this.element = el("div", {}, el("h1", { class: "sr-only" }, "Rollouts"), this.form, this.summary, this.results);
  }

  get run() {
    return this.context.runs[this.context.run];
  }

  /** The step asked for: a number, `latest`, or every one (where a task or a search goes over all). */
  get step() {
    const given = this.parameters.get("step");
    if (given === "all" || (given === null && (this.parameters.get("task") || this.parameters.get("where")))) return null;
    return given === null || given === "latest" ? lastStep(this.run) : Number(given);
  }

  #form() {
    const { vocabulary } = this.context;
    const get = (name) => this.parameters.get(name) ?? "";
    this.stepInput = el("input", { id: "step", type: "text", inputMode: "numeric", size: 7, placeholder: "all", onchange: (event) => this.#stepTo(event.target.value) });
    this.search = el("input", { id: "search", type: "search", value: get("where"), placeholder: "reward > 0.9 and length < 20", autocomplete: "off", spellcheck: false, "aria-describedby": "search-help" });
    const order = el("select", { id: "order", onchange: (event) => refine({ order: event.target.value, offset: null }, true) }, vocabulary.orders.map((name) => el("option", { value: name }, ORDER_TITLES[name] ?? name)));
    order.value = get("order") || "place";
    const submit = (event) => {
      event.preventDefault();
      const where = this.search.value.trim();
      refine({ where, offset: null, step: where && !this.parameters.get("step") ? "all" : this.parameters.get("step") });
    };
    return el("form", { class: "filters card", onsubmit: submit },
      el("div", { class: "field" }, el("label", { for: "step" }, "step"), el("div", { class: "stepper" },
        el("button", { type: "button", title: "step before ([)", "aria-label": "step before", onclick: () => this.move(-1) }, "‹"), this.stepInput,
        el("button", { type: "button", title: "step after (])", "aria-label": "step after", onclick: () => this.move(1) }, "›"),
        el("button", { type: "button", title: "the newest step, and follow it", onclick: () => refine({ step: "latest", offset: null }) }, "latest"),
        el("button", { type: "button", onclick: () => refine({ step: "all", offset: null }) }, "all"))),
      el("div", { class: "field" }, el("label", { for: "order" }, "order"), order),
      el("div", { class: "field grow" }, el("label", { for: "search" }, "search"), el("div", { class: "search-box" }, this.search, el("button", { type: "submit" }, "Search"))),
      get("task") ? el("p", { class: "chip" }, "task ", untrusted(get("task")), " ", el("button", { type: "button", "aria-label": "all tasks", onclick: () => refine({ task: null, offset: null, step: null }) }, "×")) : null,
      this.#help(vocabulary));
  }

  #help(vocabulary) {
    return el("details", { class: "search-help", id: "search-help" }, el("summary", {}, "what can be searched"),
      el("p", {}, "A word or a \"quoted text\" is looked for in the completions. Compare fields with = != < <= > >= and ~ (contains); combine with and, or, not and parentheses."),
      el("dl", {}, vocabulary.fields.map(([name, , meaning]) => el("div", {}, el("dt", {}, el("code", {}, name)), el("dd", {}, meaning)))),
      el("p", {}, "flag is one of ", vocabulary.flags.map(([name], place) => [place ? ", " : "", el("a", { href: hashOf("rollouts", { run: this.run.name, step: "all", where: `flag = ${name}` }) }, name)]), "."));
  }

  #stepTo(text) {
    const value = text.trim();
    if (value === "" || value === "all") refine({ step: "all", offset: null });
    else if (/^\d+$/.test(value)) refine({ step: value, offset: null });
    else this.stepInput.value = this.step ?? "";
  }

  /** To the step before or after. */
  move(direction) {
    const step = neighbourStep(this.run, this.step ?? (direction > 0 ? -1 : lastStep(this.run) + 1), direction);
    if (step !== null) refine({ step, offset: null });
  }

  async update() {
    const { source, run } = this.context;
    const offset = Number(this.parameters.get("offset") ?? 0);
    const step = this.step;
    const isFollowing = !this.parameters.get("step") || this.parameters.get("step") === "latest";
    if (document.activeElement !== this.stepInput) this.stepInput.value = step ?? "all";
    const question = { where: this.parameters.get("where") ?? "", step, task: this.parameters.get("task"), order: this.parameters.get("order") ?? "place", offset, limit: PAGE };
    if (!this.results.hasChildNodes()) fill(this.summary, "looking …");
    const counting = source.count(run, question);
    counting.catch(() => null); // the page reports the same error
    const [rows, verdicts] = await Promise.all([source.page(run, question), source.verdicts(run).catch(() => [])]);
    const where = step === null ? "in all steps" : `in step ${formatNumber(step)}${isFollowing && source.isLive && this.run.status === "running" ? ", following the run" : ""}`;
    fill(this.summary, rows.length ? `rollouts ${offset + 1} to ${offset + rows.length} ${where}` : `nothing found ${where}`);
    fill(this.results, rows.length ? rolloutTable(this.run, rows, { marks: marksByKey(verdicts), caption: "Rollouts" }) : null, this.#pager(offset, rows.length, step, rows));
    const total = await counting;
    if (rows.length) fill(this.summary, `rollouts ${formatNumber(offset + 1)} to ${formatNumber(offset + rows.length)} of ${formatNumber(total)} ${where}`, source.isComplete ? "" : " of this report's sample");
  }

  #pager(offset, count, step, rows) {
    const groups = step === null ? [] : [...new Set(rows.map((row) => row.key.group))];
    return [
      el("nav", { class: "pager", "aria-label": "pages" },
        el("button", { disabled: offset === 0, onclick: () => refine({ offset: Math.max(0, offset - PAGE) || null }) }, "‹ previous"),
        el("button", { disabled: count < PAGE, onclick: () => refine({ offset: offset + PAGE }) }, "next ›")),
      groups.length ? el("p", { class: "groups" }, "side by side: ", groups.map((group) => el("a", { href: hashOf("group", { run: this.run.name, step, group }) }, `group ${group}`)).flatMap((link, place) => (place ? [" · ", link] : [link]))) : null,
    ];
  }
}

/** One group, its rollouts next to each other. */
export class GroupView {
  constructor(context, parameters) {
    this.context = context;
    this.parameters = parameters;
    this.element = el("div", {});
  }

  /** To the group before or after. */
  move(direction) {
    const group = Number(this.parameters.get("group")) + direction;
    if (group >= 0) refine({ group });
  }

  async update() {
    const { source, run, runs } = this.context;
    const step = Number(this.parameters.get("step"));
    const group = Number(this.parameters.get("group"));
    const order = this.parameters.get("order") ?? "reward";
    const rows = await source.group(run, step, group);
    const value = (row) => (order === "place" ? -row.key.index : order === "length" ? row.num_completion_tokens : row[order]) ?? -Infinity;
    rows.sort((a, b) => value(b) - value(a));
    const choice = el("select", { id: "group-order", onchange: (event) => refine({ order: event.target.value }, true) }, ["reward", "advantage", "length", "place"].map((name) => el("option", { value: name }, name)));
    choice.value = order;
    const rewards = rows.map((row) => row.reward).filter((reward) => reward !== null);
    const mean = rewards.length ? rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length : null;
    fill(this.element,
      el("div", { class: "card group-head" },
        el("h1", {}, `Group ${group} of step ${formatNumber(step)}`),
        el("p", {}, rows.length ? [`${plural(rows.length, "rollout")} of task `, el("a", { href: hashOf("rollouts", { run: runs[run].name, task: rows[0].task_id }) }, untrusted(rows[0].task_id)), `, mean reward ${formatNumber(mean)} `,
          new Set(rewards).size === 1 && rewards.length > 1 ? el("span", { class: "badge unclear" }, "unanimous: nothing to learn") : null] : "the run has no such group"),
        rows.length ? el("pre", { class: "text prompt" }, untrusted(rows[0].prompt)) : null,
        el("div", { class: "toolbar" }, el("label", { for: "group-order" }, "sort by"), choice,
          el("button", { disabled: group === 0, onclick: () => this.move(-1) }, "‹ group"), el("button", { onclick: () => this.move(1) }, "group ›"),
          el("a", { href: hashOf("rollouts", { run: runs[run].name, step }) }, "all of the step"))),
      el("div", { class: "side-by-side" }, rows.map((row) => groupCard(runs[run], row))));
  }
}

/** One rollout as a card: what a group and a comparison lay next to each other. */
export function groupCard(run, row) {
  return el("article", { class: "card rollout-card row", "data-href": rolloutHash(run, row.key) },
    el("header", {}, el("a", { href: rolloutHash(run, row.key) }, `rollout ${row.key.step}/${row.key.group}/${row.key.index}`), rewardCell(row)),
    el("p", { class: "muted" }, `advantage ${formatSigned(row.advantage)} · ${plural(row.num_completion_tokens ?? 0, "token")}`, row.status === "truncated" ? " ✂" : ""),
    el("p", { class: "badges" }, verdictBadges(row)),
    el("pre", { class: "text" }, untrusted(row.snippet), row.num_characters > row.snippet.length ? el("span", { class: "muted" }, ` … ${formatNumber(row.num_characters)} characters`) : null));
}
