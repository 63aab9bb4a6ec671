use bt_sweep::{Constraint, Domain, Names, Parameter, Params, Space, Value};
use proptest::prelude::*;

use crate::oracle::{plain_space, values};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn points_are_those_of_nested_loops(plain in plain_space()) {
        let space = plain.space();
        let expected = plain.all();
        prop_assert_eq!(space.cardinality(), Some(expected.len() as u128));
        let points: Vec<Params> = (0..expected.len()).map(|at| space.point(at as u128).unwrap()).collect();
        prop_assert_eq!(points.iter().map(values).collect::<Vec<_>>(), expected);
        let satisfying: Vec<_> = points.iter().filter(|point| space.satisfies(point)).map(values).collect();
        prop_assert_eq!(satisfying, plain.satisfying());
        prop_assert_eq!(space.point(points.len() as u128), None);
        for (at, point) in points.iter().enumerate() {
            prop_assert!(space.contains(point));
            prop_assert_eq!(space.index_of(point), Some(at as u128));
        }
    }

    #[test]
    fn a_parameter_is_read_back_as_it_was_written(parameter in parameter()) {
        prop_assume!(parameter.check().is_ok());
        prop_assert_eq!(&parameter.to_string().parse::<Parameter>().unwrap(), &parameter);
    }

    #[test]
    fn any_step_gives_values_in_order_that_are_found_again(
        min in -1e6..1e6_f64, width in 0.0..1e6_f64, step in 1e-3..1e3_f64, share in 0.0..1.0_f64,
    ) {
        let space = Space::builder().stepped("x", min, min + width, step).build().unwrap();
        let count = space.cardinality().unwrap();
        let index = (share * count as f64) as u128;
        let point = space.point(index).unwrap();
        prop_assert_eq!(space.index_of(&point), Some(index));
        let value = point.float("x").unwrap();
        prop_assert!(min <= value && value <= min + width);
        prop_assert!((value - (min + index as f64 * step)).abs() <= 1e-9 * value.abs().max(1.0));
        let last = space.point(count - 1).unwrap().float("x").unwrap();
        prop_assert!(last + step > (min + width) * (1.0 - 1e-12) - 1e-9);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-z=.:|0-9<>! -]{0,16}|\\PC{0,12}") {
        if let Ok(parameter) = text.parse::<Parameter>() {
            prop_assert_eq!(parameter.to_string().parse::<Parameter>().unwrap(), parameter);
        }
        if let Ok(constraint) = text.parse::<Constraint>() {
            let again = constraint.to_string().parse::<Constraint>().unwrap();
            prop_assert_eq!(again.to_string(), constraint.to_string());
        }
    }
}

fn parameter() -> impl Strategy<Value = Parameter> {
    let real = || prop_oneof![-1e3..1e3_f64, (-100_i32..100).prop_map(f64::from), prop::num::f64::NORMAL];
    let texts = prop::collection::vec("[a-z0-9.:=-]{1,4}", 1..4);
    let domain = prop_oneof![
        (any::<i64>(), any::<i64>(), 1..i64::MAX).prop_map(|(a, b, step)| Domain::Int {
            min: a.min(b),
            max: a.max(b),
            step
        }),
        (real(), real(), 1e-3..10.0_f64).prop_map(|(a, b, step)| Domain::Stepped {
            min: a.min(b),
            max: a.max(b),
            step
        }),
        (real(), real()).prop_map(|(a, b)| Domain::Uniform { min: a.min(b), max: a.max(b) }),
        (real(), real())
            .prop_map(|(a, b)| Domain::LogUniform { min: a.abs().min(b.abs()), max: a.abs().max(b.abs()) }),
        texts.prop_map(|texts| Domain::Choice(texts.iter().map(|text| text.as_str().into()).collect())),
        prop::collection::vec(any::<i64>(), 1..4)
            .prop_map(|all| Domain::Choice(all.into_iter().map(Value::Int).collect())),
        prop::collection::vec(real(), 1..4)
            .prop_map(|all| Domain::Choice(all.into_iter().map(Value::Float).collect())),
    ];
    ("[a-z_][a-z0-9_.-]{0,6}", domain).prop_map(|(name, domain)| Parameter { name, domain })
}

fn refusal(text: &str) -> String {
    text.parse::<Parameter>().unwrap_err().to_string()
}

#[test]
fn each_form_of_text_makes_its_domain() {
    let domain = |text: &str| text.parse::<Parameter>().unwrap().domain;
    assert_eq!(domain("fast=5..50:5"), Domain::Int { min: 5, max: 50, step: 5 });
    assert_eq!(domain("fast = -5 .. 50"), Domain::Int { min: -5, max: 50, step: 1 });
    assert_eq!(domain("x=0.1..0.9:0.1"), Domain::Stepped { min: 0.1, max: 0.9, step: 0.1 });
    assert_eq!(domain("x=0..1:0.25"), Domain::Stepped { min: 0.0, max: 1.0, step: 0.25 });
    assert_eq!(domain("x=0.1..0.9"), Domain::Uniform { min: 0.1, max: 0.9 });
    assert_eq!(domain("x=log:1e-4..1e-1"), Domain::LogUniform { min: 1e-4, max: 1e-1 });
    assert_eq!(domain("kind=sma|ema"), Domain::Choice(vec!["sma".into(), "ema".into()]));
    assert_eq!(domain("n=20"), Domain::Choice(vec![20.into()]));
    assert_eq!(domain("n=1|2.5"), Domain::Choice(vec![1.0.into(), 2.5.into()]));
    assert_eq!(domain("n=1|sma"), Domain::Choice(vec!["1".into(), "sma".into()]));
}

#[test]
fn a_text_that_is_no_parameter_is_answered_with_the_forms() {
    for text in ["fast", "fast=", "fast=1..", "fast=1..x", "fast=1..2:", "fast=log:a..b", "fast=a||b"] {
        let message = refusal(text);
        assert!(message.contains("fast=5..50:5") && message.contains("log:1e-4..1e-1"), "{message}");
    }
}

#[test]
fn what_no_space_can_hold_is_refused_by_name() {
    let refused = [
        ("=1..2", "name"),
        ("1a=1..2", "name"),
        ("a b=1..2", "name"),
        ("fast=50..5", "parameter fast = 50..5"),
        ("fast=5..50:0", "a step of at least 1"),
        ("fast=5..50:-5", "a step of at least 1"),
        ("x=0..1:0.0", "a step above 0"),
        ("x=0.0..1e18:1e-3", "2^50"),
        ("x=1e17..1.1e17:1.0", "changes the largest"),
        ("x=0.0..inf", "finite"),
        ("x=nan..1.0", "finite"),
        ("x=-1e308..1e308", "finite"),
        ("x=log:0..1", "above 0"),
        ("kind=sma|sma", "each choice once"),
    ];
    for (text, part) in refused {
        assert!(refusal(text).contains(part), "{text}: {}", refusal(text));
    }
    let empty = Space::builder().choice("kind", Vec::<Value>::new()).build().unwrap_err().to_string();
    assert!(empty.contains("at least one choice"), "{empty}");
    let mixed = Space::builder().choice("kind", [Value::from(1), Value::from("a")]).build().unwrap_err();
    assert!(mixed.to_string().contains("of one type"), "{mixed}");
    let twice = Space::builder().int("a", 1, 2, 1).int("a", 1, 2, 1).build().unwrap_err().to_string();
    assert!(twice.contains("no other parameter"), "{twice}");
    assert!(Space::new([], []).is_err());
}

#[test]
fn a_constraint_that_cannot_hold_is_refused() {
    let space = || Space::builder().int("fast", 1, 9, 1).int("slow", 1, 9, 1).choice("kind", ["sma", "ema"]);
    let refusal = |text: &str| space().require(text).build().unwrap_err().to_string();
    assert!(refusal("fats<slow").contains("did you mean fast?"));
    assert!(refusal("fast<slwo").contains("did you mean slow?"));
    assert!(refusal("kind!=emma").contains("no choice \"emma\"; did you mean"));
    assert!(refusal("kind<ema").contains("texts by == or !="));
    assert!(refusal("kind==3").contains("texts with texts"));
    assert!(refusal("fast==kind").contains("texts with texts"));
    assert!(refusal("1<2").contains("no parameter"));
    for text in ["", "fast", "<slow", "fast<", "fast<<slow", "fast<slow<kind", "fast!slow"] {
        assert!(refusal(text).contains("such as fast<slow"), "{text}");
    }
}

#[test]
fn constraints_compare_parameters_values_and_texts() {
    let count = |text: &str| {
        let space =
            Space::builder().int("n", 1, 4, 1).stepped("x", 0.5, 2.0, 0.5).choice("kind", ["sma", "n1"]);
        let space = space.require(text).build().unwrap();
        (0..space.cardinality().unwrap()).filter(|&at| space.satisfies(&space.point(at).unwrap())).count()
    };
    assert_eq!(count("n<x"), 2 * 2);
    assert_eq!(count("x >= n"), 4 * 2);
    assert_eq!(count("x>0.5"), 4 * 3 * 2);
    assert_eq!(count("2==n"), 4 * 2);
    assert_eq!(count("kind!=sma"), 16);
    assert_eq!(count("kind=n1"), 16);
}

#[test]
fn a_function_can_be_a_constraint() {
    let twice = |params: &Params| params.int("slow").unwrap() == 2 * params.int("fast").unwrap();
    let space = Space::builder().int("fast", 1, 3, 1).int("slow", 1, 6, 1).check("slow is twice fast", twice);
    let space = space.build().unwrap();
    let holds = (0..18).filter(|&at| space.satisfies(&space.point(at).unwrap())).count();
    assert_eq!(holds, 3);
    assert_eq!(space.describe(), "fast=1..3 slow=1..6 where slow is twice fast");
}

#[test]
fn steps_are_decimals_without_noise() {
    let space = Space::builder().stepped("x", 0.1, 1.0, 0.1).build().unwrap();
    let texts: Vec<String> = (0..10).map(|at| space.point(at).unwrap().to_string()).collect();
    assert_eq!(texts.join(" "), "x=0.1 x=0.2 x=0.3 x=0.4 x=0.5 x=0.6 x=0.7 x=0.8 x=0.9 x=1");
    let space = Space::builder().stepped("x", -0.3, 0.35, 0.15).build().unwrap();
    assert_eq!(space.cardinality(), Some(5));
    assert_eq!(space.point(2).unwrap().float("x").unwrap(), 0.0);
}

#[test]
fn a_point_of_another_space_is_in_no_other() {
    let space = Space::builder().int("a", 1, 9, 2).uniform("x", 0.0, 1.0).build().unwrap();
    let point = |a: i64, x: f64| Params::new(space.names(), [a.into(), x.into()]).unwrap();
    assert!(space.contains(&point(3, 0.5)) && space.contains(&point(9, 1.0)));
    assert!(
        !space.contains(&point(4, 0.5))
            && !space.contains(&point(11, 0.5))
            && !space.contains(&point(-1, 0.5))
    );
    assert!(!space.contains(&point(3, 1.1)) && !space.contains(&point(3, f64::NAN)));
    let other = Params::new(&Names::new(["a", "y"]), [3.into(), 0.5.into()]).unwrap();
    assert!(!space.contains(&other) && !space.satisfies(&other) && space.index_of(&other).is_none());
    assert_eq!((space.cardinality(), space.point(0)), (None, None));
}

#[test]
fn the_widest_parameters_are_counted() {
    let wide = || Domain::Int { min: i64::MIN, max: i64::MAX, step: 1 };
    let space = Space::builder().parameter("a", wide()).build().unwrap();
    assert_eq!(space.cardinality(), Some(1 << 64));
    let last = space.point((1 << 64) - 1).unwrap();
    assert_eq!(last.int("a").unwrap(), i64::MAX);
    assert_eq!(space.index_of(&last), Some((1 << 64) - 1));
    let space = Space::builder().parameter("a", wide()).parameter("b", wide()).parameter("c", wide());
    assert_eq!(space.build().unwrap().cardinality(), Some(u128::MAX));
}
