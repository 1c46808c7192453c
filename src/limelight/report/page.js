"use strict";
(() => {
  const ink = "#1b2733", quiet = "#5b6770", line = "#e1e6ea";
  const axis = { gridcolor: line, zeroline: false, tickfont: { size: 11, color: quiet }, automargin: false,
    title: { font: { size: 12, color: quiet }, standoff: 8 }, tickcolor: line };
  const base = {
    autosize: true, showlegend: false, dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { t: 28, r: 12, b: 44, l: 52 },
    hoverlabel: { bgcolor: "#fff", bordercolor: line, font: { size: 12, color: ink }, namelength: 40, align: "left" },
    modebar: { bgcolor: "rgba(255,255,255,0)", color: "#c4ccd2", activecolor: quiet },
    annotationdefaults: { font: { size: 11, color: quiet } },
  };
  const config = { displaylogo: false, responsive: true, doubleClick: "reset", plotlyServerURL: "",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]], displayModeBar: "hover" };

  const waiting = new Set(document.querySelectorAll(".plot"));
  const template = { layout: base };
  let layer = null;

  function draw(box) {
    if (!waiting.delete(box)) return;
    const figure = JSON.parse(box.querySelector("script").textContent);
    for (const [name, value] of Object.entries(figure.layout))
      if (/^[xy]axis/.test(name)) figure.layout[name] = { ...axis, ...value, title: { ...axis.title, ...value.title } };
    figure.layout = { ...base, ...figure.layout, template };
    box.replaceChildren();
    Plotly.newPlot(box, figure.data, figure.layout, config);
    colour(box);
    if (!waiting.size) document.documentElement.dataset.drawn = "all";
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

    for (const key of document.querySelectorAll("button[data-trace]"))
      key.addEventListener("click", () => {
        const shown = key.getAttribute("aria-pressed") !== "true";
        key.setAttribute("aria-pressed", String(shown));
        for (const box of document.querySelectorAll(".curve")) {
          draw(box);
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

    addEventListener("beforeprint", () => {
      for (const folded of document.querySelectorAll("details")) folded.open = true;
      for (const box of [...waiting]) draw(box);
      document.documentElement.classList.add("printing");
      for (const box of document.querySelectorAll(".plot")) fit(box);
    });
    addEventListener("afterprint", () => {
      document.documentElement.classList.remove("printing");
      for (const box of document.querySelectorAll(".plot")) Plotly.relayout(box, { autosize: true, width: null });
    });
  }

  document.addEventListener("DOMContentLoaded", start);
})();
