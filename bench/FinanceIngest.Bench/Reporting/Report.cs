using System.Globalization;
using System.Text;

namespace FinanceIngest.Bench.Reporting;

/// <summary>Writes <c>bench/RESULTS.md</c>.</summary>
internal static class Report
{
    private static string Path => System.IO.Path.Combine(Repository.Root, "bench", "RESULTS.md");

    public static void Write(IReadOnlyList<(string Name, string Value)> machine, IReadOnlyList<Section> sections)
    {
        var text = new StringBuilder();
        text.AppendLine("# Benchmark results");
        text.AppendLine();
        text.AppendLine("`bench/run` writes this page; [README.md](README.md) describes the benchmarks. The figures are medians over the rounds of one run,");
        text.AppendLine("with the lowest and the highest round in brackets. Programs that are compared took turns within that run (A B A B …), so that other");
        text.AppendLine("work of the machine met both. The load generator shares the cores with the programs that it measures.");
        text.AppendLine();
        text.AppendLine("## Machine");
        text.AppendLine();
        text.AppendLine("| | |");
        text.AppendLine("|---|---|");
        foreach ((string name, string value) in machine)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {value} |");
        }

        text.AppendLine();
        text.AppendLine("## Targets");
        text.AppendLine();
        text.AppendLine("| figure | measured | target | met |");
        text.AppendLine("|---|---|---|---|");
        foreach (Ratio ratio in sections.SelectMany(section => section.Ratios).Where(ratio => ratio.Target is not null))
        {
            AppendRatio(text, ratio);
        }

        foreach (Section section in sections)
        {
            Append(text, section);
        }

        File.WriteAllText(Path, text.ToString());
    }

    private static void Append(StringBuilder text, Section section)
    {
        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"## {section.Title}");
        text.AppendLine();
        text.AppendLine(
            CultureInfo.InvariantCulture, $"`bench/run {section.Name}`, {section.At:yyyy-MM-dd HH:mm} UTC, commit {section.Commit}. {section.Method}");
        text.AppendLine();
        if (section.Series.Count > 0)
        {
            text.AppendLine("| measured | median | lowest – highest | rounds |");
            text.AppendLine("|---|---|---|---|");
            foreach (Series series in section.Series)
            {
                text.AppendLine(CultureInfo.InvariantCulture,
                    $"| {series.Name} | {Number(series.Median)} {series.Unit} | {Number(series.Values.Min())} – {Number(series.Values.Max())} | "
                        + $"{series.Values.Count} |");
            }

            text.AppendLine();
        }

        if (section.Ratios.Count > 0)
        {
            text.AppendLine("| figure | measured | target | met |");
            text.AppendLine("|---|---|---|---|");
            foreach (Ratio ratio in section.Ratios)
            {
                AppendRatio(text, ratio);
            }

            text.AppendLine();
        }

        foreach (string note in section.Notes)
        {
            text.AppendLine(note);
        }
    }

    private static void AppendRatio(StringBuilder text, Ratio ratio)
    {
        string target = ratio.Target is null ? "" : $"{(ratio.Target.IsUpper ? "≤" : "≥")} {Number(ratio.Target.Limit)}";
        string met = ratio.Target is null ? "" : ratio.Target.IsMetBy(ratio.Value) ? "yes" : "**no**";
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"| {ratio.Name} | {Number(ratio.Value)} ({Number(ratio.Lowest)} – {Number(ratio.Highest)}) | {target} | {met} |");
    }

    // Such measurements have no more than three significant digits.
    private static string Number(double value) => Math.Abs(value) switch
    {
        0 => "0",
        >= 100 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("F1", CultureInfo.InvariantCulture),
        >= 0.1 => value.ToString("F2", CultureInfo.InvariantCulture),
        _ => value.ToString("G2", CultureInfo.InvariantCulture),
    };
}
