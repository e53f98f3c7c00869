// Verdicts: what a person marked, and the way to make verifier tests of it.
import { el, fill, formatNumber, plural, untrusted } from "./dom.js";
import { rolloutHash } from "./route.js";
import { keyText } from "./rows.js";

/** All marks of one run. */
export class VerdictsView {
  constructor(context) {
    this.context = context;
    this.element = el("div", {});
  }

  async update() {
    const { source, run, runs } = this.context;
    const verdicts = await source.verdicts(run);
    fill(this.element, el("h1", {}, "Verdicts"),
      el("p", { class: "lead" }, verdicts.length ? `${plural(verdicts.length, "rollout")} marked in ${runs[run].name}. ` : "Nothing is marked yet: open a rollout and say whether it was wrongly rewarded or wrongly refused. ",
        "Marks are kept beside the run; exported, each is a test that the verifier must pass: ", el("code", {}, "proctor verify --cases cases.jsonl"), "."),
      verdicts.length ? el("p", {}, el("button", { class: "primary", onclick: () => this.#export() }, "Export as cases.jsonl")) : null,
      verdicts.length ? el("div", { class: "table-box" }, el("table", { class: "rollouts" }, el("caption", { class: "sr-only" }, "Verdicts"),
        el("thead", {}, el("tr", {}, ["rollout", "verdict", "reward", "note", "completion"].map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, verdicts.map((verdict) => verdictRow(runs[run], verdict))))) : null);
  }

  async #export() {
    const text = await this.context.source.cases(this.context.run);
    const address = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
    el("a", { href: address, download: "cases.jsonl" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }
}

function verdictRow(run, verdict) {
  const address = rolloutHash(run, verdict);
  return el("tr", { class: "row", "data-href": address }, el("td", {}, el("a", { href: address }, keyText(verdict))),
    el("td", {}, el("span", { class: "badge mark" }, verdict.judgement.replace("_", " "))), el("td", { class: "number" }, formatNumber(verdict.reward)),
    el("td", {}, untrusted(verdict.note)), el("td", {}, el("div", { class: "snippet" }, untrusted(verdict.completion.slice(0, 240)))));
}
