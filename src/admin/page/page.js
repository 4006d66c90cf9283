// Shows what /events tells. Whatever comes from the clusters goes into the page as text, never as markup.
"use strict";
(() => {
  const SILENT = 6000; // ms without a word after which the connection counts as lost
  const HOUR = 3600;
  const SIGNS = { good: "✓", busy: "↻", standby: "‖", attention: "!", bad: "✕", lost: "?", wait: "…" };
  const WORDS = { good: "ok", busy: "busy", standby: "standby", attention: "look", bad: "BAD", lost: "?" };
  const COLOURS = { good: "#17693a", busy: "#0b57a4", standby: "#0b57a4", attention: "#b87400", bad: "#c21f26", lost: "#6b7580" };
  const PHASES = {
    starting: "connecting, reading rules and state",
    bootstrap: "listing and comparing everything",
    tail: "following the source",
    draining: "finishing what is under way",
    stopped: "ended",
  };

  const $ = (id) => document.getElementById(id);
  const integer = new Intl.NumberFormat("en-US");
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
  const clockSeconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const day = new Intl.DateTimeFormat("en-GB", {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  });

  // ---- Words and numbers

  const set = (id, text) => {
    const node = $(id);
    if (node.textContent !== text) node.textContent = text;
  };
  const show = (id, text) => {
    set(id, text || "");
    $(id).hidden = !text;
  };
  const element = (name, classes, text) => {
    const node = document.createElement(name);
    if (classes) node.className = classes;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  // What stands in backticks is code. All of it stays text.
  const rich = (node, text) => {
    const parts = text.split("`");
    const whole = parts.length % 2 === 1;
    node.replaceChildren(...(whole ? parts.map((part, i) => (i % 2 ? element("code", "", part) : part)) : [text]));
    return node;
  };
  const explain = (id, text) => {
    const node = $(id);
    if (node.dataset.text === text) return;
    node.dataset.text = text;
    rich(node, text);
    node.hidden = !text;
  };
  const count = (n, one, many) => `${integer.format(n)} ${n === 1 ? one : many}`;
  const short = (n) => {
    if (n < 10 && n !== Math.round(n)) return n.toFixed(1);
    if (n < 10000) return integer.format(Math.round(n));
    const [by, unit] = n < 1e6 ? [1e3, "k"] : n < 1e9 ? [1e6, "M"] : [1e9, "G"];
    return `${(n / by).toFixed(n / by < 10 ? 1 : 0)}${unit}`;
  };
  const bytes = (n) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let at = 0;
    while (n >= 1024 && at < units.length - 1) {
      n /= 1024;
      at += 1;
    }
    return `${at === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[at]}`;
  };
  const span = (seconds) => {
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) return `${s} s`;
    if (s < 3600) return s % 60 && s < 600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 60)} min`;
    if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
    return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
  };
  const seconds = (s) => (s < 10 ? `${s.toFixed(1)} s` : span(s));

  // ---- The connection

  let source = null;
  let state = null; // the newest state
  let heard = 0; // when it came, by our own clock
  let timer = 0;
  let wait = 1000;
  let lostAt = 0;
  let alone = 0; // times that it answered, but told nothing
  let version = null;
  let paused = false; // nobody looks, or nothing has come since somebody does again

  // The server's clock now: ours may be wrong.
  const now = () => (state ? state.at / 1000 + (performance.now() - heard) / 1000 : Date.now() / 1000);

  const connect = () => {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
    if (document.hidden) return pause();
    source = new EventSource("events");
    source.addEventListener("history", (event) => take(() => merge(JSON.parse(event.data))));
    source.addEventListener("state", (event) => take(() => render(JSON.parse(event.data))));
    source.onerror = lost;
    watch();
  };
  // A browser has few connections to a host: a page that nobody looks at needs none.
  const pause = () => {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
    paused = true;
    say();
  };
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(lost, SILENT);
  };
  const take = (work) => {
    wait = 1000;
    lostAt = 0;
    alone = 0;
    watch();
    work();
  };
  const lost = () => {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
    if (document.hidden) return pause();
    paused = false;
    if (!lostAt) lostAt = performance.now();
    // Does it answer all the same, again and again? Then there is no place for another page.
    const answered = () => {
      alone += 1;
      if (alone === 1 && !source) connect();
    };
    fetch("livez", { cache: "no-store" }).then(answered, () => (alone = 0)).finally(say);
    say();
    timer = setTimeout(connect, wait);
    wait = Math.min(wait * 1.6, 10000);
  };
  // A page that is looked at again asks at once.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) pause();
    else if (paused || lostAt) connect();
  });
  addEventListener("online", () => lostAt && connect());

  const isLost = () => lostAt && performance.now() - lostAt > 1500;

  // What is said of the connection, each second.
  const say = () => {
    const age = state ? (performance.now() - heard) / 1000 : 0;
    if (paused) {
      const asOf = state ? `: as of ${span(age)} ago` : "";
      document.body.classList.toggle("stale", Boolean(state));
      $("link").dataset.state = "wait";
      set("link-text", `${document.hidden ? "paused while nobody looks" : "connecting again"}${asOf}`);
      level("wait");
      return;
    }
    if (!isLost()) {
      document.body.classList.remove("stale");
      $("link").dataset.state = state && !lostAt ? "live" : "wait";
      set("link-text", !state ? "connecting" : lostAt ? "connecting again" : "live");
      if (state) verdict();
      return;
    }
    document.body.classList.add("stale");
    $("link").dataset.state = "lost";
    set("link-text", state ? `not connected: as of ${span(age)} ago` : "not connected");
    level("lost");
    const over = state && (state.status.phase === "draining" || state.status.phase === "stopped");
    if (alone > 1) {
      set("title", "This carry answers, but tells this page nothing");
      explain("detail", "As many pages are open as it serves at a time, or a proxy between does not let events pass.");
      explain("action", "Close other pages of it. This one tries again by itself.");
    } else if (over) {
      set("title", "carry has stopped, or is being started again");
      explain("detail", "");
      explain("action", "If nobody has stopped it, look at its log. This page connects again by itself.");
    } else {
      set("title", "Connection lost");
      explain("detail", state ? `What stands here is as it was ${span(age)} ago: “${state.verdict.title}”.` : "Nobody answers at this address.");
      explain("action", "carry may run on all the same: look whether the process is there, and whether the network is. This page connects again by itself.");
    }
    set("since", `since ${clockSeconds.format(new Date(Date.now() - (performance.now() - lostAt)))}`);
    points([]);
  };

  // ---- The state

  const level = (name) => {
    if ($("verdict").dataset.level !== name) {
      $("verdict").dataset.level = name;
      set("sign", SIGNS[name] || "…");
      icon(name);
    }
    const who = state ? state.status.name : "";
    document.title = `${SIGNS[name]} ${WORDS[name] || ""} · carry ${who}`;
  };
  const icon = (name) => {
    const shape = name === "bad" || name === "lost" ? '<rect width="16" height="16" rx="2"' : '<circle cx="8" cy="8" r="8"';
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${shape} fill="${COLOURS[name] || "#6b7580"}"/></svg>`;
    $("icon").href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  };

  const verdict = () => {
    const said = state.verdict;
    level(said.level);
    set("title", said.title);
    set("since", `for ${span(now() - state.since.verdict)}`);
    explain("detail", said.detail);
    explain("action", said.action);
    points(said.points);
  };
  let pointed = "";
  const points = (list) => {
    const text = JSON.stringify(list);
    if (text === pointed) return;
    pointed = text;
    $("points").hidden = !list.length;
    $("points").replaceChildren(...list.map((point) => {
      const item = rich(element("li", point.attention ? "attention" : ""), point.text);
      item.append(rich(element("span", "do"), point.action));
      return item;
    }));
  };

  const render = (fresh) => {
    if (version !== null && version !== fresh.version) return location.reload();
    version = fresh.version;
    state = fresh;
    paused = false;
    heard = performance.now();
    if (fresh.sample) add(fresh.sample);
    say();
    const status = fresh.status;
    set("name", status.name);
    set("version", fresh.version);
    tiles(fresh, status);
    facts(fresh, status);
    const settled = status.phase !== "starting" && status.phase !== "bootstrap";
    const none = (text) => (!knows(status) ? unknown(status) : settled ? text : "None so far.");
    keys("held", status.heldKeys, status.held, none("None: every selected key could be judged."));
    keys("drift", status.driftingKeys, status.drifting, none("None."));
    keys("kept", status.keptKeys, status.kept, none("None."));
    rules(fresh);
    resyncs(status.resyncs);
    services(status);
    charts();
  };

  // Who has not led yet knows nothing of what is mirrored.
  const knows = (status) => !status.ledBy && (status.leader || status.appliedRevision > 0);
  const unknown = (status) => (status.ledBy ? "Not known here: the page of the one that leads says." : "Not known yet.");
  const revision = (n) => (n ? integer.format(n) : "–");

  const tiles = (fresh, status) => {
    set("phase", status.ledBy ? "standby" : status.phase);
    set("phase-more", status.ledBy ? "waiting to lead" : PHASES[status.phase] || "");
    const waiting = status.lagRevisions;
    const follows = status.phase === "tail" || status.phase === "draining";
    set("lag", fresh.age === null || !follows ? "–" : waiting ? count(waiting, "revision", "revisions") : fresh.age > fresh.maxLagSeconds ? "not known" : "none");
    set("lag-more", fresh.age === null ? "" : `proven ${seconds(fresh.age)} ago`);
    set("applied", revision(status.appliedRevision));
    set("applied-more", status.sourceRevision ? `of ${integer.format(status.sourceRevision)} seen` : "");
    set("writes", `${short(fresh.rates.operations)}/s`);
    set("writes-more", `${bytes(fresh.rates.bytes)}/s`);
    const mirrored = Object.values(status.rules).reduce((sum, n) => sum + n, 0);
    set("keys", knows(status) ? integer.format(mirrored) : "–");
    set("keys-more", `by ${count(byRule(fresh).length, "rule", "rules")}`);
    set("held-count", knows(status) ? integer.format(status.heldKeys) : "–");
    const more = [];
    if (status.driftingKeys) more.push(`${short(status.driftingKeys)} drifting`);
    if (status.keptKeys) more.push(`${short(status.keptKeys)} kept`);
    set("held-more", more.join(", "));
  };

  const lines = (id, first, ...more) => {
    const text = [first, ...more].join("\n");
    const node = $(id);
    if (node.dataset.text === text) return;
    node.dataset.text = text;
    node.replaceChildren(element("span", "", first), ...more.filter(Boolean).map((line) => element("small", "", line)));
  };
  const facts = (fresh, status) => {
    const since = fresh.since.leader ? `for ${span(now() - fresh.since.leader)}` : "";
    if (status.leader) lines("leader", "this carry", since);
    else if (status.ledBy) lines("leader", status.ledBy, `${since}, as seen from here; this carry waits to take over`);
    else lines("leader", "nobody, as far as is known here");
    lines("self", fresh.holder || "–", `started ${day.format(new Date(fresh.since.started * 1000))}`);
    lines("source", fresh.sourceEndpoints.join(", ") || "–", status.sourceRevision ? `revision ${integer.format(status.sourceRevision)}` : "");
    const there = fresh.destinationRevision;
    lines("destination", fresh.destinationEndpoints.join(", ") || "–", there ? `revision ${integer.format(there)} at the last look` : "");
    if (fresh.outOfSpace) lines("space", `${bytes(fresh.dbSizeBytes)}: full, it refuses writes (NOSPACE)`);
    else lines("space", fresh.dbSizeBytes ? bytes(fresh.dbSizeBytes) : "not known yet", fresh.dbSizeBytes ? "no alarm raised" : "");
    lines("spool", `${bytes(fresh.spoolMemory)} in memory, ${bytes(fresh.spoolDisk)} on disk`, "delivered by the source, not yet written");
    set("up", span(now() - fresh.since.started));
  };

  // A list is made anew only where it has changed: who reads or selects keeps the place.
  const shown = {};
  const changed = (id, value) => {
    const text = JSON.stringify(value);
    if (shown[id] === text) return false;
    shown[id] = text;
    return true;
  };
  const FEW = 5;
  // Those with the same reason stand together: mostly one thing is wrong with many.
  const keys = (id, total, list, none) => {
    if (!changed(id, [total, list, none])) return;
    set(`${id}-n`, total || knows(state.status) ? integer.format(total) : "–");
    const open = new Set([...$(id).querySelectorAll("details[open]")].map((node) => node.dataset.why));
    const groups = new Map();
    for (const own of list) {
      const [key, why] = typeof own === "string" ? [own, ""] : [own.key, own.reason];
      groups.set(why, [...(groups.get(why) || []), key]);
    }
    $(id).replaceChildren(...[...groups].map(([why, names]) => {
      const item = element("li");
      if (why) item.append(rich(element("span", "why"), names.length > 1 ? `${why} (${names.length} keys)` : why));
      const named = (some) => some.map((name) => element("span", "key", name));
      item.append(...named(names.slice(0, FEW)));
      if (names.length > FEW) {
        const more = element("details");
        more.dataset.why = why;
        more.open = open.has(why);
        more.append(element("summary", "", `${names.length - FEW} more`), ...named(names.slice(FEW)));
        item.append(more);
      }
      return item;
    }));
    const left = total - list.length;
    show(`${id}-rest`, total === 0 ? none : left > 0 ? `and ${integer.format(left)} more, in the order of keys; /status names up to 1,000` : "");
  };
  // As in the rules file; then what earlier rules have left.
  const byRule = (fresh) => {
    const counts = fresh.status.rules;
    const names = [...fresh.ruleNames, ...Object.keys(counts).filter((name) => counts[name] && !fresh.ruleNames.includes(name))];
    return names.map((name) => [name, Object.hasOwn(counts, name) ? counts[name] : 0]);
  };
  const rules = (fresh) => {
    const list = byRule(fresh);
    const { rulesDigest: digest, retiredKeys: retired } = fresh.status;
    if (!changed("rules", [list, digest, retired, knows(fresh.status)])) return;
    set("rules-n", integer.format(list.length));
    set("digest", digest.slice(0, 12) || "–");
    set("retired", retired ? `; ${count(retired, "key", "keys")} of earlier rules kept` : "");
    $("rules").replaceChildren(...list.map(([name, keys]) => {
      const row = element("tr");
      const head = element("th", "", name);
      head.scope = "row";
      row.append(head, element("td", "num", knows(fresh.status) ? integer.format(keys) : "–"));
      return row;
    }));
  };
  const resyncs = (list) => {
    const minute = Math.floor(now() / 60);
    if (!changed("resyncs", [list, minute])) return;
    set("resyncs-n", list.length >= 20 ? "the last 20" : integer.format(list.length));
    show("resyncs-rest", list.length ? "" : "None since this process has started.");
    $("resyncs").replaceChildren(...[...list].reverse().map((resync) => {
      const item = element("li");
      const when = element("time", "when", day.format(new Date(resync.unixSeconds * 1000)));
      when.dateTime = new Date(resync.unixSeconds * 1000).toISOString();
      when.title = `${span(now() - resync.unixSeconds)} ago`;
      item.append(when, rich(element("span"), `${resync.reason} (at revision ${integer.format(resync.revision)})`));
      return item;
    }));
  };
  const services = (status) => {
    const list = status.serviceAddresses;
    if (!changed("services", [status.readdressedServices, list])) return;
    $("services-section").hidden = !status.readdressedServices;
    set("services-n", integer.format(status.readdressedServices));
    $("services").replaceChildren(...list.map((service) => {
      const row = element("tr");
      const head = element("th", "", service.key);
      head.scope = "row";
      const side = (name) => element("td", "mono", service.addresses.map((pair) => pair[name]).join(", "));
      row.append(head, side("source"), side("destination"));
      return row;
    }));
    const left = status.readdressedServices - list.length;
    show("services-rest", left > 0 ? `and ${integer.format(left)} more; /status names up to 1,000` : "");
  };

  // ---- Samples and charts

  let samples = [];
  let every = 5;
  const add = (sample) => {
    const last = samples[samples.length - 1];
    if (last && sample.at <= last.at) return;
    samples.push(sample);
    trim();
  };
  // After a restart the new process knows nothing of before; we do.
  const merge = (columns) => {
    every = columns.every;
    const rows = columns.at.map((at, i) => ({
      at, age: columns.age[i], lag: columns.lag[i], operations: columns.operations[i], bytes: columns.bytes[i],
    }));
    const from = rows.length ? rows[0].at : Infinity;
    samples = samples.filter((sample) => sample.at < from).concat(rows);
    trim();
  };
  const trim = () => {
    const newest = samples.length ? samples[samples.length - 1].at : 0;
    samples = samples.filter((sample) => sample.at > newest - HOUR && sample.at <= newest);
  };

  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, attributes, text) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  // The next round number up, and steps that divide it evenly.
  const top = (max, least) => {
    const want = Math.max(max, least);
    const power = 10 ** Math.floor(Math.log10(want));
    return [1, 2, 4, 5, 10].map((n) => n * power).find((n) => n >= want * 0.999);
  };

  const CHARTS = [
    {
      id: "chart-lag", name: "Lag, in revisions", about: "Revisions of the source that are seen and not yet applied",
      of: (s) => s.lag, least: () => 4, form: short, tick: short,
    },
    {
      id: "chart-age", name: "Time since proven in sync", about: "Time since the source proved that nothing is missing, of what is all applied",
      of: (s) => s.age, least: () => (state ? state.maxLagSeconds : 4), form: seconds,
      tick: (n) => (n < 120 ? `${+n.toFixed(1)} s` : span(n)), limit: () => state && state.maxLagSeconds,
    },
    {
      id: "chart-ops", name: "Writes per second", about: "Puts and deletes applied at the destination each second",
      of: (s) => s.operations, least: () => 4, form: (n) => `${short(n)}/s`, tick: short,
    },
  ];
  for (const chart of CHARTS) {
    const figure = $(chart.id);
    const caption = element("figcaption");
    chart.read = element("span", "read", "");
    caption.append(element("span", "", chart.name), chart.read);
    caption.title = chart.about;
    chart.svg = make("svg", { role: "img", tabindex: "0" });
    figure.append(caption, chart.svg);
    chart.at = null;
    chart.svg.addEventListener("pointermove", (event) => {
      const box = chart.svg.getBoundingClientRect();
      point(chart, chart.time(event.clientX - box.left));
    });
    const leave = () => point(chart, null);
    chart.svg.addEventListener("pointerleave", leave);
    chart.svg.addEventListener("blur", leave);
    chart.svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -every, ArrowRight: every, PageUp: -60, PageDown: 60 }[event.key];
      if (event.key === "Escape") return leave();
      if (!step || !samples.length) return;
      event.preventDefault();
      const newest = samples[samples.length - 1].at;
      point(chart, Math.min(newest, Math.max(samples[0].at, (chart.at === null ? newest : chart.at) + step)));
    });
  }
  const point = (chart, at) => {
    chart.at = at;
    draw(chart);
  };
  const nearest = (at) => samples.reduce((best, s) => (Math.abs(s.at - at) < Math.abs(best.at - at) ? s : best), samples[0]);

  // What is so now, or was last, behind the last sample.
  const latest = () => ({
    at: state.at / 1000, age: state.age, lag: state.status.lagRevisions, operations: state.rates.operations,
  });
  const draw = (chart) => {
    const width = Math.max(200, Math.round(chart.svg.clientWidth));
    const height = Math.max(90, Math.round(chart.svg.clientHeight));
    const [left, right, up, down] = [44, 8, 8, 20];
    const end = Math.max(now(), samples.length ? samples[samples.length - 1].at : 0);
    const oldest = samples.length ? samples[0].at : end;
    const all = state ? samples.concat(latest()) : samples;
    const range = end - oldest < 290 ? 300 : end - oldest < 890 ? 900 : HOUR;
    const begin = end - range;
    const values = all.map(chart.of).filter((v) => v !== null);
    const max = values.length ? Math.max(...values) : 0;
    const high = top(max, chart.least());
    const x = (t) => left + ((t - begin) / range) * (width - left - right);
    const y = (v) => height - down - (Math.min(v, high) / high) * (height - up - down);
    chart.time = (px) => begin + ((px - left) / (width - left - right)) * range;
    const parts = [];
    for (const v of [0, high / 2, high]) {
      parts.push(make("line", { class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v) }));
      parts.push(make("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end" }, chart.tick(v)));
    }
    const step = range === HOUR ? 900 : range === 900 ? 300 : 60;
    for (let t = Math.ceil(begin / step) * step; t <= end; t += step) {
      const at = x(t);
      if (at < left + 14 || at > width - 18) continue;
      parts.push(make("line", { class: "grid", x1: at, x2: at, y1: height - down, y2: height - down + 4 }));
      parts.push(make("text", { x: at, y: height - 4, "text-anchor": "middle" }, clock.format(new Date(t * 1000))));
    }
    // A line breaks where nothing is known.
    const runs = [];
    let before = null;
    for (const sample of all) {
      const value = chart.of(sample);
      if (value === null || value === undefined) {
        before = null;
        continue;
      }
      if (before === null || sample.at - before > every * 3) runs.push([]);
      runs[runs.length - 1].push([x(sample.at), y(value)]);
      before = sample.at;
    }
    const fix = (n) => n.toFixed(1);
    for (const run of runs) {
      if (run[run.length - 1][0] < left) continue;
      const line = run.filter(([px]) => px >= left - 2).map(([px, py]) => `${fix(Math.max(px, left))} ${fix(py)}`);
      if (!line.length) continue;
      const [first, last] = [line[0].split(" ")[0], line[line.length - 1].split(" ")[0]];
      const base = height - down;
      parts.push(make("path", { class: "area", d: `M${first} ${base}L${line.join("L")}L${last} ${base}Z` }));
      if (line.length === 1) parts.push(make("circle", { class: "dot", cx: first, cy: line[0].split(" ")[1], r: 2 }));
      else parts.push(make("path", { class: "curve", d: `M${line.join("L")}` }));
    }
    const limit = chart.limit && chart.limit();
    if (limit && limit <= high) {
      parts.push(make("line", { class: "limit", x1: left, x2: width - right, y1: y(limit), y2: y(limit) }));
      const room = y(limit) > up + 14;
      parts.push(make("text", { class: "limit-text", x: left + 4, y: room ? y(limit) - 4 : y(limit) + 12 }, `--max-lag ${span(limit)}`));
    }
    const newest = [...all].reverse().find((s) => chart.of(s) !== null);
    let text = "no data yet";
    if (chart.at !== null && samples.length) {
      const sample = nearest(chart.at);
      const value = chart.of(sample);
      parts.push(make("line", { class: "cursor", x1: x(sample.at), x2: x(sample.at), y1: up, y2: height - down }));
      if (value !== null) parts.push(make("circle", { class: "dot", cx: x(sample.at), cy: y(value), r: 3 }));
      text = `${value === null ? "not known" : chart.form(value)} at ${clockSeconds.format(new Date(sample.at * 1000))}`;
    } else if (newest) {
      text = `${isLost() ? "last" : "now"} ${chart.form(chart.of(newest))}, peak ${chart.form(max)}`;
    }
    chart.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    chart.svg.setAttribute("aria-label", `${chart.about}: ${text}`);
    chart.svg.replaceChildren(...parts);
    if (chart.read.textContent !== text) chart.read.textContent = text;
  };
  const charts = () => CHARTS.forEach(draw);
  addEventListener("resize", charts);

  setInterval(() => {
    say();
    if (isLost()) charts();
  }, 1000);
  connect();
})();
