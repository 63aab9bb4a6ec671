//! `bt strategies`: what there is to run.

use std::fmt::{self, Display};

use bt_sweep::strategies::{self, StrategyInfo};
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::output::{Align, Output, Table};

pub(crate) fn run(output: Output) -> Result<(), Failure> {
    let all: Vec<Value> = strategies::all().iter().map(as_json).collect();
    output.show(&json!({ "strategies": all }), List)
}

fn as_json(info: &StrategyInfo) -> Value {
    let parameter = |parameter: &strategies::ParameterInfo| {
        json!({
            "name": parameter.name,
            "about": parameter.about,
            "domain": parameter.domain,
            "default": parameter.default,
        })
    };
    json!({
        "name": info.name,
        "about": info.about,
        "parameters": info.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "constraints": info.constraints,
        "vectorised": info.has_vectorised(),
    })
}

struct List;

impl Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, info) in strategies::all().iter().enumerate() {
            let gap = if at == 0 { "" } else { "\n\n" };
            let conditions = match info.constraints {
                [] => String::new(),
                conditions => format!(" (with {})", conditions.join(", ")),
            };
            writeln!(f, "{gap}{}: {}{conditions}", info.name, info.about)?;
            let mut table =
                Table::new([("PARAMETER", Align::Left), ("VALUES", Align::Left), ("MEANING", Align::Left)]);
            for parameter in info.parameters {
                table.row([parameter.name, parameter.domain, parameter.about].map(str::to_owned));
            }
            write!(f, "{table}")?;
        }
        Ok(())
    }
}
