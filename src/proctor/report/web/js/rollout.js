// One rollout: what was asked, what the model wrote, what it earned and why, and what a person says to that.
import { ChartCard } from "./chart.js";
import { el, fill, formatNumber, formatSigned, plural, untrusted } from "./dom.js";
import { hashOf, rolloutHash } from "./route.js";
import { keyText, marksByKey, outcomeBadge } from "./rows.js";
import { TokensPanel } from "./tokens.js";

const PART_TITLES = { text: "text", reasoning: "reasoning", tool_call: "tool call", code: "code", answer: "answer" };

/** The view of one rollout. */
export class RolloutView {
  constructor(context, parameters) {
    this.context = context;
    this.key = { step: Number(parameters.get("step")), group: Number(parameters.get("group")), index: Number(parameters.get("index")) };
    this.element = el("div", { class: "rollout" });
  }

  get run() {
    return this.context.runs[this.context.run];
  }

  async update(isFirst = true) {
    if (!isFirst) return; // a rollout does not change once it is written, and what is being read must not move
    const { source, run } = this.context;
    const [view, verdicts] = await Promise.all([source.rollout(run, this.key), source.verdicts(run).catch(() => [])]);
    this.view = view;
    this.verdictBox = el("section", { class: "card verdict" });
    this.#verdict(marksByKey(verdicts).get(keyText(this.key)));
    this.history = el("section", { class: "card history" });
    fill(this.element, this.#head(view),
      el("div", { class: "columns" },
        el("div", { class: "main" }, this.#prompt(view), this.#completion(view)),
        el("div", { class: "side" }, rewardParts(view), this.verdictBox, furtherValues(view), this.history)));
    await this.#history(view).catch((error) => fill(this.history, el("p", { class: "note" }, error.message)));
  }

  /** To the rollout before or after in its group. */
  move(direction) {
    const index = this.key.index + direction;
    if (index >= 0) location.hash = rolloutHash(this.run, { ...this.key, index });
  }

  destroy() {
    this.chart?.destroy();
  }

  redraw() {
    this.chart?.draw(this.chart.drawn);
  }

  #head(view) {
    const link = el("button", { title: "copy the address of this rollout", onclick: async () => {
      try {
        await navigator.clipboard.writeText(location.href);
        link.textContent = "copied";
      } catch {
        link.textContent = "copy the address bar";
      }
    } }, "permalink");
    return el("div", { class: "card rollout-head" },
      el("h1", {}, `Rollout ${keyText(view.key)}`, " ", el("small", {}, "step / group / rollout")),
      el("div", { class: "figures" }, figure("reward", formatNumber(view.reward)), figure("advantage", formatSigned(view.advantage)), figure("tokens", formatNumber(view.num_completion_tokens)),
        figure("turns", formatNumber(view.num_turns)), figure("ended", view.status === "error" ? "error" : view.finish_reason || view.status), figure("weights of", `step ${formatNumber(view.policy_version)}`)),
      el("nav", { class: "toolbar", "aria-label": "around this rollout" },
        el("button", { disabled: view.key.index === 0, title: "before in the group (k)", onclick: () => this.move(-1) }, "‹ rollout"), el("button", { title: "next in the group (j)", onclick: () => this.move(1) }, "rollout ›"),
        el("a", { href: hashOf("group", { run: this.run.name, step: view.key.step, group: view.key.group }) }, "its group side by side"),
        el("a", { href: hashOf("rollouts", { run: this.run.name, task: view.task_id }) }, "its task in all steps"), link));
  }

  #prompt(view) {
    return el("section", { class: "card" }, el("h2", {}, "Prompt"), this.#long(view.prompt, "prompt"),
      view.answer === null ? null : el("p", {}, "reference answer: ", el("code", {}, untrusted(view.answer))),
      el("p", { class: "muted" }, "task ", untrusted(view.task_id), view.source ? [" of ", untrusted(view.source)] : null),
      view.rendered_prompt ? el("details", {}, el("summary", {}, "as the model read it, with its chat template"), el("pre", { class: "text" }, untrusted(view.rendered_prompt))) : null);
  }

  #completion(view) {
    const panels = { Tokens: () => new TokensPanel(view, (offset) => this.context.source.rollout(this.context.run, this.key, offset)).element, Text: () => this.#long(view.text, "text"), Turns: () => turnTree(view) };
    const names = Object.keys(panels).filter((name) => name === "Text" || (name === "Tokens" && view.num_tokens > 0 && view.turns.length) || (name === "Turns" && view.turns.length));
    const body = el("div", { role: "tabpanel", "aria-live": "off" });
    const isTree = view.turns.length > 1 || view.turns.some((turn) => turn.parts.some((part) => part.kind === "tool_call"));
    const tabs = names.map((name) => el("button", { role: "tab", onclick: () => select(name) }, name));
    const select = (name) => {
      tabs.forEach((tab, place) => tab.setAttribute("aria-selected", String(names[place] === name)));
      fill(body, panels[name]());
    };
    select(isTree && names.includes("Turns") ? "Turns" : names[0]);
    return el("section", { class: "card completion" }, el("div", { class: "card-head" }, el("h2", {}, "Completion"), el("div", { role: "tablist", class: "tabs" }, tabs)), body,
      view.notes.length ? el("ul", { class: "notes" }, view.notes.map((note) => el("li", {}, note))) : null);
  }

  /** A text with a button for its rest. */
  #long(excerpt, column) {
    const box = el("pre", { class: "text" }, untrusted(excerpt.text));
    let shown = excerpt.text.length ? [...excerpt.text].length : 0;
    if (shown === 0) fill(box, el("span", { class: "muted" }, "(empty)"));
    const button = el("button", { class: "more", hidden: shown >= excerpt.num_characters });
    const label = () => { button.textContent = `show more: ${formatNumber(excerpt.num_characters - shown)} characters are left`; };
    label();
    button.addEventListener("click", async () => {
      try {
        const next = await this.context.source.text(this.context.run, this.key, column, shown);
        box.append(untrusted(next.text));
        shown += [...next.text].length;
        button.hidden = shown >= excerpt.num_characters || next.text === "";
        label();
      } catch (error) {
        button.textContent = error.message;
      }
    });
    return el("div", {}, box, button);
  }

  #verdict(mark) {
    const { source, run } = this.context;
    const isOther = mark && mark.completion.slice(0, 1000) !== this.view.text.text.slice(0, 1000);
    const note = el("textarea", { id: "note", rows: 3, maxLength: 4000, value: mark?.note ?? "", placeholder: "why (kept with the mark)" });
    const status = el("p", { class: "muted", "aria-live": "polite" }, mark ? `marked ${mark.judgement.replace("_", " ")} on ${mark.at.slice(0, 16).replace("T", " ")}` : "");
    const put = (action) => async () => {
      try {
        const saved = await action();
        this.#verdict(saved && saved.judgement ? saved : undefined);
      } catch (error) {
        status.textContent = error.message;
      }
    };
    const button = (judgement, title) => el("button", { "aria-pressed": String(mark?.judgement === judgement), onclick: put(() => source.mark(run, this.key, judgement, note.value)) }, title);
    fill(this.verdictBox, el("h2", {}, "Your verdict"),
      isOther ? el("p", { class: "note" }, "The mark belongs to an earlier completion under this number: the step was done again since.") : null,
      source.isComplete ? [el("label", { class: "sr-only", for: "note" }, "note"), note,
        el("div", { class: "toolbar" }, button("wrongly_rewarded", "✗ wrongly rewarded"), button("wrongly_refused", "✓ wrongly refused"), mark ? el("button", { onclick: put(() => source.unmark(run, this.key)) }, "take back") : null)]
        : el("p", {}, mark?.note ? untrusted(mark.note) : "A report is read only; `proctor view` marks rollouts."), status);
  }

  /** The same task in other steps, as a chart and as links. */
  async #history(view) {
    const rows = await this.context.source.task(this.context.run, view.task_id);
    const steps = new Map();
    for (const row of rows) {
      const known = steps.get(row.key.step) ?? steps.set(row.key.step, { rewards: [], key: row.key }).get(row.key.step);
      if (row.reward !== null) known.rewards.push(row.reward);
    }
    const means = [...steps].map(([step, { rewards, key }]) => ({ step, key, count: rewards.length, mean: rewards.length ? rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length : null }));
    fill(this.history, el("h2", {}, "This task across steps"));
    if (means.length > 1) {
      this.chart = new ChartCard({ name: "task", title: "mean reward", unit: "", healthy: "rises as the task is learned; one that stays at 0 while others rise may have a wrong reference answer.", style: "lines" }, { onstep: (step) => { location.hash = hashOf("group", { run: this.run.name, step, group: steps.get(step).key.group }); } });
      this.history.append(this.chart.element);
      this.chart.draw([{ label: "mean", color: 0, dash: 0, run: 0, line: { steps: means.map(({ step }) => step), values: means.map(({ mean }) => mean), low: [], high: [] } }]);
    }
    this.history.append(el("ul", { class: "step-links" }, means.slice(-60).map(({ step, key, count, mean }) => el("li", {}, el("a", { href: hashOf("group", { run: this.run.name, step, group: key.group }), "aria-current": step === view.key.step ? "true" : null }, `step ${step}: ${formatNumber(mean)}`), el("span", { class: "muted" }, ` (${count})`)))),
      el("p", { class: "muted" }, `mean reward (rollouts), ${plural(means.length, "step")}${rows.length >= 200 ? ", the first 200 rollouts" : ""}`));
  }
}

function figure(name, value) {
  return el("div", { class: "figure" }, el("span", {}, name), el("b", {}, value));
}

/** The parts of the reward with what each verifier said. */
function rewardParts(view) {
  return el("section", { class: "card" }, el("h2", {}, "Reward, part by part"),
    view.scores.length === 0 ? el("p", { class: "muted" }, "no scores were recorded") : view.scores.map((score) => el("div", { class: "score" },
      el("p", {}, el("b", {}, untrusted(score.name)), " ", outcomeBadge(score.outcome), " ", el("span", { class: "number" }, `${formatNumber(score.value)}${score.weight === null ? "" : ` × ${formatNumber(score.weight)}`}`)),
      el("dl", { class: "facts" }, score.extracted === null ? null : el("div", {}, el("dt", {}, "answer read"), el("dd", {}, untrusted(score.extracted.slice(0, 2000)))),
        score.reason ? el("div", {}, el("dt", {}, "reason"), el("dd", {}, untrusted(score.reason.slice(0, 2000)))) : null))));
}

function furtherValues(view) {
  if (view.metrics.length + view.extra.length === 0) return null;
  return el("section", { class: "card" }, el("h2", {}, "From the reward functions"),
    el("dl", { class: "facts" }, view.metrics.map(({ name, value }) => el("div", {}, el("dt", {}, untrusted(name)), el("dd", {}, formatNumber(value))))),
    view.extra.map(({ name, value }) => el("details", {}, el("summary", {}, untrusted(name)), el("pre", { class: "text" }, untrusted(value)))));
}

/** Turns, and in each the reasoning, tool calls, code and text, as a tree that opens and closes. */
function turnTree(view) {
  let turn = 0;
  return el("ol", { class: "turns" }, view.turns.map((entry) => {
    if (entry.is_own) turn += 1;
    return el("li", { class: entry.is_own ? "own" : "observation" },
      el("details", { open: true }, el("summary", {}, entry.is_own ? `turn ${turn}: the model` : "observation", el("span", { class: "muted" }, ` ${plural(entry.num_tokens, "token")}`)),
        entry.parts.map((part) => (part.kind === "text" ? el("pre", { class: "text" }, untrusted(part.text)) : el("details", { open: part.kind !== "reasoning", class: `part-${part.kind}` }, el("summary", {}, PART_TITLES[part.kind]), el("pre", { class: "text" }, untrusted(part.text)))))));
  }));
}
