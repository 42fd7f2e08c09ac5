// A figure opens by itself, where a phone can enlarge it.
document.addEventListener("DOMContentLoaded", () => {
  for (const image of document.querySelectorAll("figure img")) {
    const link = document.createElement("a");
    link.href = image.src;
    image.replaceWith(link);
    link.append(image);
  }
});
