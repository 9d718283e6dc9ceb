//! How long water takes to boil.

/// Joules that one kilogram of water takes to warm by one kelvin.
const HEAT_CAPACITY: f64 = 4186.0;
/// The share of an electric kettle's power that ends up in the water.
const EFFICIENCY: f64 = 0.85;

/// Seconds until `litres` of water of `celsius` degrees boil in a kettle of `watts`.
pub fn seconds_to_boil(litres: f64, celsius: f64, watts: f64) -> f64 {
    litres * HEAT_CAPACITY * (100.0 - celsius) / (watts * EFFICIENCY)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_litre_takes_about_three_minutes() {
        let seconds = super::seconds_to_boil(1.0, 18.0, 2200.0);
        assert!((180.0..190.0).contains(&seconds));
    }
}
