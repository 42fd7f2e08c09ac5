// Appended to the bundle: a filter field and a CSV button above each table marked sortable. A table
// with badges gets a button for each badge too: pressed, only rows with that badge are shown.
(() => {
  const { default: DataTable, set_or_remove_dark_class } = window.itables;
  set_or_remove_dark_class();
  const plain = (data, row, column, cell) => {
    const text = cell.textContent.trim().replace(/[\u00a0\u202f]/g, " ");
    return /^-?[\d,]+(\.\d+)?$/.test(text) ? text.replaceAll(",", "") : text;
  };
  const addBadgeFilter = (data, table) => {
    const badgeOf = (row) => data.row(row).node().querySelector(".sd-badge")?.textContent;
    const all = data.rows().indexes().toArray().map(badgeOf);
    const bar = document.createElement("div");
    bar.className = "badge-filter";
    const press = (chosen) => {
      data.search.fixed("badge", (text, cells, row) => !chosen || badgeOf(row) === chosen).draw();
      for (const button of bar.children) {
        button.setAttribute("aria-pressed", button.value === chosen);
      }
    };
    const countOf = (badge) => all.filter((other) => !badge || other === badge).length;
    for (const badge of ["", ...new Set(all)].sort((a, b) => countOf(b) - countOf(a))) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", value: badge });
      button.textContent = `${badge || "all"} ${countOf(badge)}`;
      button.addEventListener("click", () => press(badge));
      bar.append(button);
    }
    table.closest(".dt-container").prepend(bar);
    press("");
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const csv = {
      extend: "csv",
      text: "CSV",
      titleAttr: "Save the rows shown as a CSV file",
      filename: table.id || "table",
      exportOptions: { format: { body: plain } },
    };
    const data = new DataTable(table, {
      paging: false,
      info: false,
      order: [], // as printed, until a column's head is clicked
      autoWidth: false,
      language: { search: "", searchPlaceholder: "Filter rows" },
      layout: { topStart: "search", topEnd: { buttons: [csv] }, bottomStart: null, bottomEnd: null },
    });
    if (table.classList.contains("badged")) addBadgeFilter(data, table);
  }
})();
