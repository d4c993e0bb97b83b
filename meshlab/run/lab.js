// An extension of JupyterLab that runs a workbook of meshlab when it is opened, so that a reader meets its answer.
// WORKBOOKS, which the command writes above, names those whose cells are as meshlab wrote them.

const rest = (milliseconds) => new Promise((rested) => setTimeout(rested, milliseconds));

async function run(app, panel) {
  await panel.context.ready;
  await panel.sessionContext.ready;
  // without a kernel JupyterLab would ask for one
  for (let tries = 0; !panel.sessionContext.session?.kernel; tries++) {
    if (tries === 60) return;
    await rest(500);
  }
  if (app.shell.currentWidget !== panel) return;
  await app.commands.execute("notebook:run-all-cells");
  // all cells have run and the last one is in sight: back to the controls, or to the beginning
  app.shell.collapseLeft();
  const cells = panel.content.widgets;
  const first = Math.max(cells.findIndex((cell) => cell.node.querySelector(".jupyter-widgets")), 0);
  panel.content.activeCellIndex = first;
  await rest(300);
  cells[first].node.scrollIntoView({ block: "start" });
  // what runs again at the next opening has nothing to be saved, though its figures are drawn only now
  for (let times = 0; times < 4; times++) {
    panel.context.model.dirty = false;
    await rest(500);
  }
}

window._JUPYTERLAB = window._JUPYTERLAB || {};
window._JUPYTERLAB.meshlab = {
  init() {},
  get: async () => () => ({
    id: "meshlab:run",
    autoStart: true,
    activate(app) {
      const begun = new WeakSet();
      const look = () => {
        const panel = app.shell.currentWidget;
        if (!WORKBOOKS.includes(panel?.context?.path) || begun.has(panel)) return;
        begun.add(panel);
        run(app, panel);
      };
      app.shell.currentChanged.connect(look);
      app.restored.then(look);
    },
  }),
};
