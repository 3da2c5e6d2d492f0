// The script editor: mounted on <textarea data-script-editor>, which stays the form's field. Words, errors and
// completions come from the server, which knows the language and the catalogue; only colours are decided here.
import { autocompletion, closeBrackets, completionKeymap, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, linter, type Diagnostic } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

interface Problem { line: number; column: number; length: number; message: string; code: string; severity: "error" | "warning" }
interface Proposal { label: string; detail?: string; kind?: string; from_column: number }

async function ask<T>(address: string, body: unknown): Promise<T | null> {
  try {
    const answer = await fetch(address, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    return answer.ok ? ((await answer.json()) as T) : null;
  } catch {
    return null;
  }
}

function language(commands: Set<string>) {
  return StreamLanguage.define<{ start: boolean; block: boolean; option: boolean }>({
    startState: () => ({ start: true, block: false, option: false }),
    token(stream, state) {
      if (stream.sol()) {
        state.start = true;
        state.option = false;
        if (state.block) {
          if (stream.match(/^\s*endblock\s*$/)) { state.block = false; return "keyword"; }
          stream.skipToEnd();
          return "docComment";
        }
        if (stream.match(/^\s*textblock\s*$/)) { state.block = true; return "keyword"; }
        if (stream.match(/^\s*#.*/)) return "comment";
      }
      if (stream.eatSpace()) return null;
      if (stream.match("//")) { stream.skipToEnd(); return "comment"; }
      if (stream.match(/^'[^']*'?/) || stream.match(/^"[^"]*"?/)) { state.start = false; return "string"; }
      if (stream.match(/^\d{4}-\d{2}-\d{2}/) || stream.match(/^\d+(\.\d+)?/)) { state.start = false; return "number"; }
      const word = stream.match(state.start ? /^[a-z]+(-[a-z]+)*/ : /^[\p{L}_$][\p{L}\d_]*/u) as RegExpMatchArray | null;
      if (word) {
        const first = state.start;
        state.start = false;
        if (first && commands.has(word[0])) return "keyword";
        if (word[0] === "if" || word[0] === "as" || word[0] === "into" || word[0] === "by") return "keyword";
        return state.option ? "propertyName" : stream.match(/^\(/, false) ? "function" : "variableName";
      }
      const character = stream.next();
      if (character === ",") state.option = true;
      state.start = false;
      return character && "+-*/^&|!=<>".includes(character) ? "operator" : null;
    },
  });
}

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--ds-color-accent-text-subtle)", fontWeight: "600" },
  { tag: tags.comment, color: "var(--ds-color-neutral-text-subtle)", fontStyle: "italic" },
  { tag: tags.docComment, color: "var(--ds-color-neutral-text-subtle)" },
  { tag: tags.string, color: "var(--ds-color-success-text-subtle)" },
  { tag: tags.number, color: "var(--ds-color-info-text-subtle)" },
  { tag: tags.propertyName, color: "var(--ds-color-brand2-text-subtle)" },
  { tag: tags.function(tags.variableName), color: "var(--ds-color-info-text-default)" },
]);

const look = EditorView.theme({
  "&": { border: "1px solid var(--ds-color-neutral-border-default)", borderRadius: "0.4rem", backgroundColor: "var(--ds-color-neutral-background-default)", color: "inherit", fontSize: "0.95rem" },
  "&.cm-focused": { outline: "3px solid var(--ds-color-focus-outer)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace", lineHeight: "1.6", minHeight: "18rem" },
  ".cm-gutters": { backgroundColor: "var(--ds-color-neutral-surface-tinted)", color: "var(--ds-color-neutral-text-subtle)", border: "none" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--ds-color-accent-surface-tinted) 55%, transparent)" },
  ".cm-cursor": { borderLeftColor: "currentColor" },
  ".cm-tooltip": { backgroundColor: "var(--ds-color-neutral-surface-default)", color: "inherit", border: "1px solid var(--ds-color-neutral-border-default)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--ds-color-accent-base-default)", color: "var(--ds-color-accent-base-contrast-default)" },
});

function mount(field: HTMLTextAreaElement) {
  const form = field.form;
  const commands = new Set((field.dataset.commands ?? "").split(" "));
  const list = document.querySelector<HTMLElement>("[data-problems]");

  const check = async (view: EditorView): Promise<Diagnostic[]> => {
    const answer = await ask<{ problems: Problem[] }>("/api/v1/explore/check", { script: view.state.doc.toString() });
    if (!answer) return [];
    if (list) {
      list.replaceChildren(...answer.problems.map((p) => {
        const item = document.createElement("li");
        const go = document.createElement("button");
        go.type = "button";
        go.className = "plain";
        go.textContent = `${p.line}:${p.column}`;
        go.addEventListener("click", () => {
          view.dispatch({ selection: { anchor: at(view, p.line, p.column) }, scrollIntoView: true });
          view.focus();
        });
        item.append(go, ` ${p.message} (${p.code})`);
        return item;
      }));
    }
    return answer.problems.map((p) => {
      const from = at(view, p.line, p.column);
      const to = Math.min(view.state.doc.length, from + Math.max(1, p.length));
      return { from: Math.min(from, to), to, severity: p.severity, message: `${p.message} (${p.code})` };
    });
  };

  const complete = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const word = context.matchBefore(/[\p{L}\d_\/.$-]*/u);
    if (!context.explicit && (!word || word.from === word.to)) return null;
    const line = context.state.doc.lineAt(context.pos);
    const column = [...context.state.sliceDoc(line.from, context.pos)].length + 1;
    const answer = await ask<{ proposals: Proposal[] }>("/api/v1/explore/complete", { script: context.state.doc.toString(), line: line.number, column });
    const first = answer?.proposals[0];
    if (!answer || !first) return null;
    const start = [...line.text].slice(0, first.from_column - 1).join("").length;
    return { from: line.from + start, options: answer.proposals.map((p) => ({ label: p.label, detail: p.detail, type: p.kind })), validFor: /^[\p{L}\d_\/.]*$/u };
  };

  const run = () => {
    form?.requestSubmit(form.querySelector<HTMLButtonElement>("[data-run]"));
    return true;
  };

  const view = new EditorView({
    state: EditorState.create({
      doc: field.value,
      extensions: [
        EditorView.cspNonce.of(field.dataset.nonce ?? ""), lineNumbers(), history(), drawSelection(), highlightActiveLine(), bracketMatching(), closeBrackets(),
        language(commands), syntaxHighlighting(colours), look, EditorView.lineWrapping,
        linter(check, { delay: 500 }), lintGutter(), autocompletion({ override: [complete] }),
        EditorView.contentAttributes.of({ "aria-label": field.dataset.label ?? "", spellcheck: "false", autocapitalize: "off" }),
        EditorView.updateListener.of((u) => { if (u.docChanged) field.value = u.state.doc.toString(); }),
        // Tab indents; Escape and then Tab leaves the editor, as the help beside it says.
        keymap.of([{ key: "Mod-Enter", run }, ...completionKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
      ],
    }),
  });
  field.hidden = true;
  field.labels?.forEach((l) => l.removeAttribute("for"));
  field.after(view.dom);
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-insert]")) {
    button.addEventListener("click", () => {
      view.dispatch(view.state.replaceSelection(button.dataset.insert ?? ""));
      view.focus();
    });
  }
}

/** Position of a line and column (both from 1; columns count characters, not code units). */
function at(view: EditorView, line: number, column: number): number {
  const found = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
  return found.from + [...found.text].slice(0, column - 1).join("").length;
}

document.querySelectorAll<HTMLTextAreaElement>("textarea[data-script-editor]").forEach(mount);
