// Where the data comes from: the server of `proctor view`, or the page itself in `proctor report`. Both answer the same questions.

/** Asks the server that this page came from. */
export class ServerSource {
  isLive = true;
  isComplete = true;

  async #ask(path, parameters = {}, options = {}) {
    const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== ""));
    let response;
    try {
      response = await fetch(`/api/${path}${query.size ? `?${query}` : ""}`, options);
    } catch {
      throw new Error("the viewer does not answer: is `proctor view` still running?");
    }
    if (response.status === 401) throw new Error("this page belongs to an earlier `proctor view`: open the address that the running one printed");
    const text = await response.text();
    let answer;
    try {
      answer = JSON.parse(text);
    } catch {
      throw new Error(text.slice(0, 300) || `the viewer answered ${response.status}`);
    }
    if (!response.ok) throw new Error(answer?.error ?? `the viewer answered ${response.status}`);
    return answer;
  }

  #place(run, key) {
    return `runs/${run}/rollouts/${key.step}/${key.group}/${key.index}`;
  }

  vocabulary() { return this.#ask("vocabulary"); }
  runs() { return this.#ask("runs"); }
  overview(run) { return this.#ask(`runs/${run}/overview`); }
  page(run, question) { return this.#ask(`runs/${run}/rollouts`, question); }
  count(run, question) { return this.#ask(`runs/${run}/count`, question); }
  group(run, step, group) { return this.#ask(`runs/${run}/groups/${step}/${group}`); }
  rollout(run, key, tokens = 0) { return this.#ask(this.#place(run, key), { tokens }); }
  text(run, key, column, offset) { return this.#ask(`${this.#place(run, key)}/text`, { column, offset }); }
  task(run, id, first, last) { return this.#ask(`runs/${run}/task`, { id, first, last }); }
  suspicions(run) { return this.#ask(`runs/${run}/suspicions`); }
  verdicts(run) { return this.#ask(`runs/${run}/verdicts`); }
  cases(run) { return this.#ask(`runs/${run}/cases`); }
  compare(question) { return this.#ask("compare", question); }

  mark(run, key, judgement, note) {
    return this.#ask(`${this.#place(run, key)}/verdict`, {}, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ judgement, note }) });
  }

  unmark(run, key) {
    return this.#ask(`${this.#place(run, key)}/verdict`, {}, { method: "DELETE", headers: { "Content-Type": "application/json" }, body: "{}" });
  }
}

/** Answers from the data that `proctor report` put into this page: a sample of the rollouts, and no way to mark one. */
export class EmbeddedSource {
  isLive = false;
  isComplete = false;

  constructor(data) {
    this.data = data;
  }

  async vocabulary() { return this.data.vocabulary; }
  async runs() { return this.data.runs; }
  async overview(run) { return this.data.overviews[run]; }
  async suspicions(run) { return this.data.suspicions[run]; }
  async verdicts(run) { return this.data.verdicts[run]; }
  async cases(run) { return this.data.cases[run]; }

  #matching(run, question) {
    const search = (question.where ?? "").trim();
    const flag = search.match(/^flag\s*=\s*([a-z_]+)$/)?.[1];
    if (!flag && /[<>=~]/.test(search)) {
      throw new Error("this report looks for texts, and for a suspicion alone (flag = …); `proctor view` on the run knows the whole search language");
    }
    const wanted = search.replace(/^"(.*)"$/, "$1").toLowerCase();
    return this.data.samples[run].filter(({ row, view, flags }) =>
      (question.step === undefined || question.step === null || question.step === "" || row.key.step === Number(question.step))
      && (!question.task || row.task_id === question.task)
      && (flag ? flags.includes(flag) : view.text.text.toLowerCase().includes(wanted)));
  }

  async page(run, question) {
    const rows = this.#matching(run, question).map(({ row }) => row);
    const [name, descending] = (question.order ?? "place").split("_");
    const field = { reward: "reward", advantage: "advantage", length: "num_completion_tokens" }[name];
    if (field) rows.sort((a, b) => ((a[field] ?? Infinity) - (b[field] ?? Infinity)) * (descending ? -1 : 1));
    const offset = question.offset ?? 0;
    return rows.slice(offset, offset + (question.limit ?? 50));
  }

  async count(run, question) { return this.#matching(run, question).length; }

  #rows(run, is) {
    return this.data.samples[run].filter(({ row }) => is(row)).map(({ row, view }) => ({ ...row, snippet: view.text.text }));
  }

  async group(run, step, group) { return this.#rows(run, ({ key }) => key.step === Number(step) && key.group === Number(group)); }
  async task(run, id, first = 0, last = Infinity) { return this.#rows(run, (row) => row.task_id === id && row.key.step >= first && row.key.step <= last); }

  async rollout(run, key) {
    const found = this.data.samples[run].find(({ row }) => row.key.step === key.step && row.key.group === key.group && row.key.index === key.index);
    if (!found) throw new Error("this report holds a sample of the rollouts, and that one is not among them; `proctor view` on the run has them all");
    return found.view;
  }

  async text() { throw new Error("the rest of the text is not in this report; `proctor view` on the run has it"); }

  async compare(question) {
    const found = this.data.comparison;
    if (!found) throw new Error("this report holds no comparison");
    return { ...found, tasks: found.tasks.filter((task) => !question.result || task.result === question.result) };
  }

  async mark() { throw new Error("a report is read only: mark rollouts in `proctor view`"); }
  async unmark() { return this.mark(); }
}

/** The data of a report where this page is one, else the server. */
export function openSource() {
  const embedded = document.getElementById("data");
  return embedded ? new EmbeddedSource(JSON.parse(embedded.textContent)) : new ServerSource();
}
