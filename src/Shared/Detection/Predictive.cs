namespace FinanceIngest.Detection;

/// <summary>
/// What one scale foresees of the next amount: Student's t about a location. The posterior is that of a normal distribution with unknown mean and
/// variance under
/// a normal-inverse-gamma prior (Murphy 2007, Conjugate Bayesian analysis of the Gaussian distribution; Gelman et al., Bayesian Data Analysis).
/// </summary>
internal readonly struct Predictive
{
    // Everything below is a probability, and the logarithm of it is taken.
    private const double Tiny = 1e-300;

    // Nodes, and weights, of Gauss-Hermite quadrature with 9 nodes for the standard normal distribution (Golub and Welsch 1969).
    private static readonly double[] s_nodes =
        [-4.51274586339978, -3.20542900285647, -2.07684797867783, -1.02325566378913, 0, 1.02325566378913, 2.07684797867783, 3.20542900285647, 4.51274586339978];

    private static readonly double[] s_weights =
        [
            2.23458440077466e-05, 0.00278914132123177, 0.0499164067652179, 0.2440975028949394, 0.40634920634920635, 0.2440975028949394, 0.0499164067652179,
            0.00278914132123177, 2.23458440077466e-05,
        ];

    // Nodes lie this much wider than the distribution that they stand for, so that its tails have some.
    private const double Wider = 1.2;

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

    /// <summary>Returns how far from the location the values lie that <paramref name="z"/> normal deviations correspond to; z ≥ 0.</summary>
    public double ApartAt(double z)
    {
        double factor = ((8 * Degrees) + 3) / ((8 * Degrees) + 1) * z;
        return Scale * Math.Sqrt(Degrees * (Math.Exp(Math.Min(factor * factor / Degrees, 700)) - 1));
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
        double variance = Math.Max(
            ((figures.LogStrength * Math.Max(figures.LogSpread, least)) + known.LogSquares) / (figures.LogStrength + beyondFirst), least);
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
        Span<Level> levels = stackalloc Level[s_nodes.Length];
        double overLevels = 0;
        if (share > 0)
        {
            (double mean, double square) = LevelsOf(known, level, prior, least, levels);
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
        degrees = figures.PlainStrength + rows;
        double constant = SpecialFunctions.LogTConstant(degrees);
        foreach (Level one in levels)
        {
            if (one.Weight < 1e-9)
            {
                continue;
            }

            double t = (amount - one.Amount) / one.Deviation;
            double logOfSquare = Math.Log(1 + (t * t / degrees));
            double z = SpecialFunctions.NormalDeviateOfT(t, logOfSquare, degrees);
            double tail = SpecialFunctions.NormalUpperTail(Math.Abs(z));
            upper += one.Weight * (z >= 0 ? tail : 1 - tail);
            lower += one.Weight * (z >= 0 ? 1 - tail : tail);
            density += one.Weight * Math.Exp(constant - ((degrees + 1) / 2 * logOfSquare)) / one.Deviation;
        }

        return moments with
        {
            Upper = Math.Min((share * upper) + ((1 - share) * moments.Upper), 1),
            Lower = Math.Min((share * lower) + ((1 - share) * moments.Lower), 1),
            LogDensity = log + Math.Log((share * density) + ((1 - share) * Math.Exp(moments.LogDensity - log)) + Tiny),
        };
    }

    /// <summary>A level that the amounts may have.</summary>
    /// <param name="Amount">The mean amount.</param>
    /// <param name="Deviation">Deviation about it.</param>
    /// <param name="Weight">Posterior probability.</param>
    private readonly record struct Level(double Amount, double Deviation, double Weight);

    // Given the level, the relative variance has an inverse-gamma posterior and the next amount a t; the level's own posterior is integrated over nodes about
    // its mode (adaptive Gauss-Hermite quadrature, Naylor and Smith 1982).
    private static (double Mean, double Square) LevelsOf(in Moments known, double level, CategoryPrior prior, double least, Span<Level> levels)
    {
        CategoryPrior.Figures figures = prior.Known;
        double levelVariance = prior.LevelDeviation * prior.LevelDeviation;
        double spread = Math.Max(figures.PlainSpread, least);
        double precision = 1 / levelVariance;
        double centre = level * precision;
        if (known.Rows > 0 && known.Mean > 0)
        {
            double relative = ((figures.PlainStrength * spread) + (known.Squares / (known.Mean * known.Mean))) / (figures.PlainStrength + known.Rows);
            double ofRows = known.Rows / Math.Max(relative, least);
            precision += ofRows;
            centre += ofRows * Math.Log(known.Mean);
        }

        centre /= precision;
        double width = Wider / Math.Sqrt(precision);
        double most = double.NegativeInfinity;
        Span<double> logs = stackalloc double[levels.Length];
        double freedom = figures.PlainStrength + known.Rows;
        for (int i = 0; i < levels.Length; i++)
        {
            double logLevel = centre + (width * s_nodes[i]);
            double amount = Math.Exp(logLevel);
            double apart = known.Mean - amount;
            double squares = (known.Squares + (known.Rows * apart * apart)) / (amount * amount);
            double sum = (figures.PlainStrength * spread) + squares;
            double fromPrior = logLevel - level;
            logs[i] = (-0.5 * fromPrior * fromPrior / levelVariance) + (0.5 * s_nodes[i] * s_nodes[i])
                - (known.Rows * logLevel) - (0.5 * freedom * Math.Log(sum));
            levels[i] = new Level(amount, amount * Math.Sqrt(Math.Max(sum / freedom, least)), 0);
            most = Math.Max(most, logs[i]);
        }

        double total = 0, mean = 0, square = 0;
        for (int i = 0; i < levels.Length; i++)
        {
            double weight = s_weights[i] * Math.Exp(logs[i] - most);
            levels[i] = levels[i] with { Weight = weight };
            total += weight;
            mean += weight * levels[i].Amount;
            square += weight * levels[i].Amount * levels[i].Amount;
        }

        for (int i = 0; i < levels.Length; i++)
        {
            levels[i] = levels[i] with { Weight = levels[i].Weight / total };
        }

        return (mean / total, square / total);
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
