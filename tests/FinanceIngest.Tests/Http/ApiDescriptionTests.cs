using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Tests.Http;

public sealed partial class ApiDescriptionTests
{
    [Fact]
    public async Task Describes_exactly_the_query_parameters_that_the_routes_take()
    {
        var settings = new Settings { DataDirectory = Path.GetTempPath(), Roles = Roles.Intake | Roles.Scorer | Roles.Dispatcher };
        await using ServiceProvider services = new ServiceCollection().AddLogging(logging => logging.ClearProviders())
            .AddFinanceIngest(settings).AddIntake(settings).AddOverview().AddBaselines().AddCaseViews().BuildServiceProvider();
        IEnumerable<(string, string, string)> routes = services.GetRequiredService<Api>().Routes
            .Select(route => (route.Method, route.Template, string.Join(", ", route.Query.Order())));
        Assert.Equal(routes.Order(), ApiDescription.Instance.QueryParameters.Order());
    }

    [Fact]
    public async Task Describes_exactly_the_routes_of_the_code_and_their_scopes()
    {
        var settings = new Settings { DataDirectory = Path.GetTempPath(), Roles = Roles.Intake | Roles.Scorer | Roles.Dispatcher };
        await using ServiceProvider services = new ServiceCollection().AddLogging(logging => logging.ClearProviders())
            .AddFinanceIngest(settings).AddIntake(settings).AddOverview().AddBaselines().AddCaseViews().BuildServiceProvider();
        IEnumerable<(string, string, string?)> routes = services.GetRequiredService<Api>().Routes
            .Select(route => (route.Method, route.Template, route.Scope == Scopes.None ? null : route.Scope.ToString().ToLowerInvariant()));
        Assert.Equal(routes.Order(), ApiDescription.Instance.Operations.Order());
    }

    [Fact]
    public void Its_examples_are_valid()
    {
        Assert.NotEmpty(ApiDescription.Instance.Examples());
        Assert.All(ApiDescription.Instance.Examples(), example =>
        {
            IReadOnlyList<string> errors = ApiDescription.Instance.Validate(example.Schema, example.Example.ToJsonString());
            Assert.True(errors is [], $"{example.Where}: {string.Join("; ", errors)}");
        });
    }

    // These cases test the validator itself: if it accepted everything, every other test would pass.
    [Theory]
    [InlineData("Accepted", """{"id":"01a204d7-059f-8d5a-a9c0-40695736d4e3","status":"pending"}""")]
    [InlineData("Accepted", """{"id":"01a204d7-059f-8d5a-a9c0-40695736d4e3","status":"scored","status_url":"/x"}""")]
    [InlineData("Accepted", """{"id":"01a204d7-059f-8d5a-a9c0-40695736d4e3","status":"pending","status_url":"/x","more":1}""")]
    [InlineData("Accepted", """{"id":"01a204d7-059f-4d5a-a9c0-40695736d4e3","status":"pending","status_url":"/x"}""")]
    [InlineData("Result", """{"id":"01a204d7-059f-8d5a-a9c0-40695736d4e3","status":"purged"}""")]
    [InlineData("Result", """{"id":"01a204d7-059f-8d5a-a9c0-40695736d4e3","status":"pending","amount":1}""")]
    [InlineData("Timestamp", "\"2026-11-22T12:00:00Z\"")]
    [InlineData("Money", "922337203685479")]
    [InlineData("Transaction", """{"user_id":0,"category_id":1,"amount":1}""")]
    [InlineData("Transaction", """{"user_id":1.5,"category_id":1,"amount":1}""")]
    [InlineData("Transaction", """{"user_id":9223372036854775808,"category_id":1,"amount":1}""")]
    [InlineData("Transaction", """{"user_id":1,"category_id":1,"amount":"NaN"}""")]
    [InlineData("Transaction", """{"user_id":1,"category_id":1,"amount":true}""")]
    [InlineData("KeyProblem", """{"type":"urn:finance-ingest:problem:scope","title":"x","status":401,"detail":"x"}""")]
    [InlineData("BadRequestProblem", """{"type":"urn:finance-ingest:problem:key","title":"x","status":400,"detail":"x"}""")]
    [InlineData("BadRequestProblem", """{"type":"urn:finance-ingest:problem:validation","title":"x","status":400,"detail":"x","errors":{"a":"x"}}""")]
    [InlineData("AnomaliesPage", """{"anomalies":[]}""")]
    public void Refuses_what_is_wrong(string schema, string json) =>
        Assert.NotEmpty(ApiDescription.Instance.Validate(Reference(schema), json));

    // Older clients index z_score and baseline, so a scored result without them is wrong.
    [Theory]
    [InlineData("z_score")]
    [InlineData("baseline")]
    [InlineData("is_anomaly")]
    public void Refuses_a_scored_result_without_a_member_that_older_clients_index(string member)
    {
        JsonObject result = ApiDescription.Instance.Examples().Select(example => example.Example).OfType<JsonObject>()
            .First(example => (string?)example["status"] == "scored" && example["z_score"] is null).DeepClone().AsObject();
        Assert.Empty(ApiDescription.Instance.Validate(Reference("ScoredResult"), result.ToJsonString()));
        result.Remove(member);
        Assert.NotEmpty(ApiDescription.Instance.Validate(Reference("ScoredResult"), result.ToJsonString()));
    }

    [Theory]
    [InlineData("Money", "922337203685477.5807")]
    [InlineData("Money", "-922337203685477.5807")]
    [InlineData("Transaction", """{"user_id":9223372036854775807,"category_id":1,"amount":"1e2","note":[]}""")]
    [InlineData("AnomaliesPage", """{"anomalies":[],"next":null}""")]
    public void Takes_what_is_right(string schema, string json) =>
        Assert.Empty(ApiDescription.Instance.Validate(Reference(schema), json));

    [Fact]
    public void Every_reference_leads_somewhere()
    {
        JsonNode document = JsonNode.Parse(FinanceIngest.Health.OpenApiEndpoints.Document.Span)!;
        string[] references = [.. References(document).Distinct()];
        Assert.All(references, reference => Assert.NotNull(reference.Split('/').Skip(1).Aggregate((JsonNode?)document, (parent, name) => parent?[name])));
    }

    [Fact]
    public async Task The_page_for_people_has_every_route_and_every_type_of_problem()
    {
        string page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "api.md"));
        string description = System.Text.Encoding.UTF8.GetString(FinanceIngest.Health.OpenApiEndpoints.Document.Span);
        Assert.All(ApiDescription.Instance.Operations, operation => Assert.Contains($"`{operation.Method} {operation.Path}`", page, StringComparison.Ordinal));
        Assert.Equal(ProblemTypes(description), ProblemTypes(page));
    }

    private static IEnumerable<string> ProblemTypes(string text) => ProblemType().Matches(text).Select(match => match.Value).Distinct().Order();

    [GeneratedRegex("urn:finance-ingest:problem:[a-z-]+")]
    private static partial Regex ProblemType();

    private static JsonObject Reference(string schema) => new() { ["$ref"] = $"#/components/schemas/{schema}" };

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonArray array => array.SelectMany(References),
        JsonObject members => members.SelectMany(member => member is { Key: "$ref", Value: JsonValue value } ? [(string)value!] : References(member.Value)),
        _ => [],
    };
}
