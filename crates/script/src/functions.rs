//! The table of all 96 functions: name, signature, types, and whether they can be executed (language.md section 9).
//! What it is not: the computation. Scalar meaning of the row functions stands in `scalar`, columns are the engine's.

use serde::{Deserialize, Serialize};

/// Group of functions, as in the sections of the specification.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum FunctionGroup {
    /// Calendar, on days since 1970-01-01.
    Dates,
    /// Distributions.
    Probability,
    /// Mathematics.
    Mathematics,
    /// Across variables of a row; missing is skipped.
    Row,
    /// Text.
    Text,
    /// Logic and labels.
    Logic,
    /// Bindings; arguments are constants.
    Bindings,
}

/// What an argument must be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Parameter {
    /// A number (integer, decimal or date).
    Number,
    /// A text.
    Text,
    /// Anything but a unit key.
    Any,
    /// Anything, unit keys too.
    AnyOrKey,
    /// The kind of the first argument.
    LikeFirst,
    /// A variable with labels.
    Labelled,
    /// A constant text.
    ConstantText,
    /// A constant; bare names are symbols (LANG-236).
    Constant,
}

/// The type of the result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Returns {
    /// Integer.
    Integer,
    /// Decimal.
    Decimal,
    /// Text.
    Text,
    /// Integer when every argument is, else decimal.
    Widest,
    /// The type of the first argument.
    First,
    /// Decided by the constant that the checker computes.
    Constant,
}

/// One row of the table.
#[derive(Debug)]
pub struct FunctionSpec {
    /// Which one.
    pub function: Function,
    /// Name in scripts; case-sensitive.
    pub name: &'static str,
    /// Signature as shown in help and completion.
    pub signature: &'static str,
    /// Group.
    pub group: FunctionGroup,
    /// Least number of arguments.
    pub least: usize,
    /// Largest number of arguments; none when there is no bound.
    pub most: Option<usize>,
    /// Argument kinds; the last one repeats.
    pub parameters: &'static [Parameter],
    /// Result type.
    pub returns: Returns,
    /// Whether programs with it can be executed now; if not, `E605`.
    pub available: bool,
}

macro_rules! functions {
    ($($group:ident { $($variant:ident $name:literal $signature:literal $least:literal $most:expr, [$($parameter:ident)*] $returns:ident $available:literal;)* })*) => {
        /// A function of the language.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum Function {
            $($(#[doc = $signature] $variant,)*)*
        }

        /// All functions, in the order of the specification.
        pub static FUNCTIONS: &[FunctionSpec] = &[$($(FunctionSpec {
            function: Function::$variant,
            name: $name,
            signature: $signature,
            group: FunctionGroup::$group,
            least: $least,
            most: $most,
            parameters: &[$(Parameter::$parameter),*],
            returns: Returns::$returns,
            available: $available,
        },)*)*];
    };
}

functions! {
    Dates {
        Date "date" "date(y, m, d)" 3 Some(3), [Number Number Number] Integer true;
        IsoFormatDate "isoformatdate" "isoformatdate(x)" 1 Some(1), [Number] Text true;
        Day "day" "day(x)" 1 Some(1), [Number] Integer true;
        Month "month" "month(x)" 1 Some(1), [Number] Integer true;
        Week "week" "week(x)" 1 Some(1), [Number] Integer true;
        Year "year" "year(x)" 1 Some(1), [Number] Integer true;
        HalfYear "halfyear" "halfyear(x)" 1 Some(1), [Number] Integer true;
        Quarter "quarter" "quarter(x)" 1 Some(1), [Number] Integer true;
        Dow "dow" "dow(x)" 1 Some(1), [Number] Integer true;
        Doy "doy" "doy(x)" 1 Some(1), [Number] Integer true;
    }
    Probability {
        Binomial "binomial" "binomial(n, k, p)" 3 Some(3), [Number] Decimal true;
        BinomialP "binomialp" "binomialp(n, k, p)" 3 Some(3), [Number] Decimal true;
        BinomialTail "binomialtail" "binomialtail(n, k, p)" 3 Some(3), [Number] Decimal true;
        Normal "normal" "normal(z)" 1 Some(1), [Number] Decimal true;
        NormalDen "normalden" "normalden(x[, μ[, σ]])" 1 Some(3), [Number] Decimal true;
        F "F" "F(v1, v2, f)" 3 Some(3), [Number] Decimal true;
        FDen "Fden" "Fden(v1, v2, f)" 3 Some(3), [Number] Decimal true;
        FTail "Ftail" "Ftail(v1, v2, f)" 3 Some(3), [Number] Decimal true;
        InvF "invF" "invF(v1, v2, p)" 3 Some(3), [Number] Decimal true;
        InvFTail "invFtail" "invFtail(v1, v2, p)" 3 Some(3), [Number] Decimal true;
        InvNFTail "invnFtail" "invnFtail(v1, v2, λ, p)" 4 Some(4), [Number] Decimal true;
        NF "nF" "nF(v1, v2, λ, f)" 4 Some(4), [Number] Decimal true;
        NFDen "nFden" "nFden(v1, v2, λ, f)" 4 Some(4), [Number] Decimal true;
        NFTail "nFtail" "nFtail(v1, v2, λ, f)" 4 Some(4), [Number] Decimal true;
        Chi2 "chi2" "chi2(v, x)" 2 Some(2), [Number] Decimal true;
        Chi2Den "chi2den" "chi2den(v, x)" 2 Some(2), [Number] Decimal true;
        Chi2Tail "chi2tail" "chi2tail(v, x)" 2 Some(2), [Number] Decimal true;
        InvChi2 "invchi2" "invchi2(v, p)" 2 Some(2), [Number] Decimal true;
        InvChi2Tail "invchi2tail" "invchi2tail(v, p)" 2 Some(2), [Number] Decimal true;
        NChi2 "nchi2" "nchi2(v, λ, x)" 3 Some(3), [Number] Decimal true;
        NChi2Den "nchi2den" "nchi2den(v, λ, x)" 3 Some(3), [Number] Decimal true;
        NChi2Tail "nchi2tail" "nchi2tail(v, λ, x)" 3 Some(3), [Number] Decimal true;
        BetaDen "betaden" "betaden(a, b, x)" 3 Some(3), [Number] Decimal true;
        IBeta "ibeta" "ibeta(a, b, x)" 3 Some(3), [Number] Decimal true;
        IBetaTail "ibetatail" "ibetatail(a, b, x)" 3 Some(3), [Number] Decimal true;
        InvIBeta "invibeta" "invibeta(a, b, p)" 3 Some(3), [Number] Decimal true;
        InvIBetaTail "invibetatail" "invibetatail(a, b, p)" 3 Some(3), [Number] Decimal true;
        InvNtTail "invnttail" "invnttail(v, λ, p)" 3 Some(3), [Number] Decimal true;
        InvT "invt" "invt(v, p)" 2 Some(2), [Number] Decimal true;
        InvTTail "invttail" "invttail(v, p)" 2 Some(2), [Number] Decimal true;
        Nt "nt" "nt(v, λ, x)" 3 Some(3), [Number] Decimal true;
        NtDen "ntden" "ntden(v, [λ, ]x)" 2 Some(3), [Number] Decimal true;
        NtTail "nttail" "nttail(v, λ, x)" 3 Some(3), [Number] Decimal true;
        T "t" "t(v, x)" 2 Some(2), [Number] Decimal true;
        TDen "tden" "tden(v, x)" 2 Some(2), [Number] Decimal true;
        TTail "ttail" "ttail(v, x)" 2 Some(2), [Number] Decimal true;
    }
    Mathematics {
        Acos "acos" "acos(x)" 1 Some(1), [Number] Decimal true;
        Asin "asin" "asin(x)" 1 Some(1), [Number] Decimal true;
        Atan "atan" "atan(x)" 1 Some(1), [Number] Decimal true;
        Cos "cos" "cos(x)" 1 Some(1), [Number] Decimal true;
        Sin "sin" "sin(x)" 1 Some(1), [Number] Decimal true;
        Tan "tan" "tan(x)" 1 Some(1), [Number] Decimal true;
        Comb "comb" "comb(n, k)" 2 Some(2), [Number] Decimal true;
        Sqrt "sqrt" "sqrt(x)" 1 Some(1), [Number] Decimal true;
        Exp "exp" "exp(x)" 1 Some(1), [Number] Decimal true;
        Ln "ln" "ln(x)" 1 Some(1), [Number] Decimal true;
        LnFactorial "lnfactorial" "lnfactorial(n)" 1 Some(1), [Number] Decimal true;
        Log10 "log10" "log10(x)" 1 Some(1), [Number] Decimal true;
        Logit "logit" "logit(p)" 1 Some(1), [Number] Decimal true;
        Abs "abs" "abs(x)" 1 Some(1), [Number] Widest true;
        Ceil "ceil" "ceil(x)" 1 Some(1), [Number] Integer true;
        Floor "floor" "floor(x)" 1 Some(1), [Number] Integer true;
        Int "int" "int(x)" 1 Some(1), [Number] Integer true;
        Quantile "quantile" "quantile(x, g)" 2 Some(2), [Number Constant] Integer true;
        Round "round" "round(x[, u])" 1 Some(2), [Number] Widest true;
        Pi "pi" "pi()" 0 Some(0), [Number] Decimal true;
    }
    Row {
        RowMax "rowmax" "rowmax(x, …)" 1 None, [Number] Widest true;
        RowMin "rowmin" "rowmin(x, …)" 1 None, [Number] Widest true;
        RowMean "rowmean" "rowmean(x, …)" 1 None, [Number] Decimal true;
        RowMedian "rowmedian" "rowmedian(x, …)" 1 None, [Number] Decimal true;
        RowTotal "rowtotal" "rowtotal(x, …)" 1 None, [Number] Widest true;
        RowStd "rowstd" "rowstd(x, …)" 1 None, [Number] Decimal true;
        RowConcat "rowconcat" "rowconcat(s, …)" 1 None, [Text] Text true;
        RowMissing "rowmissing" "rowmissing(x, …)" 1 None, [AnyOrKey] Integer true;
        RowValid "rowvalid" "rowvalid(x, …)" 1 None, [AnyOrKey] Integer true;
    }
    Text {
        Length "length" "length(s)" 1 Some(1), [Text] Integer true;
        StringOf "string" "string(x)" 1 Some(1), [Number] Text true;
        Lower "lower" "lower(s)" 1 Some(1), [Text] Text true;
        Upper "upper" "upper(s)" 1 Some(1), [Text] Text true;
        EndsWith "endswith" "endswith(s, t)" 2 Some(2), [Text] Integer true;
        StartsWith "startswith" "startswith(s, t)" 2 Some(2), [Text] Integer true;
        Substr "substr" "substr(s, p, n)" 3 Some(3), [Text Number Number] Text true;
        LTrim "ltrim" "ltrim(s)" 1 Some(1), [Text] Text true;
        RTrim "rtrim" "rtrim(s)" 1 Some(1), [Text] Text true;
        Trim "trim" "trim(s)" 1 Some(1), [Text] Text true;
    }
    Logic {
        InList "inlist" "inlist(x, a, …)" 2 None, [Any LikeFirst] Integer true;
        InRange "inrange" "inrange(x, a, b)" 3 Some(3), [Any LikeFirst] Integer true;
        SysMiss "sysmiss" "sysmiss(x)" 1 Some(1), [AnyOrKey] Integer true;
        LabelToCode "label_to_code" "label_to_code(v, 'L')" 2 Some(2), [Labelled ConstantText] First true;
        InLabels "inlabels" "inlabels(v, 'L', …)" 2 None, [Labelled ConstantText] Integer true;
        LabelContains "labelcontains" "labelcontains(v, 'part')" 2 Some(2), [Labelled ConstantText] Integer true;
    }
    Bindings {
        DateFmt "date_fmt" "date_fmt(y[, m[, d]])" 1 Some(3), [Number] Text true;
        ToInt "to_int" "to_int(s)" 1 Some(1), [Constant] Constant true;
        ToStr "to_str" "to_str(x)" 1 Some(1), [Constant] Constant true;
        ToSymbol "to_symbol" "to_symbol(s)" 1 Some(1), [Constant] Constant true;
        Bind "bind" "bind(name)" 1 Some(1), [Constant] Constant true;
    }
}

impl Function {
    /// Its row in the table.
    pub fn spec(self) -> &'static FunctionSpec {
        // The table is generated from the same list as the enum, in the same order.
        &FUNCTIONS[self as usize]
    }

    /// The function with this name; case-sensitive (LANG-231).
    pub fn named(name: &str) -> Option<Function> {
        FUNCTIONS.iter().find(|spec| spec.name == name).map(|spec| spec.function)
    }
}

impl FunctionSpec {
    /// The kind of argument `index`, from 0.
    pub fn parameter(&self, index: usize) -> Parameter {
        self.parameters.get(index).or(self.parameters.last()).copied().unwrap_or(Parameter::Any)
    }

    /// Whether it may be called on constants outside data expressions (LANG-051).
    pub fn constant(&self) -> bool {
        match self.group {
            FunctionGroup::Bindings | FunctionGroup::Dates | FunctionGroup::Text => true,
            FunctionGroup::Mathematics => self.function != Function::Quantile,
            FunctionGroup::Logic => matches!(self.function, Function::InList | Function::InRange),
            FunctionGroup::Probability | FunctionGroup::Row => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_96_distinct_functions_in_the_order_of_the_enum() {
        assert_eq!(FUNCTIONS.len(), 96);
        for spec in FUNCTIONS {
            assert_eq!(Function::named(spec.name), Some(spec.function), "{}", spec.name);
            assert_eq!(spec.function.spec().name, spec.name);
        }
    }
}
