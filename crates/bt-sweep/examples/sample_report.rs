//! Writes the report of an invented walk-forward, to look at: `cargo run -p bt-sweep --example sample_report -- report.html`.

use std::path::Path;

use bt_sweep::report::{
    Curve, Facts, Fold, Histogram, Overfitting, Parameter, Pbo, ReportData, Span, Summarizer, TrialRow,
    TrialSummary, WalkForward, write,
};
use bt_sweep::{Objective, Result, Status, Value};

const DAY: i64 = 86_400_000_000_000;
/// 2010-01-01.
const START: i64 = 14_610 * DAY;
const FOLDS: u32 = 6;

fn main() -> Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "report.html".to_owned());
    let data = ReportData {
        facts: facts(),
        trials: trials()?,
        curves: (0..5)
            .map(|i| {
                curve(&format!("trial {}", 40 + i), 0.0004 - 0.00004 * f64::from(i), 7 + u64::from(i as u32))
            })
            .collect::<Result<_>>()?,
        buy_and_hold: Some(curve("buy and hold", 0.0002, 3)?),
        walk_forward: Some(walk_forward()?),
        overfitting: Some(overfitting()),
        unfinished: None,
    };
    write(&data, Path::new(&path))
}

fn facts() -> Facts {
    Facts {
        strategy: "sma-crossover".into(),
        version: 3,
        settings: "fills next open, commission 1 bp, slippage 2 bps".into(),
        bundle: "us-equities".into(),
        bundle_version: "9f3c1e0a77b2c4d5".into(),
        assets: ["AAPL", "AMZN", "GOOG", "MSFT", "NVDA", "XOM"].map(String::from).into(),
        range: Some(span(START, START + 3650 * DAY)),
        year: "252 bars: 252 days of 1 bar, since the median week has bars on 5 days".into(),
        missing_returns: 0,
        search: "grid of 10 × 10 × 4 × 2 points, fast < slow".into(),
        duration_us: Some(2_480_000),
        workers: 3,
    }
}

/// Of bars that become known as their days begin.
fn span(first_ns: i64, last_ns: i64) -> Span {
    Span { first_ns, last_ns, first_day_ns: first_ns, last_day_ns: last_ns }
}

fn trials() -> Result<TrialSummary> {
    let fast: Vec<i64> = (1..=10).map(|i| 5 * i).collect();
    let slow: Vec<i64> = (6..=15).map(|i| 10 * i).collect();
    let parameters = [
        Parameter::of_values("fast", fast.clone()),
        Parameter::of_values("slow", slow.clone()),
        Parameter::of_range("stop", 0.01, 0.2, true),
        Parameter::of_values("price", ["close", "typical"]),
    ];
    let metrics = ["total_return", "sharpe", "max_drawdown", "profit_factor", "trades"].map(String::from);
    let mut summarizer = Summarizer::new(&parameters, &metrics, Objective::maximize("sharpe"))?;
    let mut noise = Noise(11);
    let mut number = 0;
    for fold in 0..FOLDS {
        for (fast, slow) in fast.iter().flat_map(|fast| slow.iter().map(move |slow| (*fast, *slow))) {
            for price in ["close", "typical"] {
                let stop = 0.01 * 20_f64.powf(noise.uniform());
                let params = [Value::Int(fast), Value::Int(slow), Value::Float(stop), Value::from(price)];
                number += 1;
                add(&mut summarizer, number, fold, &params, &mut noise)?;
            }
        }
    }
    Ok(summarizer.finish())
}

fn add(
    summarizer: &mut Summarizer,
    number: u64,
    fold: u32,
    params: &[Value],
    noise: &mut Noise,
) -> Result<()> {
    let (Value::Int(fast), Value::Int(slow), Value::Float(stop)) = (&params[0], &params[1], &params[2])
    else {
        return Ok(());
    };
    let ridge = -((*fast as f64 - 20.0) / 18.0).powi(2) - ((*slow as f64 - 100.0) / 40.0).powi(2);
    let sharpe = 1.4 * ridge.exp() - 0.4 + 0.3 * noise.normal() - (stop.ln() + 3.0).abs() * 0.1;
    let losses = (1.6 - sharpe).max(0.0);
    let failed = Status::Failed(format!("asset {:?}: no bar at the end of fold {fold}", "XOM"));
    summarizer.add(&TrialRow {
        number,
        fold,
        params,
        fidelity: if number.is_multiple_of(9) { 1.0 / 3.0 } else { 1.0 },
        status: if number.is_multiple_of(97) { &failed } else { &Status::Done },
        metrics: &[0.1 * sharpe, sharpe, -0.3 + 0.1 * sharpe, 1.0 / losses, (3000 / fast) as f64],
        worker: (number % 3) as u32,
        started_us: number / 3 * 2000 + u64::from(fold) * 40_000,
        took_us: 1500 + (400.0 * noise.uniform()) as u64,
    })
}

fn curve(label: &str, drift: f64, seed: u64) -> Result<Curve> {
    let mut noise = Noise(seed);
    let mut equity = 1.0;
    let days: Vec<i64> = (0..3650).filter(|day| day % 7 < 5).map(|day| START + day * DAY).collect();
    let values: Vec<f64> = days
        .iter()
        .map(|_| {
            equity *= 1.0 + drift + 0.01 * noise.normal();
            equity
        })
        .collect();
    Curve::new(label, &days, &values)
}

fn walk_forward() -> Result<WalkForward> {
    let mut noise = Noise(5);
    let fold = |number: u32| {
        let first = START + i64::from(number) * 365 * DAY;
        let part = |from: i64, until: i64| span(first + from * DAY, first + (until - 1) * DAY);
        let in_sample = 1.2 + 0.3 * noise.normal();
        let choice = |noise: &mut Noise, step: i64, most: f64| step * (1 + (most * noise.uniform()) as i64);
        Fold {
            number,
            train: part(0, 730),
            validation: Some(part(730, 912)),
            test: part(912, 1277),
            params: vec![
                Value::Int(choice(&mut noise, 5, 5.0)),
                Value::Int(50 + choice(&mut noise, 10, 10.0)),
                Value::Float(0.01 * 20_f64.powf(noise.uniform())),
                Value::from(if number == 2 { "typical" } else { "close" }),
            ],
            in_sample,
            out_of_sample: 0.5 * in_sample + 0.4 * noise.normal(),
        }
    };
    Ok(WalkForward {
        folds: (0..FOLDS).map(fold).collect(),
        out_of_sample: Some(curve("out of sample", 0.0003, 9)?),
    })
}

fn overfitting() -> Overfitting {
    let mut noise = Noise(2);
    let logits: Vec<f64> = (0..924).map(|_| 0.8 + 1.3 * noise.normal()).collect();
    let below = logits.iter().filter(|logit| **logit <= 0.0).count();
    Overfitting {
        trials: 1200,
        sharpe: Some(1.72),
        expected_maximum: Some(0.98),
        deflated: Some(0.913),
        pbo: Some(Pbo {
            probability: below as f64 / logits.len() as f64,
            splits: logits.len() as u64,
            logits: Some(Histogram::around_zero(&logits)),
        }),
        no_pbo: None,
    }
}

/// Numbers that look random and are the same in every run (Marsaglia's xorshift64).
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        for shift in [13_i32, -7, 17] {
            self.0 ^= if shift > 0 { self.0 << shift } else { self.0 >> -shift };
        }
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal: twelve uniform ones, added.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}
