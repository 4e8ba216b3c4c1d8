using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using FinanceIngest.Cli.Running;

namespace FinanceIngest.Tests.Cli;

/// <summary>Long lists are written as they come: what was written is looked at while the source still has more.</summary>
public sealed partial class ReportTests : IDisposable
{
    private const int Rows = 5 * Report.PageRows;
    private readonly StringWriter _output = new();
    private int _most;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(80, 5)]
    [InlineData(12, 0)]
    [InlineData(null, 1)]
    public async Task A_table_is_written_page_by_page(int? width, int headings)
    {
        IAsyncEnumerable<IReadOnlyList<string>> rows = SourceAsync(Rows, number => (IReadOnlyList<string>)[$"[{number}]", "words of a text"]);

        Assert.Equal(Rows, await new Report(Host(width), json: false).WriteTableAsync(["id", "text"], rows, Token));

        Assert.InRange(_most, 1, Report.PageRows);
        Assert.Equal(Enumerable.Range(1, Rows), Numbers());
        Assert.Equal(headings, _output.ToString().Split('\n').Count(line => Heading().IsMatch(line)));
    }

    [Fact]
    public async Task No_rows_write_nothing()
    {
        Assert.Equal(0, await new Report(Host(80), json: false).WriteTableAsync(["id"], SourceAsync(0, _ => (IReadOnlyList<string>)["x"]), Token));

        Assert.Equal("", _output.ToString());
    }

    [Fact]
    public async Task A_json_list_is_written_in_parts_and_is_one_value()
    {
        const int items = 5000;
        string text = new('é', 500);
        CliHost host = Host(null);

        long count = await new Report(host, json: true).WriteJsonAsync(
            SourceAsync(items, number => $"[{number}] {text}"), (json, item) => json.WriteStringValue(item), Token);

        Assert.Equal(items, count);
        Assert.InRange(_most, 1, (Report.HeldJson / 1000) + 20);
        Assert.Equal(items, JsonDocument.Parse(_output.ToString()).RootElement.GetArrayLength());
        Assert.True(host.HasAnswered);
    }

    [Fact]
    public async Task A_json_list_that_fails_early_leaves_the_answer_to_the_problem()
    {
        CliHost host = Host(null);
        IAsyncEnumerable<int> numbers = SourceAsync(100, number => number < 50 ? number : throw new IOException("x"));

        await Assert.ThrowsAsync<IOException>(
            () => new Report(host, json: true).WriteJsonAsync(numbers, (json, number) => json.WriteNumberValue(number), Token));

        Assert.Equal("", _output.ToString());
        Assert.False(host.HasAnswered);
    }

    public void Dispose() => _output.Dispose();

    private CliHost Host(int? width) =>
        new() { Output = _output, Error = TextWriter.Null, IsOutputTerminal = width is not null, OutputWidth = () => width ?? 0 };

    // Notes before each row how many rows were read and are not written.
    private async IAsyncEnumerable<T> SourceAsync<T>(int count, Func<int, T> make, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (int number = 1; number <= count; number++)
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            if (number % 100 == 0)
            {
                _most = Math.Max(_most, number - 1 - Numbers().LastOrDefault());
            }

            yield return make(number);
        }
    }

    private IEnumerable<int> Numbers() => Number().Matches(_output.ToString()).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));

    [GeneratedRegex(@"\[(\d+)\]")]
    private static partial Regex Number();

    [GeneratedRegex(@"^id\s+text")]
    private static partial Regex Heading();
}
