// A figure that is pressed opens over the page, its smallest letters larger than a caption's on a
// phone. Escape, the button and a press beside the figure close it; with Ctrl it opens by itself.
document.addEventListener("DOMContentLoaded", () => {
  const SCALE = 1.6; // of the size it is drawn for
  const dialog = document.createElement("dialog");
  dialog.className = "enlarged";
  dialog.innerHTML = '<button type="button">Close</button><div tabindex="0" autofocus></div>';
  dialog.addEventListener("click", (event) => {
    if (event.target.tagName !== "IMG") dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") dialog.close();
  });
  document.body.append(dialog);
  for (const image of document.querySelectorAll("figure img")) {
    const link = document.createElement("a");
    link.href = image.src;
    image.replaceWith(link);
    link.append(image);
    link.addEventListener("click", (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const large = image.cloneNode();
      large.removeAttribute("style");
      large.width = SCALE * image.naturalWidth;
      dialog.lastChild.replaceChildren(large);
      dialog.setAttribute("aria-label", image.alt);
      dialog.showModal();
    });
  }
});
