// Appended to the bundle: a filter field and a CSV button above each table marked sortable.
(() => {
  const { default: DataTable, set_or_remove_dark_class } = window.itables;
  set_or_remove_dark_class();
  const plain = (data, row, column, cell) => {
    const text = cell.textContent.trim();
    return /^-?[\d,]+(\.\d+)?$/.test(text) ? text.replaceAll(",", "") : text;
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const csv = {
      extend: "csv",
      text: "CSV",
      titleAttr: "Save the rows shown as a CSV file",
      filename: table.id || "table",
      exportOptions: { format: { body: plain } },
    };
    new DataTable(table, {
      paging: false,
      info: false,
      order: [], // as printed, until a column's head is clicked
      autoWidth: false,
      language: { search: "", searchPlaceholder: "Filter rows" },
      layout: { topStart: "search", topEnd: { buttons: [csv] }, bottomStart: null, bottomEnd: null },
    });
  }
})();
