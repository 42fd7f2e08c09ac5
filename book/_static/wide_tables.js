// A table that goes on beyond the right edge fades there, until it is scrolled to its end.
addEventListener("load", () => setTimeout(() => {
  const boxes = ".pst-scrollable-table-container, .dt-layout-table > .dt-layout-cell";
  for (const box of document.querySelectorAll(boxes)) {
    const mark = () => {
      box.classList.toggle("goes-on", box.scrollWidth - box.clientWidth - box.scrollLeft > 1);
      if (box.scrollWidth - box.clientWidth > 1) box.tabIndex = 0; // keys scroll it, too
    };
    box.addEventListener("scroll", mark);
    addEventListener("resize", mark);
    mark();
  }
}));
