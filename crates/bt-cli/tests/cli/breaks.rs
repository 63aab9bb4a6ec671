//! Sweeps that are killed, interrupted, disturbed and watched, and go on.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Duration;

use bt_sweep::ledger;
use bt_sweep::results::Trials;

use super::place::Place;
use super::sweeps::{table, with_bars};

/// Enough trials that a kill meets it at work; 342 of them.
const SPACE: &str = "sma-crossover us --param fast=2..20 --param slow=21..38 --workers 2";
/// 1,900 of them.
const LONG: &str = "sma-crossover us --param fast=2..20 --param slow=21..120 --workers 2";

#[test]
fn a_sweep_that_is_killed_loses_no_trial_and_runs_none_twice() {
    let place = with_bars();
    place.done(&format!("sweep {SPACE} --out whole -q"));
    let whole = table(&place.path("whole"));
    let mut random = Random(20_130_302);
    let mut met_at_work = 0;
    for kill in 0..12 {
        let folder = format!("killed{kill}");
        let path = place.path(&folder);
        let mut child = start(&place, &format!("sweep {SPACE} --out {folder} -q"));
        wait_for_trials(&mut child, &path, random.below(300) as usize);
        sleep(Duration::from_micros(random.below(20_000)));
        end(&mut child);
        let before = trials(&path);
        met_at_work += usize::from((1..342).contains(&before.len()));
        // A second kill, of the sweep that goes on.
        let mut child = start(&place, &format!("sweep --resume {folder} -q --workers 2"));
        sleep(Duration::from_micros(random.below(150_000)));
        end(&mut child);
        kept(&before, &trials(&path));
        place.done(&format!("sweep --resume {folder} -q --workers 2"));
        let after = trials(&path);
        kept(&before, &after);
        assert_eq!(after.len(), 342, "kill {kill}");
        assert_eq!(table(&path), whole, "kill {kill}");
    }
    assert!(met_at_work >= 6, "only {met_at_work} of 12 kills met a sweep at work");
}

#[test]
fn a_walk_forward_and_a_search_that_learns_go_on_after_a_kill_as_if_nothing_had_been() {
    let place = with_bars();
    let mut random = Random(7);
    for (name, line) in [
        ("walk", format!("walk-forward {SPACE} --train 4y --validate 1y --test 2y")),
        ("tpe", format!("sweep {SPACE} --search tpe --trials 200 --seed 3")),
        ("bohb", format!("sweep {SPACE} --search bohb --rounds 3")),
    ] {
        place.done(&format!("{line} --out whole-{name} -q"));
        let whole = trials(&place.path(&format!("whole-{name}"))).len();
        let folder = format!("killed-{name}");
        let mut child = start(&place, &format!("{line} --out {folder} -q"));
        wait_for_trials(&mut child, &place.path(&folder), random.below(whole as u64 / 2) as usize);
        end(&mut child);
        let before = trials(&place.path(&folder));
        let command = line.split(' ').next().unwrap();
        place.done(&format!("{command} --resume {folder} -q"));
        kept(&before, &trials(&place.path(&folder)));
        assert_eq!(table(&place.path(&folder)), table(&place.path(&format!("whole-{name}"))), "{name}");
    }
}

#[test]
fn ctrl_c_keeps_what_ran_says_how_to_go_on_and_ends_with_130() {
    let place = with_bars();
    place.done(&format!("sweep {LONG} --out whole -q"));
    let mut child = start(&place, &format!("sweep {LONG} --out broken"));
    wait_for_trials(&mut child, &place.path("broken"), 20);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(130), "{out}{err}");
    assert!(out.contains("; the sweep is not complete, of 1,900 trials; maximize sharpe"), "{out}");
    assert!(err.contains("interrupted before all trials had run"), "{err}");
    assert!(err.contains("hint: `--resume broken` goes on where it stopped"), "{err}");
    let before = trials(&place.path("broken"));
    assert!((20..1900).contains(&before.len()), "{}", before.len());
    place.done("sweep --resume broken -q");
    kept(&before, &trials(&place.path("broken")));
    assert_eq!(table(&place.path("broken")), table(&place.path("whole")));
}

#[test]
fn a_folder_that_a_sweep_writes_to_takes_no_second_one_and_can_be_reported() {
    let place = with_bars();
    let long = "sma-crossover us --param fast=2..200 --param slow=201..300 --workers 1";
    let mut child = start(&place, &format!("sweep {long} --out busy -q"));
    wait_for_trials(&mut child, &place.path("busy"), 3);
    let holder = format!("process {} on ", child.id());
    for line in [&format!("sweep {long} --out busy"), "sweep --resume busy"] {
        place.run(line).fails(5, &["a sweep into busy has to wait", &holder]);
    }
    let report = place.json("report busy --top 1");
    assert_eq!((&report["complete"], &report["trials"]["failed"]), (&false.into(), &0.into()));
    let text = place.done("report busy --top 1");
    assert!(text.contains("the sweep is not complete"), "{text}");
    assert!(child.try_wait().unwrap().is_none(), "the sweep ended before it was disturbed");
    end(&mut child);
    assert!(trials(&place.path("busy")).len() >= 3);
}

#[test]
fn a_request_of_another_program_or_with_damage_is_refused_with_its_name() {
    let place = with_bars();
    place.done(
        "sweep sma-crossover us --param fast=5 --cash 123456.78901234567 --slippage-bps=-0.0 \
                --commission-minimum 1e-300 --out kept -q",
    );
    let file = place.path("kept/request.json");
    let text = std::fs::read_to_string(&file).unwrap();
    for number in ["\"123456.78901234567\"", "\"-0.0\"", "\"1e-300\""] {
        assert!(text.contains(number), "{number} is not in {text}");
    }
    let before = trials(&place.path("kept"));
    place.done("sweep --resume kept -q");
    // As a kill leaves it that comes before the ledger.
    std::fs::create_dir(place.path("early")).unwrap();
    std::fs::copy(&file, place.path("early/request.json")).unwrap();
    place
        .run("report early")
        .fails(4, &["the sweep of early has no trial yet", "`--resume early` begins it"]);
    place.run("sweep sma-crossover us --out early").fails(2, &["the folder early holds a sweep already"]);
    place.done("sweep --resume early -q");
    assert_eq!(table(&place.path("early")), table(&place.path("kept")));
    kept(&before, &trials(&place.path("kept")));
    let newer =
        text.replace("\"format\": 2", "\"format\": 7").replace("\"program\": \"", "\"program\": \"9.");
    for (content, told) in [
        (newer, &["has format 7, written by bt 9.", "reads format 2"][..]),
        // Its dates were moments at which bars became known.
        (text.replace("\"format\": 2", "\"format\": 1"), &["has format 1", "reads format 2"]),
        (text.replace("\"seed\"", "\"sede\""), &["is damaged: unknown field `sede`"]),
        (text.replace("\"strategy\"", "\"more\": 1, \"strategy\""), &["is damaged: unknown field `more`"]),
        (text.replace("\"format\": 2,", ""), &["is damaged: no whole number \"format\""]),
        (text.replace("\"1e-300\"", "\"much\""), &["is damaged: \"much\" is no number"]),
        (text.replace("sma-crossover", "sma/crossover"), &["is damaged, or of another program: "]),
        (text.replace("\"fast=5\"", "\"fast=5..\""), &["is damaged, or of another program: "]),
        (text[..text.len() / 2].to_owned(), &["is damaged"]),
        (String::new(), &["is damaged"]),
    ] {
        std::fs::write(&file, content).unwrap();
        for line in ["sweep --resume kept", "report kept"] {
            let run = place.run(line);
            run.fails(3, told);
            run.fails(3, &["kept/request.json"]);
        }
    }
    std::fs::write(&file, b"\xff\xfe").unwrap();
    place.run("report kept").fails(3, &["kept/request.json is damaged"]);
}

fn start(place: &Place, line: &str) -> Child {
    place.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until so many are durable, or the sweep is over.
fn wait_for_trials(child: &mut Child, folder: &Path, count: usize) {
    while trials(folder).len() < count {
        match child.try_wait().unwrap() {
            None => sleep(Duration::from_millis(1)),
            Some(status) if status.success() => return,
            Some(status) => panic!("the sweep ended with {status}"),
        }
    }
}

/// As `kill -9` does.
fn end(child: &mut Child) -> ExitStatus {
    child.kill().unwrap();
    child.wait().unwrap()
}

/// What the ledger holds; nothing where it has not begun.
fn trials(folder: &Path) -> Trials {
    match ledger::read(folder) {
        Ok(contents) => contents.trials,
        Err(bt_sweep::Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            bt_sweep::results::TrialsBuilder::new(&bt_sweep::Names::new(["none"]), &[]).finish()
        }
        Err(error) => panic!("{}: {error}", folder.display()),
    }
}

/// Each trial of the one is in the other, as the same run of it, and no point is there twice.
fn kept(before: &Trials, after: &Trials) {
    for trial in before.iter() {
        let same: Vec<_> = after.iter().filter(|other| other.key() == trial.key()).collect();
        assert_eq!(same.len(), 1, "trial {}", trial.number());
        let run = |trial: bt_sweep::results::Trial<'_>| {
            (trial.params(), trial.worker(), trial.started_us(), trial.took_us())
        };
        assert_eq!(run(same[0]), run(trial));
    }
    let mut keys: Vec<_> = after.iter().map(|trial| trial.key().0).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), after.len(), "a trial ran twice");
}

/// Splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }
}
