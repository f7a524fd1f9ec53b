// The back office's own behaviour: dialogs, search palette, type-to-confirm, copy, unsaved changes.
"use strict";

(() => {
  const palette = () => document.getElementById("palette");

  function openDialog(dialog) {
    if (!dialog || dialog.open) return;
    dialog.showModal();
    const first = dialog.querySelector("input:not([type=hidden])");
    if (first) { first.focus(); first.select?.(); }
  }

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) return openDialog(document.getElementById(opener.dataset.opens));
    const closer = event.target.closest("[data-shuts]");
    if (closer) return closer.closest("dialog").close();
    if (event.target instanceof HTMLDialogElement) event.target.close();
    const copier = event.target.closest("[data-copies]");
    if (copier) {
      navigator.clipboard.writeText(document.getElementById(copier.dataset.copies).textContent.trim())
        .then(() => { copier.textContent = copier.dataset.done; });
    }
    document.querySelectorAll("details[data-closes][open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return openDialog(palette());
    }
    if (event.key === "Escape") {
      document.querySelectorAll("details[data-closes][open]").forEach((menu) => {
        menu.open = false;
        menu.querySelector("summary").focus();
      });
    }
    if (palette()?.open) {
      // A search field keeps Escape for itself, to empty it; here it closes.
      if (event.key === "Escape") { event.preventDefault(); palette().close(); }
      choose(event);
    }
  });

  function choose(event) {
    const links = [...palette().querySelectorAll(".b-palette-results a")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = links.findIndex((link) => link.classList.contains("b-chosen"));
    if (step && links.length) {
      event.preventDefault();
      links[at]?.classList.remove("b-chosen");
      const next = links[(at + step + links.length) % links.length];
      next.classList.add("b-chosen");
      next.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && links.length) {
      event.preventDefault();
      (links[at] ?? links[0]).click();
    }
  }

  // Type to confirm: the button wakes when the text is right (the server asks again).
  function confirmations(root) {
    root.querySelectorAll("input[data-expected]").forEach((input) => {
      const button = input.form.querySelector("button[type=submit]");
      const weigh = () => { button.disabled = input.value.trim() !== input.dataset.expected; };
      input.addEventListener("input", weigh);
      weigh();
    });
  }

  // Rows of a form that can be added: the template's __n__ becomes the next number.
  function adders(root) {
    root.querySelectorAll("[data-adds]").forEach((button) => {
      button.addEventListener("click", () => {
        const prefix = button.dataset.adds;
        const total = document.getElementById(`id_${prefix}-TOTAL_FORMS`);
        const markup = document.getElementById(`${prefix}-empty`).innerHTML.replaceAll("__prefix__", total.value);
        document.getElementById(`${prefix}-rows`).insertAdjacentHTML("beforeend", markup);
        total.value = String(Number(total.value) + 1);
        button.dispatchEvent(new Event("input", { bubbles: true }));
      });
    });
  }

  // Rows in an order: buttons and dragging move them; the numbers sent with the form say the order.
  function sorters(root) {
    root.querySelectorAll("[data-sorts]").forEach((list) => {
      let dragged = null;
      const renumber = () => {
        [...list.children].forEach((row, at) => {
          const order = row.querySelector("input[name$='-ORDER']");
          if (order && row.querySelector("input[name$='-name']")?.value) order.value = String(at + 1);
        });
        list.dispatchEvent(new Event("input", { bubbles: true }));
      };
      list.addEventListener("click", (event) => {
        const button = event.target.closest("[data-moves]");
        if (!button) return;
        const row = button.closest("li");
        const other = button.dataset.moves === "up" ? row.previousElementSibling : row.nextElementSibling;
        if (!other) return;
        if (button.dataset.moves === "up") other.before(row); else other.after(row);
        renumber();
        button.focus();
      });
      list.addEventListener("dragstart", (event) => {
        dragged = event.target.closest("[data-sorts] > li");
        event.dataTransfer.effectAllowed = "move";
      });
      list.addEventListener("dragover", (event) => {
        const row = event.target.closest("[data-sorts] > li");
        if (!dragged || !row || row === dragged) return;
        event.preventDefault();
        const box = row.getBoundingClientRect();
        if (event.clientY < box.top + box.height / 2) row.before(dragged); else row.after(dragged);
      });
      list.addEventListener("drop", (event) => { event.preventDefault(); });
      list.addEventListener("dragend", () => { if (dragged) renumber(); dragged = null; });
      // Selecting text in a field is no dragging of its row.
      list.addEventListener("mousedown", (event) => {
        const row = event.target.closest("[data-sorts] > li");
        if (row) row.draggable = !event.target.closest("input, textarea, select");
      });
    });
  }

  // Unsaved changes: leaving a marked form asks first; sending it does not.
  function guards(root) {
    root.querySelectorAll("form[data-guards]").forEach((form) => {
      let isChanged = false;
      form.addEventListener("input", () => { isChanged = true; });
      form.addEventListener("submit", () => { isChanged = false; });
      window.addEventListener("beforeunload", (event) => { if (isChanged) event.preventDefault(); });
    });
  }

  // The frame writes a chosen file's name into a field that only its own forms have.
  document.addEventListener("change", (event) => {
    if (event.target.matches("form[data-uploads] input[type=file]")) event.stopImmediatePropagation();
  }, true);

  // A file on its way shows how far it is; the server's answer is shown as if the form had gone by itself.
  function uploads(root) {
    root.querySelectorAll("form[data-uploads]").forEach((form) => {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const meter = form.querySelector("[role=progressbar]");
        const request = new XMLHttpRequest();
        request.upload.addEventListener("progress", (step) => {
          const share = Math.round((100 * step.loaded) / step.total);
          meter.hidden = false;
          meter.setAttribute("aria-valuenow", String(share));
          meter.firstElementChild.style.width = `${share}%`;
        });
        request.addEventListener("load", () => {
          if (request.responseURL !== location.href) { location.assign(request.responseURL); return; }
          document.open();
          document.write(request.responseText);
          document.close();
        });
        request.addEventListener("error", () => { location.reload(); });
        request.open("POST", location.href);
        request.send(new FormData(form));
      });
    });
  }

  // Fields that only some choices ask for are folded away for the others, unless something is wrong in them.
  function switches(root) {
    root.querySelectorAll("select[data-switches]").forEach((select) => {
      const fold = () => {
        select.form.querySelectorAll("[data-for]").forEach((input) => {
          const field = input.closest(".b-field");
          const isAsked = input.dataset.for.split(" ").includes(select.value);
          field.hidden = !isAsked && !field.classList.contains("b-wrong");
        });
      };
      select.addEventListener("change", fold);
      fold();
    });
  }

  // The zone of whoever sits before the browser, where the form leaves it open.
  function zones(root) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    root.querySelectorAll("select[data-guesses-zone]").forEach((select) => {
      if ([...select.options].some((option) => option.value === zone)) select.value = zone;
    });
  }

  // A form goes once; coming back by the browser's arrow gives its button back.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    const button = event.submitter;
    if (button) setTimeout(() => { button.disabled = true; }, 0);
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("button[type=submit]").forEach((b) => { b.disabled = false; });
  });

  document.addEventListener("DOMContentLoaded", () => {
    confirmations(document);
    adders(document);
    sorters(document);
    guards(document);
    uploads(document);
    zones(document);
    switches(document);
  });
})();
