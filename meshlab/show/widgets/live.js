// Draws plotly figures that follow a kernel. One widget shows any number of figures and updates them in place. Figures
// in sight are drawn at once; those that are scrolled away follow after a pause, or when they come into sight.

const CONFIG = { responsive: true, displayModeBar: false, displaylogo: false, plotlyServerURL: "" };

// after a rest the first change is drawn at once; of those that follow closely, the last one before each frame is
const REST_MS = 100;

// what is out of sight waits until the hand has rested for so long
const IDLE_MS = 300;

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

// a page that shows no figure yet does not wait for the library
function anyFigure(model) {
  return new Promise((resolve) => {
    const look = () => {
      if (!Object.keys(model.get("figures")).length) return;
      model.off("change:figures", look);
      resolve();
    };
    model.on("change:figures", look);
    look();
  });
}

// figures suit the page, whichever theme and width it has and takes later
function followPage(model) {
  const tell = () => {
    const page = { dark: document.body.dataset.jpThemeLight === "false", narrow: window.innerWidth < 560 };
    if (model.get("dark") === page.dark && model.get("narrow") === page.narrow) return;
    model.set(page);
    model.save_changes();
  };
  tell();
  const themed = new MutationObserver(tell);
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  const sized = new ResizeObserver(tell);
  sized.observe(document.body);
  return () => [themed, sized].forEach((observer) => observer.disconnect());
}

// plotly measures every label of an axis to hide those that leave the figure, a sixth of its work; ours have room
function unmeasured(layout) {
  const axes = Object.entries(layout).filter(([name]) => /^[xy]axis/.test(name));
  return { ...layout, ...Object.fromEntries(axes.map(([name, axis]) => [name, { ticklabeloverflow: "allow", ...axis }])) };
}

async function render({ model, el }) {
  const leavePage = followPage(model);
  await anyFigure(model);
  const Plotly = await plotly(model);
  const shown = new Map(); // div of each figure, by name
  const stale = new Set(); // names of figures that are to be drawn
  el.classList.add("meshlab-figures");

  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) if (target.data && target.offsetParent) Plotly.Plots.resize(target);
  });

  const sighted = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      target.inSight = isIntersecting;
      if (isIntersecting && stale.has(target.dataset.figure)) drawOne(target.dataset.figure);
    }
  });

  const place = (name) => {
    const div = document.createElement("div");
    div.setAttribute("role", "img");
    div.dataset.figure = name;
    div.inSight = true; // until it is known
    el.append(div);
    resized.observe(div);
    sighted.observe(div);
    shown.set(name, div);
  };

  const remove = (name) => {
    const div = shown.get(name);
    resized.unobserve(div);
    sighted.unobserve(div);
    Plotly.purge(div);
    div.remove();
    shown.delete(name);
    stale.delete(name);
  };

  const drawOne = (name) => {
    const { data, layout } = model.get("figures")[name];
    stale.delete(name);
    Plotly.react(shown.get(name), data, unmeasured(layout), CONFIG);
  };

  // one at a time, so that a hand that moves on is not kept waiting
  let idle = null;
  const drawRest = () => {
    const [name] = stale;
    if (name !== undefined) drawOne(name);
    idle = stale.size ? setTimeout(drawRest) : null;
  };

  let ended = -Infinity;
  const draw = () => {
    const figures = model.get("figures");
    for (const name of shown.keys()) if (!(name in figures)) remove(name);
    for (const [name, figure] of Object.entries(figures)) {
      if (!shown.has(name)) place(name);
      const div = shown.get(name);
      const text = JSON.stringify(figure);
      if (div.drawnFrom === text) continue;
      div.drawnFrom = text;
      div.setAttribute("aria-label", figure.alt);
      stale.add(name);
    }
    for (const name of [...stale]) if (shown.get(name).inSight) drawOne(name);
    clearTimeout(idle);
    idle = stale.size ? setTimeout(drawRest, IDLE_MS) : null;
    el.dataset.tick = model.get("tick");
    ended = performance.now();
  };

  let waiting = false;
  const changed = () => {
    if (waiting) return;
    if (performance.now() - ended > REST_MS) return draw();
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
    clearTimeout(idle);
    resized.disconnect();
    sighted.disconnect();
    leavePage();
    for (const div of shown.values()) Plotly.purge(div);
  };
}

export default { initialize: listen, render };
