//! What `docs/cli.md` says of options and JSON, held against the program.

use super::place::Place;

const DOCUMENT: &str = include_str!("../../../../docs/cli.md");

#[test]
fn every_option_of_an_ingest_is_in_the_table_and_every_field_of_its_json() {
    let place = Place::new();
    let help = place.done("ingest --help");
    let named = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2);
    let (_, files) = DOCUMENT.split_once("## Files").unwrap();
    let (files, _) = files.split_once("## Sweeps").unwrap();
    for option in named.map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-')) {
        let everywhere = ["--store", "--json", "--quiet", "--help"].contains(&option);
        assert!(everywhere || files.contains(&format!("`{option}")), "{option}");
    }
    place.write("A.csv", "Date,Open,High,Low,Close\n2024-01-05,1,1,1,1\n");
    let object = place.json("ingest us A.csv");
    let row = DOCUMENT.lines().find(|line| line.starts_with("| `ingest` | `name`")).unwrap();
    for field in object.as_object().unwrap().keys() {
        assert!(row.contains(&format!("`{field}`")), "{field}");
    }
}
