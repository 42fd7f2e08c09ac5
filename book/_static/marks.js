// Near a mark of a figure that has names for its marks, the pointer is told the nearest one's. On a
// touch screen the first touch names it; elsewhere in the figure it opens the figure.
addEventListener("load", () => {
  for (const script of document.querySelectorAll("script.marks")) {
    const image = script.closest("figure").querySelector("img");
    const marks = JSON.parse(script.textContent);
    const label = document.createElement("span");
    label.className = "mark-name";
    label.setAttribute("aria-hidden", "true"); // the CSV holds all of them
    image.parentElement.classList.add("has-marks");
    image.after(label);
    const nameNearest = (event) => {
      const box = image.getBoundingClientRect(), reach = event.pointerType === "touch" ? 24 : 12;
      const told = label.textContent;
      const places = marks.map(([x, y, name]) => {
        const left = x * box.width, top = y * box.height;
        const distance = Math.hypot(box.left + left - event.clientX, box.top + top - event.clientY);
        return { left, top, name, distance };
      });
      const nearest = places.reduce((one, other) => (other.distance < one.distance ? other : one));
      const isNear = nearest.distance <= reach;
      label.textContent = isNear ? nearest.name : "";
      label.style.top = `${image.offsetTop + nearest.top}px`;
      const isRight = nearest.left > box.width / 2;
      label.style.left = isRight ? "" : `${image.offsetLeft + nearest.left}px`;
      label.style.right = isRight ? `${box.width - nearest.left}px` : "";
      return isNear && label.textContent !== told;
    };
    image.addEventListener("pointermove", nameNearest);
    image.addEventListener("pointerleave", () => { label.textContent = ""; });
    image.addEventListener("click", (event) => {
      if (event.pointerType === "touch" && nameNearest(event)) event.preventDefault();
    });
  }
});
