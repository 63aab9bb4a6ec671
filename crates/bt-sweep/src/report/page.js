"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const T = data.trials, root = document.getElementById("plots"), tipBox = document.getElementById("tip");
  const objectiveAt = T.metrics.indexOf(T.objective.metric);
  const sign = T.objective.direction === "minimize" ? -1 : 1;

  // Elements. Texts go in as text nodes, never as markup.
  const svgSpace = (() => {
    const holder = document.createElement("div");
    holder.innerHTML = "<svg></svg>";
    return holder.firstChild.namespaceURI;
  })();
  const fill = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (typeof value === "function") node.addEventListener(name, value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
    }
    node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return node;
  };
  const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
  const s = (tag, attributes, ...children) => fill(document.createElementNS(svgSpace, tag), attributes, children);
  const chart = (title, width, height, ...children) =>
    s("svg", { class: width > 900 ? "chart wide" : "chart", role: "img", "aria-label": title, viewBox: `0 0 ${width} ${height}` }, children);
  const text = (x, y, content, attributes) => s("text", { x, y, ...attributes }, String(content));

  // Numbers.
  const unpack = (packed, Type) => {
    const letters = atob(packed), bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
    if (Type === Uint8Array) return bytes;
    const view = new DataView(bytes.buffer), size = Type.BYTES_PER_ELEMENT;
    const read = { Float32Array: "getFloat32", Float64Array: "getFloat64", Uint32Array: "getUint32" }[Type.name];
    return Type.from({ length: bytes.length / size }, (_, i) => view[read](i * size, true));
  };
  const format = (value, digits = 4) => {
    const number = Number(value);
    if (Number.isNaN(number)) return "undefined";
    if (!Number.isFinite(number)) return number > 0 ? "∞" : "−∞";
    const size = Math.abs(number);
    if (number === 0) return "0";
    if (size >= 1e7 || size < 1e-4) return number.toExponential(digits - 2).replace("-", "−").replace("e+", "e");
    const places = Math.max(0, Math.min(8, digits - 1 - Math.floor(Math.log10(size))));
    return number.toLocaleString("en-US", { maximumFractionDigits: places, minimumFractionDigits: 0 }).replace("-", "−");
  };
  // One number of decimals for values that stand below each other.
  const formatAlike = (values, digits = 4) => {
    const finite = Array.from(values, Number).filter(Number.isFinite), most = Math.max(0, ...finite.map(Math.abs));
    const places = finite.every(Number.isInteger) ? 0 : Math.max(0, Math.min(6, digits - 1 - Math.floor(Math.log10(most || 1))));
    const rounds = { maximumFractionDigits: places, minimumFractionDigits: places };
    return (v) => (!Number.isFinite(Number(v)) || most >= 1e7 || (v && Math.abs(v) < 0.5 * 10 ** -places) ? format(v, digits) : Number(v).toLocaleString("en-US", rounds).replace("-", "−"));
  };
  const count = (number) => Number(number).toLocaleString("en-US");
  const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many || one + "s"}`;
  const percent = (share) => (Number.isFinite(Number(share)) ? `${format(100 * share, 3)} %` : "undefined");
  const clip = (label, most) => (String(label).length > most ? String(label).slice(0, most - 1) + "…" : String(label));
  const value = (raw) => (typeof raw === "number" ? format(raw, 6) : String(raw));
  const day = (seconds) => {
    const moment = new Date(seconds * 1000);
    if (Number.isNaN(moment.getTime())) return "?";
    const iso = moment.toISOString();
    return iso.slice(11, 19) === "00:00:00" ? iso.slice(0, 10) : iso.slice(0, 16).replace("T", " ");
  };
  const span = (part) => `${day(part.first_day_ns / 1e9)} to ${day(part.last_day_ns / 1e9)}`;
  const time = (us) => {
    if (us < 1e3) return `${format(us, 3)} µs`;
    if (us < 1e6) return `${format(us / 1e3, 3)} ms`;
    if (us < 12e7) return `${format(us / 1e6, 3)} s`;
    return us < 72e8 ? `${format(us / 6e7, 3)} min` : `${format(us / 36e8, 3)} h`;
  };
  const range = (values) => {
    let low = Infinity, high = -Infinity;
    for (const v of values) if (Number.isFinite(v)) { if (v < low) low = v; if (v > high) high = v; }
    return low <= high ? [low, high] : null;
  };
  const axisOf = (limits, from, to, room = 0.04) => {
    let [low, high] = limits || [0, 1];
    const pad = high > low ? (high - low) * room : Math.abs(high) * 0.05 || 0.5;
    low -= pad; high += pad;
    const at = (v) => from + (Math.max(low, Math.min(high, v)) - low) / (high - low) * (to - from);
    const rough = (high - low) / 5, decade = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((f) => f * decade).find((f) => f >= rough) || decade;
    const ticks = [];
    for (let i = Math.ceil(low / step); i * step <= high && ticks.length < 12; i++) ticks.push(i * step);
    return { at, ticks, low, high, back: (p) => low + (p - from) / (to - from) * (high - low) };
  };

  // What is under the pointer.
  const showTip = (event, content) => {
    tipBox.textContent = content;
    tipBox.style.display = "block";
    const box = tipBox.getBoundingClientRect();
    tipBox.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8)) + "px";
    tipBox.style.top = (event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 10 : event.clientY + 18) + "px";
  };
  const hideTip = () => { tipBox.style.display = "none"; };
  addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
  addEventListener("scroll", hideTip, { passive: true });
  const hints = (content) => ({ mousemove: (event) => showTip(event, content()), mouseleave: hideTip });

  // Colours: one scale of rising lightness, and one with a light middle for values whose sign matters; both can be told
  // apart without red and green. For an objective that is minimized the first one is turned round, so that bright is
  // good.
  const RISING = [[48, 18, 87], [58, 58, 138], [46, 97, 148], [35, 132, 146], [40, 166, 132], [99, 198, 100], [176, 220, 62], [250, 229, 50]];
  const AROUND = [[124, 58, 8], [190, 101, 30], [232, 160, 84], [247, 212, 170], [243, 243, 240], [178, 210, 236], [106, 166, 216], [42, 111, 178], [14, 60, 118]];
  const colour = (scale, share) => {
    const place = Math.max(0, Math.min(1, share)) * (scale.length - 1), below = Math.min(Math.floor(place), scale.length - 2);
    return scale[below].map((c, i) => Math.round(c + (scale[below + 1][i] - c) * (place - below)));
  };
  const css = (rgb) => `rgb(${rgb.join(",")})`;
  const ink = (rgb) => (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] > 140 ? "#1d2229" : "#ffffff");
  // A few far values must not take the whole scale: beyond twice the middle's width it ends, and the legend says so.
  const scaleOf = (values, around = true, lessIsBetter = false) => {
    const finite = Array.from(values).filter(Number.isFinite).sort((a, b) => a - b);
    if (!finite.length) return null;
    let low = finite[0], high = finite[finite.length - 1];
    const at = (q) => finite[Math.round(q * (finite.length - 1))], middle = at(0.95) - at(0.05);
    const cutLow = middle > 0 && at(0.05) - low > 2 * middle, cutHigh = middle > 0 && high - at(0.95) > 2 * middle;
    if (cutLow) low = at(0.05);
    if (cutHigh) high = at(0.95);
    const signed = around && low < 0 && high > 0;
    if (signed) { const reach = Math.max(-low, high); low = -reach; high = reach; }
    const table = signed ? AROUND : lessIsBetter ? [...RISING].reverse() : RISING, width = high - low;
    const share = (v) => (width > 0 ? (v - low) / width : 0.5);
    return { low, high, cutLow, cutHigh, signed, share, rgb: (v) => colour(table, v === Infinity ? 1 : v === -Infinity ? 0 : share(v)) };
  };

  const select = (label, options, chosen, change) => {
    const list = h("select", { change: () => change(list.value) }, options.map(([key, name, disabled]) =>
      h("option", { value: key, selected: String(key) === String(chosen) ? "" : null, disabled: disabled ? "" : null }, clip(name, 60))));
    return h("label", null, label, list);
  };
  const table = (head, rows) => h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "table" }, h("table", null,
    h("thead", null, h("tr", null, head.map(([name, numeric]) => h("th", { scope: "col", class: numeric ? "n" : null }, name)))),
    h("tbody", null, rows.map((row) => h("tr", null, row.map((cell, i) => h("td", { class: head[i][1] ? "n" : "text" }, cell)))))));
  const later = (name, make) => {
    const details = h("details", { toggle: () => { if (details.open && details.children.length === 1) details.append(make()); } }, h("summary", null, name));
    return details;
  };
  const figure = (title, caption, ...children) => h("figure", null, h("figcaption", null, h("b", null, title), caption), children);
  const section = (title, ...children) => root.append(h("section", null, h("h2", null, title), children));
  const soft = (content) => h("p", { class: "soft" }, content);
  // A group of values is marked by its first one where there is no room for more.
  const tickLabel = (axis, i, most) => clip(axis.grouped ? axis.labels[i].split(" – ")[0] : axis.labels[i], most);
  const axisLabel = (axis) => (axis.fold ? "fold" : axis.name);
  const paramsText = (params) => T.axes.filter((axis) => !axis.fold).map((axis, i) => `${axis.name} = ${value(params[i])}`).join("\n");
  // Every n-th of many labels, so that none covers another.
  const everyNth = (step, size) => Math.max(1, Math.ceil(size / Math.max(step, 0.1)));

  // The head: what came out, in a line and a few numbers.
  const counts = T.counts, best = T.top[0];
  // Where the parameters of a fold were compared last.
  const chosenOn = data.folds.some((fold) => fold.validation) ? "on the validation" : "in sample";
  const summary = () => {
    if (!counts.total) return ["inconclusive", "No trial has finished."];
    if (!counts.done) return ["refuted", `None of ${plural(counts.total, "trial")} is done: ${count(counts.failed)} failed, ${count(counts.deadline)} did not end within their deadline.`];
    if (!counts.plotted) return ["inconclusive", `None of ${plural(counts.done, "done trial")} ran on all data, so there is nothing to plot.`];
    if (!best) return ["inconclusive", `${T.objective.metric} is undefined in all of ${plural(counts.plotted, "trial")}.`];
    if (data.folds.length) {
      const middle = (numbers) => {
        const sorted = numbers.map(Number).filter(Number.isFinite).sort((a, b) => a - b), half = sorted.length >> 1;
        return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
      };
      const over = ["in_sample", "out_of_sample"].map((part) => format(middle(data.folds.map((fold) => fold[part]))));
      return ["shown", `Median ${T.objective.metric} of the chosen parameters over ${plural(data.folds.length, "fold")}: ${over[1]} out of sample, ${over[0]} ${chosenOn}. The best of a train says nothing.`];
    }
    const where = T.axes.filter((axis) => !axis.fold).map((axis, i) => `${axis.name} = ${value(best.params[i])}`).join(", ");
    return ["shown", `Best ${T.objective.metric}: ${format(best.metrics[objectiveAt])}${where ? ` at ${where}` : ""}. This is raw, picked from ${plural(counts.plotted, "trial")}.`];
  };
  const card = (name, big, small) => h("div", { class: "card" }, h("dt", null, name), h("dd", { class: "big" }, big), small ? h("dd", { class: "soft" }, small) : null);
  // Of trades that ended alone a good figure may hide a loss that is still held.
  const stillOpen = () => {
    const [trades, share] = ["open_trades", "open_return"].map((name) => best && best.metrics[T.metrics.indexOf(name)]);
    if (data.folds.length || !(Number(trades) > 0)) return null;
    return soft(`Trades are round trips that ended. In the best trial ${plural(Number(trades), "holding is", "holdings are")} still open; so far the open part has earned ${percent(share)} of the initial cash.`);
  };
  const top = () => {
    const [kind, line] = summary(), lost = counts.failed + counts.deadline, over = data.overfitting;
    root.append(h("div", { class: `banner ${kind}`, role: "status" }, line));
    root.append(h("dl", { class: "cards" },
      card("trials", count(counts.total), `${count(counts.done)} done${lost ? `, ${count(counts.failed)} failed, ${count(counts.deadline)} beyond the deadline` : ""}`),
      best && !data.folds.length ? card(`best ${clip(T.objective.metric, 40)}, raw`, format(best.metrics[objectiveAt]), `trial ${best.number}, ${T.objective.direction}d`) : null,
      over && over.deflated !== null ? card("deflated Sharpe ratio", percent(over.deflated), `for ${plural(over.trials, "trial")}`) : null,
      over && over.pbo ? card("probability of overfitting", percent(over.pbo.probability), `CSCV, ${plural(over.pbo.splits, "split")}`) : over && over.no_pbo ? card("probability of overfitting", "undefined", over.no_pbo) : null,
      data.folds.length ? card("folds", count(data.folds.length), "of the walk-forward") : null));
    if (counts.done > counts.plotted) {
      root.append(soft(`Plots and tables show the ${plural(counts.plotted, "trial")} on all data. On a share of it ran ${T.rungs.filter((rung) => rung.fidelity < 1).map((rung) => `${count(rung.trials)} (${percent(rung.fidelity)})`).join(", ")}.`));
    }
    root.append(...[stillOpen()].filter(Boolean));
    if (counts.undefined) root.append(soft(`In ${plural(counts.undefined, "trial")} ${T.objective.metric} is undefined; such a trial is never the best.`));
  };

  // Heat map.
  const slices = T.slices && {
    cells: T.slices.cells.map((cells) => unpack(cells, Uint8Array)),
    metrics: new Map(T.slices.metrics.map((column) => [column.metric, column.values])),
  };
  const sliced = (metric) => {
    const column = slices.metrics.get(metric);
    if (typeof column === "string") slices.metrics.set(metric, unpack(column, Float32Array));
    return slices.metrics.get(metric);
  };
  // Cells row by row with x to the right: from the aggregates, or from single trials where parameters are fixed.
  const heatCells = (state) => {
    const { x, y, metric, how, fixed } = state, nx = T.axes[x].labels.length, ny = T.axes[y].labels.length;
    if (!fixed.size) {
      const map = T.heatmaps.find((each) => each.x === Math.min(x, y) && each.y === Math.max(x, y));
      const layer = map && map.layers.find((each) => each.metric === metric);
      if (!layer) return null;
      const values = unpack(layer[how], Float32Array), trials = unpack(map.trials, Uint32Array);
      if (x < y) return { nx, ny, values, trials };
      const turn = (from, Type) => Type.from({ length: nx * ny }, (_, i) => from[(i % nx) * ny + Math.floor(i / nx)]);
      return { nx, ny, values: turn(values, Float32Array), trials: turn(trials, Uint32Array) };
    }
    const values = new Float32Array(nx * ny).fill(NaN), trials = new Uint32Array(nx * ny);
    const column = sliced(metric), objective = sliced(objectiveAt), sums = new Float64Array(nx * ny), finite = new Uint32Array(nx * ny), found = new Uint8Array(nx * ny);
    if (!column || !objective) return null;
    for (let i = 0; i < column.length; i++) {
      let matches = true;
      for (const [axis, cell] of fixed) if (slices.cells[axis][i] !== cell) { matches = false; break; }
      if (!matches) continue;
      const at = slices.cells[y][i] * nx + slices.cells[x][i];
      trials[at]++;
      // They come the best one first.
      if (how === "best" && !found[at] && !Number.isNaN(objective[i])) { found[at] = 1; values[at] = column[i]; }
      if (Number.isFinite(column[i])) { sums[at] += column[i]; finite[at]++; }
    }
    if (how === "mean") for (let i = 0; i < values.length; i++) values[i] = sums[i] / finite[i];
    return { nx, ny, values, trials };
  };
  const bestCell = (state, cells) => {
    // Other metrics have no direction of their own: there the cell of the best trial is marked.
    const of = state.metric === objectiveAt ? cells : heatCells({ ...state, metric: objectiveAt });
    if (!of) return -1;
    let found = -1;
    of.values.forEach((v, i) => { if (!Number.isNaN(v) && (found < 0 || sign * v > sign * of.values[found])) found = i; });
    return found;
  };
  const heatFigure = (state, cells) => {
    const { nx, ny, values, trials } = cells, [ax, ay] = [T.axes[state.x], T.axes[state.y]];
    const scale = scaleOf(values, true, sign < 0 && state.metric === objectiveAt), marked = bestCell(state, cells), metric = T.metrics[state.metric];
    const longest = (axis) => Math.max(...axis.labels.map((_, i) => tickLabel(axis, i, 20).length));
    const left = 40 + 6.6 * longest(ay), cw = Math.min(86, (930 - left) / nx), ch = Math.max(12, Math.min(38, 460 / ny));
    const topAt = 8, right = left + cw * nx, bottom = topAt + ch * ny;
    const tilted = 6.8 * longest(ax) > cw && nx > 1, xStep = everyNth(cw, tilted ? 22 : 0), yStep = everyNth(ch, 13), alike = formatAlike(values, 3);
    const below = bottom + (tilted ? 14 + 4.8 * longest(ax) : 20);
    const name = `${metric}, ${state.how === "best" ? "of the best trial" : "mean"}, by ${axisLabel(ax)} (right) and ${axisLabel(ay)} (up)`;
    const hint = (i) => `${axisLabel(ax)} = ${ax.labels[i % nx]}\n${axisLabel(ay)} = ${ay.labels[Math.floor(i / nx)]}\n${metric} = ${format(values[i], 5)}${state.how === "best" ? " in the best trial" : " on average"}\n${plural(trials[i], "trial")}`;
    const position = (i) => ({ x: left + cw * (i % nx), y: bottom - ch * (Math.floor(i / nx) + 1) });
    const rects = [], numbers = cw >= 38 && ch >= 15;
    for (let i = 0; i < nx * ny; i++) {
      const { x, y } = position(i), shown = scale && !Number.isNaN(values[i]), rgb = shown && scale.rgb(values[i]);
      rects.push(s("rect", { x, y, width: cw - (cw > 8 ? 1 : 0), height: ch - (ch > 8 ? 1 : 0), fill: shown ? css(rgb) : null, class: shown ? null : "empty", "data-cell": i }));
      if (numbers && shown) rects.push(text(x + cw / 2 - 0.5, y + ch / 2 + 3.5, alike(values[i]), { class: "cell", "text-anchor": "middle", style: `fill:${ink(rgb)}` }));
    }
    const outline = (i, kind) => { const { x, y } = position(i); return s("rect", { class: kind, x: x - 0.5, y: y - 0.5, width: cw, height: ch, rx: 2 }); };
    const pick = s("g"), under = (event) => event.target.getAttribute && event.target.getAttribute("data-cell");
    const svg = chart(name, 1080, below + 26, rects, marked >= 0 ? outline(marked, "best") : null, pick,
      ax.labels.map((label, i) => i % xStep ? null : tilted
        ? text(left + cw * (i + 0.5) + 4, bottom + 14, tickLabel(ax, i, 20), { class: "tick", "text-anchor": "end", transform: `rotate(-40 ${left + cw * (i + 0.5) + 4} ${bottom + 14})` })
        : text(left + cw * (i + 0.5), bottom + 16, tickLabel(ax, i, 20), { class: "tick", "text-anchor": "middle" })),
      ay.labels.map((label, i) => i % yStep ? null : text(left - 7, bottom - ch * (i + 0.5) + 4, tickLabel(ay, i, 20), { class: "tick", "text-anchor": "end" })),
      text((left + right) / 2, below + 18, clip(axisLabel(ax), 60), { class: "axis", "text-anchor": "middle" }),
      text(14, (topAt + bottom) / 2, clip(axisLabel(ay), 40), { class: "axis", "text-anchor": "middle", transform: `rotate(-90 14 ${(topAt + bottom) / 2})` }),
      scale ? heatLegend(scale, right + 24, topAt, Math.max(110, Math.min(260, bottom - topAt))) : null);
    fill(svg, {
      tabindex: "0", mouseleave: hideTip,
      mousemove: (event) => { const i = under(event); i === null || i === undefined ? hideTip() : showTip(event, hint(+i)); },
      keydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: nx, ArrowDown: -nx }[event.key];
        if (!step) return;
        event.preventDefault();
        const now = Math.max(0, Math.min(nx * ny - 1, state.at === undefined ? Math.max(marked, 0) : state.at + step));
        state.at = now;
        pick.replaceChildren(outline(now, "pick"));
        const box = pick.getBoundingClientRect();
        showTip({ clientX: box.right, clientY: box.bottom }, hint(now));
      },
      blur: hideTip,
    }, []);
    const cellRows = () => table([[`${axisLabel(ay)} \\ ${axisLabel(ax)}`], ...ax.labels.map((label) => [label, true])],
      ay.labels.map((label, row) => [label, ...ax.labels.map((_, i) => (trials[row * nx + i] ? format(values[row * nx + i]) : ""))]));
    const where = marked >= 0 ? `Marked: the best trial, at ${axisLabel(ax)} = ${ax.labels[marked % nx]}, ${axisLabel(ay)} = ${ay.labels[Math.floor(marked / nx)]}. ` : "";
    return [svg, soft(`${state.how === "mean" ? where.replace("the best trial", `the best mean of ${T.objective.metric}`) : where}Grey cells have no value. Arrow keys move from cell to cell.`), later("Table", cellRows)];
  };
  const heatLegend = (scale, x, y, height) => {
    const steps = 40, parts = [];
    for (let i = 0; i < steps; i++) {
      parts.push(s("rect", { x, y: y + height * (1 - (i + 1) / steps), width: 16, height: height / steps + 0.6, fill: css(scale.rgb(scale.low + (scale.high - scale.low) * ((i + 0.5) / steps))) }));
    }
    const marks = scale.low === scale.high ? [0.5] : [0, 0.25, 0.5, 0.75, 1], at = (share) => scale.low + (scale.high - scale.low) * share, alike = formatAlike(marks.map(at), 3);
    return [parts, marks.map((share) => {
      const cut = share === 0 && scale.cutLow ? "≤ " : share === 1 && scale.cutHigh ? "≥ " : "";
      return text(x + 22, y + height * (1 - share) + 4, cut + alike(at(share)), { class: "tick" });
    })];
  };
  const heatSection = () => {
    if (!counts.plotted) return;
    if (T.axes.length < 2) {
      section("Two parameters at a time", soft("A heat map needs two parameters."));
      return;
    }
    const state = { x: 0, y: 1, metric: objectiveAt, how: "best", fixed: new Map() };
    if (T.heatmaps.length) { state.x = T.heatmaps[0].x; state.y = T.heatmaps[0].y; }
    const controls = h("div", { class: "controls" }), drawing = h("div");
    const has = (metric) => {
      const map = T.heatmaps.find((each) => each.x === Math.min(state.x, state.y) && each.y === Math.max(state.x, state.y));
      return state.fixed.size ? slices.metrics.has(metric) : Boolean(map && map.layers.some((each) => each.metric === metric));
    };
    const axisChoice = (own, other) => select(own === "x" ? "right" : "up", T.axes.map((axis, i) => [i, axisLabel(axis)]), state[own], (chosen) => {
      if (+chosen === state[other]) state[other] = state[own];
      state[own] = +chosen;
      state.fixed.delete(state.x); state.fixed.delete(state.y);
      draw(own === "x" ? 0 : 1);
    });
    const fixedChoice = (axis, i) => select(axisLabel(axis), [["", "any"], ...axis.labels.map((label, cell) => [cell, label])], state.fixed.has(i) ? state.fixed.get(i) : "", (chosen) => {
      if (chosen === "") state.fixed.delete(i); else state.fixed.set(i, +chosen);
      draw(4 + T.axes.slice(0, i).filter((_, at) => at !== state.x && at !== state.y).length);
    });
    const draw = (focus) => {
      state.at = undefined;
      controls.replaceChildren(axisChoice("x", "y"), axisChoice("y", "x"),
        select("metric", T.metrics.map((name, i) => [i, name, !has(i)]), state.metric, (chosen) => { state.metric = +chosen; draw(2); }),
        select("each cell", [["best", "its best trial"], ["mean", "mean of its trials"]], state.how, (chosen) => { state.how = chosen; draw(3); }),
        ...(slices && slices.metrics.size ? T.axes.map((axis, i) => (i === state.x || i === state.y ? null : fixedChoice(axis, i))).filter(Boolean) : []));
      const cells = heatCells(state);
      drawing.replaceChildren(...(cells ? heatFigure(state, cells).flat() : [soft("This combination was left out to keep the page small.")]));
      if (focus !== undefined) controls.children[focus].querySelector("select").focus();
    };
    section("Two parameters at a time",
      soft("Of several trials in a cell it shows the one with the best objective, or the mean. A broad good area is worth more than a single good cell."),
      h("figure", null, controls, drawing));
    draw();
  };

  // Is the best one luck?
  const overfittingSection = () => {
    const over = data.overfitting;
    if (!over) return;
    const given = (v) => v !== null && v !== undefined, parts = [];
    const deflated = given(over.deflated) ? h("p", null, h("b", null, `Deflated Sharpe ratio: ${percent(over.deflated)}. `), `This is the probability that the true Sharpe ratio is above what the best of ${plural(over.trials, "trial")} reaches by luck, given length, skewness and kurtosis of the returns; below 95 % the best is not told apart from luck (Bailey & López de Prado 2014).`) : null;
    if (Number.isFinite(over.sharpe)) {
      const bars = [["the best trial, raw", over.sharpe]];
      if (Number.isFinite(over.expected_maximum)) bars.push([`expected of the best of ${count(over.trials)} without skill`, over.expected_maximum]);
      const x = axisOf(range([0, ...bars.map((bar) => Number(bar[1]))]), 300, 470, 0.02), bottom = 12 + 34 * bars.length;
      parts.push(figure("Raw and by luck alone", "annual Sharpe ratio",
        chart(`Sharpe ratio: ${bars.map(([name, v]) => `${name} ${format(v)}`).join(", ")}`, 560, bottom + 6, bars.map(([name, v], i) => {
          const [from, until] = [x.at(0), x.at(Number(v))].sort((a, b) => a - b), y = 12 + 34 * i;
          return [text(290, y + 16, name, { "text-anchor": "end" }), s("rect", { x: from, y, width: Math.max(1, until - from), height: 22, rx: 2, fill: i ? "var(--soft)" : "var(--accent)" }), text(Math.max(until, x.at(0)) + 8, y + 16, format(v))];
        })),
        deflated));
    } else if (given(over.deflated)) {
      parts.push(figure("Deflated Sharpe ratio", `for ${plural(over.trials, "trial")}`, deflated));
    }
    if (over.pbo) parts.push(pboFigure(over.pbo));
    else if (over.no_pbo) parts.push(figure("Does the best stay good?", "combinatorially symmetric cross-validation", h("p", null, h("b", null, "Probability of backtest overfitting: undefined. "), `The reason: ${over.no_pbo}.`)));
    section("Is the best one luck?", h("div", { class: "pair" }, parts));
  };
  const pboFigure = (pbo) => {
    const sentence = h("p", null, h("b", null, `Probability of backtest overfitting: ${percent(pbo.probability)}. `), `In so many of ${plural(pbo.splits, "split")} of the data the trial with the best Sharpe ratio of one half is in the lower half of all trials on the other, the median trial counting half; 50 % is what choosing by chance gives (CSCV: Bailey, Borwein, López de Prado & Zhu 2017).`);
    if (!pbo.logits) return figure("Does the best stay good?", "combinatorially symmetric cross-validation", sentence);
    const bins = Array.from(unpack(pbo.logits.counts, Uint32Array)), most = Math.max(1, ...bins), bottom = 150;
    const low = Number(pbo.logits.low), width = Number(pbo.logits.width), step = 480 / bins.length, at = (v) => 40 + (v - low) / width * step;
    const ticks = axisOf([low, low + width * bins.length], 40, 520, 0).ticks;
    return figure("Does the best stay good?", "logit of its rank out of sample; left of zero it is in the lower half",
      chart(`Histogram of logits: probability of overfitting ${percent(pbo.probability)}`, 560, bottom + 24, bins.map((n, i) => {
        const from = low + i * width, height = n / most * (bottom - 10);
        return s("g", hints(() => `logit ${format(from, 3)} to ${format(from + width, 3)}\n${plural(n, "split")}`),
          s("rect", { class: "hit", x: 40 + i * step, y: 0, width: step, height: bottom }),
          s("rect", { x: 40.5 + i * step, y: bottom - height, width: step - 1, height, fill: i < bins.length / 2 ? "var(--mark)" : "var(--accent)" }));
      }), s("line", { class: "zero", x1: at(0), x2: at(0), y1: 4, y2: bottom }), s("line", { class: "grid", x1: 40, x2: 520, y1: bottom, y2: bottom }),
      ticks.map((tick) => text(at(tick), bottom + 17, format(tick, 3), { class: "tick", "text-anchor": "middle" }))), sentence);
  };

  // One parameter at a time, and all of them at once.
  const marginalFigure = (marginal, limits) => {
    const axis = T.axes[marginal.axis], five = unpack(marginal.five, Float32Array), trials = unpack(marginal.trials, Uint32Array), n = axis.labels.length;
    const left = 62, right = 540, bottom = 196, y = axisOf(limits, bottom, 10), cw = (right - left) / Math.max(1, n), wide = Math.max(2, Math.min(34, cw * 0.62));
    const longest = Math.max(1, ...axis.labels.map((_, i) => tickLabel(axis, i, 14).length)), tilted = 6.6 * longest > cw && n > 1, step = everyNth(cw, tilted ? 24 : 0);
    const metric = T.metrics[marginal.metric], below = bottom + (tilted ? 16 + 4.6 * longest : 22);
    const boxes = axis.labels.map((label, i) => {
      if (!trials[i]) return null;
      const [low, q1, median, q3, high] = five.slice(5 * i, 5 * i + 5), x = left + cw * (i + 0.5);
      return s("g", hints(() => `${axisLabel(axis)} = ${label}\n${plural(trials[i], "trial")}, ${metric}:\nlargest ${format(high)}\nupper quartile ${format(q3)}\nmedian ${format(median)}\nlower quartile ${format(q1)}\nsmallest ${format(low)}`),
        s("rect", { class: "hit", x: x - cw / 2, y: 4, width: cw, height: bottom - 4 }),
        s("line", { class: "whisker", x1: x, x2: x, y1: y.at(low), y2: y.at(high) }),
        s("rect", { class: "box", x: x - wide / 2, y: y.at(q3), width: wide, height: Math.max(1, y.at(q1) - y.at(q3)), rx: 1 }),
        s("line", { class: "median", x1: x - wide / 2, x2: x + wide / 2, y1: y.at(median), y2: y.at(median) }));
    });
    const rows = () => table([[axisLabel(axis)], ["trials", true], ["smallest", true], ["lower quartile", true], ["median", true], ["upper quartile", true], ["largest", true]],
      axis.labels.map((label, i) => [label, count(trials[i]), ...Array.from(five.slice(5 * i, 5 * i + 5), (v) => (trials[i] ? format(v) : ""))]));
    return figure(axisLabel(axis), `${metric}: smallest, quartiles, largest`,
      chart(`Distribution of ${metric} by ${axisLabel(axis)}`, 560, below,
        y.ticks.map((tick) => [s("line", { class: Math.abs(tick) < 1e-12 ? "zero" : "grid", x1: left, x2: right, y1: y.at(tick), y2: y.at(tick) }), text(left - 8, y.at(tick) + 4, format(tick, 3), { class: "tick", "text-anchor": "end" })]),
        boxes, axis.labels.map((label, i) => i % step ? null : tilted
          ? text(left + cw * (i + 0.5) + 4, bottom + 14, tickLabel(axis, i, 14), { class: "tick", "text-anchor": "end", transform: `rotate(-40 ${left + cw * (i + 0.5) + 4} ${bottom + 14})` })
          : text(left + cw * (i + 0.5), bottom + 16, tickLabel(axis, i, 14), { class: "tick", "text-anchor": "middle" }))),
      later("Table", rows));
  };
  const parallelTrials = () => {
    const drawn = T.sample.map((trial) => ({ ...trial, positions: unpack(trial.positions, Float32Array), metrics: unpack(trial.metrics, Float32Array) }));
    const best = T.top.slice(0, 10).map((trial) => ({ ...trial, metrics: trial.metrics.map(Number), positions: unpack(trial.positions, Float32Array), best: true }));
    const known = new Set(best.map((trial) => `${trial.fold}/${trial.number}`));
    return [...drawn.filter((trial) => !known.has(`${trial.fold}/${trial.number}`)), ...best.reverse()];
  };
  const parallelFigure = (metric, trials) => {
    const axes = T.axes, n = axes.length + 1, left = 70, right = 1010, topAt = 34, bottom = 300, x = (i) => left + (right - left) * i / (n - 1);
    const scale = scaleOf(trials.map((trial) => trial.metrics[metric]), false, sign < 0 && metric === objectiveAt), y = axisOf(scale ? range(trials.map((trial) => trial.metrics[metric]).filter((v) => v >= scale.low - 1e-9 || !scale.cutLow).filter((v) => v <= scale.high + 1e-9 || !scale.cutHigh)) : null, bottom, topAt, 0.02);
    const at = (p) => bottom - p * (bottom - topAt), title = `Parallel coordinates: ${plural(trials.length, "trial")} over ${axes.map(axisLabel).join(", ")} and ${T.metrics[metric]}`;
    const lines = trials.filter((trial) => !Number.isNaN(trial.metrics[metric])).map((trial) => {
      const points = [...Array.from(trial.positions, (p, i) => `${x(i).toFixed(1)},${at(p).toFixed(1)}`), `${x(n - 1).toFixed(1)},${y.at(trial.metrics[metric]).toFixed(1)}`].join(" ");
      const line = s("polyline", { points, fill: "none", stroke: trial.best ? "var(--mark)" : css(scale.rgb(trial.metrics[metric])), "stroke-width": trial.best ? 2 : 1, opacity: trial.best ? 0.95 : 0.5 });
      fill(line, {
        mousemove: (event) => { line.setAttribute("stroke-width", 4); showTip(event, `trial ${trial.number}${axes.some((axis) => axis.fold) ? `, fold ${trial.fold}` : ""}${trial.best ? ", one of the best ten" : ""}\n${paramsText(trial.params)}\n${T.metrics[metric]} = ${format(trial.metrics[metric])}`); },
        mouseleave: () => { line.setAttribute("stroke-width", trial.best ? 2 : 1); hideTip(); },
      }, []);
      return line;
    });
    const halo = "paint-order:stroke;stroke:var(--panel);stroke-width:4px";
    const ends = (axis, i) => {
      const few = axis.labels.length <= 12 && !axis.grouped ? axis.labels : [tickLabel(axis, 0, 12), axis.labels[axis.labels.length - 1].split(" – ").pop()];
      return few.map((label, k) => text(x(i) + (i ? -6 : -8), at(few.length > 1 ? k / (few.length - 1) : 0.5) + 4, clip(label, 12), { class: "tick", "text-anchor": "end", style: halo }));
    };
    return figure("All parameters at once", `a line for each trial, coloured by ${T.metrics[metric]}; the best ten by ${T.objective.metric} stand out${scale && (scale.cutLow || scale.cutHigh) ? "; values far beyond most are drawn at the axis' end" : ""}`,
      chart(title, 1080, bottom + 20, lines,
        axes.map((axis, i) => [s("line", { class: "frame", x1: x(i), x2: x(i), y1: topAt, y2: bottom }), text(x(i), 16, clip(axisLabel(axis), Math.floor(120 / n) + 4), { class: "axis", "text-anchor": "middle" }), axis.labels.length ? ends(axis, i) : null]),
        s("line", { class: "frame", x1: x(n - 1), x2: x(n - 1), y1: topAt, y2: bottom }), text(x(n - 1), 16, clip(T.metrics[metric], 20), { class: "axis", "text-anchor": "middle" }),
        y.ticks.map((tick) => text(x(n - 1) + 8, y.at(tick) + 4, format(tick, 3), { class: "tick" }))));
  };
  const marginalSection = () => {
    if (!counts.plotted || !T.axes.length) return;
    const trials = parallelTrials(), drawing = h("div"), available = new Set(T.marginals.map((each) => each.metric));
    const draw = (metric) => {
      const shown = T.marginals.filter((each) => each.metric === metric), limits = [];
      for (const each of shown) { const scale = scaleOf(unpack(each.five, Float32Array)); if (scale && !scale.signed) limits.push(scale.low, scale.high); else if (scale) limits.push(...range(Array.from(unpack(each.five, Float32Array)).filter((v) => v >= scale.low && v <= scale.high))); }
      drawing.replaceChildren(h("div", { class: "pair" }, shown.map((each) => marginalFigure(each, range(limits)))), ...(T.axes.length > 1 ? [parallelFigure(metric, trials)] : []));
    };
    section("One parameter at a time", soft("How the metric is distributed over all trials with one value of a parameter. A parameter that matters moves the whole box."),
      h("div", { class: "controls" }, select("metric", T.metrics.map((name, i) => [i, name, !available.has(i)]), objectiveAt, (chosen) => draw(+chosen))), drawing);
    draw(objectiveAt);
  };

  // Equity.
  const readCurve = (curve, kind) => {
    const seconds = unpack(curve.seconds, Float64Array), equity = unpack(curve.equity, Float32Array), first = equity[0];
    const growth = first > 0 ? equity.map((v) => v / first) : equity;
    let peak = -Infinity;
    const drawdown = growth.map((v) => { peak = Math.max(peak, v); return peak > 0 ? v / peak - 1 : 0; });
    return { label: curve.label, kind, seconds, growth, drawdown, points: curve.points };
  };
  const nearest = (seconds, moment) => {
    let low = 0, high = seconds.length - 1;
    while (low < high) { const middle = (low + high) >> 1; if (seconds[middle] < moment) low = middle + 1; else high = middle; }
    return low > 0 && moment - seconds[low - 1] < seconds[low] - moment ? low - 1 : low;
  };
  const timeTicks = (low, high) => {
    const years = (high - low) / 31557600, ticks = [];
    if (years < 2) { const axis = axisOf([low, high], 0, 1, 0); return axis.ticks.slice(0, 6).map((tick) => [tick, day(tick).slice(0, 10)]); }
    const step = Math.max(1, Math.ceil(years / 10)), from = new Date(low * 1000).getUTCFullYear() + 1;
    for (let year = from; ticks.length < 14; year += step) { const at = Date.UTC(year, 0, 1) / 1000; if (at > high) break; ticks.push([at, year]); }
    return ticks;
  };
  const curvesFigure = (title, caption, curves) => {
    const left = 66, right = 1060, topAt = 10, middle = 290, lower = 312, bottom = 420;
    const x = axisOf(range(curves.flatMap((curve) => [curve.seconds[0], curve.seconds[curve.seconds.length - 1]])), left, right, 0);
    const y = axisOf(range(curves.flatMap((curve) => range(curve.growth) || [])), middle, topAt, 0.02), under = axisOf(range([0, -0.001, ...curves.flatMap((curve) => range(curve.drawdown) || [])]), bottom, lower, 0.02);
    const path = (curve, values, axis) => Array.from(values, (v, i) => `${x.at(curve.seconds[i]).toFixed(1)},${axis.at(v).toFixed(1)}`).join(" ");
    const look = (curve, i) => (curve.kind === "hold" ? { class: "curve hold" } : { class: "curve", style: `stroke:var(--c${i % 10})` });
    const cursor = s("line", { class: "hover", y1: topAt, y2: bottom, visibility: "hidden" });
    const summaries = curves.map((curve) => `${curve.label}: ${format(curve.growth[curve.growth.length - 1])} at the end, deepest drawdown ${percent((range(curve.drawdown) || [0])[0])}`);
    const svg = chart(`${title}. ${summaries.join("; ")}`, 1080, bottom + 26,
      [y, under].map((axis, k) => axis.ticks.filter((tick) => !k || tick <= 0).map((tick) => [s("line", { class: "grid", x1: left, x2: right, y1: axis.at(tick), y2: axis.at(tick) }), text(left - 8, axis.at(tick) + 4, k ? percent(tick) : format(tick, 3), { class: "tick", "text-anchor": "end" })])),
      timeTicks(x.low, x.high).map(([tick, label]) => [s("line", { class: "grid", x1: x.at(tick), x2: x.at(tick), y1: topAt, y2: bottom }), text(x.at(tick), bottom + 18, label, { class: "tick", "text-anchor": "middle" })]),
      curves.map((curve, i) => [s("polyline", { ...look(curve, i), points: path(curve, curve.growth, y) }), s("polyline", { ...look(curve, i), points: path(curve, curve.drawdown, under) })]),
      text(left + 6, topAt + 12, "equity, 1 at the start", { class: "tick" }), text(left + 6, bottom - 6, "drawdown", { class: "tick" }), cursor);
    fill(svg, {
      mousemove: (event) => {
        const box = svg.getBoundingClientRect(), moment = x.back((event.clientX - box.left) / box.width * 1080);
        if (moment < x.low || moment > x.high) { hideTip(); return; }
        const lines = curves.map((curve) => { const i = nearest(curve.seconds, moment); return `${clip(curve.label, 40)}: ${format(curve.growth[i])}, drawdown ${percent(curve.drawdown[i])}`; });
        cursor.setAttribute("x1", x.at(moment)); cursor.setAttribute("x2", x.at(moment)); cursor.setAttribute("visibility", "visible");
        showTip(event, [day(curves[0].seconds[nearest(curves[0].seconds, moment)]), ...lines].join("\n"));
      },
      mouseleave: () => { cursor.setAttribute("visibility", "hidden"); hideTip(); },
    }, []);
    const rows = () => table([["curve"], ["points", true], ["from"], ["to"], ["at the end", true], ["deepest drawdown", true]], curves.map((curve) =>
      [curve.label, count(curve.points), day(curve.seconds[0]), day(curve.seconds[curve.seconds.length - 1]), format(curve.growth[curve.growth.length - 1]), percent((range(curve.drawdown) || [0])[0])]));
    return figure(title, caption, h("div", { class: "legend" }, curves.map((curve, i) => h("span", { class: curve.kind, style: `--c:var(--${curve.kind === "hold" ? "soft" : `c${i % 10}`})` }, clip(curve.label, 80)))), svg, later("Table", rows));
  };
  const usable = (curves) => curves.filter((curve) => curve.seconds.length > 1);
  const equitySection = () => {
    const hold = data.buy_and_hold ? [readCurve(data.buy_and_hold, "hold")] : [], curves = usable(data.curves.map((curve) => readCurve(curve, "trial")));
    if (data.curves.length && !curves.length) section("Equity", soft("No curve has two points."));
    else if (curves.length) section("Equity", curvesFigure("The best trials", hold.length ? "against buying the same assets and holding them" : "", [...curves, ...usable(hold)]));
  };

  // Walk-forward.
  const scatterFigure = (folds) => {
    const points = folds.map((fold) => ({ fold, x: Number(fold.in_sample), y: Number(fold.out_of_sample) })).filter((p) => Number.isFinite(p.x) && Number.isFinite(p.y));
    const left = 64, right = 440, topAt = 10, bottom = 350, limits = range(points.flatMap((p) => [p.x, p.y])), x = axisOf(limits, left, right, 0.08), y = axisOf(limits, bottom, topAt, 0.08), metric = T.objective.metric;
    const undefinedFolds = folds.length - points.length;
    return figure(`${chosenOn[0].toUpperCase()}${chosenOn.slice(1)} against out of sample`, `${metric} of each fold's choice; below the line it was worse out of sample`.replace("below", sign > 0 ? "below" : "above"),
      chart(`${metric} ${chosenOn} and out of sample, ${plural(points.length, "fold")}`, 460, bottom + 42,
        x.ticks.map((tick) => [s("line", { class: "grid", x1: x.at(tick), x2: x.at(tick), y1: topAt, y2: bottom }), text(x.at(tick), bottom + 17, format(tick, 3), { class: "tick", "text-anchor": "middle" })]),
        y.ticks.map((tick) => [s("line", { class: "grid", x1: left, x2: right, y1: y.at(tick), y2: y.at(tick) }), text(left - 8, y.at(tick) + 4, format(tick, 3), { class: "tick", "text-anchor": "end" })]),
        s("line", { class: "zero", x1: left, y1: bottom, x2: right, y2: topAt }),
        text((left + right) / 2, bottom + 37, chosenOn, { class: "axis", "text-anchor": "middle" }), text(14, (topAt + bottom) / 2, "out of sample", { class: "axis", "text-anchor": "middle", transform: `rotate(-90 14 ${(topAt + bottom) / 2})` }),
        points.map((p) => s("g", hints(() => `fold ${p.fold.number}\n${chosenOn} ${format(p.x)}\nout of sample ${format(p.y)}\n${paramsText(p.fold.params)}`),
          s("circle", { class: "dot", cx: x.at(p.x), cy: y.at(p.y), r: 6 }), folds.length <= 30 ? text(x.at(p.x) + 9, y.at(p.y) + 4, p.fold.number, { class: "tick" }) : null))),
      undefinedFolds ? soft(`${plural(undefinedFolds, "fold")} without a finite value on both sides left out.`) : null);
  };
  const spansFigure = (folds) => {
    const left = 40, right = 540, row = Math.max(6, Math.min(26, 330 / folds.length)), bottom = 10 + row * folds.length;
    const parts = (fold) => [["train", fold.train], ["validation", fold.validation], ["test", fold.test]].filter(([, part]) => part);
    const x = axisOf(range(folds.flatMap((fold) => parts(fold).flatMap(([, part]) => [part.first_day_ns / 1e9, part.last_day_ns / 1e9]))), left, right, 0), step = everyNth(row, 13);
    return figure("The folds", "which bars each part has",
      h("div", { class: "legend" }, [["train", "accent-soft"], ["validation", "accent"], ["test", "mark"]].map(([name, c]) => h("span", { class: "block", style: `--c:var(--${c})` }, name))),
      chart(`Train, validation and test parts of ${plural(folds.length, "fold")}`, 560, bottom + 24,
        folds.map((fold, i) => [i % step ? null : text(left - 8, 10 + row * (i + 0.5) + 4, fold.number, { class: "tick", "text-anchor": "end" }), s("g", hints(() => [`fold ${fold.number}`, ...parts(fold).map(([name, part]) => `${name}: ${span(part)}`)].join("\n")),
          parts(fold).map(([name, part]) => s("rect", { class: name, x: x.at(part.first_day_ns / 1e9), y: 10 + row * i + 1, width: Math.max(1, x.at(part.last_day_ns / 1e9) - x.at(part.first_day_ns / 1e9)), height: row - 2, rx: 1 })))]),
        timeTicks(x.low, x.high).map(([tick, label]) => text(x.at(tick), bottom + 17, label, { class: "tick", "text-anchor": "middle" }))));
  };
  const stabilityFigure = (axis, at, folds) => {
    const chosen = folds.map((fold) => fold.params[at]), numeric = chosen.every((v) => v === undefined || typeof v === "number"), texts = numeric ? [] : axis.labels;
    const left = 62, right = 540, bottom = 150, n = folds.length, x = (i) => left + (right - left) * (i + 0.5) / n, known = chosen.filter((v) => v !== undefined);
    if (!known.length) return null;
    const place = (v) => (numeric ? v : Math.max(0, texts.indexOf(String(v))));
    const y = axisOf(numeric ? range(known) : [0, Math.max(0, texts.length - 1)], bottom, 12, 0.1), marks = numeric ? y.ticks.map((tick) => [tick, format(tick, 3)]) : texts.slice(0, 12).map((label, i) => [i, clip(label, 9)]);
    const often = new Map();
    known.forEach((v) => often.set(v, (often.get(v) || 0) + 1));
    const [most, times] = [...often].reduce((a, b) => (b[1] > a[1] ? b : a)), step = everyNth((right - left) / n, 26);
    const caption = `${plural(often.size, "value")} in ${plural(known.length, "fold")}${often.size > 1 && times > 1 ? `; most often ${value(most)}, ${count(times)} times` : ""}`;
    const points = chosen.map((v, i) => (v === undefined ? null : [x(i), y.at(place(v)), v, folds[i]])).filter(Boolean);
    return figure(axis.name, caption, chart(`${axis.name} chosen in each fold: ${clip(known.map(value).join(", "), 300)}`, 560, bottom + 24,
      marks.map(([tick, label]) => [s("line", { class: "grid", x1: left, x2: right, y1: y.at(tick), y2: y.at(tick) }), text(left - 8, y.at(tick) + 4, label, { class: "tick", "text-anchor": "end" })]),
      s("polyline", { class: "curve", style: "stroke:var(--accent)", points: points.map(([px, py]) => `${px},${py}`).join(" ") }),
      points.map(([px, py, v, fold]) => s("circle", { class: "dot", cx: px, cy: py, r: n > 60 ? 3 : 5, ...hints(() => `fold ${fold.number}\n${axis.name} = ${value(v)}`) })),
      folds.map((fold, i) => (i % step ? null : text(x(i), bottom + 17, fold.number, { class: "tick", "text-anchor": "middle" })))));
  };
  const walkForwardSection = () => {
    const folds = data.folds;
    if (!folds.length && !data.out_of_sample) return;
    const axes = T.axes.filter((axis) => !axis.fold), joined = data.out_of_sample ? usable([readCurve(data.out_of_sample, "trial")]) : [];
    const hold = data.buy_and_hold ? usable([readCurve(data.buy_and_hold, "hold")]) : [];
    const rows = () => table([["fold", true], ["train"], ["validation"], ["test"], ...axes.map((axis) => [axis.name, true]), [chosenOn, true], ["out of sample", true]],
      folds.map((fold) => [fold.number, span(fold.train), fold.validation ? span(fold.validation) : "–", span(fold.test), ...axes.map((_, i) => (fold.params[i] === undefined ? "–" : value(fold.params[i]))), format(fold.in_sample), format(fold.out_of_sample)]));
    section("Walk-forward", folds.length ? [h("div", { class: "pair" }, scatterFigure(folds), spansFigure(folds)), later("Table of the folds", rows)] : null,
      joined.length ? curvesFigure("Out of sample", `the test parts of all folds, one after the other${hold.length ? ", against buying the same assets and holding them" : ""}`, [...joined, ...hold]) : null,
      folds.length && axes.length ? [h("h3", null, "What each fold chose"), soft("A strategy with something to it chooses similar values from fold to fold."), h("div", { class: "pair" }, axes.map((axis, i) => stabilityFigure(axis, i, folds)))] : null);
  };

  // Workers.
  const workersSection = () => {
    const line = T.time_line;
    if (!line.lanes.length) return;
    const left = 92, right = 960, row = line.lanes.length > 24 ? 14 : 28, bottom = 8 + row * line.lanes.length, scaleX = (right - left) / Math.max(1, line.end_us), x = (us) => left + us * scaleX;
    const lanes = line.lanes.map((lane, k) => {
      const busy = unpack(lane.busy, Uint8Array), floor = 8 + row * (k + 1) - 3, height = row - 6;
      let path = `M${left} ${floor}`;
      busy.forEach((share, i) => {
        const level = (floor - height * share / 255).toFixed(1), until = Math.min(right, x((i + 1) * line.width_us)).toFixed(1);
        path += `V${level}H${until}`;
      });
      const content = (event) => {
        const box = event.currentTarget.ownerSVGElement.getBoundingClientRect(), us = ((event.clientX - box.left) / box.width * 1080 - left) / scaleX, bin = Math.floor(us / line.width_us);
        return `worker ${lane.worker}\n${time(Math.max(0, us))}: ${percent((busy[bin] || 0) / 255)} busy\n${plural(lane.trials, "trial")} in all, ${time(lane.busy_us)}`;
      };
      return [text(left - 8, floor - height / 2 + 4, `worker ${lane.worker}`, { class: "tick", "text-anchor": "end" }),
        s("rect", { class: "empty", x: left, y: floor - height, width: right - left, height }), s("path", { class: "busy", d: `${path}V${floor}Z` }),
        s("rect", { class: "hit", x: left, y: floor - height, width: right - left, height, mousemove: (event) => showTip(event, content(event)), mouseleave: hideTip }),
        text(right + 10, floor - height / 2 + 4, `${percent(Math.min(1, lane.busy_us / Math.max(1, line.end_us)))}`, { class: "tick" })];
    });
    const total = line.lanes.reduce((sum, lane) => sum + lane.busy_us, 0), used = Math.min(1, total / Math.max(1, line.end_us * line.lanes.length)), ticks = axisOf([0, line.end_us], left, right, 0).ticks;
    const rows = () => table([["worker", true], ["trials", true], ["busy", true], ["utilisation", true]], line.lanes.map((lane) => [lane.worker, count(lane.trials), time(lane.busy_us), percent(Math.min(1, lane.busy_us / Math.max(1, line.end_us)))]));
    section("Workers", figure("When each was busy", `all trials, failed and partial ones included; ${percent(used)} of their time was used, at the right that of each; a step is ${time(line.width_us)}`,
      chart(`Time line of ${plural(line.lanes.length, "worker")}, ${percent(used)} used`, 1080, bottom + 24, lanes,
        ticks.map((tick) => text(x(tick), bottom + 17, tick ? time(tick) : "0", { class: "tick", "text-anchor": "middle" }))),
      later("Table", rows)));
  };

  // Tables.
  // What is open stands beside the trades that ended: figures of the one say nothing of the other.
  const metricColumns = () => {
    const all = T.metrics.map((_, k) => k), open = ["open_trades", "open_return"].map((name) => T.metrics.indexOf(name)).filter((k) => k >= 0);
    if (!T.metrics.includes("trades")) return all;
    return all.filter((k) => !open.includes(k)).flatMap((k) => (T.metrics[k] === "trades" ? [k, ...open] : [k]));
  };
  const topSection = () => {
    if (!T.top.length) return;
    const folds = T.axes.some((axis) => axis.fold), axes = T.axes.filter((axis) => !axis.fold);
    const columns = [["rank", (_, i) => i + 1], ["trial", (trial) => trial.number], ...(folds ? [["fold", (trial) => trial.fold]] : []),
      ...axes.map((axis, k) => [axis.name, (trial) => trial.params[k], value]), ...metricColumns().map((k) => [T.metrics[k], (trial) => Number(trial.metrics[k]), format]), ["took", (trial) => trial.took_us, time]];
    const rows = T.top.map((trial, i) => columns.map(([, read]) => read(trial, i)));
    const shows = columns.map(([, , show], k) => (show === format ? formatAlike(rows.map((row) => row[k])) : show || String));
    let by = 0, down = false;
    const body = h("tbody"), heads = columns.map(([name], k) => h("th", { scope: "col", class: "n" }, h("button", { type: "button", click: () => { down = by === k ? !down : k > 0 && typeof rows[0][k] === "number"; by = k; draw(); } }, clip(name, 40))));
    const draw = () => {
      const order = (a, b) => (typeof a === "number" && typeof b === "number" ? (Number.isNaN(a) - Number.isNaN(b)) * (down ? -1 : 1) || a - b || 0 : String(a).localeCompare(String(b)));
      const sorted = [...rows].sort((a, b) => (order(a[by], b[by]) || 0) * (down ? -1 : 1) || a[0] - b[0]);
      body.replaceChildren(...sorted.map((row) => h("tr", null, row.map((cell, k) => h("td", { class: "n" }, shows[k](cell))))));
      heads.forEach((head, k) => {
        if (k === by) head.setAttribute("aria-sort", down ? "descending" : "ascending"); else head.removeAttribute("aria-sort");
        head.firstChild.textContent = clip(columns[k][0], 40) + (k === by ? (down ? " ↓" : " ↑") : "");
      });
    };
    draw();
    section(`The best ${T.top.length === 1 ? "trial" : `${T.top.length} trials`}`, soft(`Ranked by ${T.objective.metric}, ${T.objective.direction}d. A click on a column sorts by it.`),
      h("figure", null, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "the best trials" }, h("table", null, h("thead", null, h("tr", null, heads)), body))));
  };
  const failuresSection = () => {
    if (!counts.failed && !counts.deadline) return;
    const rows = T.failures.map((failure) => [count(failure.trials), failure.message, count(failure.first), paramsText(failure.params).replaceAll("\n", ", ")]);
    if (counts.deadline) rows.push([count(counts.deadline), "did not end within the deadline", "", ""]);
    section("Failures", h("figure", null, table([["trials", true], ["message"], ["first trial", true], ["its parameters"]], rows)));
  };
  const notesSection = () => {
    const notes = ["Values in plots have seven significant digits; means and distributions leave out values that are not finite.", ...data.left_out];
    section("About this page", h("ul", { class: "soft" }, notes.map((note) => h("li", null, note))));
  };

  top();
  overfittingSection();
  heatSection();
  marginalSection();
  equitySection();
  walkForwardSection();
  workersSection();
  topSection();
  failuresSection();
  notesSection();
})();
