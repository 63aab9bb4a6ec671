#![no_main]

libfuzzer_sys::fuzz_target!(init: bt_fuzz::let_guarded_panics_pass(), |data: &[u8]| bt_fuzz::target("append")(data));
