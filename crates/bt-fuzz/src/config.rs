//! Configuration as TOML, or where the first byte is odd as variables of the environment, one a line.

use bt_optimize_config::OptimizationConfig;

pub(crate) fn run(data: &[u8]) {
    let Some((kind, text)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let config = match kind % 2 {
        0 => OptimizationConfig::from_toml(&text).map_err(|error| error.to_string()),
        _ => {
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            let resolved = OptimizationConfig::from_vars(pairs);
            resolved.map(|resolved| resolved.config).map_err(|error| error.to_string())
        }
    };
    match config {
        Ok(config) => {
            config.validate().expect("what was read is valid");
            let written = config.to_toml().expect("what is valid can be written");
            let again = OptimizationConfig::from_toml(&written).expect("what was written can be read");
            assert_eq!(config, again, "{written}");
        }
        Err(error) => assert!(!error.is_empty()),
    }
}
