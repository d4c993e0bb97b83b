// each row of buttons beside code is a landmark of the page: told apart by a number, so that a screen reader can list them
new MutationObserver(() => {
  document.querySelectorAll("nav.md-code__nav").forEach((buttons, at) => {
    const label = `Code ${at + 1}`;
    if (buttons.ariaLabel !== label) buttons.ariaLabel = label;
  });
}).observe(document.documentElement, { childList: true, subtree: true });
