// Links to files that the kernel has sent: no server has to hand them out, and none learns of them.

function render({ model, el }) {
  el.classList.add("meshlab-files");
  let urls = [];

  const link = ({ label, name, type, text }) => {
    const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
    urls.push(url);
    const a = Object.assign(document.createElement("a"), { href: url, textContent: label });
    if (type === "text/html") Object.assign(a, { target: "_blank", rel: "noopener" });
    else a.download = name;
    return a;
  };

  const copy = ({ label, text }) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
    button.className = "jupyter-button";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = label), 2000);
    });
    return button;
  };

  const draw = () => {
    const old = urls;
    urls = [];
    el.replaceChildren(...model.get("files").map((file) => (file.name ? link(file) : copy(file))));
    old.forEach(URL.revokeObjectURL);
  };

  model.on("change:files", draw);
  draw();
  return () => {
    model.off("change:files", draw);
    urls.forEach(URL.revokeObjectURL);
  };
}

export default { initialize: listen, render };
