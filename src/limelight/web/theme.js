"use strict";
// The theme of a page: that of the system until its button is pressed. Colours of figures come from the style sheet.
const theme = (() => {
  const root = document.documentElement, prefers = matchMedia("(prefers-color-scheme: dark)"), listeners = [];
  const probe = document.createElement("span");
  probe.hidden = true;
  let printing = false;

  function isDark() {
    return !printing && (root.dataset.theme ? root.dataset.theme === "dark" : prefers.matches);
  }

  // The value of a colour of the style sheet in the current theme, for example "ink".
  function colour(name) {
    if (!probe.isConnected) document.body.append(probe);
    probe.style.colorScheme = isDark() ? "dark" : "light";
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  }

  function changed() {
    for (const listener of listeners) listener();
  }

  function choose(name) {
    root.dataset.theme = name;
    try { localStorage.setItem("limelight-theme", name); } catch { /* a page from a file may not store */ }
    changed();
  }

  try {
    const kept = localStorage.getItem("limelight-theme");
    if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  } catch { /* as above */ }
  prefers.addEventListener("change", changed);
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("button.theme");
    if (button) button.addEventListener("click", () => choose(isDark() ? "light" : "dark"));
  });

  return {
    isDark, colour,
    onChange: (listener) => listeners.push(listener),
    print: (on) => { printing = on; changed(); },
  };
})();
