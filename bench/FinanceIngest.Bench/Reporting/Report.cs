using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace FinanceIngest.Bench.Reporting;

/// <summary>Writes <c>bench/RESULTS.md</c>.</summary>
internal static partial class Report
{
    private static string Path => System.IO.Path.Combine(Repository.Root, "bench", "RESULTS.md");

    /// <summary>Writes the page. A benchmark of which no section is given keeps the one that the page has.</summary>
    /// <param name="machine">The properties of the machine.</param>
    /// <param name="names">The names of all benchmarks in the order of the page.</param>
    /// <param name="sections">The sections that this checkout has measured.</param>
    public static void Write(IReadOnlyList<(string Name, string Value)> machine, IReadOnlyList<string> names, IReadOnlyList<Section> sections)
    {
        Dictionary<string, string> earlier = File.Exists(Path) ? Split(File.ReadAllText(Path)) : [];
        string[] texts =
        [
            .. names
                .Select(name => sections.FirstOrDefault(section => section.Name == name) is { } section ? Describe(section) : earlier.GetValueOrDefault(name))
                .OfType<string>(),
        ];
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
        foreach (string line in texts.SelectMany(section => section.Split('\n')).Where(line => TargetRow().IsMatch(line)))
        {
            text.AppendLine(line.TrimEnd());
        }

        foreach (string section in texts)
        {
            text.Append(section);
        }

        File.WriteAllText(Path, text.ToString());
    }

    /// <summary>Returns the text of one section.</summary>
    public static string Describe(Section section)
    {
        var text = new StringBuilder();
        Append(text, section);
        return text.ToString();
    }

    // A section begins with its heading; the line below names its benchmark.
    private static Dictionary<string, string> Split(string page) => Heading().Split(page)
        .Select(part => (Name: BenchmarkName().Match(part), Text: $"\n{part}"))
        .Where(part => part.Name.Success)
        .ToDictionary(part => part.Name.Groups[1].Value, part => part.Text);

    [GeneratedRegex(@"\n(?=## )")]
    private static partial Regex Heading();

    [GeneratedRegex(@"\A## .*\n\n`bench/run ([a-z-]+)`, ")]
    private static partial Regex BenchmarkName();

    // A row of four columns of which the third, the target, is filled.
    [GeneratedRegex(@"^\|[^|]*\|[^|]*\| [≤≥] [^|]*\|[^|]*\|\s*$")]
    private static partial Regex TargetRow();

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

        if (section.Ratios.Count + section.Missing.Count > 0)
        {
            text.AppendLine("| figure | measured | target | met |");
            text.AppendLine("|---|---|---|---|");
            foreach (Ratio ratio in section.Ratios)
            {
                AppendRatio(text, ratio);
            }

            foreach (Missing missing in section.Missing)
            {
                AppendMissing(text, missing);
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
        string target = ratio.Target is null ? "" : Limit(ratio.Target);
        string met = ratio.Target is null ? "" : ratio.Target.IsMetBy(ratio.Value) ? "yes" : "**no**";
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"| {ratio.Name} | {Number(ratio.Value)} ({Number(ratio.Lowest)} – {Number(ratio.Highest)}) | {target} | {met} |");
    }

    private static void AppendMissing(StringBuilder text, Missing missing) =>
        text.AppendLine(CultureInfo.InvariantCulture, $"| {missing.Name} | not measured: {missing.Reason} | {Limit(missing.Target)} | – |");

    private static string Limit(Target target) => $"{(target.IsUpper ? "≤" : "≥")} {Number(target.Limit)}";

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
