//! The text format that Prometheus reads.

use std::fmt::Write;

/// Metrics in the making.
#[derive(Default)]
pub struct Metrics {
    text: String,
}

impl Metrics {
    /// Begins a metric; `kind` is `gauge` or `counter`.
    pub fn begin(&mut self, name: &str, kind: &str, help: &str) -> &mut Self {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        self
    }

    /// A value of the metric that was begun last.
    pub fn value(&mut self, name: &str, labels: &[(&str, &str)], value: f64) -> &mut Self {
        self.text.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            self.text.push(if at == 0 { '{' } else { ',' });
            let _ = write!(self.text, "{label}=\"{}\"", escaped(text));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
        self
    }

    /// A metric of one value.
    pub fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) -> &mut Self {
        self.begin(name, kind, help).value(name, &[], value)
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut metrics = Metrics::default();
        metrics.begin("m", "gauge", "What it is.").value("m", &[("a", "x\"\\\n"), ("b", "")], 1.5);
        metrics.one("n", "counter", "Another.", 2.0);
        let expected = "# HELP m What it is.\n# TYPE m gauge\nm{a=\"x\\\"\\\\\\n\",b=\"\"} 1.5\n\
                        # HELP n Another.\n# TYPE n counter\nn 2\n";
        assert_eq!(metrics.text(), expected);
    }
}
