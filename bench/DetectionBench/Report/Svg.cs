using System.Globalization;
using System.Text;

namespace FinanceIngest.DetectionBench.Report;

/// <summary>A plot of lines and points as an SVG file that needs nothing else.</summary>
internal sealed class Svg(string title, string across, string up, (double Low, double High) x, (double Low, double High) y)
{
    private const int Width = 640;
    private const int Height = 400;
    private const int Left = 60;
    private const int Top = 40;
    private const int Right = 20;
    private const int Bottom = 50;
    private static readonly string[] s_colours = ["#1b6ca8", "#c8553d", "#588157", "#8d6a9f", "#b08900"];
    private readonly StringBuilder _body = new();
    private int _series;

    /// <summary>Adds a line with its name.</summary>
    public void Line(string name, IEnumerable<(double X, double Y)> points)
    {
        string colour = s_colours[_series % s_colours.Length];
        string path = string.Join(' ', points.Select(point => $"{Text(AtX(point.X))},{Text(AtY(point.Y))}"));
        _body.AppendLine(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{path}\"/>");
        int row = Top + 16 + (18 * _series++);
        _body.AppendLine(CultureInfo.InvariantCulture, $"<text x=\"{Left + 12}\" y=\"{row}\" fill=\"{colour}\">{name}</text>");
    }

    /// <summary>Writes the plot to a file.</summary>
    public void Write(string path) => File.WriteAllText(path, $"""
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" font-family="sans-serif" font-size="13">
        <rect width="{Width}" height="{Height}" fill="white"/>
        <text x="{Width / 2}" y="22" text-anchor="middle" font-size="15">{title}</text>
        <text x="{Width / 2}" y="{Height - 10}" text-anchor="middle">{across}</text>
        <text x="16" y="{Height / 2}" text-anchor="middle" transform="rotate(-90 16 {Height / 2})">{up}</text>
        {Axes()}{_body}</svg>

        """);

    private string Axes()
    {
        const int steps = 5;
        var axes = new StringBuilder();
        for (int i = 0; i <= steps; i++)
        {
            double px = x.Low + ((x.High - x.Low) * i / steps), py = y.Low + ((y.High - y.Low) * i / steps);
            axes.AppendLine(
                CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Text(AtY(py))}\" y2=\"{Text(AtY(py))}\" stroke=\"#ddd\"/>");
            axes.AppendLine(CultureInfo.InvariantCulture, $"<text x=\"{Left - 6}\" y=\"{Text(AtY(py) + 4)}\" text-anchor=\"end\">{py:0.##}</text>");
            axes.AppendLine(CultureInfo.InvariantCulture, $"<text x=\"{Text(AtX(px))}\" y=\"{Height - Bottom + 18}\" text-anchor=\"middle\">{px:0.##}</text>");
        }

        return axes.ToString();
    }

    private double AtX(double value) => Left + ((Width - Left - Right) * (Math.Clamp(value, x.Low, x.High) - x.Low) / (x.High - x.Low));

    private double AtY(double value) => Height - Bottom - ((Height - Top - Bottom) * (Math.Clamp(value, y.Low, y.High) - y.Low) / (y.High - y.Low));

    private static string Text(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
