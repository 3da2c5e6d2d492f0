//! `hap explore lsp`: a language server for scripts over standard input and output (LANG-341). Errors while one types,
//! completion, help under the pointer, rename and formatting; all of it is asked of the crate `script`, with the metadata
//! of a data folder. It runs nothing and touches no data.

use std::collections::HashMap;

use kernel::Language;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use script::{Catalogue, CompletionKind, Diagnostic, Severity, Span};
use serde_json::{Value, json};

/// Serves until the editor ends the session.
///
/// # Errors
/// When the editor does not speak the protocol, or goes away in the middle.
pub fn serve(connection: &Connection, catalogue: &dyn Catalogue, language: Language) -> anyhow::Result<()> {
    connection.initialize(json!({
        "textDocumentSync": 1,
        "completionProvider": { "triggerCharacters": ["/", ",", "(", "$", " "] },
        "hoverProvider": true,
        "renameProvider": { "prepareProvider": true },
        "documentFormattingProvider": true,
    }))?;
    let mut server = Server { catalogue, language, texts: HashMap::new() };
    for message in &connection.receiver {
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request)? {
                    return Ok(());
                }
                connection.sender.send(Message::Response(server.answer(request)))?;
            }
            Message::Notification(notification) => {
                if let Some(answer) = server.notified(&notification) {
                    connection.sender.send(Message::Notification(answer))?;
                }
            }
            Message::Response(_) => {}
        }
    }
    Ok(())
}

struct Server<'c> {
    catalogue: &'c dyn Catalogue,
    language: Language,
    /// Open scripts by address.
    texts: HashMap<String, String>,
}

/// Why a request has no answer: an error code of the protocol and a text.
type Refused = (ErrorCode, String);

impl Server<'_> {
    /// A script was opened, changed or closed: what is wrong with it now.
    fn notified(&mut self, notification: &Notification) -> Option<Notification> {
        let params = &notification.params;
        let uri = params["textDocument"]["uri"].as_str()?.to_owned();
        match notification.method.as_str() {
            "textDocument/didOpen" => {
                self.texts.insert(uri.clone(), params["textDocument"]["text"].as_str()?.to_owned());
            }
            // The whole text comes with each change.
            "textDocument/didChange" => {
                let change = params["contentChanges"].as_array()?.last()?;
                self.texts.insert(uri.clone(), change["text"].as_str()?.to_owned());
            }
            "textDocument/didClose" => {
                self.texts.remove(&uri);
            }
            _ => return None,
        }
        let told = self.texts.get(&uri).map_or_else(Vec::new, |text| {
            let checked = script::compile(text, self.catalogue, &script::Settings::default());
            checked.diagnostics.iter().map(|d| self.diagnostic(text, d)).collect()
        });
        let params = json!({ "uri": uri, "diagnostics": told });
        Some(Notification { method: "textDocument/publishDiagnostics".to_owned(), params })
    }

    fn answer(&self, request: Request) -> Response {
        let result = match request.method.as_str() {
            "textDocument/completion" => self.completion(&request.params),
            "textDocument/hover" => self.hover(&request.params),
            "textDocument/prepareRename" => self.prepare_rename(&request.params),
            "textDocument/rename" => self.rename(&request.params),
            "textDocument/formatting" => self.formatting(&request.params),
            other => Err((ErrorCode::MethodNotFound, other.to_owned())),
        };
        match result {
            Ok(value) => Response::new_ok(request.id, value),
            Err((code, text)) => Response::new_err(request.id, code as i32, text),
        }
    }

    fn text(&self, params: &Value) -> Result<&str, Refused> {
        let uri = params["textDocument"]["uri"].as_str().unwrap_or_default();
        let text = self.texts.get(uri).map(String::as_str);
        text.ok_or_else(|| (ErrorCode::InvalidParams, format!("{uri} is not open")))
    }

    /// The text and the place in it that a request is about: line and column from 1, in characters.
    fn place(&self, params: &Value) -> Result<(&str, u32, u32), Refused> {
        let text = self.text(params)?;
        let number = |name: &str| params["position"][name].as_u64().and_then(|n| u32::try_from(n).ok());
        let place = number("line").zip(number("character"));
        let (line, units) = place.ok_or_else(|| (ErrorCode::InvalidParams, "position".to_owned()))?;
        let mut left = units;
        let before = line_of(text, line).chars().take_while(|c| {
            let more = left > 0;
            left = left.saturating_sub(c.len_utf16() as u32);
            more
        });
        Ok((text, line + 1, before.count() as u32 + 1))
    }

    fn completion(&self, params: &Value) -> Result<Value, Refused> {
        let (text, line, column) = self.place(params)?;
        let offered = script::complete(text, line, column, self.catalogue);
        let items = offered.iter().enumerate().map(|(i, c)| {
            json!({
                "label": c.text,
                "kind": item_kind(c.kind),
                "detail": c.detail.text(self.language),
                "sortText": format!("{i:04}"),
                "textEdit": { "range": range(text, c.replace), "newText": c.text },
            })
        });
        Ok(Value::Array(items.collect()))
    }

    fn hover(&self, params: &Value) -> Result<Value, Refused> {
        let (text, line, column) = self.place(params)?;
        let found = script::hover(text, line, column, self.catalogue);
        Ok(found.map_or(Value::Null, |hover| {
            let contents = json!({ "kind": "plaintext", "value": hover.text.text(self.language) });
            json!({ "contents": contents, "range": range(text, hover.span) })
        }))
    }

    fn prepare_rename(&self, params: &Value) -> Result<Value, Refused> {
        let (text, line, column) = self.place(params)?;
        let here = script::occurrences(text, line, column).into_iter().find(|s| s.holds(line, column));
        Ok(here.map_or(Value::Null, |span| range(text, span)))
    }

    /// Refused when the script would have errors that it did not have.
    fn rename(&self, params: &Value) -> Result<Value, Refused> {
        let (text, line, column) = self.place(params)?;
        let name = params["newName"].as_str().unwrap_or_default();
        let places = script::occurrences(text, line, column);
        let errors = |text: &str| {
            let checked = script::compile(text, self.catalogue, &script::Settings::default());
            checked.diagnostics.into_iter().filter(Diagnostic::is_error).collect::<Vec<_>>()
        };
        let after = errors(&script::renamed(text, &places, name));
        if after.len() > errors(text).len() {
            let why =
                after.first().map_or_else(String::new, |d| format!("{} {}", d.code, d.message.text(self.language)));
            return Err((ErrorCode::RequestFailed, why));
        }
        let edits: Vec<Value> =
            places.iter().map(|place| json!({ "range": range(text, *place), "newText": name })).collect();
        let uri = params["textDocument"]["uri"].as_str().unwrap_or_default();
        Ok(json!({ "changes": { uri: edits } }))
    }

    fn formatting(&self, params: &Value) -> Result<Value, Refused> {
        let text = self.text(params)?;
        let formatted = script::format(text).map_err(|diagnostics| {
            let first = diagnostics.first().map_or("", |d| d.message.text(self.language));
            (ErrorCode::RequestFailed, first.to_owned())
        })?;
        if formatted == text {
            return Ok(json!([]));
        }
        let last = text.split('\n').count();
        let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": last, "character": 0 } });
        Ok(json!([{ "range": whole, "newText": formatted }]))
    }

    fn diagnostic(&self, text: &str, d: &Diagnostic) -> Value {
        json!({
            "range": range(text, d.span),
            "severity": match d.severity { Severity::Error => 1, Severity::Warning => 2 },
            "code": d.code.to_string(),
            "source": "hap",
            "message": d.prose(self.language),
        })
    }
}

fn line_of(text: &str, line: u32) -> &str {
    text.split('\n').nth(line as usize).unwrap_or("")
}

/// A stretch in the protocol's units: lines from 0, columns in UTF-16 code units.
fn range(text: &str, span: Span) -> Value {
    let place = |line: u32, column: u32| {
        let line = line.saturating_sub(1);
        let before = line_of(text, line).chars().take(column.saturating_sub(1) as usize);
        json!({ "line": line, "character": before.map(char::len_utf16).sum::<usize>() })
    };
    json!({ "start": place(span.line, span.column), "end": place(span.end_line, span.end_column) })
}

/// The protocol's number for a kind of suggestion.
fn item_kind(kind: CompletionKind) -> u8 {
    match kind {
        CompletionKind::Command | CompletionKind::Keyword => 14,
        CompletionKind::Function => 3,
        CompletionKind::Option => 10,
        CompletionKind::Register => 5,
        CompletionKind::Variable => 6,
        CompletionKind::Dataset => 22,
        CompletionKind::Code | CompletionKind::List => 12,
        CompletionKind::Binding => 21,
        CompletionKind::Alias | CompletionKind::Store => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lsp_server::RequestId;
    use script::NoCatalogue;

    /// A session: each line is a request, its answer is handed to the test in turn.
    fn session(text: &str, asked: &[(&str, Value)]) -> (Value, Vec<Response>) {
        let (server, client) = Connection::memory();
        let serving = std::thread::spawn(move || serve(&server, &NoCatalogue, Language::En).unwrap());
        let request = |id: i32, method: &str, params: Value| {
            Message::Request(Request { id: RequestId::from(id), method: method.to_owned(), params })
        };
        let notify =
            |method: &str, params: Value| Message::Notification(Notification { method: method.to_owned(), params });
        client.sender.send(request(0, "initialize", json!({ "capabilities": {} }))).unwrap();
        client.receiver.recv().unwrap();
        client.sender.send(notify("initialized", json!({}))).unwrap();
        client
            .sender
            .send(notify("textDocument/didOpen", json!({ "textDocument": { "uri": "f", "text": text } })))
            .unwrap();
        let Message::Notification(told) = client.receiver.recv().unwrap() else { panic!("diagnostics come first") };
        let mut answers = Vec::new();
        for (i, (method, params)) in asked.iter().enumerate() {
            let mut params = params.clone();
            params["textDocument"] = json!({ "uri": "f" });
            client.sender.send(request(i as i32 + 1, method, params)).unwrap();
            let Message::Response(answer) = client.receiver.recv().unwrap() else { panic!("an answer") };
            answers.push(answer);
        }
        client.sender.send(request(99, "shutdown", Value::Null)).unwrap();
        client.receiver.recv().unwrap();
        client.sender.send(notify("exit", Value::Null)).unwrap();
        serving.join().unwrap();
        (told.params, answers)
    }

    fn at(line: u32, character: u32) -> Value {
        json!({ "position": { "line": line, "character": character } })
    }

    /// LANG-341: diagnostics, completion, hover, rename and formatting; columns in UTF-16 code units.
    #[test]
    fn lang_341_a_session() {
        let text = "create-dataset d\n/* 𝄞 */ summarise lønn\nlet år=2020\nlet to = $år\n";
        let mut rename = at(3, 11);
        rename["newName"] = json!("aar");
        let mut wrong = at(3, 11);
        wrong["newName"] = json!("2 år");
        let asked = [
            ("textDocument/completion", at(1, 12)),
            ("textDocument/hover", at(0, 3)),
            ("textDocument/rename", rename),
            ("textDocument/rename", wrong),
            ("textDocument/nothing", at(0, 0)),
        ];
        let (told, answers) = session(text, &asked);
        let first = &told["diagnostics"][0];
        assert_eq!((first["code"].as_str(), first["severity"].as_u64()), (Some("E101"), Some(1)));
        assert_eq!(first["range"]["start"], json!({ "line": 1, "character": 9 }));
        let result = |i: usize| answers[i].result.clone().unwrap();
        let offered = result(0);
        assert!(offered.as_array().unwrap().iter().any(|c| c["label"] == "summarize"), "{offered}");
        assert!(result(1)["contents"]["value"].as_str().unwrap().contains("Makes an empty dataset"));
        let edits = &result(2)["changes"]["f"];
        assert_eq!(edits.as_array().unwrap().len(), 2);
        assert_eq!(edits[1]["range"]["start"], json!({ "line": 3, "character": 10 }));
        assert!(answers[3].error.is_some() && answers[4].error.is_some());
    }

    #[test]
    fn formatting_replaces_the_whole_text() {
        let (told, answers) = session("let x=1\n", &[("textDocument/formatting", json!({}))]);
        assert_eq!(told["diagnostics"], json!([]));
        assert_eq!(answers[0].result.as_ref().unwrap()[0]["newText"], "let x = 1\n");
    }
}
