using System.Text.RegularExpressions;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Tests.Http;

/// <summary>Compares the route table with the attributes by which the Functions host routes requests. The attributes are read from the source.</summary>
public sealed partial class FunctionRoutesTests
{
    [Fact]
    public async Task The_function_app_has_the_routes_of_the_table_and_only_the_open_ones_without_a_key()
    {
        string path = Path.Combine(Repository.Root, "src", "IngestFunction", "Functions.cs");
        string source = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        MatchCollection triggers = Trigger().Matches(source);
        Assert.Equal(Regex.Count(source, @"\[Function\("), triggers.Count);
        IEnumerable<(string Method, string Template, bool IsOpen)> functions =
            from trigger in triggers
            from method in trigger.Groups["method"].Captures
            select (method.Value.ToUpperInvariant(), "/" + trigger.Groups["route"].Value, trigger.Groups["level"].Value == "Open");

        using var folder = new TemporaryFolder();
        var settings = new Settings { DataDirectory = folder.Path };
        await using ServiceProvider services = new ServiceCollection().AddLogging(logging => logging.ClearProviders())
            .AddFinanceIngest(settings).AddIntake(settings).BuildServiceProvider();
        Assert.Equal(
            services.GetRequiredService<Api>().Routes.Select(route => (route.Method, route.Template, route.Scope == Scopes.None)).Order(),
            functions.Order());
        Assert.DoesNotContain(triggers, trigger => trigger.Groups["level"].Value is not ("Open" or "Keyed"));
        Assert.DoesNotContain("AuthorizationLevel.Admin", source, StringComparison.Ordinal);
    }

    [GeneratedRegex("""HttpTrigger\((?<level>[\w.]+)(?:, "(?<method>[a-z]+)")+, Route = "(?<route>[^"]+)"\)""")]
    private static partial Regex Trigger();
}
