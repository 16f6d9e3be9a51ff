//! Pages made of a heading, facts and tables: plain HTML, one style sheet within, nothing fetched from anywhere.

use std::fmt::Write;

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1b1b;\
background:#fff}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}td.n{text-align:right;\
font-variant-numeric:tabular-nums}nav a{margin-right:1rem}.bad{color:#b00020;font-weight:600}\
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}th,td{border-color:#333}a{color:#8ab4f8}\
.bad{color:#ff8a80}}";

/// A page that is being written.
pub(super) struct Page {
    text: String,
}

/// What stands in a cell.
pub(super) enum Cell {
    Text(String),
    /// Aligned to the right.
    Number(f64),
    /// Something somebody should look at.
    Bad(String),
}

impl Page {
    pub(super) fn new(title: &str, links: &[&str]) -> Page {
        let mut text = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0} - chaperone</title>\
             <style>{STYLE}</style></head><body><nav>",
            escaped(title)
        );
        for link in links {
            let _ = write!(text, "<a href=\"/debug/{0}\">{0}</a>", escaped(link));
        }
        let _ = writeln!(text, "</nav>\n<h1>{}</h1>", escaped(title));
        Page { text }
    }
    pub(super) fn heading(&mut self, text: &str) {
        let _ = writeln!(self.text, "<h2>{}</h2>", escaped(text));
    }
    pub(super) fn table(&mut self, heads: &[&str], rows: &[Vec<Cell>]) {
        self.text.push_str("<table><thead><tr>");
        for head in heads {
            let _ = write!(self.text, "<th>{}</th>", escaped(head));
        }
        self.text.push_str("</tr></thead><tbody>\n");
        for row in rows {
            self.text.push_str("<tr>");
            for cell in row {
                let _ = match cell {
                    Cell::Text(text) => write!(self.text, "<td>{}</td>", escaped(text)),
                    Cell::Number(number) => write!(self.text, "<td class=\"n\">{}</td>", figure(*number)),
                    Cell::Bad(text) => write!(self.text, "<td class=\"bad\">{}</td>", escaped(text)),
                };
            }
            self.text.push_str("</tr>\n");
        }
        self.text.push_str("</tbody></table>\n");
    }
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("</body></html>\n");
        self.text
    }
}

/// Whole numbers without a point.
fn figure(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number:.0}") } else { format!("{number:.2}") }
}

/// Text that cannot be taken for markup, within an element and within an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
