//! Figures that other programs computed, and degenerate trials.

use approx::assert_relative_eq;
use bt_sweep::metrics::{Metric, Metrics, Trading, blocks, periods_per_year};
use bt_sweep::{Block, Direction, Error, bt_core::Frequency};

/// A linear congruential generator, so that another language makes the same numbers.
fn returns() -> Vec<f64> {
    let mut state = 12345_u64;
    let next = |_| {
        state = (1_103_515_245 * state + 12345) % (1 << 31);
        (state as f64 / (1_u64 << 31) as f64 - 0.49) * 0.04
    };
    (0..300).map(next).collect()
}

fn of(returns: &[f64]) -> impl Fn(Metric) -> f64 + use<> {
    let metrics = Metrics::new(returns, &Trading::default(), 252.0);
    move |metric| metrics.get(metric)
}

#[test]
fn metrics_are_those_of_empyrical_and_numpy() {
    // Made with numpy 2.4.6, pandas 3.1.1 and empyrical-reloaded 0.7.1 from the same numbers in a series `s`, with
    // annualization=252: ep.cum_returns_final(s), ep.annual_return(s), ep.annual_volatility(s), ep.sharpe_ratio(s),
    // ep.sortino_ratio(s), ep.calmar_ratio(s), -ep.max_drawdown(s), s.sum(); scipy.stats.skew(s),
    // scipy.stats.kurtosis(s, fisher=False); bars of the drawdown from np.cumprod(1 + s) and np.maximum.accumulate.
    let expected = [
        (Metric::TotalReturn, 0.09023860992543309),
        (Metric::AnnualReturn, 0.07527143523132351),
        (Metric::Volatility, 0.18494652317288024),
        (Metric::Sharpe, 0.48462390398662153),
        (Metric::Sortino, 0.6999241099870059),
        (Metric::Calmar, 0.5046712750800263),
        (Metric::MaxDrawdown, 0.1491494343905102),
        (Metric::MaxDrawdownBars, 116.0),
        (Metric::Skewness, -0.03732555706401641),
        (Metric::Kurtosis, 1.7651267365443304),
        (Metric::SumOfReturns, 0.1067017929628492),
        (Metric::Bars, 300.0),
    ];
    let found = of(&returns());
    assert_eq!(returns()[0], 0.0066061619386076935);
    for (metric, expected) in expected {
        assert_relative_eq!(found(metric), expected, max_relative = 1e-12);
    }
}

#[test]
fn figures_of_trades_are_those_of_their_definitions() {
    let trading = Trading {
        turnover: 3.0,
        exposure: 0.4,
        trades: 5,
        wins: 2,
        profit: 30.0,
        loss: 20.0,
        open_trades: 3,
        open_return: -0.25,
        waits: 7,
    };
    let metrics = Metrics::new(&[0.01; 63], &trading, 252.0);
    let expected = [
        (Metric::Turnover, 12.0),
        (Metric::Exposure, 0.4),
        (Metric::Trades, 5.0),
        (Metric::WinRate, 0.4),
        (Metric::ProfitFactor, 1.5),
        (Metric::OpenTrades, 3.0),
        (Metric::OpenReturn, -0.25),
        (Metric::Waits, 7.0),
    ];
    for (metric, expected) in expected {
        assert_eq!(metrics.get(metric), expected, "{metric}");
    }
}

#[test]
fn a_trial_without_trades_has_no_ratios() {
    let found = of(&[0.0; 100]);
    let zero = [
        Metric::TotalReturn,
        Metric::AnnualReturn,
        Metric::Volatility,
        Metric::MaxDrawdown,
        Metric::MaxDrawdownBars,
        Metric::Turnover,
        Metric::Exposure,
        Metric::Trades,
        Metric::SumOfReturns,
        Metric::OpenTrades,
        Metric::OpenReturn,
        Metric::Waits,
    ];
    let undefined = [
        Metric::Sharpe,
        Metric::Sortino,
        Metric::Calmar,
        Metric::WinRate,
        Metric::ProfitFactor,
        Metric::Skewness,
        Metric::Kurtosis,
    ];
    zero.into_iter().for_each(|metric| assert_eq!(found(metric), 0.0, "{metric}"));
    undefined.into_iter().for_each(|metric| assert!(found(metric).is_nan(), "{metric}"));
    assert_eq!(zero.len() + undefined.len() + 1, Metric::ALL.len());
}

#[test]
fn equal_returns_have_no_volatility_whatever_their_sum_is_rounded_to() {
    let found = of(&[0.1; 1000]);
    assert_eq!(found(Metric::Volatility), 0.0);
    assert!(found(Metric::Sharpe).is_nan() && found(Metric::Kurtosis).is_nan());
}

#[test]
fn one_bar_has_a_return_and_no_deviation() {
    let found = of(&[-0.5]);
    assert_eq!((found(Metric::TotalReturn), found(Metric::MaxDrawdown)), (-0.5, 0.5));
    assert_eq!((found(Metric::MaxDrawdownBars), found(Metric::Bars)), (1.0, 1.0));
    assert!(found(Metric::Volatility).is_nan() && found(Metric::Sharpe).is_nan());
    assert_eq!(found(Metric::Sortino), -f64::sqrt(252.0));
}

#[test]
fn a_drawdown_lasts_from_its_peak_until_the_peak_is_reached_again() {
    let bars = |returns: &[f64]| of(returns)(Metric::MaxDrawdownBars);
    assert_eq!(bars(&[0.1, -0.5, 1.0, 0.5]), 2.0);
    assert_eq!(bars(&[0.1, -0.5, 0.5, 0.3, 0.1]), 4.0);
    // A shallow one that lasts longer does not count, and a deeper one later does.
    assert_eq!(bars(&[-0.2, 0.3, -0.01, 0.001, 0.001, 0.001]), 2.0);
    assert_eq!(bars(&[-0.1, 0.3, -0.2, 0.01, 0.01]), 3.0);
    assert_eq!(bars(&[0.1, 0.1]), 0.0);
}

#[test]
fn what_is_lost_does_not_come_back() {
    // Each of these loses more than everything; their product alone would be a gain.
    let found = of(&[-1.5, -3.0]);
    assert_eq!((found(Metric::TotalReturn), found(Metric::AnnualReturn)), (-1.0, -1.0));
    assert_eq!(found(Metric::MaxDrawdown), 1.0);
}

#[test]
fn a_return_that_is_not_a_number_makes_no_metric_look_good() {
    let found = of(&[0.01, f64::NAN, 0.02, -0.01]);
    let of_returns = [
        Metric::TotalReturn,
        Metric::AnnualReturn,
        Metric::Volatility,
        Metric::Sharpe,
        Metric::Sortino,
        Metric::Calmar,
        Metric::MaxDrawdown,
        Metric::SumOfReturns,
    ];
    of_returns.into_iter().for_each(|metric| assert!(found(metric).is_nan(), "{metric}"));
}

#[test]
fn each_metric_is_found_by_its_name_and_kept_in_its_place() {
    let metrics = Metrics::new(&returns(), &Trading::default(), 252.0);
    for (at, metric) in Metric::ALL.into_iter().enumerate() {
        assert_eq!(metric.name().parse::<Metric>().unwrap(), metric);
        assert_eq!(metrics.get(metric).to_bits(), metrics.as_slice()[at].to_bits());
        assert_eq!(Metric::names()[at], metric.to_string());
    }
    let error = "sharp".parse::<Metric>().unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }) && error.to_string().contains("did you mean sharpe?"));
    assert_eq!(Metric::MaxDrawdown.direction(), Direction::Minimize);
    assert_eq!(Metric::Sharpe.direction(), Direction::Maximize);
}

#[test]
fn blocks_have_equal_lengths_but_for_one_bar() {
    let block = |bars, sum: f64, sum_of_squares: f64| Block { bars, sum, sum_of_squares };
    let returns = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    assert_eq!(blocks(&returns, 3), [block(2, 3.0, 5.0), block(2, 7.0, 25.0), block(3, 18.0, 110.0)]);
    assert_eq!(blocks(&returns, 0), []);
    assert_eq!(blocks(&returns[..2], 16), [block(1, 1.0, 1.0), block(1, 2.0, 4.0)]);
    assert_eq!(blocks(&[], 16), []);
}

#[test]
fn a_year_has_252_days_of_390_minutes() {
    assert_eq!(periods_per_year(Frequency::Daily), 252.0);
    assert_eq!(periods_per_year(Frequency::Minutes(1)), 98_280.0);
    assert_eq!(periods_per_year(Frequency::Minutes(60)), 1638.0);
    assert_eq!(periods_per_year(Frequency::Minutes(720)), 252.0);
}
