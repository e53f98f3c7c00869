// Charts by uPlot: lines with intervals, or shares stacked; one crosshair over all of them.
import { el, fill, formatNumber } from "./dom.js";

const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
const HEIGHT = 170;

/** The colours of the page as it is now, light or dark. */
function ink() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return { text: read("--muted"), grid: read("--grid"), series: [1, 2, 3, 4, 5, 6, 7, 8].map((number) => read(`--series-${number}`)) };
}

/** The colour of the run or line of that number. */
export function seriesClass(number) {
  return `series-${(number % 8) + 1}`;
}

/**
 * One chart in its card.
 * `drawn` is a list of {label, color (number), dash (number), line: {steps, values, low, high}}.
 */
export class ChartCard {
  constructor(chart, { onstep }) {
    this.chart = chart;
    this.onstep = onstep;
    this.legend = el("ul", { class: "legend" });
    this.canvas = el("div", { class: "canvas", role: "img" });
    this.element = el("section", { class: "card chart", id: `chart-${chart.name}` },
      el("header", {}, el("h3", {}, chart.title), chart.unit ? el("span", { class: "unit" }, chart.unit) : null),
      this.canvas, this.legend, el("p", { class: "healthy" }, el("strong", {}, "Healthy: "), chart.healthy));
    this.observer = new ResizeObserver(() => this.#resize());
    this.observer.observe(this.canvas);
  }

  draw(drawn) {
    this.drawn = drawn;
    this.plot?.destroy();
    this.plot = null;
    this.element.classList.toggle("empty", drawn.length === 0);
    if (drawn.length === 0) {
      fill(this.canvas, el("p", { class: "nothing" }, "not recorded in this run"));
      fill(this.legend);
      return;
    }
    fill(this.canvas);
    const colours = ink();
    const { data, series, bands } = this.#plotted(colours);
    this.plot = new uPlot({
      width: Math.max(200, this.canvas.clientWidth), height: HEIGHT, legend: { show: false }, series, bands,
      cursor: { sync: { key: "steps", scales: ["x", null] }, points: { size: 7 }, drag: { x: true, y: false } },
      scales: { x: { time: false }, y: { range: (_, low, high) => padded(low, high) } },
      axes: [
        { stroke: colours.text, grid: { stroke: colours.grid, width: 1 }, ticks: { show: false }, size: 26, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000] },
        { stroke: colours.text, grid: { stroke: colours.grid, width: 1 }, ticks: { show: false }, size: 54, values: (_, splits) => splits.map(formatNumber) },
      ],
      hooks: { setCursor: [(plot) => this.#label(plot.cursor.idx)] },
    }, data, this.canvas);
    this.plot.over.addEventListener("click", () => {
      const index = this.plot.cursor.idx;
      if (index !== null && index !== undefined && this.onstep) this.onstep(this.plot.data[0][index]);
    });
    this.#label(null);
  }

  destroy() {
    this.observer.disconnect();
    this.plot?.destroy();
  }

  #plotted(colours) {
    const isStacked = this.chart.style === "stacked" && new Set(this.drawn.map(({ run }) => run)).size <= 1;
    const tables = this.drawn.map(({ line }) => [line.steps, line.values, ...(line.low.length ? [line.low, line.high] : [])]);
    const joined = uPlot.join(tables);
    const series = [{}];
    const bands = [];
    this.shown = [];
    let column = 1;
    const sums = joined[0].map(() => 0);
    for (const { label, color, dash, line } of this.drawn) {
      const stroke = colours.series[color % 8];
      if (isStacked) joined[column] = joined[column].map((value, place) => (value === null || value === undefined ? null : (sums[place] += value)));
      const isSparse = line.steps.length < 30 || line.low.length > 0;
      series.push({ label, stroke, width: 1.75, dash: DASHES[dash % 4], spanGaps: true, points: { show: isSparse, size: 5, fill: stroke }, fill: isStacked ? `${stroke}55` : undefined });
      this.shown.push({ label, color, dash, column, values: joined[column], base: isStacked ? this.shown.at(-1)?.values : null });
      column += 1;
      if (line.low.length) {
        series.push({ stroke: "transparent", points: { show: false }, spanGaps: true }, { stroke: "transparent", points: { show: false }, spanGaps: true });
        bands.push({ series: [column + 1, column], fill: `${stroke}33` });
        column += 2;
      }
    }
    return { data: joined, series, bands };
  }

  /** The values under the crosshair, or the latest ones. */
  #label(index) {
    const steps = this.plot?.data[0] ?? [];
    const entries = this.shown.map(({ label, color, values, base }) => {
      let place = index ?? values.length - 1;
      while (index === null && place > 0 && (values[place] === null || values[place] === undefined)) place -= 1;
      const value = values[place];
      const shown = value === null || value === undefined ? null : value - (base?.[place] ?? 0);
      return { label, color, shown, step: steps[place] };
    });
    fill(this.legend, entries.map(({ label, color, shown }) => el("li", {}, el("span", { class: `swatch ${seriesClass(color)}` }), `${label} `, el("b", {}, formatNumber(shown)))),
      entries.length ? el("li", { class: "at" }, `step ${entries[0].step}`) : null);
    this.canvas.setAttribute("aria-label", `${this.chart.title}: ${entries.map(({ label, shown, step }) => `${label} ${formatNumber(shown)} at step ${step}`).join(", ")}`);
  }

  #resize() {
    const width = this.canvas.clientWidth;
    if (this.plot && width > 0 && Math.abs(width - this.plot.width) > 1) this.plot.setSize({ width, height: HEIGHT });
  }
}

function padded(low, high) {
  if (low === null || high === null) return [0, 1];
  if (low === high) return low === 0 ? [0, 1] : [Math.min(0, low * 1.1), Math.max(0, high * 1.1)];
  const bottom = low >= 0 && low < 0.4 * high ? 0 : low - 0.06 * (high - low);
  return [bottom, high + 0.06 * (high - low)];
}
