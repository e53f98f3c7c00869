// The keyboard: everything that the pointer can do.
import { el } from "./dom.js";
import { go } from "./route.js";

const HELP = [["1 … 5", "overview, rollouts, suspicions, verdicts, compare"], ["/", "search"], ["j, k", "next and previous row, or rollout of the group"], ["Enter", "open the row"], ["[ ]", "step before and after"], ["u", "back"], ["t", "light or dark"], ["?", "this list"], ["Esc", "leave a field, close this list"]];

/** The list of keys as a dialog. */
export function helpDialog() {
  const dialog = el("dialog", { class: "card help", "aria-label": "keys" }, el("h2", {}, "Keys"), el("dl", {}, HELP.map(([key, meaning]) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, meaning)))),
    el("form", { method: "dialog" }, el("button", {}, "Close")));
  return dialog;
}

/** Listen to keys; `app` has views (names in order), view (the current one), toggleTheme and help (the dialog). */
export function listenToKeys(app) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target.closest("input, textarea, select");
    if (event.key === "Escape" && isTyping) event.target.blur();
    if (isTyping || app.help.open) return;
    const action = keyAction(event.key, app);
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function keyAction(key, app) {
  const number = Number(key);
  if (number >= 1 && number <= app.views.length) return () => go(app.views[number - 1], app.runParameters());
  return {
    "/": () => { const search = document.getElementById("search"); if (search) search.focus(); else go("rollouts", app.runParameters()); },
    "?": () => app.help.showModal(),
    t: () => app.toggleTheme(),
    u: () => history.back(),
    "[": () => moveStep(app.view, -1),
    "]": () => moveStep(app.view, 1),
    j: () => moveRow(app.view, 1),
    k: () => moveRow(app.view, -1),
  }[key];
}

function moveStep(view, direction) {
  if (view?.form && view.move) view.move(direction);
}

/** Focus the next row; in a view without rows, the next rollout. */
function moveRow(view, direction) {
  const links = [...document.querySelectorAll(".row")].map((row) => row.querySelector("a, button")).filter(Boolean);
  if (links.length === 0) {
    view?.move?.(direction);
    return;
  }
  const place = links.indexOf(document.activeElement);
  const next = links[place < 0 ? (direction > 0 ? 0 : links.length - 1) : Math.max(0, Math.min(links.length - 1, place + direction))];
  next.focus();
  next.closest(".row").scrollIntoView({ block: "nearest" });
}
