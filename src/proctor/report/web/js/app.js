// The page: its head, the view that the address names, and a look every two seconds at whether anything changed.
import { seriesClass } from "./chart.js";
import { CompareView } from "./compare.js";
import { el, fill, formatNumber } from "./dom.js";
import { helpDialog, listenToKeys } from "./keys.js";
import { GroupView, ListingView } from "./listing.js";
import { OverviewView } from "./overview.js";
import { RolloutView } from "./rollout.js";
import { currentRoute, hashOf, refine } from "./route.js";
import { openSource } from "./source.js";
import { SuspicionsView } from "./suspicions.js";
import { VerdictsView } from "./verdicts.js";

const POLL_MS = 2000;
const VIEWS = { overview: OverviewView, rollouts: ListingView, suspicions: SuspicionsView, verdicts: VerdictsView, compare: CompareView, group: GroupView, rollout: RolloutView };
const TABS = ["overview", "rollouts", "suspicions", "verdicts", "compare"];
const PARENTS = { group: "rollouts", rollout: "rollouts" };

class App {
  views = TABS;
  view = null;

  constructor() {
    this.source = openSource();
    this.tabs = TABS.map((name, place) => el("a", { href: `#${name}`, title: `key ${place + 1}` }, name[0].toUpperCase() + name.slice(1)));
    this.runBox = el("div", { class: "runs" });
    this.alert = el("p", { class: "alert", role: "alert", hidden: true });
    this.main = el("main", { id: "main", tabIndex: -1 });
    this.help = helpDialog();
    const theme = el("button", { class: "icon", title: "light or dark (t)", "aria-label": "light or dark", onclick: () => this.toggleTheme() }, "◐");
    const keys = el("button", { class: "icon", title: "keys (?)", "aria-label": "keys", onclick: () => this.help.showModal() }, "?");
    fill(document.getElementById("app"), el("a", { class: "skip", href: "#main", onclick: (event) => { event.preventDefault(); this.main.focus(); } }, "to the content"),
      el("header", { class: "top" }, el("span", { class: "brand" }, "Proctor"), el("nav", { "aria-label": "views" }, this.tabs), el("span", { class: "spacer" }), theme, keys), this.runBox, this.alert, this.main, this.help);
    listenToKeys(this);
    addEventListener("hashchange", () => this.show());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.view?.redraw?.());
    restoreTheme();
  }

  async start() {
    history.replaceState(null, "", location.pathname + location.hash); // the token has become a cookie
    await this.#guarded(async () => {
      [this.vocabulary, this.runs] = await Promise.all([this.source.vocabulary(), this.source.runs()]);
    });
    if (this.runs) await this.show();
    if (this.source.isLive) setTimeout(() => this.#poll(), POLL_MS);
  }

  /** The parameters that lead to the same run in another view. */
  runParameters() {
    return this.runs && this.runs.length > 1 ? { run: currentRoute().parameters.get("run") } : {};
  }

  toggleTheme() {
    const now = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    setTheme(now === "dark" ? "light" : "dark");
    this.view?.redraw?.();
  }

  async show() {
    const { view: name, parameters } = currentRoute();
    const View = VIEWS[name] ?? OverviewView;
    this.view?.destroy?.();
    this.#head(VIEWS[name] ? name : "overview", parameters);
    const view = new View(this.context, parameters);
    this.view = view;
    fill(this.main, view.element);
    scrollTo(0, 0);
    await this.#guarded(() => view.update(true));
    if (this.view === view) this.main.dataset.ready = location.hash; // tests wait for it
  }

  #head(name, parameters) {
    const asked = parameters.get("run");
    const hidden = new Set((parameters.get("hide") ?? "").split(",").filter(Boolean));
    const run = Math.max(0, this.runs.findIndex((entry) => entry.name === asked));
    const isOverview = name === "overview";
    const shown = this.runs.map((_, place) => place).filter((place) => !hidden.has(String(place)));
    this.context = { source: this.source, runs: this.runs, vocabulary: this.vocabulary, run, shown: shown.length ? shown : [0] };
    this.tabs.forEach((tab, place) => {
      tab.href = hashOf(TABS[place], this.runParameters());
      if (TABS[place] === (PARENTS[name] ?? name)) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    });
    document.title = `${name} · ${this.runs.map((entry) => entry.name).join(", ")} · Proctor`.slice(0, 120);
    this.runBox.hidden = this.runs.length < 2 || name === "compare";
    fill(this.runBox, el("span", { class: "muted" }, isOverview ? "runs shown" : "run"), this.runs.map((entry, place) => this.#runButton(entry, place, isOverview, isOverview ? this.context.shown.includes(place) : place === run, hidden)));
  }

  #runButton(run, place, isOverview, isOn, hidden) {
    const toggled = new Set(hidden);
    toggled[toggled.has(String(place)) ? "delete" : "add"](String(place));
    const target = isOverview ? { hide: [...toggled].join(",") } : { run: run.name, step: null, offset: null, task: null };
    return el("button", { "aria-pressed": String(isOn), onclick: () => refine(target) }, el("span", { class: `swatch ${seriesClass(place)}` }), run.name, el("small", {}, ` ${run.status}`));
  }

  async #poll() {
    try {
      const before = this.runs;
      const runs = await this.source.runs();
      if (!before) {
        await this.start();
        return;
      }
      if (this.alert.dataset.kind === "lost") this.#say("");
      this.runs.splice(0, this.runs.length, ...runs);
      const changed = runs.some((run, place) => run.version !== before.versions?.[place]);
      this.runs.versions = runs.map((run) => run.version);
      if (changed && before.versions) await this.#guarded(() => this.view.update(false));
    } catch (error) {
      this.#say(error.message, "lost");
    }
    setTimeout(() => this.#poll(), POLL_MS);
  }

  async #guarded(action) {
    try {
      await action();
      if (this.alert.dataset.kind === "error") this.#say("");
    } catch (error) {
      this.#say(error.message, "error");
    }
  }

  #say(message, kind = "") {
    this.alert.textContent = message;
    this.alert.dataset.kind = kind;
    this.alert.hidden = message === "";
  }
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("proctor-theme", theme);
  } catch {
    // a page opened from a file may have no storage: the choice lasts as long as the page
  }
}

function restoreTheme() {
  try {
    const theme = localStorage.getItem("proctor-theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  } catch {
    // as above
  }
}

new App().start();
