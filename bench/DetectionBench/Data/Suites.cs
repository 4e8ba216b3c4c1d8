namespace FinanceIngest.DetectionBench.Data;

/// <summary>
/// Synthetic spending of 200 users with bad payments in it, drawn anew from each seed: what a detector meets beside cards. Each suite has lone bad
/// payments, three to
/// ten times an ordinary one, episodes of some days in which four payments in ten are bad, and a fifth of the bad ones large for anybody.
/// </summary>
internal static class Suites
{
    private const int Users = 200;
    private const double MonthDays = 30.4;
    private static readonly DateTime s_start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private static readonly Dictionary<string, Func<Draws, (List<Draft> Rows, double Days)>> s_byName = new()
    {
        ["lognormal"] = draws => (Lognormal(draws, new Shape()), 240),
        ["recurring payments"] = draws => (Recurring(draws), 240),
        ["several standing amounts"] = draws => (Standing(draws), 420),
        ["changed price level"] = draws => (Lognormal(draws, new Shape { LeastSpread = 0.15, MostSpread = 0.35, IsChanging = true }), 240),
        ["season"] = draws => (Season(draws), 420),
        ["heavy tails"] = draws => (Lognormal(draws, new Shape { LeastSpread = 0.25, MostSpread = 0.5, IsHeavy = true }), 240),
        ["tiny samples"] = draws => (Lognormal(draws, new Shape { LeastSpread = 0.2, MostSpread = 0.8, Categories = 40, IsTiny = true }), 240),
    };

    /// <summary>The names.</summary>
    public static IEnumerable<string> Names => s_byName.Keys;

    /// <summary>Returns the rows of a suite in order of time, a label of 1 on the bad ones.</summary>
    public static Payment[] Build(string name, int seed)
    {
        var draws = new Draws(seed);
        (List<Draft> rows, double days) = s_byName[name](draws);
        rows.Sort((a, b) => a.Day.CompareTo(b.Day));
        double[] factors = BadFactors(rows, days, draws);
        var limits = rows.GroupBy(row => row.Category).ToDictionary(
            group => group.Key, group => group.Select(row => row.Amount).Order().ElementAt((int)(0.998 * (group.Count() - 1))));
        return
        [
            .. rows.Select((row, i) =>
            {
                double amount = factors[i] <= 0 ? row.Amount
                    : draws.Chance(0.2) ? limits[row.Category] * draws.Between(1, 2.5)
                    : row.Amount * factors[i];
                return new Payment(
                    i, row.User + 1, row.Category + 1, s_start.AddDays(row.Day), Math.Max(Math.Round(amount, 2), 0.01), factors[i] > 0 ? 1 : 0);
            }),
        ];
    }

    // The factor of each bad row; 0: the row is genuine.
    private static double[] BadFactors(List<Draft> rows, double days, Draws draws)
    {
        double[] factors = [.. rows.Select(_ => draws.Chance(0.0015) ? draws.Between(3, 10) : 0)];
        int[] users = [.. Enumerable.Range(0, Users)];
        draws.Shuffle(users);
        foreach (int user in users[..(Users / 10)])
        {
            double from = draws.Between(60, days - 12), to = from + draws.Between(3, 10);
            for (int i = 0; i < rows.Count; i++)
            {
                if (rows[i].User == user && rows[i].Day >= from && rows[i].Day < to && draws.Chance(0.4))
                {
                    factors[i] = Math.Exp(draws.Normal(Math.Log(3.5), 0.4));
                }
            }
        }

        return factors;
    }

    private static List<Draft> Lognormal(Draws draws, Shape shape)
    {
        List<Draft> rows = [];
        double[] levels = [.. Enumerable.Range(0, shape.Categories).Select(_ => draws.Normal(4, 1.2))];
        double[] spreads = [.. Enumerable.Range(0, shape.Categories).Select(_ => draws.Between(shape.LeastSpread, shape.MostSpread))];
        double[] habits = [.. Enumerable.Range(0, Users).Select(_ => draws.Normal(0, 0.4))];
        for (int user = 0; user < Users; user++)
        {
            for (int category = 0; category < shape.Categories; category++)
            {
                int count = shape.IsTiny ? draws.Whole(2, 14) : draws.Poisson(draws.Between(1.5, 10) * 240 / 30);
                double spread = spreads[category] * Math.Exp(draws.Normal(0, 0.2)), level = levels[category] + habits[user] + draws.Normal(0, 0.5);
                double changes = shape.IsChanging && draws.Chance(0.5) ? draws.Between(80, 160) : double.PositiveInfinity;
                for (int i = 0; i < count; i++)
                {
                    double day = draws.Between(0, 240);
                    double apart = shape.IsHeavy ? draws.StudentOfThree() : draws.Normal(0, 1);
                    rows.Add(new Draft(user, category, day, Math.Exp(level + (day > changes ? Math.Log(2) : 0) + (spread * apart))));
                }
            }
        }

        return rows;
    }

    private static List<Draft> Season(Draws draws)
    {
        const int categories = 5, days = 420;
        List<Draft> rows = [];
        (double Level, double Shape, double Weekend, double December)[] kinds =
            [.. Enumerable.Range(0, categories).Select(_ => (draws.Normal(4, 1.2), draws.Between(2, 6), draws.Between(1, 1.7), draws.Between(1, 2)))];
        double[] habits = [.. Enumerable.Range(0, Users).Select(_ => draws.Normal(0, 0.4))];
        for (int user = 0; user < Users; user++)
        {
            for (int category = 0; category < categories; category++)
            {
                (double level, double shape, double weekend, double december) = kinds[category];
                double own = level + habits[user] + draws.Normal(0, 0.5);
                for (int count = draws.Poisson(draws.Between(1.5, 10) * days / 30); count > 0; count--)
                {
                    double day = draws.Between(0, days);
                    DateTime date = s_start.AddDays(day);
                    double factor = (date.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday ? weekend : 1) * (date.Month == 12 ? december : 1);
                    rows.Add(new Draft(user, category, day, Math.Exp(own) * factor * draws.Gamma(shape) / shape));
                }
            }
        }

        return rows;
    }

    private static List<Draft> Recurring(Draws draws)
    {
        const int months = 8, days = 240;
        List<Draft> rows = [];
        for (int user = 0; user < Users; user++)
        {
            double income = Math.Exp(draws.Normal(8, 0.5)), due = draws.Whole(0, 28);
            Monthly(0, 0, income * 0.3, draws.Chance(0.7) ? 0 : 0.01, draws.Between(0.02, 0.1));
            Monthly(1, 3, income, draws.Chance(0.5) ? 0 : 0.02, draws.Between(0.03, 0.25));
            for (int subscription = 0; subscription < 3; subscription++)
            {
                Monthly(2, draws.Between(-5, 5), Math.Exp(draws.Normal(2.5, 0.7)), 0, 0);
            }

            Monthly(3, 7, income * 0.04 * Math.Exp(draws.Normal(0, 0.3)), 0.15, 0);
            for (double day = draws.Between(0, 80); day < days; day += 80)
            {
                rows.Add(new Draft(user, 4, day, income * 0.08 * Math.Exp(draws.Normal(0, 0.005))));
            }

            for (int category = 5; category < 8; category++)
            {
                double level = income * 0.01 * Math.Exp(draws.Normal(0, 0.5)), spread = draws.Between(0.3, 0.8);
                for (int count = draws.Poisson(draws.Between(2, 10) * months); count > 0; count--)
                {
                    rows.Add(new Draft(user, category, draws.Between(0, days), level * Math.Exp(draws.Normal(0, spread))));
                }
            }

            void Monthly(int category, double after, double amount, double spread, double rise)
            {
                int rises = draws.Whole(2, 9);
                for (int month = 0; month < months; month++)
                {
                    double day = Math.Clamp(due + after + (MonthDays * month) + draws.Normal(0, 0.7), 0.01, days - 0.01);
                    rows.Add(new Draft(user, category, day, amount * (month >= rises ? 1 + rise : 1) * Math.Exp(draws.Normal(0, spread))));
                }
            }
        }

        return rows;
    }

    private static List<Draft> Standing(Draws draws)
    {
        const int categories = 5, days = 420;
        double[] periods = [MonthDays, MonthDays, 91.2, 182];
        List<Draft> rows = [];
        for (int user = 0; user < Users; user++)
        {
            for (int category = 0; category < categories; category++)
            {
                double level = Math.Exp(draws.Normal(4, 1)), spread = draws.Between(0.3, 0.7);
                for (int count = draws.Poisson(draws.Between(0.5, 6) * days / 30); count > 0; count--)
                {
                    rows.Add(new Draft(user, category, draws.Between(0, days), level * Math.Exp(draws.Normal(0, spread))));
                }

                for (int orders = draws.Whole(1, 4); orders > 0; orders--)
                {
                    double amount = Math.Round(level * Math.Exp(draws.Normal(1, 1.2)), 2), period = periods[draws.Whole(0, 4)];
                    int rises = draws.Chance(0.3) ? draws.Whole(2, 20) : int.MaxValue, number = 0;
                    for (double day = draws.Between(0, period); day < days; day += period, number++)
                    {
                        double at = Math.Clamp(day + draws.Normal(0, 0.8), 0.01, days - 0.01);
                        rows.Add(new Draft(user, category, at, number >= rises ? amount * 1.06 : amount));
                    }
                }
            }
        }

        return rows;
    }

    private readonly record struct Draft(int User, int Category, double Day, double Amount);

    private sealed record Shape
    {
        public double LeastSpread { get; init; } = 0.35;

        public double MostSpread { get; init; } = 0.9;

        public int Categories { get; init; } = 5;

        public bool IsTiny { get; init; }

        public bool IsHeavy { get; init; }

        public bool IsChanging { get; init; }
    }

    private sealed class Draws(int seed)
    {
        private readonly Random _random = new(seed);

        public bool Chance(double probability) => _random.NextDouble() < probability;

        public double Between(double low, double high) => low + ((high - low) * _random.NextDouble());

        public int Whole(int low, int high) => _random.Next(low, high);

        public void Shuffle(int[] items) => _random.Shuffle(items);

        public double Normal(double mean, double deviation) =>
            mean + (deviation * Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble()));

        public double StudentOfThree() => Normal(0, 1) / Math.Sqrt((Square() + Square() + Square()) / 3);

        public int Poisson(double mean)
        {
            int count = -1;
            for (double time = 0; time < mean; count++)
            {
                time -= Math.Log(1 - _random.NextDouble());
            }

            return Math.Max(count, 0);
        }

        // Marsaglia and Tsang 2000, for shapes of one and more.
        public double Gamma(double shape)
        {
            double d = shape - (1.0 / 3), c = 1 / Math.Sqrt(9 * d);
            while (true)
            {
                double x = Normal(0, 1), cube = Math.Pow(1 + (c * x), 3);
                if (cube > 0 && Math.Log(1 - _random.NextDouble()) < (0.5 * x * x) + d - (d * cube) + (d * Math.Log(cube)))
                {
                    return d * cube;
                }
            }
        }

        private double Square()
        {
            double normal = Normal(0, 1);
            return normal * normal;
        }
    }
}
