// Small helpers for every page. Everything works without them: links and forms come first.
import htmx from "htmx.org";
import "@digdir/designsystemet-web";
import { drafts } from "./draft";

htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.selfRequestsOnly = true;

/** Asks before a form that cannot be undone is sent: <form data-confirm="…">. */
document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  const question = form.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

/** A form that was sent once is not sent again by a double click. */
document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  window.setTimeout(() => delete form.dataset.sent, 3000);
});

/** Says that an answer takes a while: <button data-working="…"> with a [data-working-status] beside it. */
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || !button?.dataset.working) return;
  const status = button.parentElement?.querySelector("[data-working-status]");
  if (status) status.textContent = button.dataset.working;
});

drafts();
