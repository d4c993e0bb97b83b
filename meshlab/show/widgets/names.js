// For those who hear a page or have no mouse: the controls' own labels stand beside them, a slider counts its steps, and
// a table that is wider than its place can be scrolled by mouse alone.

function tell(control, steps) {
  const label = [...control.querySelectorAll(".widget-label")].find((each) => each.textContent)?.textContent;
  for (const part of control.querySelectorAll(".noUi-handle, input[type=text], select")) {
    if (label && part.getAttribute("aria-label") !== label) part.setAttribute("aria-label", label);
  }
  const handle = control.querySelector(".noUi-handle");
  const text = steps[control.dataset.input ?? ""]?.[Math.round(handle?.getAttribute("aria-valuenow"))];
  if (text && handle.getAttribute("aria-valuetext") !== text) handle.setAttribute("aria-valuetext", text);
}

function render({ model }) {
  const all = () => {
    for (const control of document.querySelectorAll(".meshlab-control")) {
      control.dataset.input ??= [...control.classList].find((name) => name.startsWith("meshlab-input-"))?.slice(14);
      tell(control, model.get("steps"));
    }
  };
  const reach = () => {
    for (const part of document.querySelectorAll(".meshlab-desk .ml-scroll")) {
      if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
      else part.removeAttribute("tabindex");
    }
  };
  all();
  const changed = new MutationObserver(all);
  changed.observe(document.body, { subtree: true, childList: true, attributeFilter: ["aria-valuetext"] });
  const resized = new ResizeObserver(reach);
  document.querySelectorAll(".meshlab-desk").forEach((desk) => resized.observe(desk));
  return () => {
    changed.disconnect();
    resized.disconnect();
  };
}

export default { render };
