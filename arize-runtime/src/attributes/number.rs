//! Numbers as attributes have them: 64-bit floats.

/// A number of a vector, a score or a cost: a float, or an integer of at most 32 bits.
///
/// An `f32` becomes the shortest decimal that names it, as it is printed: `0.1_f32` is 0.1 and not
/// 0.10000000149011612.
pub trait Number {
    /// The value of the attribute.
    #[doc(hidden)]
    fn get(self) -> f64;
}

impl Number for f64 {
    fn get(self) -> f64 {
        self
    }
}

impl Number for f32 {
    fn get(self) -> f64 {
        // what prints as a number also reads as one, infinities included
        self.to_string().parse().unwrap_or_else(|_| self.into())
    }
}

macro_rules! exact {
    ($($integer:ty),+) => {$(
        impl Number for $integer {
            fn get(self) -> f64 {
                self.into()
            }
        }
    )+};
}

exact!(i8, i16, i32, u8, u16, u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "they are the same number or they are not")]
    fn an_f32_is_the_decimal_that_it_prints_as() {
        for (number, decimal) in [
            (0.1_f32, 0.1_f64),
            (-0.0231, -0.0231),
            (1e-40, 1e-40),
            (16_777_216.0, 16_777_216.0),
            (f32::MAX, 3.402_823_5e38),
            (f32::INFINITY, f64::INFINITY),
        ] {
            assert_eq!(number.get(), decimal, "{number}");
        }
        assert!(f32::NAN.get().is_nan());
        assert_eq!(0.1_f64.get(), 0.1);
        assert_eq!((-3_i8).get(), -3.0);
    }
}
