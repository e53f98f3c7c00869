// Rollouts as a table, and the small marks that stand for a reward, an outcome, a verdict.
import { el, formatNumber, formatSigned, untrusted } from "./dom.js";
import { hashOf, rolloutHash } from "./route.js";

const OUTCOMES = { CORRECT: ["✓", "good"], INCORRECT: ["✗", "bad"], UNPARSED: ["?", "unclear"], ERROR: ["!", "error"] };

/** What a verifier said, as a sign and a word (never by colour alone). */
export function outcomeBadge(outcome) {
  const [sign, kind] = OUTCOMES[outcome] ?? ["–", "unclear"];
  return el("span", { class: `badge ${kind}` }, `${sign} ${(outcome ?? "no verdict").toLowerCase()}`);
}

/** The verdicts of a row; functions that only gave a number are left out. */
export function verdictBadges(row) {
  return row.outcomes.filter((outcome) => outcome !== null).map(outcomeBadge);
}

/** A reward, coloured by what the verifiers said of it. */
export function rewardCell(row) {
  const kind = row.status === "error" ? "error" : row.is_correct === true ? "good" : row.is_correct === false ? "bad" : "unclear";
  return el("span", { class: `reward ${kind}` }, row.status === "error" ? "error" : formatNumber(row.reward));
}

/** A table of rollouts; each row is a link to its rollout. */
export function rolloutTable(run, rows, { marks = new Map(), caption }) {
  const columns = ["rollout", "task", "reward", "advantage", "tokens", "verdicts", "completion"];
  return el("div", { class: "table-box" }, el("table", { class: "rollouts" }, el("caption", { class: "sr-only" }, caption),
    el("thead", {}, el("tr", {}, columns.map((name) => el("th", { scope: "col", class: `c-${name}` }, name)))),
    el("tbody", {}, rows.map((row) => rolloutRow(run, row, marks)))));
}

function rolloutRow(run, row, marks) {
  const address = rolloutHash(run, row.key);
  const mark = marks.get(keyText(row.key));
  return el("tr", { class: "row", "data-href": address, onclick: (event) => { if (!event.target.closest("a") && getSelection().isCollapsed) location.hash = address; } },
    el("td", { class: "c-rollout" }, el("a", { href: address, title: "step / group / rollout" }, keyText(row.key))),
    el("td", { class: "c-task" }, el("a", { href: hashOf("rollouts", { run: run.name, task: row.task_id }), title: "this task in all steps" }, untrusted(row.task_id))),
    el("td", { class: "c-reward number" }, rewardCell(row)),
    el("td", { class: "c-advantage number" }, formatSigned(row.advantage)),
    el("td", { class: "c-tokens number" }, formatNumber(row.num_completion_tokens), row.status === "truncated" ? el("span", { class: "cut", title: "cut off at the length limit" }, " ✂") : null),
    el("td", { class: "c-verdicts" }, el("div", { class: "badges" }, verdictBadges(row), mark ? el("span", { class: "badge mark" }, mark.judgement.replace("_", " ")) : null)),
    el("td", { class: "c-completion" }, el("div", { class: "snippet" }, untrusted(row.snippet), row.num_characters > row.snippet.length ? el("span", { class: "muted" }, ` … ${formatNumber(row.num_characters)} characters`) : null)));
}

/** `step/group/index`. */
export function keyText(key) {
  return `${key.step}/${key.group}/${key.index}`;
}

/** The marks of a run by key. */
export function marksByKey(verdicts) {
  return new Map(verdicts.map((verdict) => [keyText(verdict), verdict]));
}
