namespace FinanceIngest.Detection;

/// <summary>
/// The distribution functions that scores are made of. Each is a rational or asymptotic approximation whose error is far below what a few dozen amounts can
/// tell about a person, and each returns a finite number for every finite argument.
/// </summary>
internal static class SpecialFunctions
{
    /// <summary>log(2π) / 2.</summary>
    public const double HalfLogTwoPi = 0.91893853320467274;

    private static readonly double[] s_lanczos =
        [76.18009172947146, -86.50532032941677, 24.01409824083091, -1.231739572450155, 1.208650973866179e-3, -5.395239384953e-6];

    /// <summary>Returns P(N(0,1) &gt; z), relative error about 1e-7: the Chebyshev form of erfc (Press et al., Numerical Recipes, section 6.2).</summary>
    public static double NormalUpperTail(double z)
    {
        double tail = TailFactor(Math.Abs(z), out double square) * Math.Exp(-square);
        return z >= 0 ? tail : 1 - tail;
    }

    /// <summary>Returns log P(N(0,1) &gt; z), also where the probability itself would be zero.</summary>
    public static double LogNormalUpperTail(double z)
    {
        double log = Math.Log(TailFactor(Math.Abs(z), out double square)) - square;
        return z >= 0 ? log : Math.Log(1 - Math.Exp(Math.Min(log, -0.5)));
    }

    /// <summary>Returns the normal deviate with the same tail as Student's t at <paramref name="t"/> (Wallace 1959), a few percent of p from nu = 2
    /// on.</summary>
    /// <param name="t">Any finite number.</param>
    /// <param name="logOfSquare">log(1 + t²/nu).</param>
    /// <param name="nu">Degrees of freedom, &gt; 0.</param>
    public static double NormalDeviateOfT(double t, double logOfSquare, double nu) =>
        Math.CopySign(((8 * nu) + 1) / ((8 * nu) + 3) * Math.Sqrt(nu * logOfSquare), t);

    /// <summary>
    /// Returns log of the constant of Student's density: density = exp(this) · (1 + t²/nu)^(−(nu+1)/2). From six degrees of freedom on it is the
    /// asymptotic series of
    /// log Γ(a + ½) − log Γ(a), absolute error below 1e-6.
    /// </summary>
    public static double LogTConstant(double nu)
    {
        const double enough = 6;
        if (nu < enough)
        {
            return LogGamma((nu + 1) / 2) - LogGamma(nu / 2) - (0.5 * Math.Log(nu * Math.PI));
        }

        double inverse = 2 / nu, square = inverse * inverse;
        return -HalfLogTwoPi - (inverse * (0.125 - (square * ((1.0 / 192) - (square / 640)))));
    }

    /// <summary>Returns log Γ(x) for x &gt; 0 (Lanczos 1964; absolute error below 1e-9).</summary>
    public static double LogGamma(double x)
    {
        double shifted = x + 5.5;
        double sum = 1.000000000190015;
        for (int i = 0; i < s_lanczos.Length; i++)
        {
            sum += s_lanczos[i] / (x + 1 + i);
        }

        return ((x + 0.5) * Math.Log(shifted)) - shifted + Math.Log(2.5066282746310005 * sum / x);
    }

    /// <summary>Returns the second derivative of log Γ at x &gt; 0: five steps of the recurrence, then the asymptotic series.</summary>
    public static double Trigamma(double x)
    {
        double sum = 0;
        for (int i = 0; i < 5; i++, x++)
        {
            sum += 1 / (x * x);
        }

        double inverse = 1 / x;
        return sum + (inverse * (1 + (inverse * (0.5 + (inverse * ((1.0 / 6) - (inverse * inverse / 30)))))));
    }

    /// <summary>Returns the x in <paramref name="low"/> … <paramref name="high"/> whose trigamma is nearest to <paramref name="value"/>, by
    /// bisection.</summary>
    public static double InverseTrigamma(double value, double low, double high)
    {
        for (int i = 0; i < 50; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = Trigamma(middle) > value ? (middle, high) : (low, middle);
        }

        return (low + high) / 2;
    }

    /// <summary>Returns log(exp(a) + exp(b)).</summary>
    public static double LogSum(double a, double b)
    {
        double most = Math.Max(a, b);
        return double.IsNegativeInfinity(most) ? most : most + Math.Log(1 + Math.Exp(-Math.Abs(a - b)));
    }

    /// <summary>Returns the logarithm of p / (1 − p).</summary>
    public static double Logit(double p) => Math.Log(p / (1 - p));

    /// <summary>Returns 1 / (1 + exp(−x)).</summary>
    public static double Logistic(double x) => 1 / (1 + Math.Exp(-x));

    // P(N(0,1) > z) = this · exp(−square) for z ≥ 0.
    private static double TailFactor(double z, out double square)
    {
        double a = z / Math.Sqrt(2);
        double t = 1 / (1 + (0.5 * a));
        double series = 0.17087277;
        series = (series * t) - 0.82215223;
        series = (series * t) + 1.48851587;
        series = (series * t) - 1.13520398;
        series = (series * t) + 0.27886807;
        series = (series * t) - 0.18628806;
        series = (series * t) + 0.09678418;
        series = (series * t) + 0.37409196;
        series = (series * t) + 1.00002368;
        series = (series * t) - 1.26551223;
        square = (a * a) - series;
        return 0.5 * t;
    }
}
