// Draws plotly figures that follow a kernel. One widget shows any number of figures, updates them in place, and
// draws at most once per frame of the screen: of many changes that arrive together, the last one is drawn.

const CONFIG = { responsive: true, displayModeBar: false };

// plotly.js weighs megabytes: it is asked for once per page, not once per widget, and comes from the kernel, not
// from the network.
function plotly(model) {
  window.meshlabPlotly ??= new Promise((resolve, reject) => {
    const receive = (message, buffers) => {
      if (message !== "plotly.js") return;
      model.off("msg:custom", receive);
      // a page that uses RequireJS would have the library register itself there instead of on the window
      const parts = ["(function (define, module, exports) {", buffers[0], "\n}).call(window);"];
      const script = document.createElement("script");
      script.src = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error("plotly.js could not be read"));
      document.head.append(script);
    };
    model.on("msg:custom", receive);
    model.send("plotly.js");
  });
  return window.meshlabPlotly;
}

// figures suit the page, whichever theme it has and takes later
function followTheme(model) {
  const tell = () => {
    const dark = document.body.dataset.jpThemeLight === "false";
    if (model.get("dark") === dark) return;
    model.set("dark", dark);
    model.save_changes();
  };
  tell();
  const changed = new MutationObserver(tell);
  changed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  return changed;
}

async function render({ model, el }) {
  const themed = followTheme(model);
  const Plotly = await plotly(model);
  const shown = new Map();
  el.classList.add("meshlab-figures");

  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) if (target.data && target.offsetParent) Plotly.Plots.resize(target);
  });

  const place = (name) => {
    const div = document.createElement("div");
    div.setAttribute("role", "img");
    el.append(div);
    resized.observe(div);
    shown.set(name, div);
    return div;
  };

  const draw = () => {
    const figures = model.get("figures");
    for (const [name, div] of shown) {
      if (name in figures) continue;
      resized.unobserve(div);
      Plotly.purge(div);
      div.remove();
      shown.delete(name);
    }
    for (const [name, { data, layout, alt }] of Object.entries(figures)) {
      const div = shown.get(name) ?? place(name);
      div.setAttribute("aria-label", alt);
      Plotly.react(div, data, layout, CONFIG);
    }
    el.dataset.tick = model.get("tick");
  };

  let waiting = false;
  const changed = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  };

  model.on("change:figures", changed);
  draw();
  return () => {
    model.off("change:figures", changed);
    resized.disconnect();
    themed.disconnect();
    for (const div of shown.values()) Plotly.purge(div);
  };
}

export default { render };
