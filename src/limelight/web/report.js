"use strict";
(() => {
  // Figures are drawn in the colours for light; in the dark each becomes that of the same name in the style sheet.
  const names = {
    "#1b2733": "ink", "#5b6770": "quiet", "#e1e6ea": "line", "#b9c2c9": "absent", "#0b6e99": "accent", "#c2410c": "wrong",
    "#0072b2": "line-1", "#d55e00": "line-2", "#00795c": "line-3", "#a3306f": "line-4", "#3f9fd6": "line-5", "#8a6200": "line-6",
  };
  const config = { displaylogo: false, responsive: true, doubleClick: "reset", plotlyServerURL: "",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]], displayModeBar: "hover" };
  const waiting = new Set(document.querySelectorAll(".plot"));
  const sources = new Map();
  let layer = null;

  function recoloured(value) {
    if (typeof value === "string") {
      const known = value.startsWith("<span") ? value.replace(/#[0-9a-f]{6}/, (hex) => recoloured(hex)) : value;
      return names[known] ? theme.colour(names[known]) : known;
    }
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(recoloured);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, key === "bdata" ? one : recoloured(one)]));
    return value;
  }

  function look() {
    const ink = theme.colour("ink"), quiet = theme.colour("quiet"), line = theme.colour("line"), page = theme.colour("page");
    const axis = { gridcolor: line, zeroline: false, zerolinecolor: line, tickfont: { size: 11, color: quiet }, automargin: false,
      title: { font: { size: 12, color: quiet }, standoff: 8 }, tickcolor: line };
    const base = {
      autosize: true, showlegend: false, dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: { t: 28, r: 12, b: 44, l: 52 },
      hoverlabel: { bgcolor: page, bordercolor: line, font: { size: 12, color: ink }, namelength: 40, align: "left" },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: quiet, activecolor: ink },
      annotationdefaults: { font: { size: 11, color: quiet } },
    };
    return { axis, base };
  }

  function render(box) {
    const { axis, base } = look(), figure = recoloured(sources.get(box));
    for (const [name, value] of Object.entries(figure.layout))
      if (/^[xy]axis/.test(name)) figure.layout[name] = { ...axis, ...value, title: { ...axis.title, ...value.title } };
    figure.layout = { ...base, ...figure.layout, template: { layout: base } };
    return figure;
  }

  function draw(box) {
    if (!waiting.delete(box)) return;
    sources.set(box, JSON.parse(box.querySelector("script").textContent));
    const figure = render(box);
    box.replaceChildren();
    Plotly.newPlot(box, figure.data, figure.layout, config);
    colour(box);
    if (!waiting.size) document.documentElement.dataset.drawn = "all";
  }

  function redraw() {
    for (const box of sources.keys()) {
      const figure = render(box);
      Plotly.react(box, figure.data, figure.layout, config);
      colour(box);
    }
  }

  function colour(box) {
    const places = box.data.flatMap((trace, place) => trace.type === "heatmap" ? [place] : []);
    if (layer && places.length)
      Plotly.restyle(box, { visible: places.map((place) => box.data[place].name === layer) }, places);
  }

  function drawWhenIdle() {
    const next = waiting.values().next().value;
    if (next === undefined) return;
    draw(next);
    (window.requestIdleCallback || setTimeout)(drawWhenIdle);
  }

  function fit(box) {
    Plotly.relayout(box, { width: box.clientWidth });
  }

  function start() {
    if (typeof Plotly === "undefined") {
      document.documentElement.classList.add("bare");
      return;
    }
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
    }, { rootMargin: "300px" });
    for (const box of waiting) seen.observe(box);
    (window.requestIdleCallback || setTimeout)(drawWhenIdle);
    theme.onChange(redraw);

    for (const key of document.querySelectorAll("button[data-trace]"))
      key.addEventListener("click", () => {
        const shown = key.getAttribute("aria-pressed") !== "true";
        key.setAttribute("aria-pressed", String(shown));
        for (const box of document.querySelectorAll(".curve")) {
          draw(box);
          sources.get(box).data[Number(key.dataset.trace)].visible = shown;
          Plotly.restyle(box, { visible: shown }, [Number(key.dataset.trace)]);
        }
      });

    const layers = document.querySelectorAll("button[data-layer]");
    for (const button of layers)
      button.addEventListener("click", () => {
        layer = button.dataset.layer;
        for (const other of layers) other.setAttribute("aria-pressed", String(other === button));
        for (const key of document.querySelectorAll("li[data-of]")) key.hidden = key.dataset.of !== layer;
        for (const box of document.querySelectorAll("#series .plot")) if (!waiting.has(box)) colour(box);
      });

    // Paper is white: what is printed is drawn as for light.
    addEventListener("beforeprint", () => {
      for (const folded of document.querySelectorAll("details")) folded.open = true;
      for (const box of [...waiting]) draw(box);
      if (theme.isDark()) theme.print(true);
      document.documentElement.classList.add("printing");
      for (const box of document.querySelectorAll(".plot")) fit(box);
    });
    addEventListener("afterprint", () => {
      document.documentElement.classList.remove("printing");
      theme.print(false);
      for (const box of document.querySelectorAll(".plot")) Plotly.relayout(box, { autosize: true, width: null });
    });
  }

  document.addEventListener("DOMContentLoaded", start);
})();
