namespace FinanceIngest.Detection;

/// <summary>
/// What one scale foresees of the next amount: Student's t about a location. The posterior is that of a normal distribution with unknown mean and variance under
/// a normal-inverse-gamma prior (Murphy 2007, Conjugate Bayesian analysis of the Gaussian distribution; Gelman et al., Bayesian Data Analysis).
/// </summary>
internal readonly struct Predictive
{
    // Everything below is a probability, and the logarithm of it is taken.
    private const double Tiny = 1e-300;

    // Nodes above zero, and their weights, of Gauss-Hermite quadrature with 15 nodes for the standard normal distribution (Golub and Welsch 1969).
    private static readonly double[] s_nodes =
        [0, 0.799129068324548, 1.6067100690287297, 2.432436827009758, 3.2890824243987664, 4.1962077112690155, 5.190093591304781, 6.363947888829839];

    private static readonly double[] s_weights =
        [
            0.31825951825951815, 0.23246229360973225, 0.08941779539984437, 0.017365774492137616, 0.001567357503549956, 5.642146405189029e-05, 5.975419597920599e-07,
            8.589649899633252e-10,
        ];

    /// <summary>Where the amounts are expected, in the scale's own unit.</summary>
    public double Location { get; private init; }

    /// <summary>Predictive deviation, in the scale's own unit; &gt; 0.</summary>
    public double Scale { get; private init; }

    /// <summary>Degrees of freedom, ≥ 1.</summary>
    public double Degrees { get; private init; }

    /// <summary>Log density of the amount's logarithm.</summary>
    public double LogDensity { get; private init; }

    /// <summary>Probability of a higher amount.</summary>
    public double Upper { get; private init; }

    /// <summary>Probability of a lower amount.</summary>
    public double Lower { get; private init; }

    /// <summary>Deviations above the location.</summary>
    public double Deviations { get; private init; }

    /// <summary>Returns the logarithm of the probability of an amount below <paramref name="value"/>.</summary>
    public double LogBelow(double value)
    {
        double t = (value - Location) / Scale;
        return SpecialFunctions.LogNormalUpperTail(-SpecialFunctions.NormalDeviateOfT(t, Math.Log(1 + (t * t / Degrees)), Degrees));
    }

    /// <summary>Returns the value that <paramref name="z"/> normal deviations correspond to.</summary>
    public double Quantile(double z)
    {
        double factor = ((8 * Degrees) + 3) / ((8 * Degrees) + 1) * z;
        return Location + (Scale * Math.CopySign(Math.Sqrt(Degrees * (Math.Exp(Math.Min(factor * factor / Degrees, 700)) - 1)), z));
    }

    /// <summary>Foresees log amounts.</summary>
    /// <param name="log">The log amount that came.</param>
    /// <param name="known">What is known of the user's amounts in the category.</param>
    /// <param name="level">The level that is expected of him before he has any.</param>
    /// <param name="prior">The category.</param>
    /// <param name="settings">Constants.</param>
    public static Predictive OfLogs(double log, in Moments known, double level, CategoryPrior prior, AdaptiveSettings settings)
    {
        CategoryPrior.Figures figures = prior.Known;
        double rows = known.Rows;
        double strength = figures.LogSpread / figures.LevelVariance;
        double location = ((strength * level) + (rows * known.LogMean)) / (strength + rows);
        double least = settings.LeastVariation * settings.LeastVariation;
        double beyondFirst = Math.Max(rows - 1, 0);
        double variance = Math.Max(((figures.LogStrength * Math.Max(figures.LogSpread, least)) + known.LogSquares) / (figures.LogStrength + beyondFirst), least);
        return At(log, location, Math.Sqrt(variance * (1 + (1 / (strength + rows)))), Math.Max(figures.LogStrength + beyondFirst, 1), 0);
    }

    /// <summary>Foresees amounts. The arguments are those of <see cref="OfLogs"/>, beside the amount itself.</summary>
    /// <remarks>
    /// With few rows the spread goes with the unknown level. The tail is then the mean of the tails over the levels that there may be; a t with the moments
    /// of that mixture would promise far too thin a tail.
    /// </remarks>
    public static Predictive OfAmounts(double amount, double log, in Moments known, double level, CategoryPrior prior, AdaptiveSettings settings)
    {
        CategoryPrior.Figures figures = prior.Known;
        double rows = known.Rows;
        double spread = figures.PlainSpread;
        double expected = Math.Exp(level + (0.25 * figures.LevelVariance));
        double strength = spread / prior.PlainLevelVariance;
        double location = ((strength * expected) + (rows * known.Mean)) / (strength + rows);
        double ofLocation = prior.PlainLevelVariance * expected * expected * strength / (strength + rows);
        double least = settings.LeastVariation * settings.LeastVariation;
        double priorVariance = Math.Max(spread, least) * ((location * location) + ofLocation);
        double beyondFirst = Math.Max(rows - 1, 0);
        double degrees = Math.Max(figures.PlainStrength + beyondFirst, 1);
        double share = Math.Clamp((settings.FewRows - rows) * 2 / settings.FewRows, 0, 1);
        Span<double> levels = stackalloc double[15];
        Span<double> weights = stackalloc double[15];
        double overLevels = 0;
        if (share > 0)
        {
            (double mean, double square) = LevelsOf(known, level, prior, levels, weights);
            location = (share * mean) + ((1 - share) * location);
            overLevels = share * Math.Max(square - (mean * mean), 0);
            priorVariance = (share * spread * square) + ((1 - share) * priorVariance);
        }

        double variance = Math.Max(
            ((figures.PlainStrength * priorVariance) + known.Squares) / (figures.PlainStrength + beyondFirst), least * location * location);
        variance = Math.Max(variance, double.Epsilon * 1e16);
        double scale = Math.Sqrt(variance + Math.Max(variance / (strength + rows), overLevels));
        Predictive moments = At(amount, location, scale, degrees, log);
        if (share <= 0)
        {
            return moments;
        }

        double upper = 0, lower = 0, density = 0;
        double deviation = Math.Sqrt(spread);
        double constant = SpecialFunctions.LogTConstant(degrees);
        for (int i = 0; i < levels.Length; i++)
        {
            if (weights[i] < 1e-12)
            {
                continue;
            }

            double unit = levels[i] * deviation;
            double t = (amount - levels[i]) / unit;
            double logOfSquare = Math.Log(1 + (t * t / degrees));
            double z = SpecialFunctions.NormalDeviateOfT(t, logOfSquare, degrees);
            double tail = SpecialFunctions.NormalUpperTail(Math.Abs(z));
            upper += weights[i] * (z >= 0 ? tail : 1 - tail);
            lower += weights[i] * (z >= 0 ? 1 - tail : tail);
            density += weights[i] * Math.Exp(constant - ((degrees + 1) / 2 * logOfSquare)) / unit;
        }

        return moments with
        {
            Upper = (share * upper) + ((1 - share) * moments.Upper),
            Lower = (share * lower) + ((1 - share) * moments.Lower),
            LogDensity = log + Math.Log((share * density) + ((1 - share) * Math.Exp(moments.LogDensity - log)) + Tiny),
        };
    }

    // The levels that the amounts may have, with their posterior weights, and the mean and mean square of these.
    private static (double Mean, double Square) LevelsOf(in Moments known, double level, CategoryPrior prior, Span<double> levels, Span<double> weights)
    {
        double spread = prior.Known.PlainSpread;
        double most = double.NegativeInfinity;
        for (int i = 0; i < levels.Length; i++)
        {
            double node = i < 7 ? -s_nodes[7 - i] : s_nodes[i - 7];
            double logLevel = level + (prior.LevelDeviation * node);
            levels[i] = Math.Exp(logLevel);
            double apart = known.Mean - levels[i];
            weights[i] = (-0.5 * known.Rows * (prior.LogPlainSpread + (2 * logLevel)))
                - ((known.Squares + (known.Rows * apart * apart)) / (2 * spread * levels[i] * levels[i]));
            most = Math.Max(most, weights[i]);
        }

        double sum = 0, mean = 0, square = 0;
        for (int i = 0; i < levels.Length; i++)
        {
            weights[i] = s_weights[Math.Abs(i - 7)] * Math.Exp(weights[i] - most);
            sum += weights[i];
            mean += weights[i] * levels[i];
            square += weights[i] * levels[i] * levels[i];
        }

        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] /= sum;
        }

        return (mean / sum, square / sum);
    }

    private static Predictive At(double value, double location, double scale, double degrees, double logOfUnit)
    {
        double t = (value - location) / scale;
        double logOfSquare = Math.Log(1 + (t * t / degrees));
        double z = SpecialFunctions.NormalDeviateOfT(t, logOfSquare, degrees);
        double tail = SpecialFunctions.NormalUpperTail(Math.Abs(z));
        return new Predictive
        {
            Location = location,
            Scale = scale,
            Degrees = degrees,
            Deviations = t,
            LogDensity = SpecialFunctions.LogTConstant(degrees) - ((degrees + 1) / 2 * logOfSquare) - Math.Log(scale) + logOfUnit,
            Upper = z >= 0 ? tail : 1 - tail,
            Lower = z >= 0 ? 1 - tail : tail,
        };
    }
}
