#![no_main]

libfuzzer_sys::fuzz_target!(init: bt_fuzz::silence_guarded_panics(), |data: &[u8]| bt_fuzz::target("arrow")(data));
