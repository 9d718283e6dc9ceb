//! A kettle made of letters.

const LINES: [&str; 6] = [
    r"        _____",
    r"   __  /     \__",
    r"   \ \/       \ \",
    r"    \  ......  | |",
    r"     | ...... _|/",
    r"     \_______/",
];
/// Lines of the picture that hold water, top first.
const WATER: [usize; 2] = [3, 4];

/// Draws a kettle that is full to `level`, from 0 (empty) to 1 (full), with its steam.
pub fn kettle(level: f64) -> String {
    let mut text = String::from("  ) )\n ( (\n");
    for (number, line) in LINES.iter().enumerate() {
        let surface = 1.0 - WATER.iter().position(|at| *at == number).unwrap_or(0) as f64 * 0.5;
        let filled = if level >= surface - 0.5 { line.replace('.', "~") } else { line.replace('.', " ") };
        text.push_str(&filled);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_full_kettle_has_two_lines_of_water() {
        assert_eq!(super::kettle(1.0).matches("~~~~~~").count(), 2);
    }
}
