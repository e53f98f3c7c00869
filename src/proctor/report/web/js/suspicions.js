// Suspicions: every rule with what it says, what it found, and the way to the rollouts behind it.
import { el, fill, formatNumber, plural, untrusted } from "./dom.js";
import { hashOf } from "./route.js";

/** All rules over one run. */
export class SuspicionsView {
  constructor(context) {
    this.context = context;
    this.element = el("div", {});
  }

  async update() {
    const { source, run, runs } = this.context;
    const found = await source.suspicions(run);
    const head = runs[run];
    const isPartial = head.num_surveyed < head.num_files;
    fill(this.element, el("h1", {}, "Suspicions"),
      el("p", { class: "lead" }, "A rule points at rollouts that are worth a look; it does not judge them.", isPartial ? el("span", { class: "badge unclear" }, `looked through ${formatNumber(head.num_surveyed)} of ${plural(head.num_files, "step")} so far`) : null),
      el("div", { class: "suspicions" }, found.map((suspicion) => suspicionCard(head, suspicion))));
  }
}

function suspicionCard(run, suspicion) {
  const isRollouts = suspicion.scope === "rollouts";
  const share = suspicion.num_seen ? suspicion.num_found / suspicion.num_seen : 0;
  const address = (step, more = "") => hashOf("rollouts", { run: run.name, step, where: isRollouts ? `flag = ${suspicion.name}${more}` : "" });
  return el("section", { class: `card suspicion ${suspicion.num_found ? "found" : "clear"}` },
    el("header", {}, el("h2", {}, suspicion.title), el("span", { class: suspicion.num_found ? "badge warn" : "badge good" }, suspicion.num_seen === 0 ? "not recorded" : suspicion.num_found ? plural(suspicion.num_found, isRollouts ? "rollout" : "step") : "✓ none")),
    suspicion.num_found ? el("p", { class: "figure-line" }, `${formatNumber(Number((100 * share).toPrecision(2)))} % of ${plural(suspicion.num_seen, isRollouts ? "rollout" : "step")}. `, isRollouts ? el("a", { href: address("all") }, "Show the rollouts") : null) : null,
    el("dl", { class: "facts stacked" }, el("div", {}, el("dt", {}, "rule"), el("dd", {}, suspicion.rule)), el("div", {}, el("dt", {}, "why"), el("dd", {}, suspicion.meaning))),
    suspicion.kinds.length ? el("div", {}, el("h3", {}, "by kind"), el("ul", { class: "kinds" }, suspicion.kinds.map(([kind, count]) => el("li", {}, untrusted(kind), ` — ${formatNumber(count)}`)))) : null,
    suspicion.steps.length ? el("p", { class: "steps" }, isRollouts ? "in steps " : "steps ", suspicion.steps.slice(-24).flatMap(([step, count], place) => [place ? " " : "", el("a", { href: address(step), title: plural(count, "rollout") }, String(step))]), suspicion.steps.length > 24 ? " (the last 24 of them)" : "") : null);
}
