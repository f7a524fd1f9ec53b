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
    const box = (part) => part.closest(".b-field") ?? part;
    const fold = (form) => {
      form.querySelectorAll("select[data-switches]").forEach((select) => {
        form.querySelectorAll(`[data-of="${select.dataset.switches}"]`).forEach((part) => {
          const isAsked = !box(select).hidden && part.dataset.for.split(" ").includes(select.value);
          box(part).hidden = !isAsked && !box(part).querySelector(".b-field-error");
        });
      });
      form.querySelectorAll("details[data-folds]").forEach((details) => {
        const fields = [...details.querySelectorAll(".b-field")];
        details.hidden = fields.every((field) => field.hidden);
      });
    };
    root.querySelectorAll("select[data-switches]").forEach((select) => {
      select.addEventListener("change", () => fold(select.form));
    });
    new Set([...root.querySelectorAll("select[data-switches]")].map((select) => select.form)).forEach(fold);
  }

  // The zone of whoever sits before the browser, where the form leaves it open.
  function zones(root) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    root.querySelectorAll("select[data-guesses-zone]").forEach((select) => {
      if ([...select.options].some((option) => option.value === zone)) select.value = zone;
    });
  }

  // Fields that search: what is typed is looked up on the server, arrows choose, Enter takes, Escape closes.
  const parts = (finder) => ({ input: finder.querySelector("input"), list: finder.querySelector("[role=listbox]") });

  function shut(finder) {
    const { input, list } = parts(finder);
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  // A field that holds its choice already shows everything; only what is typed narrows the list.
  function look(finder, text) {
    const { input, list } = parts(finder);
    let address = finder.dataset.finds;
    const by = finder.dataset.findsBy;
    if (by) {
      const kind = input.form.elements[input.name.replace(/[^-]+$/, by)]?.value;
      if (!kind) return shut(finder);
      address = address.replace(/[^/]+\/$/, `${kind}/`);
    }
    const url = new URL(address, location.href);
    url.searchParams.set("q", text);
    const asked = finder.dataset.asked = String(Number(finder.dataset.asked ?? 0) + 1);
    fetch(url, { headers: { "HX-Request": "true" } }).then((answer) => (answer.ok ? answer.text() : "")).then((markup) => {
      if (finder.dataset.asked !== asked || document.activeElement !== input) return;
      if (!markup) return shut(finder);
      list.innerHTML = markup;
      list.querySelectorAll("[role=option]").forEach((option, at) => { option.id = `${list.id}_${at}`; });
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      input.removeAttribute("aria-activedescendant");
    }).catch(() => shut(finder));
  }

  function point(finder, option) {
    const { input, list } = parts(finder);
    list.querySelectorAll("[aria-selected=true]").forEach((each) => each.setAttribute("aria-selected", "false"));
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function take(finder, option) {
    const { input } = parts(finder);
    const several = finder.closest("[data-gathers]");
    const lines = finder.closest("[data-lists]")?.querySelector("textarea");
    const { key, name, text } = option.dataset;
    input.value = several || lines ? "" : text;
    if (lines) lines.value = [lines.value.trimEnd(), key].filter(Boolean).join("\n");
    if (several) gather(several, key, name);
    shut(finder);
    input.dispatchEvent(new Event("change", { bubbles: true }));
    // Forms that ask before they are left listen to this; the list stays shut.
    input.form?.dispatchEvent(new Event("input"));
  }

  function gather(several, key, name) {
    const boxes = [...several.querySelectorAll("input[type=checkbox]")];
    const known = boxes.find((box) => box.value === key);
    if (known) { known.checked = true; return; }
    const row = document.createElement("div");
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), {
      type: "checkbox", name: several.dataset.gathers, value: key, checked: true,
    });
    label.append(box, ` ${name}`);
    row.append(label);
    several.firstElementChild.append(row);
  }

  const waiting = new WeakMap();
  document.addEventListener("input", (event) => {
    const finder = event.target.closest?.("[data-finds]");
    if (!finder) return;
    clearTimeout(waiting.get(finder));
    waiting.set(finder, setTimeout(() => look(finder, event.target.value), 150));
  });
  document.addEventListener("click", (event) => {
    const finder = event.target.closest?.("[data-finds]");
    const option = event.target.closest?.(".b-finder [role=option]");
    if (option) take(finder, option);
    else if (finder && event.target === parts(finder).input && parts(finder).list.hidden) look(finder, "");
  });
  document.addEventListener("mousedown", (event) => {
    // Choosing with the pointer must not take the focus from the field first.
    if (event.target.closest?.(".b-finder ul")) event.preventDefault();
  });
  document.addEventListener("focusout", (event) => {
    const finder = event.target.closest?.("[data-finds]");
    if (finder) { clearTimeout(waiting.get(finder)); shut(finder); }
  });
  document.addEventListener("keydown", (event) => {
    const finder = event.target.closest?.("[data-finds]");
    if (!finder || event.isComposing) return;
    const { list } = parts(finder);
    const options = [...list.querySelectorAll("[role=option]")];
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (list.hidden) look(finder, "");
      else if (options.length) point(finder, options[(at + step + options.length + (at < 0 && step < 0 ? 1 : 0)) % options.length]);
    } else if (event.key === "Enter" && !list.hidden) {
      event.preventDefault();
      if (at >= 0 || options.length === 1) take(finder, options[Math.max(at, 0)]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      shut(finder);
    }
  });

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
