// Where in the page we are: `#rollouts?run=name&step=3`. Every view can be linked to, and the back button works.

/** The current view and its parameters. */
export function currentRoute() {
  const [view, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { view: view || "overview", parameters: new URLSearchParams(query) };
}

/** The address of a view; parameters that are null or empty are left out. */
export function hashOf(view, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `#${view}?${text}` : `#${view}`;
}

/** Go to a view. */
export function go(view, parameters = {}) {
  location.hash = hashOf(view, parameters);
}

/** Change some parameters of the current view; in place of it in the history where it is only refined. */
export function refine(changes, replace = false) {
  const { view, parameters } = currentRoute();
  const target = hashOf(view, { ...Object.fromEntries(parameters), ...changes });
  if (!replace) {
    location.hash = target;
  } else if (target !== location.hash) {
    history.replaceState(null, "", target);
    dispatchEvent(new HashChangeEvent("hashchange"));
  }
}

/** A rollout's address: the same for as long as its run keeps its name. */
export function rolloutHash(run, key) {
  return hashOf("rollout", { run: run.name, step: key.step, group: key.group, index: key.index });
}
