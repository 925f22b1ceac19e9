(() => {
  "use strict";
  const hint = document.getElementById("hint");
  // The browser shows titles late, and so not at all: ours take their place.
  for (const title of document.querySelectorAll("svg.chart :not(svg) > title")) {
    const mark = title.parentElement;
    mark.dataset.hint = title.textContent;
    title.remove();
  }
  const place = (event) => {
    const mark = event.target instanceof Element ? event.target.closest("[data-hint]") : null;
    hint.hidden = !mark;
    if (!mark) return;
    hint.textContent = mark.dataset.hint;
    const { width, height } = hint.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, innerWidth - width - 8);
    const below = event.clientY + 18;
    hint.style.left = Math.max(8, left) + "px";
    hint.style.top = (below + height > innerHeight ? event.clientY - height - 10 : below) + "px";
  };
  document.addEventListener("pointermove", place);
  document.addEventListener("pointerdown", place);
  document.addEventListener("scroll", () => (hint.hidden = true), true);

  // A map that does not fit is seen from its start on.
  for (const scroll of document.querySelectorAll("figure > .scroll")) {
    const start = scroll.querySelector(".terminal");
    if (!start) continue;
    const { left, width } = start.getBoundingClientRect();
    scroll.scrollLeft = left + width / 2 - scroll.getBoundingClientRect().left - scroll.clientWidth / 2;
  }

  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.k === undefined ? cell.textContent : Number(cell.dataset.k);
  };
  // Numbers stand behind what is no number, such as an empty cell.
  const compare = (a, b) => {
    const [ofA, ofB] = [a, b].map((key) => typeof key === "number");
    if (ofA && ofB) return a - b;
    return ofA === ofB ? a.localeCompare(b) : ofA - ofB;
  };
  for (const table of document.querySelectorAll("table")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const ascending = head.ariaSort !== "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.ariaSort = ascending ? "ascending" : "descending";
        const rows = [...table.tBodies[0].rows];
        rows.sort((a, b) => (ascending ? 1 : -1) * compare(key(a, column), key(b, column)));
        table.tBodies[0].append(...rows);
      });
    });
  }
})();
