// Two sides on the same tasks: won, lost, both, neither, with the texts of each.
import { el, fill, formatNumber, formatSigned, plural, untrusted } from "./dom.js";
import { groupCard, lastStep } from "./listing.js";
import { refine } from "./route.js";

const MEANINGS = { won: "solved after, not before", lost: "solved before, not after", both: "solved by both", neither: "solved by neither" };

/** The comparison; side a is `before`, side b is `after`. */
export class CompareView {
  constructor(context, parameters) {
    this.context = context;
    this.parameters = parameters;
    this.results = el("div", {}, el("p", { class: "muted" }, "comparing …"));
    this.texts = el("div", { class: "compare-texts", "aria-live": "polite" });
    this.element = el("div", {}, el("h1", {}, "Compare"), el("p", { class: "lead" }, "Two runs, two stretches of steps of one run, or two files of ", el("code", {}, "proctor eval --rollouts"), ", task by task. A side solves a task when at least half of its rollouts are correct."),
      this.context.source.isComplete ? this.#form() : null, this.results, this.texts);
  }

  /** The two sides: as asked for, else the first two runs, else the first and the last quarter of the steps. */
  get sides() {
    const { runs } = this.context;
    const get = (name) => this.parameters.get(name);
    const number = (name, otherwise) => (get(name) === null ? otherwise : Math.max(0, runs.findIndex((run) => run.name === get(name))));
    const a = number("a", 0);
    const b = number("b", runs.length > 1 ? 1 : 0);
    const end = (run) => lastStep(run) ?? 0;
    const start = (run) => run.steps[0]?.[0] ?? 0;
    const quarter = (run) => Math.floor((end(run) - start(run)) / 4);
    const isOne = a === b;
    return {
      a: { run: a, first: Number(get("a_first") ?? start(runs[a])), last: Number(get("a_last") ?? (isOne ? start(runs[a]) + quarter(runs[a]) : end(runs[a]))) },
      b: { run: b, first: Number(get("b_first") ?? (isOne ? end(runs[b]) - quarter(runs[b]) : start(runs[b]))), last: Number(get("b_last") ?? end(runs[b])) },
    };
  }

  #form() {
    const { runs } = this.context;
    const field = (name, title) => {
      const side = this.sides[name];
      const select = el("select", { id: `side-${name}`, onchange: (event) => refine({ [name]: runs[event.target.value].name, [`${name}_first`]: null, [`${name}_last`]: null }) }, runs.map((run, place) => el("option", { value: place }, run.name)));
      select.value = side.run;
      const step = (end) => el("input", { type: "number", min: 0, value: side[end], "aria-label": `${title}: ${end} step`, onchange: (event) => refine({ [`${name}_${end}`]: event.target.value }) });
      return el("div", { class: "field" }, el("label", { for: `side-${name}` }, title), el("div", { class: "stepper" }, select, " steps ", step("first"), " to ", step("last")));
    };
    return el("form", { class: "filters card", onsubmit: (event) => event.preventDefault() }, field("a", "before"), field("b", "after"));
  }

  async update(isFirst = true) {
    if (!isFirst) return;
    const { a, b } = this.sides;
    const result = this.parameters.get("result") ?? "";
    const found = await this.context.source.compare({ a: a.run, a_first: a.first, a_last: a.last, b: b.run, b_first: b.first, b_last: b.last, result });
    const difference = found.difference;
    fill(this.results,
      el("div", { class: "outcomes" }, found.counts.map(([name, count]) => el("button", { class: `card outcome ${name}`, "aria-pressed": String(result === name), onclick: () => refine({ result: result === name ? null : name }) }, el("b", {}, formatNumber(count)), el("span", {}, name), el("small", {}, MEANINGS[name])))),
      difference ? el("p", {}, "share of correct rollouts, after − before: ", el("b", {}, formatSigned(difference.mean)), ` (95 % interval over tasks ${formatSigned(difference.low)} to ${formatSigned(difference.high)}, ${plural(difference.num_tasks, "task")}). `,
        el("span", { class: "muted" }, `${formatNumber(found.num_only_before)} tasks only before, ${formatNumber(found.num_only_after)} only after.`)) : null,
      found.notes.length ? el("ul", { class: "notes" }, found.notes.map((note) => el("li", {}, note))) : null,
      found.tasks.length ? this.#table(found.tasks) : null);
  }

  #table(tasks) {
    return el("div", { class: "table-box" }, el("table", { class: "rollouts tasks" }, el("caption", { class: "sr-only" }, "Tasks"),
      el("thead", {}, el("tr", {}, ["task", "result", "before", "after", "prompt"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, tasks.map((task) => el("tr", { class: "row" },
        el("td", {}, el("button", { class: "link", onclick: () => this.#show(task) }, untrusted(task.task_id))), el("td", {}, el("span", { class: `badge result-${task.result}` }, task.result)),
        el("td", { class: "number" }, `${formatNumber(task.before)} (${task.num_before})`), el("td", { class: "number" }, `${formatNumber(task.after)} (${task.num_after})`),
        el("td", { class: "c-completion" }, el("div", { class: "snippet" }, untrusted(task.prompt))))))));
  }

  async #show(task) {
    const { source, runs } = this.context;
    const { a, b } = this.sides;
    try {
      const sides = await Promise.all([a, b].map(async (side) => [side, (await source.task(side.run, task.task_id, side.first, side.last)).filter((row) => row.prompt.startsWith(task.prompt.slice(0, 200)))]));
      fill(this.texts, el("h2", {}, "Task ", untrusted(task.task_id)), el("pre", { class: "text prompt" }, untrusted(task.prompt)),
        el("div", { class: "two-sides" }, sides.map(([side, rows], place) => el("section", {}, el("h3", {}, `${place ? "after" : "before"}: ${runs[side.run].name}, steps ${side.first} to ${side.last}`), el("div", { class: "stack" }, rows.slice(0, 12).map((row) => groupCard(runs[side.run], row)), rows.length === 0 ? el("p", { class: "muted" }, "its texts are not in this report") : null, rows.length > 12 ? el("p", { class: "muted" }, `and ${rows.length - 12} more`) : null)))));
      this.texts.scrollIntoView({ block: "start" });
    } catch (error) {
      fill(this.texts, el("p", { class: "note" }, error.message));
    }
  }
}
