"use strict";
// A series as SVG: each channel with its own axis, colours behind, spans of labels below. Its colours follow the style sheet.
const chart = (() => {
  const LEFT = 58, RIGHT = 8, GAP = 22, LANE = 18, MOST = 12, LETTER = 6.5;

  function element(tag, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function short(number) {
    return Math.abs(number) >= 1e5 || (number && Math.abs(number) < 1e-3) ? number.toExponential(1) : String(Number(number.toPrecision(4)));
  }

  // A name that fits into a width in pixels, cut at its end otherwise.
  function fitting(name, width) {
    const most = Math.max(4, Math.floor(width / LETTER));
    return name.length > most ? `${name.slice(0, most - 1)}…` : name;
  }

  // A missing value ends a line; a value between two missing ones is a dot.
  function path(channel, x, y) {
    let text = "", open = false;
    channel.values.forEach((value, place) => {
      if (value === null) { open = false; return; }
      const at = channel.at ? channel.at[place] : place;
      text += `${open ? "L" : "M"}${x(at).toFixed(1)},${y(value).toFixed(1)}${open ? "" : "h.1"}`;
      open = true;
    });
    return text;
  }

  // Draws a picture into a box: length, channels, colours, first, last; lanes: [{name, spans: [{from, to, kind}]}].
  function draw(box, picture, { names, lanes = [], onSpan = null }) {
    const shown = picture.channels.slice(0, MOST), n = picture.length;
    const height = shown.length === 1 ? 170 : shown.length <= 3 ? 100 : shown.length <= 6 ? 62 : 40;
    const total = shown.length * (height + GAP) + lanes.length * LANE + 26;
    const width = Math.max(260, box.clientWidth || 600), span = width - LEFT - RIGHT;
    const x = (step) => LEFT + span * (step + 0.5) / n, edge = (step) => LEFT + span * step / n;
    const image = element("svg", { width, height: total, viewBox: `0 0 ${width} ${total}`, role: "img", class: "chart" });
    image.append(element("title", {}, `${names.slice(0, MOST).join(", ")}: ${n} steps`));
    const peak = peakOf(picture.colours);
    shown.forEach((channel, place) => {
      const top = place * (height + GAP) + GAP, known = channel.values.filter((value) => value !== null);
      const low = Math.min(...known), high = Math.max(...known), range = high - low || 1;
      const y = (value) => high > low ? top + 3 + (height - 6) * (1 - (value - low) / range) : top + height / 2;
      colour(image, picture.colours, place, peak, top, height, edge, n);
      image.append(element("rect", { x: LEFT, y: top, width: span, height, class: "frame" }));
      image.append(element("text", { x: LEFT, y: top - 5, class: "name" }, fitting(names[place], span)));
      if (known.length) {
        image.append(element("text", { x: LEFT - 6, y: top + 11, "text-anchor": "end" }, short(high)));
        if (high > low) image.append(element("text", { x: LEFT - 6, y: top + height - 2, "text-anchor": "end" }, short(low)));
        image.append(element("path", { d: path(channel, x, y), class: "values" }));
      }
    });
    let top = shown.length * (height + GAP) + 6;
    for (const lane of lanes) {
      image.append(element("text", { x: LEFT - 6, y: top + 11, "text-anchor": "end" }, fitting(lane.name, LEFT - 6)));
      for (const one of lane.spans)
        image.append(element("rect", { x: edge(one.from), y: top + 2, width: Math.max(1, edge(one.to) - edge(one.from)), height: LANE - 6, class: `span kind-${one.kind}` }));
      top += LANE;
    }
    image.append(element("text", { x: LEFT, y: total - 6 }, String(picture.first)));
    image.append(element("text", { x: width - RIGHT, y: total - 6, "text-anchor": "end" }, String(picture.last)));
    if (onSpan) listen(image, onSpan, n, span, total);
    box.replaceChildren(image);
    return shown.length;
  }

  // Uniform importance must look faint: the strongest colour is the peak, but at least three times the mean.
  function peakOf(colours) {
    if (!colours) return 1;
    const sizes = colours.values.flat().map((value) => Math.abs(value || 0));
    return Math.max(...sizes, 3 * sizes.reduce((sum, one) => sum + one, 0) / sizes.length) || 1;
  }

  // Channels that are distinguished have colours of their own.
  function colour(image, colours, channel, peak, top, height, edge, n) {
    if (!colours) return;
    const values = colours.values[Math.min(channel, colours.values.length - 1)], cell = Math.ceil(n / values.length);
    values.forEach((value, place) => {
      if (!value || Math.abs(value) < 0.01 * peak) return;
      const from = edge(place * cell), to = edge(Math.min(n, (place + 1) * cell));
      image.append(element("rect", { x: from.toFixed(2), y: top, width: (to - from).toFixed(2), height, class: value < 0 ? "against" : "for", "fill-opacity": (0.85 * Math.abs(value) / peak).toFixed(3) }));
    });
  }

  // Dragging marks whole steps from the first to the last under the pointer.
  function listen(image, onSpan, n, span, height) {
    const mark = element("rect", { y: 0, height, class: "mark", width: 0 });
    image.append(mark);
    image.classList.add("markable");
    let start = null;
    const step = (event) => {
      const at = (event.clientX - image.getBoundingClientRect().left - LEFT) / span * n;
      return Math.min(n - 1, Math.max(0, Math.floor(at)));
    };
    const show = (from, to) => {
      mark.setAttribute("x", LEFT + span * from / n);
      mark.setAttribute("width", span * (to + 1 - from) / n);
    };
    image.addEventListener("pointerdown", (event) => { start = step(event); image.setPointerCapture(event.pointerId); show(start, start); });
    image.addEventListener("pointermove", (event) => { if (start !== null) show(Math.min(start, step(event)), Math.max(start, step(event))); });
    image.addEventListener("pointerup", (event) => {
      if (start === null) return;
      const [from, to] = [Math.min(start, step(event)), Math.max(start, step(event))];
      start = null;
      onSpan(from, to);
    });
  }

  return { draw };
})();
