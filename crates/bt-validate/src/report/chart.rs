//! Small charts as inline SVG. Colours are the page's style variables, so they follow light and dark.

use maud::{Markup, html};

/// Positions on an axis, linear or logarithmic.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    logarithmic: bool,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// From zero to a little above the largest value.
    pub(super) fn from_zero(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let high = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        Axis { logarithmic: false, low: 0.0, high: if high > 0.0 { high } else { 1.0 }, from, to }
    }

    /// Over all positive values, with some room on both sides.
    pub(super) fn logarithmic(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let usable = values.filter(|value| value.is_finite() && *value > 0.0);
        let (low, high) = usable.fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low <= high { (low / 1.25, high * 1.25) } else { (0.1, 10.0) };
        Axis { logarithmic: true, low, high, from, to }
    }

    /// The position of a value; what lies outside is put on the border.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = match self.logarithmic {
            true => (value / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        };
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        ((self.from + share * (self.to - self.from)) * 10.0).round() / 10.0
    }

    fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Round values along the axis, a handful.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let ticks = if self.logarithmic { self.logarithmic_ticks() } else { self.linear_ticks() };
        ticks
            .into_iter()
            .filter(|tick| *tick >= self.low * 0.999_999 && *tick <= self.high * 1.000_001)
            .collect()
    }

    fn logarithmic_ticks(&self) -> Vec<f64> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let within: &[f64] = match last - first {
            ..=3 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let step = ((last - first) / 8 + 1) as usize;
        let decades = (first..=last).step_by(step).map(|exponent| 10_f64.powi(exponent));
        decades.flat_map(|decade| within.iter().map(move |factor| factor * decade)).collect()
    }

    fn linear_ticks(&self) -> Vec<f64> {
        let rough = (self.high - self.low) / 5.0;
        let decade = 10_f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|factor| factor * decade).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(decade);
        (0..=10).map(|i| self.low + f64::from(i) * step).collect()
    }
}

/// One row of a chart with a label at the left and a text at the right.
pub(super) struct Row {
    pub(super) label: String,
    pub(super) text: String,
    /// The style class that colours it.
    pub(super) class: &'static str,
    pub(super) value: f64,
    pub(super) bounds: Option<(f64, f64)>,
    /// Somebody else's value, drawn hollow where the axis holds it.
    pub(super) reference: Option<f64>,
}

const ROW_HEIGHT: f64 = 26.0;
const ROW_WIDTH: f64 = 860.0;
const TEXT_START: f64 = 690.0;

/// Points with their intervals on a logarithmic axis: a bar would need a zero that the axis has not.
pub(super) fn intervals(title: &str, rows: &[Row], tick_text: fn(f64) -> String) -> Markup {
    let values =
        rows.iter().flat_map(|row| [Some(row.value), row.bounds.map(|b| b.0), row.bounds.map(|b| b.1)]);
    let axis = Axis::logarithmic(values.flatten(), label_end(rows) + 10.0, TEXT_START - 20.0);
    row_chart(title, rows, &axis, tick_text, |row, y| interval_mark(row, &axis, y))
}

/// Bars from zero to the largest value, and at least to `end`.
pub(super) fn bars(title: &str, rows: &[Row], end: f64, tick_text: fn(f64) -> String) -> Markup {
    let values = rows.iter().map(|row| row.value).chain([end]);
    let axis = Axis::from_zero(values, label_end(rows) + 10.0, TEXT_START - 20.0);
    row_chart(title, rows, &axis, tick_text, |row, y| {
        let (start, end) = (axis.at(0.0), axis.at(row.value));
        html! { rect.bar.(row.class) x=(start) y=(y - 8.0) width=((end - start).max(1.0)) height="16" rx="2" {} }
    })
}

/// Where labels end so that the longest begins on the page; an estimate, as nobody here knows the font.
fn label_end(rows: &[Row]) -> f64 {
    let longest = rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
    (7.2 * longest as f64).clamp(150.0, 340.0)
}

fn row_chart(
    title: &str,
    rows: &[Row],
    axis: &Axis,
    tick_text: fn(f64) -> String,
    mark: impl Fn(&Row, f64) -> Markup,
) -> Markup {
    let bottom = 8.0 + ROW_HEIGHT * rows.len() as f64;
    html! {
        svg.chart role="img" aria-label=(title) viewBox=(format!("0 0 {ROW_WIDTH} {}", bottom + 24.0)) {
            title { (title) }
            @for tick in axis.ticks() {
                line.grid x1=(axis.at(tick)) x2=(axis.at(tick)) y1="4" y2=(bottom) {}
                text.tick x=(axis.at(tick)) y=(bottom + 16.0) text-anchor="middle" { (tick_text(tick)) }
            }
            @for (i, row) in rows.iter().enumerate() {
                @let y = 8.0 + ROW_HEIGHT * (i as f64 + 0.5);
                text.label x=(axis.from - 10.0) y=(y + 4.0) text-anchor="end" { (row.label) }
                (mark(row, y))
                text.value x=(TEXT_START) y=(y + 4.0) { (row.text) }
            }
        }
    }
}

fn interval_mark(row: &Row, axis: &Axis, y: f64) -> Markup {
    let (low, high) = row.bounds.unwrap_or((row.value, row.value));
    html! {
        line.leader x1=(axis.from) x2=(axis.at(row.value)) y1=(y) y2=(y) {}
        g.(row.class) {
            line.whisker x1=(axis.at(low)) x2=(axis.at(high)) y1=(y) y2=(y) {}
            line.whisker x1=(axis.at(low)) x2=(axis.at(low)) y1=(y - 5.0) y2=(y + 5.0) {}
            line.whisker x1=(axis.at(high)) x2=(axis.at(high)) y1=(y - 5.0) y2=(y + 5.0) {}
            circle.dot cx=(axis.at(row.value)) cy=(y) r="4.5" {}
        }
    }
}

/// How far each interval lies from its target: the axis is the ratio to the target, one is on it, left of it good.
pub(super) fn forest(title: &str, rows: &[Row]) -> Markup {
    let values =
        rows.iter().flat_map(|row| [Some(row.value), row.bounds.map(|b| b.0), row.bounds.map(|b| b.1)]);
    let axis = Axis::logarithmic(values.flatten().chain([0.8, 1.6]), 330.0, TEXT_START);
    let bottom = 26.0 + 22.0 * rows.len() as f64;
    let on_target = axis.at(1.0);
    html! {
        svg.chart role="img" aria-label=(title) viewBox=(format!("0 0 {ROW_WIDTH} {}", bottom + 24.0)) {
            title { (title) }
            rect.good x="330" y="20" width=(on_target - 330.0) height=(bottom - 20.0) {}
            text.tick x=(on_target - 6.0) y="14" text-anchor="end" { "← better than the target" }
            text.tick x=(on_target + 6.0) y="14" { "worse →" }
            @for tick in axis.ticks() {
                line.grid x1=(axis.at(tick)) x2=(axis.at(tick)) y1="20" y2=(bottom) {}
                text.tick x=(axis.at(tick)) y=(bottom + 16.0) text-anchor="middle" { (tick) "×" }
            }
            line.target x1=(on_target) x2=(on_target) y1="20" y2=(bottom) {}
            @for (i, row) in rows.iter().enumerate() {
                @let y = 26.0 + 22.0 * (i as f64 + 0.5);
                text.label x="320" y=(y + 4.0) text-anchor="end" { (row.label) }
                @if let Some(reference) = row.reference.filter(|reference| axis.holds(*reference)) {
                    (diamond(axis.at(reference), y))
                }
                (interval_mark(row, &axis, y))
                text.value x=(TEXT_START + 12.0) y=(y + 4.0) { (row.text) }
            }
        }
    }
}

fn diamond(x: f64, y: f64) -> Markup {
    html! { path.hollow d=(format!("M{x} {} l5.5 5.5 l-5.5 5.5 l-5.5 -5.5 z", y - 5.5)) {} }
}

/// A line of a line chart; y with bounds.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) class: &'static str,
    pub(super) points: Vec<(f64, f64, f64, f64)>,
}

/// The width of a line chart that has the page to itself.
pub(super) const FULL: f64 = 860.0;
/// The width of one of two side by side.
pub(super) const HALF: f64 = 480.0;

/// Lines over two logarithmic axes, x ticks where the points are, names at the lines' ends.
pub(super) fn lines(
    width: f64,
    title: &str,
    x_name: &str,
    lines: &[Line],
    tick_text: fn(f64) -> String,
) -> Markup {
    let (left, right, top, bottom) = (62.0, width - 100.0, 14.0, 280.0);
    let points = || lines.iter().flat_map(|line| &line.points);
    let x = Axis::logarithmic(points().map(|point| point.0), left, right);
    let y = Axis::logarithmic(points().flat_map(|point| [point.2, point.3]), bottom, top);
    html! {
        svg.chart role="img" aria-label=(title) viewBox=(format!("0 0 {width} {}", bottom + 44.0)) {
            title { (title) }
            @for tick in y.ticks() {
                line.grid x1=(left) x2=(right) y1=(y.at(tick)) y2=(y.at(tick)) {}
                text.tick x=(left - 8.0) y=(y.at(tick) + 4.0) text-anchor="end" { (tick_text(tick)) }
            }
            @for tick in distinct(points().map(|point| point.0)) {
                text.tick x=(x.at(tick)) y=(bottom + 18.0) text-anchor="middle" { (tick) }
            }
            text.tick x=(f64::midpoint(left, right)) y=(bottom + 38.0) text-anchor="middle" { (x_name) }
            @for (line, name_y) in lines.iter().zip(name_positions(lines, &y)) {
                (one_line(line, &x, &y))
                text.name.(line.class) x=(right + 8.0) y=(name_y + 4.0) { (line.name) }
            }
        }
    }
}

fn one_line(line: &Line, x: &Axis, y: &Axis) -> Markup {
    let path: Vec<String> = line.points.iter().map(|p| format!("{},{}", x.at(p.0), y.at(p.1))).collect();
    html! {
        g.(line.class) {
            polyline.line points=(path.join(" ")) {}
            @for (at, value, low, high) in &line.points {
                line.whisker x1=(x.at(*at)) x2=(x.at(*at)) y1=(y.at(*low)) y2=(y.at(*high)) {}
                circle.dot cx=(x.at(*at)) cy=(y.at(*value)) r="3.5" {}
            }
        }
    }
}

/// Where the names go so that none covers another: each at its line's end, pushed down to keep a line's height.
fn name_positions(lines: &[Line], y: &Axis) -> Vec<f64> {
    let ends: Vec<f64> =
        lines.iter().map(|line| line.points.last().map_or(y.from, |point| y.at(point.1))).collect();
    let mut order: Vec<usize> = (0..ends.len()).collect();
    order.sort_by(|a, b| ends[*a].total_cmp(&ends[*b]));
    let mut positions = ends.clone();
    let mut free_from = f64::NEG_INFINITY;
    for index in order {
        positions[index] = ends[index].max(free_from);
        free_from = positions[index] + 15.0;
    }
    positions
}

fn distinct(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_puts_equal_ratios_at_equal_distances() {
        let axis = Axis { logarithmic: true, low: 1.0, high: 100.0, from: 0.0, to: 200.0 };
        assert_eq!([axis.at(1.0), axis.at(10.0), axis.at(100.0)], [0.0, 100.0, 200.0]);
        assert_eq!(axis.at(1e9), 200.0, "what lies outside is put on the border");
        assert_eq!(axis.at(-1.0), 0.0);
    }

    #[test]
    fn an_axis_has_a_handful_of_ticks_within_it() {
        for (low, high) in [(1e-6, 2e3), (0.9, 1.3), (2.0, 40.0), (1e-9, 1e9)] {
            let axis = Axis::logarithmic([low, high].into_iter(), 0.0, 100.0);
            let ticks = axis.ticks();
            assert!((1..=13).contains(&ticks.len()), "{low}..{high}: {ticks:?}");
            assert!(ticks.iter().all(|tick| *tick >= axis.low * 0.99 && *tick <= axis.high * 1.01));
        }
        assert_eq!(Axis::from_zero([9.0].into_iter(), 0.0, 1.0).ticks(), [0.0, 2.0, 4.0, 6.0, 8.0]);
    }

    #[test]
    fn an_axis_without_values_still_has_positions() {
        for axis in [
            Axis::logarithmic(std::iter::empty(), 0.0, 10.0),
            Axis::from_zero([f64::NAN].into_iter(), 0.0, 10.0),
        ] {
            assert!(axis.at(1.0).is_finite());
            assert!(!axis.ticks().is_empty());
        }
    }

    #[test]
    fn names_at_line_ends_do_not_cover_each_other() {
        let line = |end: f64| Line { name: String::new(), class: "arm", points: vec![(1.0, end, end, end)] };
        let y = Axis::logarithmic([1.0, 100.0].into_iter(), 300.0, 0.0);
        let mut positions = name_positions(&[line(10.0), line(10.1), line(10.2)], &y);
        positions.sort_by(f64::total_cmp);
        assert!(positions.windows(2).all(|pair| pair[1] - pair[0] >= 15.0), "{positions:?}");
    }
}
