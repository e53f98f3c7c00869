// The overview: the charts of one run or of several over one another, and what each run is.
import { ChartCard } from "./chart.js";
import { el, fill, formatNumber, plural } from "./dom.js";
import { hashOf } from "./route.js";

const STATUS_MEANING = { running: "is training", finished: "is finished", stopped: "was stopped", failed: "failed", unknown: "says nothing of its state" };

/** The view; `context` is {source, runs, vocabulary, shown (numbers of the runs), go}. */
export class OverviewView {
  constructor(context) {
    this.context = context;
    this.heads = el("div", { class: "run-heads" });
    this.cards = context.vocabulary.charts.map((chart) => new ChartCard(chart, { onstep: (step) => this.#open(step) }));
    this.element = el("div", {}, el("h1", { class: "sr-only" }, "Overview"), this.heads, el("div", { class: "charts" }, this.cards.map((card) => card.element)),
      el("p", { class: "hint" }, "Drag across a chart to zoom, double-click to reset, click to see that step's rollouts."));
  }

  async update() {
    const { source, runs, shown } = this.context;
    const overviews = await Promise.all(shown.map((number) => source.overview(number)));
    fill(this.heads, shown.map((number, place) => runHead(runs[number], overviews[place], number, source)));
    for (const card of this.cards) card.draw(drawnLines(card.chart, overviews, shown, runs));
    this.cards.sort((a, b) => a.element.classList.contains("empty") - b.element.classList.contains("empty"));
    const grid = this.cards[0].element.parentElement;
    this.cards.forEach((card, place) => grid.children[place] !== card.element && grid.insertBefore(card.element, grid.children[place] ?? null));
  }

  redraw() {
    for (const card of this.cards) card.draw(card.drawn ?? []);
  }

  destroy() {
    for (const card of this.cards) card.destroy();
  }

  #open(step) {
    const run = this.context.runs[this.context.shown[0]];
    location.hash = hashOf("rollouts", { run: run.name, step });
  }
}

/** The lines of one chart: coloured by series in one run, by run (and dashed by series) in several. */
function drawnLines(chart, overviews, shown, runs) {
  const labels = chart.series.map(({ label }) => label);
  return overviews.flatMap((overview, place) => overview.lines.filter((line) => line.chart === chart.name).map((line) => {
    const series = labels.indexOf(line.label);
    const isOne = shown.length === 1;
    return { label: isOne ? line.label : labels.length > 1 ? `${runs[shown[place]].name}, ${line.label}` : runs[shown[place]].name, color: isOne ? series : shown[place], dash: isOne ? 0 : series, run: place, line };
  }));
}

function runHead(run, overview, number, source) {
  const progress = overview.num_steps ? `step ${formatNumber(overview.num_steps_done)} of ${formatNumber(overview.num_steps)}` : plural(overview.num_steps_done, "step");
  return el("section", { class: "card run-head", "data-run": number },
    el("h2", {}, run.name, " ", el("span", { class: `badge status-${run.status}`, title: `the run ${STATUS_MEANING[run.status] ?? run.status}` }, run.status)),
    el("p", { class: "progress" }, `${progress} · ${plural(overview.num_rollouts, "rollout")}`,
      overview.num_surveyed < overview.num_files ? el("span", { class: "muted" }, ` · looked through ${formatNumber(overview.num_surveyed)} of ${plural(overview.num_files, "step")}`) : null,
      source.isComplete ? null : el("span", { class: "muted" }, ` · ${run.sampled}`)),
    run.reason ? el("p", { class: "note" }, run.reason) : null,
    el("dl", { class: "facts" }, overview.facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    overview.notes.length ? el("ul", { class: "notes" }, overview.notes.map((note) => el("li", {}, note))) : null);
}
