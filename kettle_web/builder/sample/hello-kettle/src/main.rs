//! Boils a kettle on the terminal and tells the fingerprint of its own executable.

use std::process::ExitCode;

const USAGE: &str = "usage: hello-kettle [--litres AMOUNT | --fingerprint]";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let answer = match words.as_slice() {
        [] => boil("1"),
        ["--litres", amount] => boil(amount),
        ["--fingerprint"] => fingerprint(),
        _ => Err(USAGE.to_owned()),
    };
    match answer {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn boil(amount: &str) -> Result<String, String> {
    let litres: f64 = amount.parse().map_err(|_| format!("{amount:?} is no number"))?;
    if !(0.1..=3.0).contains(&litres) {
        return Err("a kettle takes 0.1 to 3 litres".to_owned());
    }
    let seconds = kettle_thermo::seconds_to_boil(litres, 18.0, 2200.0);
    Ok(format!(
        "{}\n{litres} l from 18 °C with 2200 W: tea in {} min {:02} s",
        kettle_steam::kettle(litres / 3.0),
        seconds as u64 / 60,
        seconds as u64 % 60,
    ))
}

fn fingerprint() -> Result<String, String> {
    let path = std::env::current_exe().map_err(|error| error.to_string())?;
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    Ok(kettle_digest::hex(&kettle_digest::sha256(&bytes)))
}
